"""`--write-xfail`: the list of what a binary does otherwise, as TOML, each line with its reason.

What: a reason that is known (from the list in use, or because uWSGI 2.0.31 does the same) is kept;
      of the others the error is told, and that a reason is still to be found.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.conformance.harness.report import ORIGINAL
from tests.conformance.harness.requirements import Known, difference, known, listed
from tests.conformance.harness.results import FAULTS, Outcome

HEAD = """\
# What {name} is known to do otherwise than the cases ask: id of a case = reason.
# Every entry must show itself, or the run fails; {{reason = "...", sometimes = true}} is for races.
"""
OPEN = "reason not found yet"


def known_list(cases: Mapping[str, Outcome], name: str, used: Path | None) -> str:
    """The text of the list for what a run found."""
    table = listed(used) if used else known(name)
    lines = [HEAD.format(name=name)]
    for case, (kind, note) in sorted(cases.items()):
        if kind in FAULTS and "[XPASS(strict)]" not in note or kind == "differs":
            lines.append(f"{_quoted(case)} = {_reason(case, table, note)}")
    return "\n".join(lines) + "\n"


def _reason(case: str, table: Mapping[str, Known], note: str) -> str:
    entry = difference(dict(table), case) or difference(known(ORIGINAL), case)
    if entry is None:
        return _quoted(f"{OPEN}: {note}")
    if entry.sometimes:
        return f"{{reason = {_quoted(entry.reason)}, sometimes = true}}"
    return _quoted(entry.reason)


def _quoted(text: str) -> str:
    """A TOML string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
