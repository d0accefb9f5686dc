"""Notes: what the router reads of a request, and how long it waits.

Section:  fastrouter / Notes
What:     `asked_of` walks the vars of a request once and keeps the few that the router needs.
          The key is the first of these that is there, not empty and not over 255 bytes:

              UWSGI_FASTROUTER_KEY   depends on the web server's configuration alone
              HTTP_HOST              as the client wrote it: case, port and dots included
              SERVER_NAME

Units:    seconds; sizes in bytes.
Errors:   `PacketError` for vars that do not end where the block ends.
"""

from __future__ import annotations

from refuwsgi.gateway_rules import UNKNOWN, Asked
from refuwsgi.options import Config, Option, number, seconds
from refuwsgi.protocol.uwsgi import PacketError

EVENTS = Option(
    "fastrouter-events",
    number,
    default=64,
    help="how many events the router takes from the kernel at once; no limit on its clients",
)
TIMEOUT = Option(
    "fastrouter-timeout",
    seconds,
    default=60.0,
    help="end a session in which nothing happened for this many seconds",
)

LONGEST = 255  # of a key

WANTED = frozenset((
    b"UWSGI_FASTROUTER_KEY", b"HTTP_HOST", b"SERVER_NAME", b"CONTENT_LENGTH", b"REMOTE_ADDR",
    b"REMOTE_PORT", b"HTTP_UPGRADE", b"HTTP_TRANSFER_ENCODING", b"PATH_INFO",
))  # fmt: skip
KEYS = (b"UWSGI_FASTROUTER_KEY", b"HTTP_HOST", b"SERVER_NAME")


def found_in(block: bytes) -> dict[bytes, bytes]:
    """Walk all vars of a block, and keep those that are wanted and not empty."""
    found: dict[bytes, bytes] = {}
    place, end = 0, len(block)
    try:
        while place < end:
            # This is the loop that every request pays for: most sizes fit into one byte.
            name = place + 2
            value = name + block[place] + 2
            if block[place + 1]:
                value += block[place + 1] << 8
            place = value + block[value - 2]
            if block[value - 1]:
                place += block[value - 1] << 8
            called = block[name : value - 2]
            # Departure: in uWSGI an empty HTTP_HOST hides SERVER_NAME in some orders.
            if called in WANTED and place > value:
                found[called] = block[value:place]
            elif not called:
                raise PacketError("a var without a key")
    except IndexError:
        raise PacketError("a var ends inside its size") from None
    if place != end:
        raise PacketError("a var runs past the block")
    return found


def key_of(found: dict[bytes, bytes]) -> bytes:
    """The key of a request; empty when it has none."""
    for name in KEYS:
        value = found.get(name, b"")
        if 0 < len(value) <= LONGEST:
            return value
    return b""


def asked_of(block: bytes) -> Asked:
    """Read what the router needs to know of a request."""
    found = found_in(block)
    announced = found.get(b"CONTENT_LENGTH")
    key, length = key_of(found), 0 if announced is None else length_of(announced)
    streams = b"HTTP_UPGRADE" in found or b"HTTP_TRANSFER_ENCODING" in found
    return Asked(
        key,
        length,
        streams,
        found.get(b"REMOTE_ADDR", b""),
        found.get(b"REMOTE_PORT", b""),
        found.get(b"PATH_INFO", b""),
        plain=bool(key) and not (length or streams),
    )


def length_of(value: bytes) -> int:
    """The size of a body, 0 when nothing is said; UNKNOWN for what is no size."""
    if value.isdigit() and len(value) < 19:
        return int(value)
    return UNKNOWN if value else 0


def timeout(config: Config) -> float:
    """How long a session may be silent."""
    # uWSGI: 0 is the default, not "for ever".
    return config[TIMEOUT] or TIMEOUT.default
