"""The first line of an HTTP request: which method, which resource, which version.

Section:  ground / HTTP; the request line
What:     takes the target apart, in each of its four forms, and makes the path that the
          application sees: dot segments are resolved, then the escapes are decoded.

              /a/../b/./c%20d?x=1      PATH_INFO "/b/c d"   QUERY_STRING "x=1"
              http://example.com/p     PATH_INFO "/p"       the authority replaces Host
              *                        for OPTIONS only     PATH_INFO ""
              example.com:443          for CONNECT only     PATH_INFO ""

Errors:   `HeadError`, which carries the status of the answer.
"""

from __future__ import annotations

from typing import NamedTuple

BAD_REQUEST = "400 Bad Request"
URI_TOO_LONG = "414 URI Too Long"
TOO_LARGE = "431 Request Header Fields Too Large"
NOT_IMPLEMENTED = "501 Not Implemented"
BAD_VERSION = "505 HTTP Version Not Supported"

TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONTROLS = bytes([*range(0x20), 0x7F])
CONTROLS_BUT_TAB = CONTROLS.replace(b"\t", b"")
AUTHORITY = TOKEN.translate(None, b"#^`|") + b"():;=[]"
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
PROTOCOLS = {"HTTP/1.1": "HTTP/1.1", "HTTP/1.0": "HTTP/1.0"}

ESCAPED = {
    high + low: chr(int(high + low, 16))
    for high in "0123456789abcdefABCDEF"
    for low in "0123456789abcdefABCDEF"
}


class HeadError(ValueError):
    """The peer's bytes are no request that we may answer; `status` says how to refuse."""

    def __init__(self, reason: str, status: str = BAD_REQUEST) -> None:
        super().__init__(reason)
        self.status = status


class Target(NamedTuple):
    """What a request is for."""

    path: str
    query: str
    authority: str  # "" unless the target names one


def only(text: str, allowed: bytes) -> bool:
    """Say whether every character of `text` is one of `allowed`."""
    return not text.encode("latin-1").translate(None, allowed)


def has_any(text: str, forbidden: bytes) -> bool:
    """Say whether a character of `text` is one of `forbidden`."""
    octets = text.encode("latin-1")
    return len(octets.translate(None, forbidden)) != len(octets)


def asks_for_tunnel(method: str) -> bool:
    """Refuse a method that is no token, and say whether it is CONNECT, whose target is no path."""
    if not method or not only(method, TOKEN):
        raise HeadError("the method is not a token")
    return method == "CONNECT"


def protocol_of(version: str) -> str:
    """The version to answer with: never the peer's own text."""
    # Departure: uWSGI echoes the third word of the request in its status line, whatever it is.
    if len(version) == 8 and version[:5] == "HTTP/" and version[6] == ".":
        major, minor = version[5], version[7]
        if major.isdecimal() and minor.isdecimal():
            if major != "1":
                raise HeadError("only HTTP/1 is spoken here", BAD_VERSION)
            return "HTTP/1.1"
    raise HeadError("no HTTP version")


def target_of(method: str, target: str) -> Target:
    """Take a target apart; every one that is not simply a path comes here."""
    if not target or has_any(target, CONTROLS):
        raise HeadError("the target is empty or has control characters")
    if method == "CONNECT":
        if target[0] in "/*" or not only(target, AUTHORITY):
            raise HeadError("CONNECT wants an authority")
        return Target("", "", target)
    if target == "*":
        if method != "OPTIONS":
            raise HeadError("* is a target for OPTIONS only")
        return Target("*", "", "")  # uWSGI: the application sees what was asked for
    authority = ""
    if target[0] != "/":
        authority, target = _absolute(target)
    path, _, query = target.partition("?")
    # uWSGI: a path ends at #, too; fragments are not for servers, yet some clients send them.
    return Target(path_of(path.partition("#")[0]), query.partition("#")[0], authority)


def _absolute(target: str) -> tuple[str, str]:
    """Split the form that is meant for proxies into authority and the rest."""
    scheme, colon, rest = target.partition("://")
    if not colon or scheme.lower() not in ("http", "https"):
        raise HeadError("the target is neither a path nor a URL")
    end = min(place for mark in "/?#" if (place := (rest + mark).find(mark)) >= 0)
    authority, rest = rest[:end], rest[end:]
    if not authority or not only(authority, AUTHORITY):
        raise HeadError("the target has no proper authority")
    return authority, rest if rest[:1] == "/" else "/" + rest


def path_of(path: str) -> str:
    """Resolve the dot segments of a raw path, then decode it."""
    if "/." in path:
        path = _without_dots(path)
    if "%" in path:
        path = _decoded(path)
    return path


def _without_dots(path: str) -> str:
    # uWSGI: before decoding, so that `%2e%2e` arrives as `..`: who opens files must look again.
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _decoded(path: str) -> str:
    first, *pieces = path.split("%")
    decoded = [first]
    for piece in pieces:
        character = ESCAPED.get(piece[:2])
        # Departure: uWSGI makes a NUL of a bad escape; here the text stays: browsers send `100%`.
        decoded += ("%", piece) if character is None else (character, piece[2:])
    path = "".join(decoded)
    # Departure: uWSGI passes a NUL on, where it ends the names of files.
    if "\0" in path:
        raise HeadError("the path contains a NUL")
    return path
