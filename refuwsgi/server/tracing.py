"""trace: every process writes down when it takes a client, passes it on and lets it go.

Section:  ground / the server; the trace
What:     `trace = FILE`: one JSON object a line, appended with one write, by routers, cores,
          offload threads and the emperor; `refuwsgi trace FILE` draws them.

              {"t": 81.25, "who": "worker 1 core 0", "what": "takes", "client": "127.0.0.1:40312",
               "about": "GET /big"}

          `what` is one of the words below.  The steps where that happens get a note put around
          them once, when the option is set: without it there is not even a question whether it is.
          Clients are told apart by REMOTE_ADDR and REMOTE_PORT, which all that see them share.
Units:    `t` is seconds of the monotonic clock, which all processes of a machine share.
Errors:   OSError when the file cannot be opened; a note that cannot be written is dropped.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import Any, Final

from refuwsgi.options import Option, text

# Beyond: uWSGI has a log line when a request is over, and nothing that joins its processes' lines.
TRACE: Option[str | None] = Option(
    "trace",
    text,
    default=None,
    help="append to this file which process takes, passes on and lets go of a client, and when",
)

TAKES: Final = "takes"  # a client, from whoever has it
CHOOSES: Final = "chooses"  # a node that is to answer
ANSWERS: Final = "answers"
GIVES: Final = "gives away"  # the client's descriptor has a new owner
LETS_GO: Final = "lets go"
HEARS: Final = "hears"  # a socket that somebody has connected to
STARTS: Final = "starts"
IS_READY: Final = "is ready"
SLEEPS: Final = "sleeps"
HAS_ENDED: Final = "has ended"

Step = Callable[..., Any]


class Trace:
    """The file, and the steps that have a note around them."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o640)
        self._steps: list[tuple[Any, str, Step]] = []
        self.name = ""  # of this process: "http 1", "fastrouter 2"

    def note(
        self, who: str, what: str, client: str = "", about: str = "", at: float | None = None
    ) -> None:
        """Write one line."""
        import json

        noted = {"t": round(time.monotonic() if at is None else at, 6), "who": who, "what": what}
        if client:
            noted["client"] = client
        if about:
            noted["about"] = about
        try:
            os.write(self._fd, json.dumps(noted).encode() + b"\n")
        except OSError:
            pass  # a full disk shortens the trace, and holds up nobody

    def around(self, owner: Any, name: str, make: Callable[[Step], Step]) -> None:
        """Put something around a step: `make` gets the step and returns what is called instead."""
        step: Step = getattr(owner, name)
        self._steps.append((owner, name, step))
        setattr(owner, name, functools.wraps(step)(make(step)))

    def forget(self) -> None:
        """Take everything away again; the descriptor has been closed by somebody else."""
        self._fd = -1
        while self._steps:
            owner, name, step = self._steps.pop()
            setattr(owner, name, step)

    def end(self) -> None:
        """Take everything away again, and close the file."""
        fd = self._fd
        self.forget()
        if fd >= 0:
            os.close(fd)
