"""What the emperor tells about its vassals: one JSON object to whoever connects.

Section: vassals / On demand vassals (socket activation); the emperor's stats
What: the fields of uWSGI, which its tools read, and behind them a few that only we have: the name
      of a vassal's state, how often it was woken, how many connections wait in its socket.
Units: times are whole seconds since the epoch, flags 0 or 1, `throttle_level` milliseconds.
Errors: a client that does not read is left alone after `TIMEOUT` seconds.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any

from refuwsgi.loop import Loop
from refuwsgi.options import Option, text
from refuwsgi.streams import accept, send_all
from refuwsgi.vassals.throttle import Blacklist, Entry
from refuwsgi.vassals.vassal import Vassal

EMPEROR_STATS: Option[str | None] = Option(
    "emperor-stats",
    text,
    default=None,
    help="tell everybody who connects to this address how the vassals are doing",
    aliases=("emperor-stats-server",),
)

TIMEOUT = 4.0
VERSION = "2.0.31"  # whose fields these are
TCP_INFO_UNACKED = slice(24, 28)  # of a listening TCP socket: how many wait to be accepted
HTTP_HEAD = (
    b"HTTP/1.0 200 OK\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\n"
    b"Content-Type: application/json\r\n\r\n"
)


def row_of(vassal: Vassal) -> dict[str, Any]:
    """What is known of one vassal."""
    found, door, process = vassal.found, vassal.door, vassal.process
    return {
        "id": vassal.name,
        "pid": process.pid if process else -1,
        "born": vassal.born // 10**9,
        "last_mod": found.modified // 10**9,
        "last_heartbeat": int(vassal.last_heartbeat),
        "loyal": int(vassal.loyal),
        "ready": int(vassal.ready),
        "accepting": int(vassal.accepting),
        "last_loyal": int(vassal.last_loyal),
        "last_ready": int(vassal.last_ready),
        "last_accepting": int(vassal.last_accepting),
        "first_run": int(vassal.first_run),
        "last_run": int(vassal.last_run),
        "cursed": int(process.cursed) if process else 0,
        "zerg": 0,
        "on_demand": door.name if door else "",
        "uid": max(found.uid, 0),
        "gid": max(found.gid, 0),
        "monitor": vassal.monitor,
        "respawns": max(vassal.respawns - 1, 0),
        # Beyond: what follows is ours.
        "state": vassal.state.name.lower(),
        "wakes": vassal.wakes,
        "waiting": _waiting(door.sock) if door else 0,
    }


def _waiting(sock: socket.socket) -> int:
    """How many connections wait in the queue of a listening socket; 0 where nobody can tell."""
    if sock.family == socket.AF_UNIX or not hasattr(socket, "TCP_INFO"):
        return 0
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    except OSError:
        return 0
    return int(struct.unpack("I", info[TCP_INFO_UNACKED])[0])


def entry_of(name: str, entry: Entry) -> dict[str, Any]:
    """What is known of a vassal that is held back."""
    # The blacklist counts on the monotonic clock.
    offset = time.time() - time.monotonic()
    return {
        "id": name,
        "throttle_level": entry.level,
        "attempt": entry.attempt,
        "first_attempt": int(entry.first_attempt + offset),
        "last_attempt": int(entry.last_attempt + offset),
    }


def snapshot(
    monitors: Iterable[str], vassals: Iterable[Vassal], blacklist: Blacklist, tyrant: bool
) -> dict[str, Any]:
    """Everything, as it will be sent."""
    return {
        "version": VERSION,
        "pid": os.getpid(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "cwd": os.getcwd(),
        "emperor": list(monitors),
        "emperor_tyrant": int(tyrant),
        "throttle_level": blacklist.throttle,
        "vassals": [row_of(vassal) for vassal in vassals],
        "blacklist": [entry_of(*item) for item in sorted(blacklist.entries.items())],
    }


async def answer(
    loop: Loop, listener: socket.socket, told: Callable[[], dict[str, Any]], http: bool
) -> None:
    """Answer everybody who connects, one task for each."""
    import json

    while True:
        client, _ = await accept(listener)
        body = json.dumps(told(), indent=1).encode()
        loop.spawn(_tell(client, (HTTP_HEAD if http else b"") + body))


async def _tell(client: socket.socket, text: bytes) -> None:
    with client:
        try:
            await send_all(client, text, TIMEOUT)
        except OSError:  # TimeoutError is one
            pass
