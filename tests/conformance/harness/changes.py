"""What a run says otherwise than the committed file: a result may only change by a commit.

What: requirement by requirement, the kind of the result counts and not the words beside it.  What
      this machine could not run, and what was never recorded, is no change.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .requirements import TESTS, requirements

UNJUDGED = {"absent", "nothing"}
RESULTS = TESTS.parent / "docs" / "results"


def recorded(binary: str) -> dict[str, Any]:
    """The committed results of a binary, requirement by requirement; empty if there are none."""
    return dict(content(RESULTS / f"{binary}.json").get("results", {}))


def content(path: Path) -> dict[str, Any]:
    """What a file of results holds; nothing if it is not there."""
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def kind_of(result: Any) -> str:
    """The kind of a result in one word."""
    if result is None:
        return "nothing"
    return "holds" if result is True else str(result[0])


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One line for each requirement whose result is another than the recorded one."""
    lines = []
    for name, old in before.items():
        kinds = kind_of(old), kind_of(now.get(name))
        same = kinds[0] == kinds[1] or "skipped" in kinds or set(kinds) <= UNJUDGED
        if name in requirements() and not same:
            lines.append(f"{name}: recorded {kinds[0]}, this run: {told(now.get(name))}")
    return lines


def told(result: Any) -> str:
    """A result with its note."""
    kind = kind_of(result)
    return f"{kind} ({result[1]})" if isinstance(result, list) and result[1] else kind
