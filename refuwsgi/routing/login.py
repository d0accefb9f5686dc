"""basicauth: names and passwords.

Section:  ground / internal routing; who is it
What:     `basicauth:Realm,name:password` or `basicauth:Realm,FILE`, a file as htpasswd writes it.
          Who is known becomes REMOTE_USER, and the next rule is looked at; others get 401, or
          with `basicauth-next` the next rule as well.  Without a second part all get 401.
Units:    none.
Errors:   ValueError at the start; a file that cannot be read knows nobody.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable

from refuwsgi import log
from refuwsgi.request import Request
from refuwsgi.routing.text import octets
from refuwsgi.routing.verdicts import BREAK, NEXT, Action, Groups, Maker

DENIED = "401 Authorization Required"
Knows = Callable[[bytes, bytes], bool]


def same(one: bytes, other: bytes) -> bool:
    """Compare in a time that says nothing."""
    import hmac

    return hmac.compare_digest(one, other)


def _nobody(name: bytes, password: bytes) -> bool:
    return False


def _one(pair: str) -> Knows:
    wanted = octets(pair).encode("latin-1")
    return lambda name, password: same(wanted, name + b":" + password)


def _file(path: str) -> Knows:
    def knows(name: bytes, password: bytes) -> bool:
        try:
            with open(path, "rb") as file:
                lines = file.read().splitlines()
        except OSError as problem:
            log.line(f"basicauth: {problem.strerror}: {path}")
            return False
        for line in lines:
            user, colon, rest = line.strip().partition(b":")
            if colon and user == name:
                return _fits(rest.partition(b":")[0], password)
        return False

    return knows


def _fits(stored: bytes, password: bytes) -> bool:
    if stored.startswith(b"{SHA}"):
        import hashlib

        digest = hashlib.sha1(password).digest()  # what such a file has
        return same(stored[5:], binascii.b2a_base64(digest, newline=False))
    made = _crypted(password, stored)
    return made is not None and same(stored, made)


def _crypted(password: bytes, stored: bytes) -> bytes | None:
    """Ask the system's crypt, which Python has let go of."""
    import ctypes
    import ctypes.util

    name = ctypes.util.find_library("crypt")
    if name is None or b"\0" in password + stored or len(stored) < 4:
        return None
    crypt = ctypes.CDLL(name).crypt
    crypt.restype = ctypes.c_char_p
    found: bytes | None = crypt(password, stored)
    return found


def _credentials(request: Request) -> tuple[bytes, bytes] | None:
    kind, _, code = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        pair = binascii.a2b_base64(code.strip().encode("latin-1"))
    except ValueError:
        return None
    name, colon, password = pair.partition(b":")
    return (name, password) if colon else None


def basic_auth(denied: int) -> Maker:
    """Make the action that asks for a name and a password."""

    def make(argument: str) -> Action:
        realm, comma, who = argument.partition(",")
        if not comma:
            raise ValueError("expected REALM,NAME:PASSWORD or REALM,FILE")
        knows = (_one(who) if ":" in who else _file(who)) if who else _nobody
        asks = ("WWW-Authenticate", f'Basic realm="{octets(realm)}"')

        def action(request: Request, groups: Groups) -> int:
            given = _credentials(request)
            if given is not None and knows(*given):
                request.environ["REMOTE_USER"] = given[0].decode("latin-1")
                return NEXT
            if denied == NEXT:
                return NEXT
            body = b"Unauthorized"
            request.respond(DENIED, [asks, ("Content-Length", str(len(body)))], body)
            return BREAK

        return action

    return make


ACTIONS: dict[str, Maker] = {
    "basicauth": basic_auth(BREAK),
    "basicauth-next": basic_auth(NEXT),
}
