"""What an operator writes to have an instance announced.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the values of subscribe-to
What:     reads the two forms of a subscription into an `Entry`.

          [ADDR=]SERVER:KEY[,MODIFIER1[,DIGEST:KEYFILE]]
              SERVER is host:port, or begins with a slash; KEY may hold colons
          server=SERVER,key=KEY[,addr=][,socket=][,weight=][,modifier1=][,modifier2=]
              [,sign=DIGEST:KEYFILE][,check=FILE][,algo=][,backup=][,proto=]
              [,sni_key=][,sni_crt=][,sni_ca=]

Errors:   `OptionError`, with the place and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from refuwsgi.options import JOIN, Option, OptionError, flag, number, seconds, text, texts

SUBSCRIBE_TO = Option(
    "subscribe-to",
    texts,
    default=(),
    help="announce this instance: SERVER:KEY[,MODIFIER1[,DIGEST:KEYFILE]] or SERVER:@FILE",
    aliases=("subscribe", "st"),
    repeat=JOIN,
    implies=("master",),
)
SUBSCRIBE2 = Option(
    "subscribe2",
    texts,
    default=(),
    help="announce this instance, in fields: server=...,key=...,weight=...",
    repeat=JOIN,
    implies=("master",),
)
SUBSCRIBE_FREQ = Option(
    "subscribe-freq", seconds, default=10.0, help="announce this instance every so many seconds"
)
SUBSCRIBE_WITH_MODIFIER1: Option[int | None] = Option(
    "subscribe-with-modifier1",
    number,
    default=None,
    help="announce this modifier1 with every key",
)
START_UNSUBSCRIBED = Option(
    "start-unsubscribed",
    flag,
    default=False,
    help="do not announce this instance before the master fifo says so",
    bare="true",
)
UNSUBSCRIBE_ON_GRACEFUL_RELOAD = Option(
    "unsubscribe-on-graceful-reload",
    flag,
    default=False,
    help="say goodbye to the routers before a graceful reload, too",
    bare="true",
)
WEIGHT = Option(
    "weight", number, default=0, help="this instance's share, beside other nodes' of a key"
)
AUTO_WEIGHT = Option(
    "auto-weight",
    flag,
    default=False,
    help="announce processes times threads as the weight",
    bare="true",
)
NOTIFY_SOCKET: Option[str | None] = Option(
    "notify-socket",
    text,
    default=None,
    help="bind a UNIX datagram socket, announce it, and log what routers send there",
)
SUBSCRIPTION_NOTIFY_SOCKET: Option[str | None] = Option(
    "subscription-notify-socket",
    text,
    default=None,
    help="the same; a UDP host:port may be given, too",
)

SERVER = re.compile(r"(?P<server>/[^:]*|\[[^\]]*\]:\d+|[^:/]*:\d+):(?P<rest>.*)", re.DOTALL)
Signer = Callable[[bytes], bytes]


SNI = ("sni_key", "sni_crt", "sni_ca")


class Entry(NamedTuple):
    """One subscription: to whom, as what."""

    value: str  # as the operator wrote it; shown in the log
    server: str
    key: str
    modifier1: int = 0
    modifier2: int = 0
    address: str = ""
    socket: int | None = None
    weight: int | None = None
    backup: int = 0
    algorithm: str = ""
    protocol: str = ""
    check: str = ""
    signer: Signer | None = None
    sni: tuple[tuple[bytes, bytes], ...] = ()  # a TLS router's fields, sent as they were given


def entry_of(value: str, where: str) -> Entry:
    """Read the value of subscribe-to."""
    first, equals, behind = value.partition("=")
    if value.startswith("="):  # ``=0=server:key``: the shared socket of that number
        number_, equals, behind = value[1:].partition("=")
        first = f"={number_}"
        if not number_.isdigit():
            raise _error(value, where)
    found = SERVER.fullmatch(value)
    address = ""
    if equals and SERVER.fullmatch(behind) and not (found and "=" in found["rest"]):
        found, address = SERVER.fullmatch(behind), first
    if found is None or not found["rest"]:
        raise _error(value, where)
    key, _, rest = found["rest"].partition(",")
    modifier, _, sign = rest.partition(",")
    if not key or (modifier and not modifier.isdigit()):
        raise _error(value, where)
    return Entry(
        value,
        found["server"],
        key,
        int(modifier or "0") & 0xFF,
        address=address,
        signer=signer_of(sign, where) if sign else None,
    )


def _error(value: str, where: str) -> OptionError:
    return OptionError(
        f"{where}: {SUBSCRIBE_TO.name}: expected SERVER:KEY[,MODIFIER1[,DIGEST:KEYFILE]], "
        f"got {value!r}"
    )


def fields_of(value: str, where: str) -> Entry:
    """Read the value of subscribe2."""
    given = {}
    for part in re.split(r"(?<!\\),", value):
        name, _, content = part.replace("\\,", ",").partition("=")
        given[name.strip()] = content
    if not given.get("server") or not given.get("key"):
        raise OptionError(f"{where}: {SUBSCRIBE2.name}: expected server= and key=, got {value!r}")
    if given.get("proto", "uwsgi") != "uwsgi":
        raise OptionError(f"{where}: {SUBSCRIBE2.name}: expected proto=uwsgi, got {value!r}")

    def count(name: str) -> int:
        try:
            return number(given.get(name) or "0")
        except ValueError as problem:
            raise OptionError(f"{where}: {SUBSCRIBE2.name}: {name}: {problem}") from None

    return Entry(
        value,
        given["server"],
        given["key"],
        count("modifier1") & 0xFF,
        count("modifier2") & 0xFF,
        given.get("addr", ""),
        count("socket") if "socket" in given else None,
        count("weight") if "weight" in given else None,
        count("backup"),
        given.get("algo", ""),
        given.get("proto", ""),
        given.get("check", ""),
        signer_of(given["sign"], where) if given.get("sign") else None,
        tuple((name.encode(), given[name].encode()) for name in SNI if given.get(name)),
    )


def signer_of(value: str, where: str) -> Signer:
    """Read ``DIGEST:KEYFILE`` and the key; make what signs with it."""
    from refuwsgi.protocol.signature import KeyFileError, digest_called, private_key, sign

    name, colon, path = value.partition(":")
    digest = digest_called(name)
    if not colon or not path:
        raise OptionError(
            f"{where}: invalid RSA signature syntax, must be: <digest>:<pemfile>, got {value!r}"
        )
    if digest is None:
        raise OptionError(f"{where}: unknown digest algo: {name}")
    # Departure: where uWSGI cannot read the key, it goes on unsigned.
    try:
        with open(path, "rb") as file:
            key = private_key(file.read(65536))
    except OSError as problem:
        raise OptionError(f'{where}: open("{path}"): {problem.strerror}') from None
    except KeyFileError as problem:
        raise OptionError(f"{where}: unable to load private key: {path}: {problem}") from None
    return lambda message: sign(message, digest, key)
