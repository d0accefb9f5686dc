"""Actions that end a request, answer it, or lead on.

Section:  ground / internal routing; actions that answer
What:     break, return, redirect, send, log, goto and their kin.

              return:403              an answer with a body
              break:403 No Way        an answer without one
              break:                  the end of the connection

Units:    none.
Errors:   ValueError at the start for arguments that are none.
"""

from __future__ import annotations

from refuwsgi import log
from refuwsgi.request import Request
from refuwsgi.routing.answer import routed_of
from refuwsgi.routing.text import Text, octets
from refuwsgi.routing.verdicts import BREAK, CONTINUE, JUMP, NEXT, Action, Groups, Maker
from refuwsgi.wsgi.fields import REASONS

PLAIN = ("Content-Type", "text/plain")
SHORTEST = 3  # characters of a status
MORE_REASONS = {
    "100": "Continue", "101": "Switching Protocols", "202": "Accepted",
    "203": "Non-Authoritative Information", "205": "Reset Content", "300": "Multiple Choices",
    "305": "Use Proxy", "402": "Payment Required", "406": "Not Acceptable",
    "407": "Proxy Authentication Required", "408": "Request Timeout", "411": "Length Required",
    "412": "Precondition Failed", "414": "URI Too Long", "415": "Unsupported Media Type",
    "416": "Range Not Satisfiable", "417": "Expectation Failed", "418": "I'm a teapot",
    "421": "Misdirected Request", "426": "Upgrade Required", "428": "Precondition Required",
    "431": "Request Header Fields Too Large", "451": "Unavailable For Legal Reasons",
    "505": "HTTP Version Not Supported", "507": "Insufficient Storage",
    "511": "Network Authentication Required",
}  # fmt: skip
MANY = REASONS | MORE_REASONS


def phrased(status: str) -> str:
    """Give a bare status its phrase; "" for one that has none."""
    if " " in status:
        return status
    return f"{status} {MANY[status]}" if status in MANY else ""


def next_rule(argument: str) -> Action:
    """Do nothing: `continue` in a chain that goes on."""
    return lambda request, groups: NEXT


def last(argument: str) -> Action:
    """Look at no more rules."""
    return lambda request, groups: CONTINUE


def goto(argument: str) -> Action:
    """Go on at a label further down."""
    label = Text(argument)

    def action(request: Request, groups: Groups) -> int:
        routed_of(request).target = label(request, groups)
        return JUMP

    return action


def stop(argument: str) -> Action:
    """End the request with a status and nothing else, or with nothing at all."""
    status = octets(argument.strip())
    if status and not status[:3].isdecimal():
        raise ValueError(f"expected a status, got {argument!r}")
    whole = phrased(status) or f"{status} Unknown"

    def action(request: Request, groups: Groups) -> int:
        request.keep = False
        if len(status) >= SHORTEST:
            request.respond(whole, [("Connection", "close"), PLAIN])
        return BREAK

    return action


def answer(argument: str) -> Action:
    """Answer with a status and its phrase."""
    status = phrased(octets(argument.strip()))
    if not status[:3].isdecimal():
        # Departure: uWSGI closes without a byte.
        raise ValueError(f"expected a status that has a phrase, got {argument!r}")
    body = status[4:].encode("latin-1")
    headers = [PLAIN, ("Content-Length", str(len(body)))]

    def action(request: Request, groups: Groups) -> int:
        request.respond(status, list(headers), body)
        return BREAK

    return action


def redirect(status: str) -> Maker:
    """Make the action that sends clients elsewhere."""

    def make(argument: str) -> Action:
        where = Text(argument)

        def action(request: Request, groups: Groups) -> int:
            request.keep = False  # uWSGI: a body without a length
            request.respond(status, [("Location", clean(where(request, groups)))], b"Moved")
            return BREAK

        return action

    return make


def clean(value: str) -> str:
    """Take out what would end a header."""
    # Departure: uWSGI sends what the client has sent, a second header, too.
    if value.isprintable():
        return value
    return "".join(each for each in value if each >= " " and each != "\x7f")


def write_log(argument: str) -> Action:
    """Write a line into the log."""
    text = Text(argument)

    def action(request: Request, groups: Groups) -> int:
        log.line(
            clean(text(request, groups)).encode("latin-1", "replace").decode("utf-8", "replace")
        )
        return NEXT

    return action


def send(ending: str) -> Maker:
    """Make the action that sends a text as the body, or as it is where no answer has begun."""

    def make(argument: str) -> Action:
        text = Text(argument)

        def action(request: Request, groups: Groups) -> int:
            body = (text(request, groups) + ending).encode("latin-1", "replace")
            routed = routed_of(request)
            request.keep = False
            head = b""
            if routed.pending is not None:
                head = request.head(routed.pending, [])
                routed.pending = None
            request.size += len(body)
            request.send(head + body)
            return NEXT

        return action

    return make


def clear_headers(argument: str) -> Action:
    """Begin an answer of the rules' own with this status."""
    status = phrased(octets(argument.strip()))
    if not status[:3].isdecimal():
        raise ValueError(f"expected a status, got {argument!r}")

    def action(request: Request, groups: Groups) -> int:
        request.extra_headers = ()
        routed_of(request).pending = status
        return NEXT

    return action


def disable_headers(argument: str) -> Action:
    """Send no head."""

    def action(request: Request, groups: Groups) -> int:
        routed_of(request).mute = True
        return NEXT

    return action


ACTIONS: dict[str, Maker] = {
    "next": next_rule,
    "continue": last,
    "last": last,
    "goto": goto,
    "break": stop,
    "return": answer,
    "break-with-status": answer,
    "redirect": redirect("302 Found"),
    "redirect-302": redirect("302 Found"),
    "redirect-permanent": redirect("301 Moved Permanently"),
    "redirect-301": redirect("301 Moved Permanently"),
    "log": write_log,
    "send": send(""),
    "send-crnl": send("\r\n"),
    "clearheaders": clear_headers,
    "resetheaders": clear_headers,
    "disableheaders": disable_headers,
}
