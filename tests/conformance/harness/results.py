"""The result of a run, requirement by requirement, as docs/results/<binary>.json holds it.

What: a requirement is as good as its worst case: true, or [kind, note] with kind one of "fails",
      "differs" (a known difference), "setup", "harness", "depends", "absent".
"""

import datetime
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import binary

WORST_FIRST = ("fails", "setup", "harness", "depends", "differs", "absent")


class Record:
    """Collects outcomes of cases and writes the file."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[str, str]]] = {}

    def add(self, requirements: Iterable[str], kind: str, note: str = "") -> None:
        """Add the outcome of a case; kind is "" when it held."""
        for requirement in requirements:
            self._found.setdefault(requirement, []).append((kind, note))

    def results(self) -> dict[str, Any]:
        """Requirement -> true or [kind, note]."""
        return {key: _worst(self._found[key]) for key in sorted(self._found, key=_natural)}

    def write(self, path: Path) -> None:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "binary": binary.name(),
            "version": binary.version(),
            "platform": f"{platform.platform()}, Python {platform.python_version()}",
            "date": datetime.date.today().isoformat(),
            "results": self.results(),
        }
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _worst(outcomes: list[tuple[str, str]]) -> Any:
    for kind in WORST_FIRST:
        for found, note in outcomes:
            if found == kind:
                return [kind, note]
    return True


def _natural(key: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in key.split("-")]
