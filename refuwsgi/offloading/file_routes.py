"""Files as actions: a rule names the file that is the answer.

Section:  offloading / Offloading static files; files that rules name
What:     ``static:PATH`` sends a file as check-static does; the others send it as they are told.

              file:      read and sent by the worker       filename=F[,status=S][,content_type=T]
              sendfile:  sent by the worker's kernel                [,mime=1][,no_cl=1]
              fastfile:  sent by a thread                           [,no_headers=1]

          With `-next` behind the name a file that is missing is left to the next rule.
Units:    sizes are bytes.
Errors:   ValueError at the start without a filename; a file that is missing is 404.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from refuwsgi.offloading.engines import FileEngine, MemoryEngine
from refuwsgi.offloading.static_answer import Answers, send_file
from refuwsgi.offloading.static_paths import Found, Root
from refuwsgi.request import Request
from refuwsgi.routing.actions import phrased
from refuwsgi.routing.answer import Headers, routed_of
from refuwsgi.routing.pairs import is_on, pairs_of
from refuwsgi.routing.text import Text
from refuwsgi.routing.verdicts import BREAK, NEXT, Action, Groups, Maker

PIECE = 1 << 16
EVERYWHERE = "/"
MISSING = "404 Not Found"
NOT_ALLOWED = "405 Method Not Allowed"


def _open(answers: Answers, name: str) -> Found | None:
    """Open what a rule names; relative names begin where the server runs."""
    if "\0" in name:
        return None
    path = os.path.abspath(os.fsencode(name.encode("latin-1", "replace")))
    return answers.places.open(path, Root(EVERYWHERE))


def _static(answers: Callable[[], Answers], *, go_on: bool) -> Maker:
    def make(argument: str) -> Action:
        name, how = Text(argument), answers()

        def action(request: Request, groups: Groups) -> int:
            allowed = request.environ.get("REQUEST_METHOD") in ("GET", "HEAD")
            found = _open(how, name(request, groups)) if allowed else None
            if found is None:
                if go_on:
                    return NEXT
                # Departure: uWSGI closes without a byte.
                request.fail(MISSING if allowed else NOT_ALLOWED)
                return BREAK
            request.core.static += 1
            how.answer(request, found)
            return BREAK

        return action

    return make


class FileAction:
    """The action that sends a file as it is told."""

    def __init__(self, how: str, answers: Answers, pairs: dict[str, str], go_on: bool) -> None:
        if not pairs.get("filename"):
            raise ValueError("invalid route syntax: you need to specify a filename")
        self._how = how
        self._answers = answers
        self._name = Text(pairs["filename"])
        self._status = phrased(pairs.get("status", "")) or "200 OK"
        self._kind = pairs.get("content_type") or "text/html"
        self._by_name = is_on(pairs, "mime")
        self._length = not is_on(pairs, "no_cl", "no_content_length")
        self._headers = not is_on(pairs, "no_headers")
        self._go_on = go_on

    def __call__(self, request: Request, groups: Groups) -> int:
        """Send it."""
        found = _open(self._answers, self._name(request, groups))
        if found is None:
            if self._go_on:
                return NEXT
            request.fail(MISSING)
            return BREAK
        request.core.static += 1
        try:
            self._send(request, found)
        finally:
            found.close()
        return BREAK

    def _send(self, request: Request, found: Found) -> None:
        head = self._head(request, found)
        if not found.size or request.environ.get("REQUEST_METHOD") == "HEAD":
            request.send(head)
            return
        request.size += found.size
        if self._how == "fastfile" and request.offload is not None and not request.tapped:
            small = found.content is not None
            engine = (
                MemoryEngine(head + (found.content or b""))
                if small
                else FileEngine(found.fd, 0, found.size, head)
            )
            if request.offload(engine, request):
                if not small:
                    found.take()
                return
        request.send(head)
        if self._how == "file" or request.tapped:
            _send_pieces(request, found)
        else:
            request.via = "sendfile"
            send_file(request, found.fd, 0, found.size)

    def _head(self, request: Request, found: Found) -> bytes:
        if not self._headers:
            request.keep = False
            current = routed_of(request).current
            # In a later chain the head is the application's own.
            return request.head(*current) if current is not None else b""
        kind = self._answers.types.type_of(found.path) if self._by_name else None
        headers: Headers = [("Content-Type", kind or self._kind)]
        if self._length:
            headers.append(("Content-Length", str(found.size)))
        else:
            request.keep = False
        return request.head(self._status, headers)


def _send_pieces(request: Request, found: Found) -> None:
    place = 0
    while place < found.size:
        piece = os.pread(found.fd, min(PIECE, found.size - place), place)
        if not piece:
            raise ConnectionAbortedError("a file became shorter while it was read")
        request.send(piece)
        place += len(piece)


def _file(how: str, answers: Callable[[], Answers], *, go_on: bool) -> Maker:
    return lambda argument: FileAction(how, answers(), pairs_of(argument), go_on)


def actions(answers: Callable[[], Answers]) -> Mapping[str, Maker]:
    """The actions that send files."""
    found = {"static": _static(answers, go_on=False), "static-next": _static(answers, go_on=True)}
    for how in ("file", "sendfile", "fastfile"):
        found[how] = _file(how, answers, go_on=False)
        found[f"{how}-next"] = _file(how, answers, go_on=True)
    return found
