"""`compare`: the results of several binaries in one grid, as text and as a page.

What: a row is a requirement, a column a binary.  Without --all only the rows in which the binaries
      do not agree, or that do not hold, are shown; the sums below count all of them.
      With --cases: runs of one binary; the cases that did not end the same in all of them.
"""

import argparse
import json
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from tests.conformance.harness.changes import kind_of
from tests.conformance.harness.requirements import requirements

from .status import DIFFERS, HELD, Trouble

SIGNS = {
    "holds": "+",
    "differs": "d",
    "fails": "F",
    "setup": "F",
    "harness": "?",
    "absent": ".",
    "skipped": ".",
    "nothing": " ",
}
LEGEND = (
    "+ holds   d differs as listed   F fails   ? the suite broke   . not judged   blank: not asked"
)


class Grid(NamedTuple):
    """Several results side by side: names of the binaries, requirement -> one result for each."""

    names: list[str]
    rows: dict[str, list[Any]]

    def sums(self) -> list[Counter[str]]:
        """How many requirements ended in which way, for each binary."""
        columns = zip(*self.rows.values(), strict=True) if self.rows else [()] * len(self.names)
        return [Counter(map(kind_of, column)) for column in columns]

    def worth_showing(self) -> dict[str, list[Any]]:
        """The rows in which something does not hold."""
        return {
            name: row
            for name, row in self.rows.items()
            if any(kind_of(result) not in ("holds", "nothing") for result in row)
        }


def read(path: Path) -> dict[str, Any]:
    """A file of results."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content["binary"], str) or not isinstance(content["results"], dict):
            raise KeyError("results")
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{path}: expected what `run --json` writes") from error
    return dict(content)


def grid_of(contents: list[dict[str, Any]]) -> Grid:
    """The results side by side, the requirements in their own order."""
    found = {name for content in contents for name in content["results"]}
    order = [name for name in requirements() if name in found]
    order += sorted(found - set(order))
    rows = {name: [content["results"].get(name) for content in contents] for name in order}
    return Grid([content["binary"] for content in contents], rows)


def compare(chosen: argparse.Namespace) -> int:
    """Print the grid; 1 if some requirement fails on some binary."""
    contents = [read(path) for path in chosen.files]
    if chosen.cases:
        return _same(chosen.files, contents)
    grid = grid_of(contents)
    for line in lines(grid, everything=chosen.all):
        print(line)
    if chosen.html:
        try:
            chosen.html.write_text(page(grid, contents), "utf-8")
        except OSError as error:
            raise Trouble(f"{chosen.html}: {error.strerror}") from error
    failed = any(tally["fails"] + tally["setup"] + tally["harness"] for tally in grid.sums())
    return DIFFERS if failed else HELD


def _same(files: list[Path], contents: list[dict[str, Any]]) -> int:
    """Print the cases and sums that are not the same in all files; 1 if there are any."""
    moved = moving([content.get("cases", {}) for content in contents], "holds")
    counts = moving([content.get("counts", {}) for content in contents], 0)
    for case, kinds in {**moved, **counts}.items():
        print(f"{case}: " + ", ".join(map(str, kinds)))
    ended = f"{len(moved)} case(s) did not end the same" if moved else "every case ended the same"
    print(f"{', '.join(map(str, files))}: {ended}")
    return DIFFERS if moved or counts else HELD


def moving(tables: list[dict[str, Any]], unnamed: str | int) -> dict[str, list[Any]]:
    """What is not the same in all tables: name -> the kind or sum in each of them."""
    found = {}
    for key in sorted({key for table in tables for key in table}):
        entries = [table.get(key, unnamed) for table in tables]
        kinds = [entry[0] if isinstance(entry, list) else entry for entry in entries]
        if len(set(kinds)) > 1:
            found[key] = kinds
    return found


def lines(grid: Grid, everything: bool) -> list[str]:
    """The grid as text."""
    rows = grid.rows if everything else grid.worth_showing()
    found = []
    for place, name in enumerate(grid.names):
        found.append("  " + "| " * place + f"+- {name}")
    for name, row in rows.items():
        signs = " ".join(SIGNS.get(kind_of(result), "?") for result in row)
        text = str(requirements().get(name, {}).get("text", ""))
        found.append(f"  {signs}  {name:<7} {text[:90]}")
    found += ["", LEGEND, ""]
    for name, tally in zip(grid.names, grid.sums(), strict=True):
        others = ", ".join(f"{n} {kind}" for kind, n in tally.items() if kind != "holds" and n)
        found.append(f"{name}: {tally['holds']} of {len(grid.rows)} hold; {others or 'all'}")
    return found


STYLE = """\
body{font:14px/1.4 sans-serif;margin:2em}td,th{padding:2px 8px;border-bottom:1px solid #ccc;
text-align:left;vertical-align:top}.holds{background:#dfd}.differs{background:#ffc}
.fails,.setup,.harness{background:#fcc}.absent,.skipped{background:#eee}
"""


def page(grid: Grid, contents: list[dict[str, Any]]) -> str:
    """The grid as a page of its own."""
    head = "".join(f"<th>{escape(name)}</th>" for name in grid.names)
    about = "".join(
        f"<li>{escape(c['binary'])}: {escape(str(c.get('version', '')))}, run on "
        f"{escape(str(c.get('date', '')))}, {escape(str(c.get('platform', '')))}</li>"
        for c in contents
    )
    body = "\n".join(_row(name, row) for name, row in grid.rows.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Conformance</title>'
        f"<style>{STYLE}</style><h1>Conformance</h1><ul>{about}</ul><table>"
        f"<tr><th>requirement</th><th>what it says</th>{head}</tr>\n{body}\n</table></html>\n"
    )


def _row(name: str, row: list[Any]) -> str:
    text = escape(str(requirements().get(name, {}).get("text", "")))
    cells = "".join(_cell(result) for result in row)
    return f"<tr><td>{escape(name)}</td><td>{text}</td>{cells}</tr>"


def _cell(result: Any) -> str:
    kind = kind_of(result)
    note = escape(str(result[1])) if isinstance(result, list) else ""
    return f'<td class="{kind}" title="{note}">{kind if kind != "nothing" else ""}</td>'
