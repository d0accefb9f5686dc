"""Actions on what lies around a request: the process, its numbers, its signals.

Section:  ground / internal routing; actions on the instance
What:     metricinc and its kin, setprocname, expires, hash, alarm and signal.  All go on with the
          next rule.

              metricinc:NAME[,N]      metricset: metricdec: metricmul: metricdiv:
              expires:[unix=N|filename=FILE][,value=SECONDS]
              hash:key=TEXT,var=NAME,items=A;B;C[,algo=djb33x|rr|rand]

Units:    seconds since 1970.
Errors:   ValueError at the start for arguments that are none, and for what is not built.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from itertools import count

from refuwsgi import api, log, processes
from refuwsgi.request import Request
from refuwsgi.routing.actions import clean
from refuwsgi.routing.pairs import pairs_of
from refuwsgi.routing.text import DATE, Text, octets, provide
from refuwsgi.routing.verdicts import NEXT, Action, Groups, Maker

WHOLE = range(-(1 << 63), 1 << 63)
SIGNALS = range(256)
NO_METRIC = "route: there is no metric {!r} that could be changed"
NO_SIGNAL = "error managing signal {} on worker {}"
HASH_SYNTAX = "invalid route syntax: you need to specify a hash key, a var and a set of items"


def _whole(text: str, allowed: range) -> int:
    try:
        value = int(text) if text.isascii() else None
    except ValueError:
        value = None
    if value is None or value not in allowed:
        raise ValueError(f"expected a whole number, got {text!r}")
    return value


# ---------------------------------------------------------------------- metrics


def metric(call: str) -> Maker:
    """Make the action that changes one of the operator's metrics."""

    def make(argument: str) -> Action:
        name, comma, amount = octets(argument).partition(",")
        if not name:
            raise ValueError("expected NAME or NAME,NUMBER")
        value = _whole(amount, WHOLE) if comma else 1

        def action(request: Request, groups: Groups) -> int:
            change = vars(api.module).get(call)
            if change is None or change(name, value) is None:
                # Departure: uWSGI closes the connection without a byte.
                log.line(NO_METRIC.format(name))
            return NEXT

        return action

    return make


def _metric_of(request: Request, name: str) -> str:
    found = vars(api.module).get("metric_get")
    return str(found(name)) if found is not None else "0"


provide("metric", _metric_of)


# ---------------------------------------------------------------------- the process


def process_name(argument: str) -> Action:
    """Show a text in the list of processes."""
    text = Text(argument)

    def action(request: Request, groups: Groups) -> int:
        processes.show_title(clean(text(request, groups)))
        return NEXT

    return action


def signal(argument: str) -> Action:
    """Raise one of uWSGI's own signals, for which nobody can be registered here."""
    number = _whole(argument, SIGNALS)

    def action(request: Request, groups: Groups) -> int:
        log.line(NO_SIGNAL.format(number, request.worker))  # uWSGI: as for any without a handler
        return NEXT

    return action


def alarm(argument: str) -> Action:
    """Raise an alarm: here there is none to be raised but the log."""
    name, blank, message = argument.partition(" ")
    if not blank or not name:
        raise ValueError("expected NAME TEXT")
    text = Text(message)

    def action(request: Request, groups: Groups) -> int:
        # Departure: uWSGI says nothing where no alarm has that name, and here none can have it.
        said = clean(text(request, groups)).encode("latin-1", "replace").decode("utf-8", "replace")
        log.line(f"alarm {name}: {said}")
        return NEXT

    return action


# ---------------------------------------------------------------------- headers and variables


def expires(argument: str) -> Action:
    """Add the header Expires: so many seconds after a moment or after a file's last change."""
    words = pairs_of(argument)
    later, moment, file = (Text(words.get(name, "")) for name in ("value", "unix", "filename"))

    def action(request: Request, groups: Groups) -> int:
        name = file(request, groups)
        try:
            # uWSGI: without a moment and without a file it is counted from 1970.
            base = os.stat(name.encode("latin-1")).st_mtime if name else 0
            base = _whole(moment(request, groups) or "0", WHOLE) or base
            until = int(base) + _whole(later(request, groups) or "0", WHOLE)
            date = time.strftime(DATE, time.gmtime(until))
        except (OSError, ValueError, OverflowError) as problem:
            # Departure: uWSGI closes the connection when there is no such file.
            log.line(f"expires: {problem}")
        else:
            request.extra_headers += (("Expires", date),)
        return NEXT

    return action


def djb33x(key: bytes) -> int:
    """Hash as uWSGI does."""
    found = 5381
    for each in key:
        found = (found * 33 ^ each) & 0xFFFFFFFF
    return found


_turns = count()
ALGORITHMS: dict[str, Callable[[bytes], int]] = {
    "djb33x": djb33x,
    "rr": lambda key: next(_turns),
    "rand": lambda key: random.getrandbits(32),
    "random": lambda key: random.getrandbits(32),
}


def hash_to_item(argument: str) -> Action:
    """Set a variable to one of some items, by the hash of a key."""
    words = pairs_of(argument)
    if not (words.get("key") and words.get("var") and words.get("items")):
        raise ValueError(HASH_SYNTAX)
    algorithm = words.get("algo") or "djb33x"
    hashed = ALGORITHMS.get(algorithm)
    if hashed is None:
        raise ValueError(f"expected one of {', '.join(ALGORITHMS)} for algo, got {algorithm!r}")
    key, items, name = Text(words["key"]), Text(words["items"]), octets(words["var"])

    def action(request: Request, groups: Groups) -> int:
        choice = items(request, groups).split(";")
        place = hashed(key(request, groups).encode("latin-1", "replace"))
        request.environ[name] = choice[place % len(choice)]
        return NEXT

    return action


def _unbuilt(what: str) -> Maker:
    def make(argument: str) -> Action:
        raise ValueError(f"{what} is not built here")

    return make


RPC = ("call", "rpc", "rpcret", "rpcnext", "rpcblob", "rpcraw", "rpcvar")
METRICS = ("inc", "dec", "mul", "div", "set")
ACTIONS: dict[str, Maker] = {
    **{f"metric{name}": metric(f"metric_{name}") for name in METRICS},
    "setprocname": process_name,
    "signal": signal,
    "alarm": alarm,
    "expires": expires,
    "hash": hash_to_item,
    **dict.fromkeys(RPC, _unbuilt("the RPC subsystem")),
}
