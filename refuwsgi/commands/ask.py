"""refuwsgi ask: one request, over the uwsgi protocol or over HTTP, and its answer.

Section: ground / the command; ask
What: what curl is for HTTP, for addresses that speak uwsgi.  A body can be sent in two halves, so
      that a slow upload can be played.
          refuwsgi ask 127.0.0.1:3031 /path --host example.com
          refuwsgi ask http://127.0.0.1:8000/path
Units: seconds, bytes.
Errors: an address where nobody answers is one line and status 1; so is no answer at all.
"""

import socket
import sys
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from refuwsgi.address import Address
from refuwsgi.commands.the_words import Words, address_of
from refuwsgi.options import OptionError
from refuwsgi.protocol.uwsgi import PacketError, encode

TIMEOUT: Final = 30.0
NOTHING: Final = "closed without a byte"


class Asked(NamedTuple):
    """A request to be made."""

    address: Address
    path: str = "/"
    http: bool = False
    host: str = "localhost"
    body: bytes = b""
    vars: tuple[tuple[str, str], ...] = ()
    slow: float = 0.0  # seconds between the halves of the body

    def head(self) -> bytes:
        """Everything before the body."""
        method = "POST" if self.body else "GET"
        if self.http:
            length = f"Content-Length: {len(self.body)}\r\n" if self.body else ""
            lines = f"{method} {self.path} HTTP/1.0\r\nHost: {self.host}\r\n{length}\r\n"
            return lines.encode()
        path, _, query = self.path.partition("?")
        pairs = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": self.path,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(self.body)) if self.body else "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self.host,
            **dict(self.vars),
        }
        return encode((name.encode(), value.encode()) for name, value in pairs.items())


def main(argv: list[str]) -> int:
    """Ask, and print the answer."""
    asked = asked_of(argv)
    try:
        answer = ask(asked, lambda: time.sleep(asked.slow))
    except PacketError as problem:
        raise OptionError(f"refuwsgi ask: {problem}") from None
    except OSError as problem:
        reason = problem.strerror or problem
        print(f"{asked.address.text()}: {reason}", file=sys.stderr)
        return 1
    if not answer:
        print(NOTHING, file=sys.stderr)
        return 1
    sys.stdout.flush()
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return 0


def asked_of(argv: list[str]) -> Asked:
    """Read the words of a request."""
    words = Words("ask", "make one request over the uwsgi protocol, or over HTTP")
    words.add_argument("address", help="host:port, a path, @name, or http://host:port/path")
    words.add_argument("path", nargs="?", default="/", help="with ?query, if there is one")
    words.add_argument("--host", help="the host that is asked for")
    words.add_argument("--data", default="", help="a body; makes it a POST")
    words.add_argument("--size", type=int, default=0, help="a body of so many bytes")
    words.add_argument("--slow", type=float, default=0.0, help="seconds between its halves")
    words.add_argument("--var", action="append", default=[], help="NAME=VALUE, one var more")
    given = words.parse_args(argv)
    text, path, http = str(given.address), str(given.path), False
    if text.startswith("http://"):
        text, slash, rest = text.removeprefix("http://").partition("/")
        path, http = (f"/{rest}" if slash else path), True
    found = (str(each).partition("=") for each in given.var)
    return Asked(
        address=address_of(text),
        path=path,
        http=http,
        host=given.host or (text if http else "localhost"),
        body=str(given.data).encode() or b"x" * max(0, given.size),
        vars=tuple((name, value) for name, _, value in found),
        slow=max(0.0, given.slow),
    )


def ask(asked: Asked, between: Callable[[], object] = lambda: None) -> bytes:
    """Make a request and return all that comes back; `between` is called amid the body."""
    half = len(asked.body) // 2
    with connect(asked.address) as sock:
        sock.sendall(asked.head() + asked.body[:half])
        if asked.body:
            between()
            sock.sendall(asked.body[half:])
        return all_of(sock)


def connect(address: Address, timeout: float = TIMEOUT) -> socket.socket:
    """Connect to an address; the socket blocks, for so long at most."""
    if address.kind == "tcp":
        return socket.create_connection((address.host or "127.0.0.1", address.port), timeout)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout)
        # uWSGI: its abstract names have a closing NUL.
        sock.connect(f"\0{address.path}\0" if address.kind == "abstract" else address.path)
    except BaseException:
        sock.close()
        raise
    return sock


def all_of(sock: socket.socket) -> bytes:
    """Everything until the end; a peer that resets has ended."""
    found = []
    try:
        while part := sock.recv(65536):
            found.append(part)
    except ConnectionError:
        pass
    return b"".join(found)
