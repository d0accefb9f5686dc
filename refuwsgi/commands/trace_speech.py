"""What is said on a connection: bytes become sentences.

Section: ground / the command; the decoders of trace
What: a `Speech` follows one direction.  It finds the beginnings (a uwsgi packet, the head of a
      request or of an answer) and counts what follows.  Where a length is given the next beginning
      is looked for behind it; else the rest is one body.
Units: sizes are bytes.
Errors: none: what is not understood is said to be so, and is only counted from there on.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from refuwsgi.protocol import subscription
from refuwsgi.protocol.http import HeadError, head_end, parse_head
from refuwsgi.protocol.uwsgi import HEADER, PacketError, environ_of, split

LARGEST: Final = 70_000  # bytes without a beginning
ENDLESS: Final = -1
SHOWN: Final = 200  # characters of what a peer has written


class Said(NamedTuple):
    """A beginning that was found."""

    what: str
    size: int  # bytes that it takes
    body: int  # bytes that belong to it; ENDLESS when nobody says


Finder = Callable[[bytes], Said | None]


class Speech:
    """One direction of one connection."""

    def __init__(self, find: Finder) -> None:
        self._find = find
        self._buffer = b""
        self._body = 0  # bytes still to come
        self._total = 0
        self._lost = False

    def feed(self, data: bytes) -> list[str]:
        """Take what has come, and say what it is."""
        self._total += len(data)
        if self._lost or self._body == ENDLESS:
            return []
        self._buffer += data
        found: list[str] = []
        while self._buffer:
            taken = min(self._body, len(self._buffer))
            self._buffer, self._body = self._buffer[taken:], self._body - taken
            if self._body or not self._buffer or not self._begins(found):
                break
        return found

    def _begins(self, found: list[str]) -> bool:
        """Find the next beginning; False while there is none, or when none will come."""
        try:
            said = self._find(self._buffer)
            if said is None and len(self._buffer) > LARGEST:
                raise PacketError("too long")
        except (PacketError, HeadError) as problem:
            found.append(f"{len(self._buffer)} bytes that are not understood: {problem}")
            self._lost, self._buffer = True, b""
            return False
        if said is None:
            return False
        found.append(said.what)
        self._buffer, self._body = self._buffer[said.size :], said.body
        if said.body == ENDLESS:
            self._buffer = b""
            return False
        return True

    def end(self) -> str:
        """Say that it is over."""
        inside = ", amid a beginning" if self._buffer else ""
        return f"ends after {self._total} bytes{inside}"


def uwsgi_packet(data: bytes) -> Said | None:
    """Find a uwsgi packet."""
    found = split(data)
    if found is None:
        return None
    packet = found[0]
    head = f"uwsgi packet, modifier1 {packet.modifier1}"
    if packet.modifier2:
        head += f", modifier2 {packet.modifier2}"
    size = HEADER.size + len(packet.block)
    if not packet.block:
        return Said(f"{head}, empty", size, 0)
    names = environ_of(packet.block)
    length = names.get("CONTENT_LENGTH", "")
    body = int(length) if length.isdecimal() and len(length) < 19 else 0
    told = f"{names.get('REQUEST_METHOD', '?')} {names.get('REQUEST_URI', '?')}"
    about = f" for {names['HTTP_HOST']}" if "HTTP_HOST" in names else ""
    return Said(
        shown(f"{head}, {len(names)} vars in {size} bytes: {told}{about}{_with(body)}"), size, body
    )


def http_request(data: bytes) -> Said | None:
    """Find the head of a request."""
    end = head_end(data)
    if end < 0:
        return None
    head = parse_head(data, end)
    names = head.environ
    told = f"{names['REQUEST_METHOD']} {names['REQUEST_URI']} {names['SERVER_PROTOCOL']}"
    about = f" for {names['HTTP_HOST']}" if "HTTP_HOST" in names else ""
    body = ENDLESS if head.chunked else head.content_length
    return Said(shown(f"{told}{about}{_with(body)}"), end, body)


def answer(data: bytes) -> Said | None:
    """Find the head of an answer; a node may leave out the words HTTP/1.1."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = data[:end].decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    status = lines[0].split(" ")[1] if lines[0].startswith("HTTP/") and " " in lines[0] else ""
    length = fields.get("content-length", "")
    body = int(length) if length.isdecimal() and len(length) < 19 else ENDLESS
    if status == "304" or status == "204" or status.startswith("1"):
        body = 0
    return Said(shown(f"{lines[0]}, {len(lines) - 1} headers{_with(body)}"), end + 4, body)


def announcement(datagram: bytes) -> str:
    """Say what a datagram announces."""
    found = subscription.parse(datagram)
    if found is None:
        return f"{len(datagram)} bytes that are no announcement"
    verb = "withdraws" if found.withdraws else "announces"
    text = f"{verb} {found.key.decode('latin-1')} at {found.address.decode('latin-1')}"
    more = [f"{name} {value}" for name, value in _more(found) if value]
    return shown(f"{text} ({', '.join(more)})" if more else text)


def _more(found: subscription.Announcement) -> list[tuple[str, object]]:
    return [
        ("modifier1", found.modifier1),
        ("cores", found.cores),
        ("load", found.load),
        ("weight", found.weight),
        ("backup", found.backup),
        ("algorithm", found.algorithm.decode("latin-1")),
        ("signed at", found.unix if found.sign else 0),
    ]


def _with(body: int) -> str:
    if body == ENDLESS:
        return ", with a body"
    return f", with a body of {body} bytes" if body else ""


def shown(text: str) -> str:
    """Text of a peer, so that it does no harm to a terminal."""
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


REQUESTS: Final[dict[str, Finder]] = {"uwsgi": uwsgi_packet, "http": http_request}
ANSWER: Final = answer
