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

from refuwsgi.protocol.http_target import target_of

SHAPES, SHAPE = 512, 2048  # how many are remembered, and the longest of them
STRANGERS = 1024  # the places for those that came once; each waits for its like, or for another
OF_THE_TARGET = ("REQUEST_URI", "PATH_INFO", "QUERY_STRING")
SECRETS = frozenset(("HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION"))
GET = b"GET "
VERSION = b" HTTP/"
COOKIE = b"ookie: "  # both Cookie and cookie

Facts = tuple[int, bool, bool, bool]  # length of the body, chunked, keep_alive, expect


class Shape:
    """What is the same in the heads that are alike."""

    __slots__ = ("environ", "facts", "headers")

    def __init__(self, environ: dict[str, str], facts: Facts, headers: int) -> None:
        self.environ = environ  # all the vars, in order; empty where the heads differ
        self.facts = facts
        self.headers = headers


# A head whose like is known: its shape, target, path, query, and cookies ("" for none).
Recalled = tuple[Shape, str, str, str, str]

_shapes: dict[bytes, Shape] = {}
_strangers = [0] * STRANGERS  # their hashes


def recall(data: bytes, most: int) -> Recalled | bytes:
    """Read what has come if its like is known, which says that it is one whole head.

    Otherwise give the key to learn it by, if it is a head; none if it is not to be learnt.
    """
    if not data.startswith(GET):
        return b""  # the lengths of bodies are too many
    line, _, rest = data.partition(VERSION)
    before, gap, behind = rest.partition(COOKIE)
    octets, key = b"", rest
    if gap:
        octets, _, behind = behind.partition(b"\r\n")
        key = COOKIE.join((before, behind))
    shape = _shapes.get(key)
    if shape is None or shape.headers > most:
        return key
    cookie = octets.decode("latin-1").strip(" \t")
    target = line[4:].decode("latin-1")
    path, _, query = target.partition("?")
    if not (path[:1] == "/" and target.isprintable() and cookie.isprintable()) or " " in target:
        return key
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
    if len(key) > SHAPE or not SECRETS.isdisjoint(environ) or not _can_be_told(key):
        return
    if len(_shapes) >= SHAPES:
        _shapes.clear()
    differing = ("HTTP_COOKIE",) if COOKIE in key else ()
    shape = {**environ, **dict.fromkeys((*OF_THE_TARGET, *differing), "")}
    _shapes[key] = Shape(shape, facts, headers)


def _can_be_told(key: bytes) -> bool:
    """Say whether the gap in a head is where its only line of cookies is, if it has any."""
    before, gap, behind = key.partition(COOKIE)
    around = before + b"\r\n" + behind
    return b"\r\ncookie:" not in around.lower() and (not gap or before[-3:].lower() == b"\r\nc")
