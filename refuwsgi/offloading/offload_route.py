"""offload: the whole body of an application's answer goes to a thread.

Section:  offloading / Offloading internal routing; answers of applications
What:     ``route-run = offload:`` collects what the application says, in memory or, beyond a
          limit, in a file without a name; at its end head and body go to a thread.
Units:    sizes are bytes.
Errors:   ValueError at the start for a limit that is no number.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from refuwsgi.offloading.engines import FileEngine, MemoryEngine
from refuwsgi.offloading.static_answer import send_file
from refuwsgi.options import octets
from refuwsgi.request import Request
from refuwsgi.routing.answer import Headers, routed_of
from refuwsgi.routing.verdicts import NEXT, Action, Groups, Maker

LIMIT = 1 << 20  # bytes kept in memory


class Collected:
    """The body of an answer, until it is whole."""

    def __init__(self, limit: int) -> None:
        import tempfile

        self._file = tempfile.SpooledTemporaryFile(limit)  # noqa: SIM115  # closed in deliver
        self._limit = limit
        self._size = 0

    def feed(self, request: Request, data: bytes) -> bytes:
        """Keep a piece."""
        self._size += len(data)
        self._file.write(data)
        return b""

    def finish(self, request: Request) -> bytes:
        """Give nothing: the body goes another way."""
        return b""

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Leave the headers as they are."""
        return headers

    def deliver(self, request: Request, head: bytes) -> None:
        """Give head and body to a thread; the worker sends them where there is none."""
        with self._file as file:
            if not self._size:
                request.send(head)
                return
            if self._size <= self._limit:
                file.seek(0)
                data = head + file.read()
                if request.offload is None or not request.offload(MemoryEngine(data), request):
                    request.send(data)
                return
            file.flush()
            fd = os.dup(file.fileno())
            engine = FileEngine(fd, 0, self._size, head)
            if request.offload is None or not request.offload(engine, request):
                request.send(head)
                send_file(request, fd, 0, self._size)
                engine.close()


def offload(argument: str) -> Action:
    """Collect the answers of applications for a thread."""
    limit = octets(argument) if argument else LIMIT

    def action(request: Request, groups: Groups) -> int:
        # Departure: uWSGI ends the request without a byte where there are no threads.
        if request.offload is not None:
            routed = routed_of(request)
            collected = Collected(limit)
            routed.transform(collected)
            routed.deliver = collected.deliver
        return NEXT

    return action


ACTIONS: Mapping[str, Maker] = {"offload": offload}
