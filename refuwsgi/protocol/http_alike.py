r"""Heads of one client are alike: what was there before need not be read again.

Section:  ground / HTTP; heads that resemble each other
What:     a client sends the same headers with every request, but for its cookies.  So all that
          follows the target, with a gap for the cookies, is looked up as a whole; what it means
          was found out when it was read line by line.

              GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nCookie: d=e\r\nAccept: */*\r\n\r\n
              [-- read --][------------ looked up -----------]   [----- looked up -----]

          It is remembered when it comes a second time, since many never do; and not at all when
          it carries a password.  Whatever is odd about the rest is left to the longer way.
Units:    sizes are bytes.
Errors:   `HeadError` for a target that is none.
"""

from __future__ import annotations

from refuwsgi.protocol.http_target import TOKEN, target_of
from refuwsgi.protocol.uwsgi import size_of

SHAPES, SHAPE = 512, 2048  # how many are remembered, and the longest of them
STRANGERS = 1024  # the places for those that came once; each waits for its like, or for another
OF_THE_TARGET = ("REQUEST_URI", "PATH_INFO", "QUERY_STRING")
SECRETS = frozenset(("HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION"))
GET, GET_PATH = b"GET ", b"GET /"
VERSION = b" HTTP/"
COOKIE = b"ookie: "  # both Cookie and cookie
# What a target may be made of that needs no closer look.
PLAIN = TOKEN.translate(None, b"#%^`|") + b"/?=:@,;()"

Facts = tuple[int, bool, bool, bool]  # length of the body, chunked, keep_alive, expect


class Shape:
    """What is the same in the heads that are alike."""

    __slots__ = ("environ", "facts", "headers", "keep", "size")

    def __init__(self, environ: dict[str, str], facts: Facts, headers: int) -> None:
        self.environ = environ  # all the vars, in order; empty where the heads differ
        self.facts = facts
        self.headers = headers
        self.keep = facts[2]
        self.size = size_of(environ)


# A head whose like is known: its shape, target, path, query, and cookies ("" for none).
Recalled = tuple[Shape, str, str, str, str]

_shapes: dict[bytes, Shape] = {}  # of heads without cookies, by what follows " HTTP/"
_gapped: dict[tuple[bytes, bytes], Shape] = {}  # with cookies: by what is before, and behind them
_strangers = [0] * STRANGERS  # their hashes


def recall(data: bytes, most: int) -> Recalled | bytes:
    """Read what has come if its like is known, which says that it is one whole head.

    Otherwise give the key to learn it by, if it is a head; none if it is not to be learnt.
    """
    line, _, rest = data.partition(VERSION)
    before, gap, behind = rest.partition(COOKIE)
    if gap:
        octets, _, behind = behind.partition(b"\r\n")
        cookie = octets.decode("latin-1").strip(" \t")
        shape = _gapped.get((before, behind))
    else:
        cookie = ""
        shape = _shapes.get(rest)
    if shape is None or shape.headers > most or not line.startswith(GET_PATH):
        # The lengths of bodies are too many.
        return before + gap + behind if line.startswith(GET) else b""
    if line.translate(None, PLAIN) != b" " or b"/." in line or not cookie.isprintable():
        return _odd(line, shape, cookie) or before + gap + behind
    target = line[4:].decode()
    path, _, query = target.partition("?")
    return shape, target, path, query, cookie


def _odd(line: bytes, shape: Shape, cookie: str) -> Recalled | None:
    """Take a closer look at target and cookies; None if they are to be read line by line."""
    target = line[4:].decode("latin-1")
    if " " in target or not (target.isprintable() and cookie.isprintable()):
        return None
    path, _, query = target.partition("?")
    if "%" in path or "/." in path or "#" in target:
        path, query, _ = target_of("GET", target)
    return shape, target, path, query, cookie


def learn(key: bytes, environ: dict[str, str], facts: Facts, headers: int) -> None:
    """Remember what a head means that was read line by line, if its like came before."""
    stranger = hash(key)
    place = stranger % STRANGERS
    if _strangers[place] != stranger:
        _strangers[place] = stranger
        return
    length, chunked, _, _ = facts
    if length or chunked or len(key) > SHAPE or not SECRETS.isdisjoint(environ):
        return
    if not _can_be_told(key):
        return
    if len(_shapes) + len(_gapped) >= SHAPES:
        _shapes.clear()
        _gapped.clear()
    before, gap, behind = key.partition(COOKIE)
    differing = ("HTTP_COOKIE",) if gap else ()
    environ = {**environ, **dict.fromkeys((*OF_THE_TARGET, *differing), "")}
    shape = Shape(environ, facts, headers)
    if gap:
        _gapped[before, behind] = shape
    else:
        _shapes[key] = shape


def _can_be_told(key: bytes) -> bool:
    """Say whether the gap in a head is where its only line of cookies is, if it has any."""
    before, gap, behind = key.partition(COOKIE)
    around = before + b"\r\n" + behind
    return b"\r\ncookie:" not in around.lower() and (not gap or before[-3:].lower() == b"\r\nc")
