"""log-encoder: what is done to a message before it is written.

Section:  ground / the log; its encoders
What:     a chain of small functions from bytes to bytes, each built from one line of the
          configuration; an encoder may be for one named logger only.

              log-encoder = json {"t": ${unix}, "m": "${msg}"}
              log-encoder = nl
              log-encoder = format:audit <${msg}>

Units:    ``${unix}`` is seconds, ``${micros}`` microseconds.
Errors:   OptionError for an encoder that is not known.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from refuwsgi.options import OptionError

Encode = Callable[[bytes], bytes]
PLACE = re.compile(r"\$\{([^}]*)\}")


class Encoder(NamedTuple):
    """One link of the chain."""

    logger: str  # for which named logger; "" for those that have no name
    encode: Encode


def parse(line: str, where: str) -> Encoder:
    """Build an encoder from `name[:logger] argument`."""
    head, _, argument = line.partition(" ")
    name, _, logger = head.partition(":")
    make = KINDS.get(name)
    if make is None:
        raise OptionError(f'{where}: log encoder "{name}" not found, there are {", ".join(KINDS)}')
    return Encoder(logger, make(argument))


def encoded(message: bytes, chain: Sequence[Encoder], logger: str) -> bytes:
    """Send a message through those links that are for this logger."""
    for link in chain:
        if link.logger == logger or not link.logger:
            message = link.encode(message)
    return message


def _prefix(text: str) -> Encode:
    return lambda message: text.encode() + message


def _suffix(text: str) -> Encode:
    return lambda message: message + text.encode()


def _nl(_: str) -> Encode:
    return lambda message: message + b"\n"


def _format(pattern: str) -> Encode:
    return _Pattern(pattern, str).encode


def _json(pattern: str) -> Encode:
    return _Pattern(pattern, _quoted).encode


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)[1:-1]


class _Pattern:
    """A text with places for facts about the message."""

    def __init__(self, pattern: str, shown: Callable[[str], str]) -> None:
        self._parts = PLACE.split(pattern)  # text, name, text, name, ..., text
        self._shown = shown

    def encode(self, message: bytes) -> bytes:
        """Put the message, the time, into the places."""
        now = time.time_ns() // 1000
        words = message.decode(errors="surrogateescape")
        made = [
            self._fact(part, words, now) if place % 2 else part
            for place, part in enumerate(self._parts)
        ]
        return "".join(made).encode(errors="surrogateescape")

    def _fact(self, name: str, message: str, now: int) -> str:
        if name == "msg":
            return self._shown(message.removesuffix("\n"))
        if name == "msgnl":
            return self._shown(message)
        if name == "unix":
            return str(now // 1_000_000)
        if name == "micros":
            return str(now)
        if name.startswith("strftime:"):
            return time.strftime(name[9:], time.localtime(now // 1_000_000))
        return ""


KINDS: dict[str, Callable[[str], Encode]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "nl": _nl,
    "format": _format,
    "json": _json,
}
