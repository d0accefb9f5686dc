"""refuwsgi trace: stand between two parties, pass everything on, and say what they say.

Section: ground / the command; trace
What: a tap.  Whoever would connect to one address connects to the tap, which connects there.  Each
      thing that is said is one line: a uwsgi packet, an HTTP head, an announcement, an end.
          refuwsgi trace --listen 127.0.0.1:4001 --to 127.0.0.1:3031
          refuwsgi trace --protocol udp --listen 127.0.0.1:7001 --to 127.0.0.1:7000
      Bytes go on as they came, and what is not understood goes on, too.
      A tap is another sender: descriptors and the credentials of the first one do not pass it.
          refuwsgi trace FILE
      is no tap: it draws what servers have written there by `trace = FILE`.
Units: seconds since the start of the tap.
Errors: OptionError when an address cannot be bound; a party that cannot be reached is an event.
"""

import os
import socket
from typing import Final

from refuwsgi.address import Address
from refuwsgi.binding import bind
from refuwsgi.commands.simulate import save
from refuwsgi.commands.the_words import Words, address_of, stopping
from refuwsgi.commands.trace_events import Events
from refuwsgi.commands.trace_picture import svg
from refuwsgi.commands.trace_speech import ANSWER, REQUESTS, Speech, announcement
from refuwsgi.loop import Loop, readable
from refuwsgi.options import OptionError
from refuwsgi.streams import accept, connect, receive, send_all

BACKLOG: Final = 100
CONNECT: Final = 10.0  # seconds
DATAGRAM: Final = 65536


def main(argv: list[str]) -> int:
    """Trace."""
    words = Words(
        "trace",
        "draw what servers have traced; or pass everything on between two parties, "
        "and say what they say",
    )
    words.add_argument("file", nargs="?", help="what servers have written by `trace = FILE`")
    words.add_argument("--client", default="", help="of FILE only this client, address:port")
    words.add_argument("--listen", help="where the first party connects to")
    words.add_argument("--to", help="where the second party listens")
    words.add_argument("--protocol", choices=(*REQUESTS, "udp"), default="uwsgi")
    words.add_argument("--names", default="client,node", help="what to call the two")
    words.add_argument("--count", type=int, default=0, help="end after so many conversations")
    words.add_argument("--svg", help="draw a picture into this file in the end")
    given = words.parse_args(argv)
    if given.file is not None:
        if given.listen or given.to:
            words.error("FILE and a tap exclude each other")
        return draw(given.file, given.client, given.svg)
    if not given.listen or not given.to:
        words.error("expected FILE, or --listen and --to")
    client, comma, node = str(given.names).partition(",")
    if not comma or not client or not node:
        raise OptionError("refuwsgi trace: --names: expected two names with a comma between them")
    events = Events(client, node)
    trace(address_of(given.listen), address_of(given.to), given.protocol, events, given.count)
    if given.svg:
        save(given.svg, svg(events))
    return 0


def draw(path: str, client: str, picture: str | None) -> int:
    """Draw what servers have traced."""
    from refuwsgi.commands import trace_file, trace_sequence

    notes, strange = trace_file.read(path)
    story = trace_file.Story(notes, client)
    for line in trace_sequence.rows(story):
        print(line)
    if strange:
        print(f"{strange} lines of {path} are no notes")
    if picture:
        save(picture, trace_sequence.svg(story))
    return 0


def trace(listen: Address, to: Address, protocol: str, events: Events, count: int) -> None:
    """Run the tap until it is interrupted, or has heard enough."""
    udp = protocol == "udp"
    loop = Loop()
    sock = _bound_for_datagrams(listen) if udp else bind(listen, backlog=BACKLOG)
    with sock, stopping():
        print(f"listening on {_name(sock)}, passing on to {to.text()}", flush=True)
        tap = Tap(loop, to, protocol, events, count)
        loop.spawn(tap.datagrams(sock) if udp else tap.clients(sock))
        loop.run()
    loop.close()
    if listen.kind == "unix":
        os.unlink(listen.path)


class Tap:
    """The tap at work."""

    def __init__(self, loop: Loop, to: Address, protocol: str, events: Events, count: int) -> None:
        self._loop = loop
        self._to = to
        self._protocol = protocol
        self._events = events
        self._left = count

    async def clients(self, listener: socket.socket) -> None:
        """Begin a conversation for everybody who connects."""
        number = 0
        while True:
            client, _ = await accept(listener)
            number += 1
            self._loop.spawn(self._conversation(number, client))

    async def _conversation(self, number: int, client: socket.socket) -> None:
        self._events.add(number, True, "connects")
        try:
            node = await connect(self._to, CONNECT)
        except OSError as problem:
            client.close()
            self._events.add(number, False, f"cannot be reached: {problem.strerror or problem}")
            self._ended()
            return
        # A descriptor is waited on by one task at a time, so each direction has its own two.
        ends = [False]
        up, down = REQUESTS[self._protocol], ANSWER
        self._loop.spawn(self._carry(number, True, client.dup(), node.dup(), Speech(up), ends))
        self._loop.spawn(self._carry(number, False, node, client, Speech(down), ends))

    async def _carry(
        self,
        number: int,
        upwards: bool,
        source: socket.socket,
        target: socket.socket,
        speech: Speech,
        ends: list[bool],
    ) -> None:
        """Carry one direction until it ends; the second of both to end is the end of all."""
        try:
            with source, target:
                source.setblocking(False)
                target.setblocking(False)
                await self._pass_on(number, upwards, source, target, speech)
        finally:
            if ends[0]:
                self._ended()
            ends[0] = True

    async def _pass_on(
        self,
        number: int,
        upwards: bool,
        source: socket.socket,
        target: socket.socket,
        speech: Speech,
    ) -> None:
        try:
            while data := await receive(source):
                # First said, then passed on: an answer must not stand before its question.
                for what in speech.feed(data):
                    self._events.add(number, upwards, what)
                await send_all(target, data)
            self._events.add(number, upwards, speech.end())
            target.shutdown(socket.SHUT_WR)
        except OSError as problem:
            self._events.add(number, upwards, f"breaks off: {problem.strerror or problem}")
            for each in (source, target):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # that side is gone

    async def datagrams(self, sock: socket.socket) -> None:
        """Pass on one datagram after the other."""
        number = 0
        family = socket.AF_INET6 if ":" in self._to.host else socket.AF_INET
        unix = self._to.kind == "unix"
        with socket.socket(socket.AF_UNIX if unix else family, socket.SOCK_DGRAM) as out:
            while True:
                try:
                    data = sock.recv(DATAGRAM)
                except BlockingIOError:
                    await readable(sock)
                    continue
                number += 1
                what = announcement(data)
                try:
                    out.sendto(data, self._to.path if unix else (self._to.host, self._to.port))
                except OSError as problem:
                    what += f"; not delivered: {problem.strerror or problem}"
                self._events.add(number, True, what)
                self._ended()

    def _ended(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._loop.stop()


def _bound_for_datagrams(address: Address) -> socket.socket:
    unix = address.kind == "unix"
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(socket.AF_UNIX if unix else family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind(address.path if unix else (address.host, address.port))
    except OSError as problem:
        sock.close()
        raise OptionError(f"{address.text()}: {problem.strerror or problem}") from None
    return sock


def _name(sock: socket.socket) -> str:
    name = sock.getsockname()
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else os.fsdecode(name)
