"""Internal routing: requests go to other servers, and the worker does not wait for them.

Section:  offloading / Offloading internal routing
What:     the actions that give a request to another server.

              [uwsgi]
              socket = :3031
              offload-threads = 8
              route = ^/foo http:127.0.0.1:8080
              route = ^/bar http:127.0.0.1:8181
              route = ^/node http:127.0.0.1:9090

          The worker makes the bytes that the other server shall hear; a thread connects, sends
          them, and carries both ways until one side ends.  Without threads the worker does it
          all, and the client's own headers and rules apply to what the server answers.

              http:ADDR[,HOST[,URI]]             httpdumb:  with all headers    httpconnect:ADDR
              uwsgi:ADDR,MODIFIER1,MODIFIER2[,APPID]
              proxyhttp:  proxyhttpconnect:  proxyuwsgi:       the same, never by a thread

Units:    sizes are bytes.
Errors:   ValueError at the start for an address that is none.  A server that is dead or slow is
          502 or 504 for the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from refuwsgi import address, log
from refuwsgi.address import Address
from refuwsgi.offloading import route_here
from refuwsgi.offloading.engines import RelayEngine
from refuwsgi.offloading.route_bodies import Prepared, prepared
from refuwsgi.offloading.route_heads import connected_head, http_head, uwsgi_packet
from refuwsgi.protocol.uwsgi import PacketError
from refuwsgi.request import Request
from refuwsgi.routing.text import Text
from refuwsgi.routing.verdicts import BREAK, CONTINUE, Action, Groups, Maker

ACCEPTED = 202  # uWSGI: what the log says of a request whose answer a thread will carry
FAILED = "error routing request to {} server {}: {}"
SYNTAX = "invalid route syntax: {}"

# Makes the bytes that the server hears first, body and all that is known of it.
Head = Callable[[Request, Groups, Prepared], bytes]


class Node:
    """The other server's address, which may have holes."""

    __slots__ = ("_fixed", "_text")

    def __init__(self, text: str) -> None:
        self._text = Text(text)
        fixed = self._text.fixed
        self._fixed = address.parse(fixed) if fixed is not None else None

    def of(self, request: Request, groups: Groups) -> Address | None:
        """Fill it in; None when that makes no address."""
        if self._fixed is not None:
            return self._fixed
        try:
            return address.parse(self._text(request, groups))
        except ValueError as problem:
            log.line(f"no server can be routed to: {problem}")
            return None


class ToServer:
    """The action that gives a request to another server."""

    def __init__(self, protocol: str, node: Node, head: Head, memory: int, offload: bool) -> None:
        self._protocol = protocol
        self._node = node
        self._head = head
        self._memory = memory  # post-buffering
        self._offload = offload

    def __call__(self, request: Request, groups: Groups) -> int:
        """Give it away, or do it here."""
        node = self._node.of(request, groups)
        if node is None:
            route_here.refuse(request, route_here.BAD_GATEWAY)
            return BREAK
        # Departure: in uWSGI a thread passes transformations by, cachestore too.
        away = self._offload and request.offload is not None and not request.tapped
        body = prepared(request, self._memory, whole=not away)
        try:
            head = self._head(request, groups, body)
        except PacketError as problem:
            failed(self._protocol, node, problem)
            route_here.refuse(request, route_here.BAD_GATEWAY)
            return BREAK
        if away and body.small and self._offloaded(request, node, head + body.held):
            return BREAK
        failure = route_here.run(request, node, head, body)
        if failure is not None:
            failed(self._protocol, node, failure)
        return BREAK

    def _offloaded(self, request: Request, node: Address, first: bytes) -> bool:
        if request.offload is None:
            return False
        engine = RelayEngine(
            node, first, connect_timeout=request.timeout, protocol=request.protocol
        )
        if not request.offload(engine, request):
            return False
        request.status = ACCEPTED
        return True


def failed(protocol: str, node: Address, problem: Exception) -> None:
    """Say in the log why there was no answer."""
    reason = getattr(problem, "strerror", None) or problem
    log.line(FAILED.format(protocol, node.text(), reason))


def _http(memory: int, *, dumb: bool = False, offload: bool = True) -> Maker:
    def make(argument: str) -> Action:
        where, comma, rest = argument.partition(",")
        host, comma2, uri = rest.partition(",")
        named = Text(host) if comma else None
        path = Text(uri) if comma2 else None

        def head(request: Request, groups: Groups, body: Prepared) -> bytes:
            return http_head(
                request,
                None if named is None else named(request, groups),
                None if path is None else path(request, groups),
                body.length,
                dumb=dumb,
            )

        return ToServer("http", Node(where), head, memory, offload)

    return make


def _connect(memory: int, *, offload: bool = True) -> Maker:
    def make(argument: str) -> Action:
        def head(request: Request, groups: Groups, body: Prepared) -> bytes:
            request.send(connected_head(request))
            return b""

        node = Node(argument)
        away = ToServer("http", node, head, memory, offload=True)

        def action(request: Request, groups: Groups) -> int:
            if offload and request.offload is not None and not request.tapped:
                return away(request, groups)
            where = node.of(request, groups)
            if where is None:
                route_here.refuse(request, route_here.BAD_GATEWAY)
                return BREAK
            # Departure: uWSGI waits for the head of an answer, which never comes.
            failure = route_here.tunnel(request, where)
            if failure is not None:
                failed("http", where, failure)
            return BREAK

        return action

    return make


def _uwsgi(memory: int, *, offload: bool = True) -> Maker:
    def make(argument: str) -> Action:
        words = argument.split(",")
        if len(words) not in (3, 4) or not all(map(_is_octet, words[1:3])):
            raise ValueError(SYNTAX.format(argument))
        modifiers = int(words[1]), int(words[2])
        app = Text(words[3]) if len(words) == 4 else None

        def head(request: Request, groups: Groups, body: Prepared) -> bytes:
            appid = None if app is None else app(request, groups)
            return uwsgi_packet(request, modifiers, appid, body.length)

        def here(request: Request, groups: Groups) -> int:
            request.modifier1, request.modifier2 = modifiers
            if app is not None:
                request.environ["UWSGI_APPID"] = app(request, groups)
            return CONTINUE

        return ToServer("uwsgi", Node(words[0]), head, memory, offload) if words[0] else here

    return make


def _is_octet(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 4 and int(text) < 256


def actions(memory: int) -> Mapping[str, Maker]:
    """The actions that give a request to another server; `memory` is post-buffering."""
    return {
        "http": _http(memory),
        "httpdumb": _http(memory, dumb=True),
        "proxyhttp": _http(memory, offload=False),
        "httpconnect": _connect(memory),
        "proxyhttpconnect": _connect(memory, offload=False),
        "uwsgi": _uwsgi(memory),
        "proxyuwsgi": _uwsgi(memory, offload=False),
    }
