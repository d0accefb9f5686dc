"""What the cases of the announcing side share: an instance, and a server that only listens."""

import socket

from tests.conformance.harness import (
    WORKER,
    Starter,
    Subject,
)
from tests.conformance.harness.packet import decode
from tests.conformance.harness.proc import LIMIT, allowed

APP = "def application(e, s):\n    s('200 OK', [])\n    return [b'app']\n"


INSTANCE = "master = true\nsocket = 127.0.0.1:PORT\nwsgi-file = app.py\n"


class Said:
    """A datagram as it arrived."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.withdraws = raw[3] != 0
        self.pairs = decode(raw[4:])
        self.values = dict(self.pairs)


class Box:
    """A subscription server that only listens."""

    def __init__(self, path: str = "") -> None:
        self.sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(path or ("127.0.0.1", 0))
        self.server = path or f"127.0.0.1:{self.sock.getsockname()[1]}"

    def next(self, limit: float = LIMIT) -> Said:
        """The next datagram; TimeoutError if none comes."""
        self.sock.settimeout(allowed(limit))
        return Said(self.sock.recv(65536))

    def until(self, withdraws: bool) -> Said:
        """The next datagram of that command."""
        for _ in range(20):
            if (said := self.next()).withdraws == withdraws:
                return said
        raise AssertionError("twenty others")

    def keys(self, count: int) -> dict[str, str]:
        """Key -> modifier1 of the next so many datagrams."""
        found = [self.next().values for _ in range(count)]
        return {each["key"]: each["modifier1"] for each in found}


def instance(start: Starter, ini: str, files: dict[str, str] | None = None) -> Subject:
    """An instance with an application."""
    return start(INSTANCE + ini, files={"app.py": APP, **(files or {})}, until=WORKER)
