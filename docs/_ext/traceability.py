"""Requirement, module, tests, result on each binary: the tables of the reference.

.. section:: fastrouter / Notes          the code of a section and its requirements
   :upstream: https://...
.. conformance::                         one line: how many hold, differ, go beyond
.. labelled:: Departure                  the comments of the source with this label
.. known-differences:: uwsgi-2.0.31      what a binary is known to do otherwise
"""

from __future__ import annotations

import functools
import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext import source
from docs._ext.codepages import escaped

BINARIES = ("refuwsgi", "uwsgi-2.0.31")


class Row(NamedTuple):
    """A requirement with everything that is known about it."""

    need: source.Requirement
    cases: list[source.Case]
    results: list[str]


@functools.cache
def results_of(binary: str) -> dict[str, Any]:
    """The recorded run of a binary."""
    path = source.ROOT / "docs" / "results" / f"{binary}.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {"results": {}}


def verdict(result: Any, need: source.Requirement, binary: str) -> str:
    """A result in words."""
    if result is True:
        return "holds"
    if result is not None:
        return f"{result[0]}: {result[1]}"
    return "not its promise" if need.kind == "beyond" and binary != "refuwsgi" else "not recorded"


@functools.cache
def all_rows() -> tuple[Row, ...]:
    """Every requirement with its cases and results."""
    cases = source.cases()
    found = []
    for need in source.requirements().values():
        results = [verdict(results_of(b)["results"].get(need.id), need, b) for b in BINARIES]
        found.append(Row(need, cases.get(need.id, []), results))
    return tuple(found)


def table(rows: Iterable[Row]) -> list[str]:
    """The rows as a list-table."""
    lines = [".. list-table::", "   :class: stacked promises", "   :header-rows: 1"]
    lines += ["   :widths: 10 40 24 13 13", ""]
    lines += row_of("requirement", "what it says", "cases", *BINARIES)
    for need, cases, results in rows:
        names = ", ".join(f"``{case.name}``" for case in cases) or "no case yet"
        about = f"{need.id} ({need.kind})"
        lines += row_of(about, escaped(need.text), names, *map(escaped, results))
    return lines


def row_of(*cells: str) -> list[str]:
    """One row of a list-table."""
    return [f"   {'* -' if not n else '  -'} {cell}" for n, cell in enumerate(cells)]


def code_of(section: str) -> list[str]:
    """The modules that claim a section, the owner first."""
    found = []
    for path in source.modules():
        claim = source.claim_of(path)
        if claim and claim.heading == section:
            title = source.docstring_of(path).partition("\n")[0]
            name = path.relative_to(source.ROOT)
            found.append((bool(claim.part), f"* :src:`{name}`: {escaped(title)}"))
    return [line for _, line in sorted(found)] or ["* no module yet"]


class Text(SphinxDirective):
    """A directive that writes reStructuredText."""

    has_content = False
    required_arguments = 1
    final_argument_whitespace = True

    def text(self) -> list[str]:
        """The lines to be parsed."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the lines where the directive stands."""
        self.env.note_reread()  # what it says comes from code and records, which may be newer
        return self.parse_text_to_nodes("\n".join(self.text()), allow_section_headings=False)


def label_of(section: str) -> str:
    """The name under which the manual refers to a section; it survives a new heading."""
    return "section-" + "-".join(re.findall("[a-z0-9]+", section.lower()))


class Section(Text):
    """The code and the requirements of one section of a document."""

    option_spec = {"upstream": directives.uri}

    def text(self) -> list[str]:
        """Link, modules, table."""
        name = self.arguments[0]
        if name not in source.sections():
            raise self.error(f"the documents have no section {name!r}")
        self._mark_heading(label_of(name))
        lines = []
        if url := self.options.get("upstream"):
            lines += [f"The original: `{escaped(name.split(' / ')[1])} <{url}>`__.", ""]
        lines += [".. rubric:: Its code", "", *code_of(name), ""]
        rows = [row for row in all_rows() if row.need.section == name]
        if rows:
            lines += [".. rubric:: What it promises", "", *table(rows)]
        return lines

    def _mark_heading(self, label: str) -> None:
        """Let the heading that the directive stands under be referred to."""
        heading = self.state.parent
        while not isinstance(heading, nodes.section):
            heading = heading.parent
        heading["names"].append(label)
        document = self.state.document
        document.nameids[label], document.nametypes[label] = heading["ids"][0], True


class Conformance(Text):
    """How many requirements hold, in one line for each binary."""

    required_arguments = 0

    def text(self) -> list[str]:
        """One bullet for each binary."""
        return [f"* {summary(place, binary)}" for place, binary in enumerate(BINARIES)]


def summary(place: int, binary: str) -> str:
    """The state of a binary in one sentence."""
    verdicts = [row.results[place] for row in all_rows()]
    hold = sum(text == "holds" for text in verdicts)
    differ = sum(text.startswith("differs") for text in verdicts)
    beyond = sum(row.need.kind == "beyond" for row in all_rows())
    run = results_of(binary)
    when = f", run on {run['date']}, {run['platform']}" if "date" in run else ""
    return (
        f"{binary}: {hold} of {len(verdicts)} requirements hold, {differ} differ"
        f" ({beyond} of all go beyond what uWSGI does){when}"
    )


class Labelled(Text):
    """The comments of the source that begin with a label."""

    def text(self) -> list[str]:
        """One bullet for each comment."""
        lines = []
        for note in source.notes():
            if note.label == self.arguments[0]:
                where = f":src:`{note.path.relative_to(source.ROOT)}`, line {note.line}"
                lines.append(f"* {escaped(note.text)} ({where})")
        return lines or ["None."]


class KnownDifferences(Text):
    """What a binary is known to do otherwise."""

    def text(self) -> list[str]:
        """One bullet for each entry."""
        found: dict[str, Any] = {}
        for path in sorted(
            (source.TESTS / "conformance" / "known").glob(f"{self.arguments[0]}*.toml")
        ):
            found |= tomllib.loads(path.read_text("utf-8"))
        lines = []
        for case, entry in found.items():
            reason = entry if isinstance(entry, str) else entry["reason"]
            lines.append(f"* ``{case}``: {escaped(reason)}")
        return lines or ["None."]


class Ground(Text):
    """The modules that no document owns, by what they are."""

    required_arguments = 0

    def text(self) -> list[str]:
        """One list for each heading."""
        claims = filter(None, map(source.claim_of, source.modules()))
        lines = []
        for heading in sorted({c.heading for c in claims if c.heading.startswith("ground")}):
            lines += [f".. rubric:: {heading.partition('/')[2].strip()}", "", *code_of(heading), ""]
        return lines


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("section", Section)
    app.add_directive("conformance", Conformance)
    app.add_directive("labelled", Labelled)
    app.add_directive("ground", Ground)
    app.add_directive("known-differences", KnownDifferences)
    return {"version": "1", "parallel_read_safe": True}
