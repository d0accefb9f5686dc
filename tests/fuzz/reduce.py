"""Keeps a corpus small: of many inputs those that reach code which no shorter one reached.

    python -m tests.fuzz.reduce TARGET DIRECTORY

What: feeds the inputs from the shortest on, watches which steps from line to line they make, and
      copies those that make a new one into the kept corpus, which it never makes larger than MOST.
"""

import hashlib
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.engine import CORPUS, kept
from tests.fuzz.targets import TARGETS

MOST = 60  # inputs of one target
PACKAGE = str(Path(__file__).parent.parent.parent / "refuwsgi")
Step = tuple[str, int, int]


def steps_of(name: str, data: bytes) -> set[Step]:
    """The steps from line to line that an input makes in the package."""
    found: set[Step] = set()
    last: dict[int, int] = {}

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(PACKAGE):
            return None
        found.add((file, last.get(id(frame), 0), frame.f_lineno))
        last[id(frame)] = frame.f_lineno
        return watch

    before = sys.gettrace()  # that of a measurement of coverage
    sys.settrace(watch)
    try:
        TARGETS[name].feed(data)
    finally:
        sys.settrace(before)
    return found


def reduced(name: str, directory: Path) -> int:
    """Keep what is new; how many inputs the corpus has now."""
    seen: set[Step] = set()
    for path in kept(name):
        seen |= steps_of(name, path.read_bytes())
    count = len(kept(name))
    for path in sorted(directory.iterdir(), key=lambda path: path.stat().st_size):
        data = path.read_bytes()
        new = steps_of(name, data) - seen if count < MOST else set()
        if new:
            seen |= new
            count += 1
            (CORPUS / name / hashlib.sha1(data).hexdigest()[:12]).write_bytes(data)
    return count


if __name__ == "__main__":
    print(reduced(sys.argv[1], Path(sys.argv[2])))
