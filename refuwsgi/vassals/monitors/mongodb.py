"""The monitor of a MongoDB collection: every document is a vassal.

Section: vassals / Using on demand vassals with other imperial monitors; MongoDB
What: ``mongodb://host:port,database.collection,{filter}``; what is left out is 127.0.0.1:27017,
      uwsgi.emperor.vassals and no filter.  A document has `name`, `config` (without it, a file of
      that name), `ts` (a date), `uid` and `gid` for tyrant mode, and `socket`: the on-demand
      socket.
Errors: `OptionError` when pymongo is not installed or the filter is no JSON.  A server that does
      not answer is said in the log; nothing is stopped, the next scan tries again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from refuwsgi import log
from refuwsgi.options import OptionError
from refuwsgi.vassals.monitors.driver import driver
from refuwsgi.vassals.monitors.monitor import Wishes
from refuwsgi.vassals.scan import Found

SCHEME = "mongodb://"
DEFAULT_ADDRESS = "127.0.0.1:27017"
DEFAULT_COLLECTION = "uwsgi.emperor.vassals"
FIELDS = ("name", "config", "ts", "uid", "gid", "socket")
PATIENCE = 5000  # milliseconds
BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_$][\w.$]*)\s*:")


class Mongodb:
    """The monitor that finds documents."""

    names_sockets = True

    def __init__(self, name: str, wishes: Wishes) -> None:
        self.name = name
        self._wishes = wishes
        address, _, rest = name.removeprefix(SCHEME).partition(",")
        collection, _, wanted = rest.partition(",")
        self._filter = _filter(wanted, name)
        self._driver = driver("pymongo", "mongodb", name)
        self._database, _, self._collection = (collection or DEFAULT_COLLECTION).partition(".")
        self._url = f"mongodb://{address or DEFAULT_ADDRESS}"

    def look(self) -> Sequence[Found] | None:
        """Name the vassal of every document."""
        try:
            documents = self._documents()
        except self._driver.errors.PyMongoError as error:
            log.line(f"[emperor-mongodb] ERROR({self.name}): {error}")
            return None
        return list(vassals_of(documents, self._wishes))

    def _documents(self) -> list[Mapping[str, Any]]:
        # The driver starts threads, and the emperor must have none when it forks.
        with self._driver.MongoClient(
            self._url,
            serverSelectionTimeoutMS=PATIENCE,
            connectTimeoutMS=PATIENCE,
            socketTimeoutMS=PATIENCE,
            connect=False,
        ) as client:
            collection = client[self._database][self._collection]
            return list(collection.find(self._filter, dict.fromkeys(FIELDS, 1)))

    def descriptors(self) -> list[int]:
        """Name no descriptor: the collection is looked at regularly."""
        return []

    def close(self) -> None:
        """Let go of nothing: there is a new connection for each look."""


def _filter(wanted: str, address: str) -> dict[str, Any]:
    import json

    if not wanted:
        return {}
    try:
        # uWSGI: the keys need no quotes.
        found = json.loads(BARE_KEY.sub(r'\1"\2":', wanted))
    except ValueError as problem:
        raise OptionError(f"--emperor {address}: the filter is no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise OptionError(f"--emperor {address}: expected a JSON object for a filter")
    return found


def vassals_of(documents: Iterable[Mapping[str, Any]], wishes: Wishes) -> Iterable[Found]:
    """Turn documents into vassals; one that is none is passed over."""
    for document in documents:
        name = document.get("name")
        if not isinstance(name, str) or not wishes.accepts(name):
            continue
        config = document.get("config")
        socket = document.get("socket")
        yield Found(
            name,
            _nanoseconds(document.get("ts")),
            wishes.start,
            None if config else os.path.join(wishes.start, name),
            str(config).encode() if config else None,
            _number(document.get("uid")),
            _number(document.get("gid")),
            socket if isinstance(socket, str) and socket else None,
        )


def _nanoseconds(value: Any) -> int:
    # uWSGI: only a date counts.
    if not isinstance(value, datetime):
        return 0
    return int((value - datetime(1970, 1, 1, tzinfo=value.tzinfo)).total_seconds() * 1000) * 10**6


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1


def configured(address: str, wishes: Wishes) -> Mongodb | None:
    """Build the monitor for an address, if it is this one."""
    return Mongodb(address, wishes) if address.startswith(SCHEME) else None
