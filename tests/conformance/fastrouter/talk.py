"""What the cases of the router share: nodes that say their name, and announcements.

What: announcements are made here byte by byte, so that no code of the subject judges itself.
"""

import os
import re
import signal
import socket
import struct
import threading
from typing import Any

from tests.conformance.harness import (
    Answer,
    Backend,
    Received,
    Starter,
    Subject,
    ask,
    eventually,
    free_port,
    packet,
    request_vars,
    stats,
    wire,
)

TALLY = "master = true\nfastrouter = 127.0.0.1:PORT\n"
"""The beginning of most configurations."""

ROUTER = r"spawned uWSGI fastrouter 1 \(pid: (\d+)\)"


def node(name: str, path: str = "", hold: threading.Event | None = None) -> Backend:
    """A node that answers its name."""
    return Backend(name.encode(), protocol="uwsgi", path=path, hold=hold)


def echo(sock: socket.socket, received: Received) -> None:
    """Answer what the body was, as a speaker of a `Backend`."""
    sock.sendall(b"got " + received.body)


def upload(length: int | str, **more: str) -> bytes:
    """The packet that announces a body."""
    return packet(request_vars("/", "POST", CONTENT_LENGTH=str(length), **more))


def dead() -> str:
    """A TCP address on which nobody listens."""
    return f"127.0.0.1:{free_port()}"


def packet_of(key: str | bytes, address: str | bytes, command: int = 0, **more: object) -> bytes:
    """An announcement as it goes over the wire."""
    values: dict[str, Any] = {"key": key, "address": address, **more}
    block = b""
    for name, value in values.items():
        raw = value if isinstance(value, bytes) else str(value).encode("latin-1")
        block += struct.pack("<H", len(name)) + name.encode()
        block += struct.pack("<H", len(raw)) + raw
    return struct.pack("<BHB", 224, len(block) & 0xFFFF, command) + block


def send(server: str | int, datagram: bytes) -> None:
    """Send a datagram to a subscription server: a port of this machine, or a path."""
    wire.sent(f"{server} (datagram)", datagram)
    if isinstance(server, int):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(datagram, ("127.0.0.1", server))
    else:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(datagram, server)


class Pool:
    """A router with a subscription server, and its table as the stats show it."""

    def __init__(self, start: Starter, more: str = "", **options: Any) -> None:
        self.udp = free_port()
        self.router: Subject = start(
            TALLY
            + f"fastrouter-subscription-server = 127.0.0.1:{self.udp}\n"
            + "fastrouter-stats = 127.0.0.1:PORT1\n"
            + more,
            until=ROUTER,
            **options,
        )
        self.port = self.router.port
        self.stats_port = self.router.ports["PORT1"]

    def table(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Key -> name of the node -> its fields."""
        return {
            slot["key"]: {each["name"]: each for each in slot["nodes"]}
            for slot in stats(self.stats_port)["subscriptions"]
        }

    def nodes(self, key: str = "example.com") -> dict[str, dict[str, Any]]:
        """The nodes of a key."""
        return self.table().get(key, {})

    def announce(self, address: str, key: str = "example.com", **more: object) -> None:
        """Announce a node, and wait until the table shows it."""
        send(self.udp, packet_of(key, address, 0, **more))
        eventually(lambda: address in self.nodes(key), f"{address} is in the table")

    def withdraw(self, address: str, key: str = "example.com", **more: object) -> None:
        """Withdraw a node."""
        send(self.udp, packet_of(key, address, 1, **more))

    def settle(self) -> None:
        """Wait until everything that was sent so far has been read."""
        marker = f"127.0.0.1:{free_port()}"
        self.announce(marker, "settle")

    def ask(self, key: str = "example.com", **more: str) -> str:
        """Make a request; what came back."""
        return text_of(ask(self.port, HTTP_HOST=key, **more))


# What a router writes down for its successor is there after a second; on a busy machine later.
SOME_TIME = (1.5, 5.0, 15.0)


def kill_router(pool: Pool) -> None:
    """Kill the first process of a router, and wait for its successor."""
    since = len(pool.router.log)
    pids = re.findall(ROUTER, pool.router.log)
    os.kill(int(pids[-1]), signal.SIGKILL)
    pool.router.wait_for(ROUTER, since=since)


def text_of(answer: Answer) -> str:
    """The raw bytes of an answer as text."""
    return answer.raw.decode("latin-1")


def names(port: int | str, count: int, key: str = "example.com") -> list[str]:
    """What so many requests for a key are answered."""
    return [text_of(ask(port, HTTP_HOST=key)) for _ in range(count)]
