"""How many steps of Python's bytecode a plain request takes, in the process that serves it.

What: runs refuwsgi with options, as a subprocess of its own.  When so many clients have come that
      all that can be remembered is known, the steps of those that follow are counted, function by
      function.  Processors have room for some hundred jumps in a row; beyond, each costs four
      times as much, so that steps say more about the cost of a request than lines or calls do.

          python -m tests.bench.steps FILE --http-socket :8000 --wsgi-file hello.py --master
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

WARM, MEASURED = 100, 50  # clients

Trace = Callable[[FrameType, str, Any], Any]


class Steps:
    """The steps that are taken while a process serves clients."""

    def __init__(self, into: Path) -> None:
        self._into = into
        self._came = 0
        self._found: Counter[str] = Counter()

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, of which one is made for each client."""

        def arrives(*arguments: Any) -> Any:
            self._came += 1
            if self._came == WARM:
                self._begin(sys._getframe(1))
            elif self._came == WARM + MEASURED:
                self._end(arrives.__qualname__)
            return call(*arguments)

        return arrives

    def _begin(self, frame: FrameType | None) -> None:
        sys.settrace(self._trace)
        while frame is not None:  # those that run already
            self._trace(frame, "", None)
            frame.f_trace = self._trace
            frame = frame.f_back

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Trace:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            self._found[frame.f_code.co_qualname] += 1
        return self._trace

    def _end(self, own: str) -> None:
        sys.settrace(None)
        del self._found[own]
        found = {name: count / MEASURED for name, count in self._found.most_common()}
        unfinished = self._into.with_suffix(".new")
        unfinished.write_text(json.dumps({"all": sum(found.values()), **found}, indent=1))
        unfinished.rename(self._into)


def main() -> int:
    """Run a server in which steps are counted."""
    from refuwsgi.cli import main as refuwsgi
    from refuwsgi.gateway import Gateway
    from refuwsgi.scaling.cores import Core

    steps = Steps(Path(sys.argv.pop(1)).absolute())
    run, begin = Core.run, Gateway.run

    def counting_run(core: Core) -> None:
        vars(core)["_converse"] = steps.around(core._converse)
        run(core)

    def counting_begin(gateway: Gateway) -> int:
        gateway.serve = steps.around(gateway.serve)
        return begin(gateway)

    Core.run, Gateway.run = counting_run, counting_begin  # type: ignore[assignment, method-assign]
    sys.argv[0] = "refuwsgi"
    return refuwsgi()


if __name__ == "__main__":
    sys.exit(main())
