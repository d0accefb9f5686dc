"""Actions that change what a request says of itself.

Section:  ground / internal routing; actions that set
What:     set a variable, rewrite the path, add or remove a header of the answer, decide whether
          the request is logged, offloaded or watched.  All go on with the next rule.
Units:    seconds.
Errors:   ValueError at the start for arguments that are none.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

from refuwsgi import log
from refuwsgi.request import Request
from refuwsgi.routing.actions import clean
from refuwsgi.routing.text import Text, octets
from refuwsgi.routing.verdicts import CONTINUE, NEXT, Action, Groups, Maker

PERCENT = re.compile("%([0-9A-Fa-f]{2})")
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
SYNTAX = "expected NAME=VALUE"


def _does(act: Callable[[Request, str], object]) -> Maker:
    """Make an action of what is done with the filled-in argument."""

    def make(argument: str) -> Action:
        text = Text(argument)

        def action(request: Request, groups: Groups) -> int:
            act(request, text(request, groups))
            return NEXT

        return action

    return make


def _sets(variable: str) -> Maker:
    def act(request: Request, value: str) -> None:
        request.environ[variable] = value

    return _does(act)


def add_variable(argument: str) -> Action:
    """Set a variable."""
    name, equals, value = argument.partition("=")
    if not equals or not name:
        raise ValueError(SYNTAX)
    key, text = Text(name), Text(value)

    def action(request: Request, groups: Groups) -> int:
        request.environ[key(request, groups)] = text(request, groups)
        return NEXT

    return action


def log_variable(argument: str) -> Action:
    """Set a variable for the log's format."""
    name, equals, value = argument.partition("=")
    if not equals or not name:
        raise ValueError(SYNTAX)
    key, text = Text(name), Text(value)

    def action(request: Request, groups: Groups) -> int:
        if request.logvars is None:
            request.logvars = {}
        request.logvars[key(request, groups)] = text(request, groups)
        return NEXT

    return action


def rewrite(verdict: int) -> Maker:
    """Make the action that changes path and query string."""

    def make(argument: str) -> Action:
        text = Text(argument)

        def action(request: Request, groups: Groups) -> int:
            path, mark, query = text(request, groups).partition("?")
            environ = request.environ
            environ["PATH_INFO"] = PERCENT.sub(lambda found: chr(int(found[1], 16)), path)
            if mark:
                old = environ.get("QUERY_STRING", "")
                environ["QUERY_STRING"] = f"{query}&{old}" if old else query
            return verdict

        return action

    return make


def add_header(argument: str) -> Action:
    """Add a header to the answer."""
    name, colon, value = argument.partition(":")
    if "${" in name or "$" in name:
        return _late_header(Text(argument))
    if not colon or not TOKEN.fullmatch(name.strip()):
        raise ValueError("expected Name: value")
    key, text = name.strip(), Text(value.strip())

    def action(request: Request, groups: Groups) -> int:
        request.extra_headers += ((key, clean(text(request, groups))),)
        return NEXT

    return action


def _late_header(text: Text) -> Action:
    def action(request: Request, groups: Groups) -> int:
        name, _, value = text(request, groups).partition(":")
        if TOKEN.fullmatch(name.strip()):
            request.extra_headers += ((name.strip(), clean(value.strip())),)
        return NEXT

    return action


def _remove_header(request: Request, name: str) -> None:
    request.removed_headers += (name.strip().lower(),)


def _fix_path(request: Request, value: str) -> None:
    script, path = (str(request.environ.get(name, "")) for name in ("SCRIPT_NAME", "PATH_INFO"))
    # Departure: uWSGI takes off as many characters, whatever they are.
    if script and (path == script or path.startswith(f"{script.rstrip('/')}/")):
        request.environ["PATH_INFO"] = path[len(script.rstrip("/")) :]


def _modifier(which: str) -> Maker:
    def make(argument: str) -> Action:
        if not (argument.isascii() and argument.isdecimal() and int(argument) < 256):
            raise ValueError(f"expected a number below 256, got {argument!r}")
        value = int(argument)

        def action(request: Request, groups: Groups) -> int:
            setattr(request, which, value)
            return NEXT

        return action

    return make


def harakiri(argument: str) -> Action:
    """Give the request so many seconds."""
    if not (argument.isascii() and argument.isdecimal()):
        raise ValueError(f"expected a number of seconds, got {argument!r}")
    allowed = int(argument) * 1_000_000

    def action(request: Request, groups: Groups) -> int:
        request.core.deadline = time.monotonic_ns() // 1000 + allowed if allowed else 0
        return NEXT

    return action


def _do_not_log(request: Request, value: str) -> None:
    request.log = False


def _do_not_offload(request: Request, value: str) -> None:
    # Departure: uWSGI switches it off for all requests that are still to come.
    request.offload = None


def _change_directory(request: Request, value: str) -> None:
    try:
        os.chdir(value.encode("latin-1"))
    except (OSError, ValueError) as problem:
        log.line(f"chdir(): {problem}")


ACTIONS: dict[str, Maker] = {
    "addvar": add_variable,
    "logvar": log_variable,
    "rewrite": rewrite(NEXT),
    "rewrite-last": rewrite(CONTINUE),
    "addheader": add_header,
    "delheader": _does(_remove_header),
    "remheader": _does(_remove_header),
    "setuser": _sets("REMOTE_USER"),
    "setmethod": _sets("REQUEST_METHOD"),
    "setpathinfo": _sets("PATH_INFO"),
    "fixpathinfo": _does(_fix_path),
    "setscriptname": _sets("SCRIPT_NAME"),
    "seturi": _sets("REQUEST_URI"),
    "setdocroot": _sets("DOCUMENT_ROOT"),
    "setremoteaddr": _sets("REMOTE_ADDR"),
    "setscheme": _sets("UWSGI_SCHEME"),
    "setapp": _sets("UWSGI_APPID"),
    "sethome": _sets("UWSGI_HOME"),
    "setfile": _sets("UWSGI_FILE"),
    "setmodifier1": _modifier("modifier1"),
    "setmodifier2": _modifier("modifier2"),
    "harakiri": harakiri,
    "donotlog": _does(_do_not_log),
    "donotoffload": _does(_do_not_offload),
    "chdir": _does(_change_directory),
}


def header_pair(value: str) -> tuple[str, str]:
    """Read `HEADER VARIABLE` of collect-header."""
    words = octets(value).split()
    if len(words) != 2:
        raise ValueError("expected HEADER VARIABLE")
    return words[0].lower(), words[1]
