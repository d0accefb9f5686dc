"""What is fuzzed: one function for each parser, which takes any bytes and must find all well.

What: a target feeds its parser and checks what must hold of every input: only the errors that the
      parser names, the same result in whatever pieces the bytes come, limits that are kept.
Errors: anything that leaves a target is a find.
"""

from collections.abc import Callable
from typing import NamedTuple

from refuwsgi import address, nodes
from refuwsgi.offloading import static_ranges
from refuwsgi.options import OptionError, catalogue
from refuwsgi.protocol import http, subscription, uwsgi
from refuwsgi.request import Request
from refuwsgi.routing import options as route_options
from refuwsgi.routing import stage
from refuwsgi.routing.chain import rule_of
from refuwsgi.routing.text import Text
from tests.fuzz import alike
from tests.unit.offloading.stand import core_row
from tests.unit.worlds import settings_of

LANGUAGE = stage.language_of({}, {})
KINDS = list(route_options.ROUTES.values())


def head(data: bytes) -> None:
    """The head of an HTTP request."""
    whole = _read([data])
    if isinstance(whole, http.Head):
        _check_head(whole)
    for cut in (1, len(data) // 2, len(data) - 1):
        if 0 < cut < len(data):
            assert _read([data[:cut], data[cut:]]) == whole, "a head depends on its pieces"


def _read(pieces: list[bytes]) -> http.Head | str:
    """What a connection makes of its first bytes: a head, "refused", or "more" are wanted."""
    received, searched = b"", 0
    for piece in pieces:
        received += piece
        end = http.head_end(received, searched)
        searched = len(received)
        try:
            if end >= 0:
                return http.parse_head(received, end)
            http.check_unfinished(received, 1 << 16)
        except http.HeadError as problem:
            _check_line(problem)
            return "refused"
    return "more"


def _check_head(found: http.Head) -> None:
    environ = found.environ
    for key, value in environ.items():
        assert key, "a var without a name"
        # An escaped line break of a path is a character of it, as any other.
        forbidden = {"\0"} if key == "PATH_INFO" else {"\r", "\n", "\0"}
        assert not forbidden & set(key + value), f"control characters in {key}"
    assert environ["SERVER_PROTOCOL"] in ("HTTP/1.0", "HTTP/1.1")
    assert environ["PATH_INFO"][:1] in ("", "/", "*")
    assert 0 <= found.content_length < 10**18
    assert not (found.chunked and "CONTENT_LENGTH" in environ), "a body with two lengths"
    assert "HTTP_PROXY" not in environ
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.0" or "HTTP_HOST" in environ


def _chunked(pieces: list[bytes]) -> tuple[bytes, bytes, bool, bool]:
    """What a body in chunks comes to: body, rest, whether it ended, whether it was refused."""
    decoder = http.ChunkDecoder()
    body, rest = b"", b""
    try:
        for piece in pieces:
            if decoder.done:
                rest += piece
            else:
                body += decoder.feed(piece)
    except http.ChunkError:
        return body, b"", False, True
    return body, decoder.rest + rest, decoder.done, False


def chunks(data: bytes) -> None:
    """A body in chunks."""
    whole = _chunked([data])
    cut = data[0] % len(data) if data else 0
    halves = _chunked([data[:cut], data[cut:]])
    drips = _chunked([data[at : at + 1] for at in range(len(data))])
    for other in (halves, drips):
        assert other[2:] == whole[2:], "the end of a body depends on its pieces"
        if not whole[3]:
            assert other == whole, "a body depends on its pieces"
    assert len(whole[0]) + len(whole[1]) <= len(data)


def packet(data: bytes) -> None:
    """A packet of the uwsgi protocol."""
    try:
        found = uwsgi.split(data, 4096)
    except uwsgi.PacketError:
        return
    if found is None:
        return
    (modifier1, modifier2, block), rest = found
    assert len(block) + len(rest) + 4 == len(data)
    results: list[dict[str, str] | None] = []
    for read in (uwsgi.environ_of, _texts_of):
        try:
            results.append(read(block))
        except uwsgi.PacketError:
            results.append(None)
    assert results[0] == results[1], "two readers of a block disagree"
    if results[0] is not None:
        pairs = uwsgi.vars_of(block)
        again = uwsgi.split(uwsgi.encode(pairs.items(), modifier1, modifier2))
        assert again is not None
        assert uwsgi.vars_of(again[0].block) == pairs


def _texts_of(block: bytes) -> dict[str, str]:
    return {k.decode("latin-1"): v.decode("latin-1") for k, v in uwsgi.vars_of(block).items()}


def announcement(data: bytes) -> None:
    """A datagram of a node that announces itself."""
    said = subscription.parse(data)
    if said is None:
        return
    assert 0 < len(said.key) <= subscription.LONGEST
    assert 0 < len(said.address) <= subscription.LONGEST
    numbers = (said.cores, said.load, said.weight, said.backup, said.unix)
    assert all(0 <= number <= subscription.LARGEST for number in numbers)
    again = subscription.parse(subscription.encode(said))
    assert again == said._replace(sign=b"", signed=b"")
    node = nodes.Node.parse(said.address)
    assert node is None or node.address


def ini(data: bytes) -> None:
    """The text of a configuration."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        settings = settings_of(text, {"HOME": "/root"}, b_ini="[uwsgi]\nmaster = 1\n")
    except OptionError as problem:
        _check_line(problem)
        return
    for setting in settings:
        option = BY_NAME.get(setting.name)
        if option is None or setting.value is None:
            continue
        try:
            option.read(setting.value)
        except (ValueError, OSError):
            pass  # an OptionError is one; files that are not there


BY_NAME = {name: option for option in catalogue() for name in option.names}


def _check_line(problem: ValueError) -> None:
    assert str(problem).strip(), "an error without words"


def route(data: bytes) -> None:
    """A rule of internal routing, and the texts in it."""
    kind = KINDS[data[0] % len(KINDS)] if data else KINDS[0]
    value = data[1:].decode("utf-8", "surrogateescape")
    request = stage_request()
    Text(value)(request, None)
    try:
        rule = rule_of(kind, value, LANGUAGE)
    except ValueError as problem:
        _check_line(problem)
        return
    assert isinstance(rule.shown, str)


def stage_request() -> Request:
    """A request that texts are filled in for."""
    environ = {"PATH_INFO": "/a", "QUERY_STRING": "a=1&b", "HTTP_COOKIE": "c=d; e", "A": "B"}
    return Request(-1, dict(environ), core_row())


def ranges(data: bytes) -> None:
    """The Range field of a request."""
    size = int.from_bytes(data[:4], "little")
    part = static_ranges.wanted(data[4:].decode("latin-1"), size)
    if part is None or part == static_ranges.NONE_OF_IT:
        return
    assert 0 <= part.first <= part.last < size, "a range beyond its file"
    assert 0 < part.length < size


def place(data: bytes) -> None:
    """An address as operators and nodes write it."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = address.parse(text)
    except ValueError as problem:
        _check_line(problem)
        return
    assert address.parse(found.text()) == found, "an address is not what it says it is"


class Target(NamedTuple):
    """A function to feed, and how long its inputs may become."""

    feed: Callable[[bytes], None]
    longest: int


TARGETS = {
    "head": Target(head, 4096),
    "chunks": Target(chunks, 2048),
    "packet": Target(packet, 4200),
    "subscription": Target(announcement, 4096),
    "ini": Target(ini, 1024),
    "route": Target(route, 512),
    "range": Target(ranges, 128),
    "address": Target(place, 256),
    "alike-heads": Target(alike.heads, 2048),
    "alike-answers": Target(alike.answers, 2048),
    "alike-packets": Target(alike.packets, 2048),
    "alike-announcements": Target(alike.announcements, 2048),
}
