"""Another server is asked by the worker itself, which waits for the answer.

Section:  offloading / Offloading internal routing; without threads
What:     connects, sends, reads the head of the answer, writes it anew so that rules and
          add-header apply, and passes the body on as it comes.
Units:    timeouts are seconds, sizes bytes.
Errors:   a server that is dead, strange or slow is 502 or 504 for the client as long as nothing
          was sent; `OSError` from the client's socket goes to the caller.
"""

from __future__ import annotations

import re
import select
import socket

from refuwsgi.address import Address
from refuwsgi.offloading.route_bodies import Prepared
from refuwsgi.offloading.route_heads import connected_head
from refuwsgi.request import CHUNK, Request, read_some

BAD_GATEWAY = "502 Bad Gateway"
GATEWAY_TIMEOUT = "504 Gateway Timeout"
LARGEST_HEAD = 65536
STATUS = re.compile(rb"HTTP/\d\.\d (\d{3}(?: [^\r\n]*)?)\r?\n")
END = re.compile(rb"\r?\n\r?\n")

Headers = list[tuple[str, str]]


class Strange(ConnectionError):
    """What the other server says is no answer."""


def refuse(request: Request, status: str) -> None:
    """Tell the client that there is no answer to be had."""
    # Departure: uWSGI closes without a byte.
    request.fail(status)


def run(request: Request, node: Address, head: bytes, body: Prepared) -> OSError | None:
    """Ask the server and pass its answer on; what went wrong with it, if anything did."""
    request.via = "route"
    request.keep = False
    try:
        server = connected(node, request.timeout)
    except OSError as problem:
        refuse(request, _status_for(problem))
        return problem
    with server:
        try:
            _ask(server, head, body)
            status, headers, rest = _head_of(server)
        except OSError as problem:
            refuse(request, _status_for(problem))
            return problem
        return _carry(request, server, request.head(status, headers), rest)


def tunnel(request: Request, node: Address) -> OSError | None:
    """Carry bytes both ways until the other server ends, or nobody has spoken for a while."""
    try:
        server = connected(node, request.timeout)
    except OSError as problem:
        refuse(request, _status_for(problem))
        return problem
    with server:
        request.keep = False
        request.send(connected_head(request))
        poll = select.poll()
        for each in (request.fd, server.fileno()):
            poll.register(each, select.POLLIN)
        while ready := poll.poll(request.timeout * 1000):
            for fd, _ in ready:
                if fd != request.fd:
                    if not (data := server.recv(CHUNK)):
                        return None
                    request.size += len(data)
                    request.send(data)
                elif data := read_some(fd, CHUNK, request.timeout):
                    server.sendall(data)
                else:
                    poll.unregister(fd)
                    server.shutdown(socket.SHUT_WR)
        return TimeoutError("nobody has said anything")


def connected(node: Address, timeout: float) -> socket.socket:
    """Connect to a server."""
    if node.kind == "tcp":
        return socket.create_connection((node.host or "127.0.0.1", node.port), timeout)
    if node.kind not in ("unix", "abstract"):
        raise ConnectionError(f"nobody can connect to {node.text()}")
    # uWSGI: its abstract names have a closing NUL.
    names = [node.path] if node.kind == "unix" else [f"\0{node.path}\0", f"\0{node.path}"]
    for name in names:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect(name)
            return sock
        except OSError:
            sock.close()
            if name is names[-1]:
                raise
    raise AssertionError("there is always a name")


def _status_for(problem: OSError) -> str:
    return GATEWAY_TIMEOUT if isinstance(problem, TimeoutError) else BAD_GATEWAY


def _ask(server: socket.socket, head: bytes, body: Prepared) -> None:
    try:
        server.sendall(head)
        for piece in body.pieces():
            server.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it may have answered before it heard all


def _head_of(server: socket.socket) -> tuple[str, Headers, bytes]:
    """Read up to the end of the head: status, headers, and the beginning of the body."""
    received = b""
    while True:
        while (end := END.search(received)) is None:
            part = server.recv(CHUNK)
            if not part or len(received) > LARGEST_HEAD:
                raise Strange("no whole head")
            received += part
        first = STATUS.match(received)
        if first is None:
            raise Strange("no status")
        if first[1][:1] != b"1" or first[1][:3] == b"101":
            break
        received = received[end.end() :]  # something was said before the answer
    headers = []
    for line in received[first.end() : end.start()].replace(b"\r\n", b"\n").split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip():
            headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
    return first[1].decode("latin-1"), headers, received[end.end() :]


def _carry(request: Request, server: socket.socket, head: bytes, part: bytes) -> OSError | None:
    """Pass the answer on, piece by piece."""
    request.send(head + part)
    request.size += len(part)
    while True:
        try:
            part = server.recv(CHUNK)
        except OSError as problem:
            return problem
        if not part:
            return None
        request.size += len(part)
        request.send(part)
