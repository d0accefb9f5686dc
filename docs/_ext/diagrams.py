"""Pictures made from the code: the floors from the imports, states from a table.

    .. floors::
    .. states:: refuwsgi/vassals/lifecycle.py

Without Graphviz the same edges are shown as text.
"""

from __future__ import annotations

import ast
import html
import shutil
import subprocess
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext import floors, source

Edge = tuple[str, str, str]  # from, to, label


def floor_edges() -> list[Edge]:
    """Which part of the house leans on which, without the top floor, which leans on everything."""
    return [
        (mine, other, "")
        for mine, others in sorted(floors.edges(lazy=False).items())
        for other in sorted(others)
        if floors.floor_of(mine) in (floors.DOCUMENTS, floors.MACHINE, floors.PURE)
        and floors.floor_of(other) < floors.floor_of(mine)
    ]


def state_edges(name: str, table: str = "STEPS") -> list[Edge]:
    """The edges of a table of (state, event): (state, what to do)."""
    for node in ast.walk(source.tree_of(source.ROOT / name)):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == table:
            assert isinstance(node.value, ast.Dict)
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return [edge(key, value) for key, value in pairs if key]
    raise LookupError(f"{name} has no table {table}")


def edge(key: ast.expr, value: ast.expr) -> Edge:
    """An edge out of one line of a table."""
    state, event = words(key)
    after, what = words(value)
    return state, after, event if what == "NOTHING" else f"{event} / {what}"


def words(pair: ast.expr) -> list[str]:
    """The last names of the two expressions of a tuple."""
    assert isinstance(pair, ast.Tuple)
    return [ast.unparse(part).rpartition(".")[2] for part in pair.elts]


def dot_of(edges: list[Edge]) -> str:
    """The edges in the language of Graphviz."""
    style = 'node [shape=box fontname="sans-serif" fontsize=11 color="currentColor"'
    style += ' fontcolor="currentColor"]; edge [fontname="sans-serif" fontsize=9'
    style += ' color="currentColor" fontcolor="currentColor"]; bgcolor=transparent;'
    lines = [f'"{a}" -> "{b}" [label="{label}"];' for a, b, label in edges]
    return "\n".join(["digraph {", style, *lines, "}"])


def text_of(edges: list[Edge]) -> str:
    """The edges as text, for those who cannot see the picture and for machines without Graphviz."""
    return "\n".join(f"{a} -> {b}" + (f"  ({label})" if label else "") for a, b, label in edges)


def picture(edges: list[Edge], alt: str) -> nodes.Node:
    """The picture, or the text where there is no Graphviz."""
    program = shutil.which("dot")
    if program is None:
        return nodes.literal_block(text_of(edges), text_of(edges), language="text")
    drawn = subprocess.run(
        [program, "-Tsvg"], input=dot_of(edges), capture_output=True, text=True, check=True
    ).stdout
    svg = drawn[drawn.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{alt}"', 1)
    plain = f"<pre>{html.escape(text_of(edges))}</pre>"
    details = f"<details><summary>the same as text</summary>{plain}</details>"
    return nodes.raw("", svg + details, format="html")


class Floors(SphinxDirective):
    """The picture of what leans on what."""

    def run(self) -> list[nodes.Node]:
        """Draw the imports."""
        self.env.note_reread()
        return [picture(floor_edges(), "which part of the package imports which")]


class States(SphinxDirective):
    """The picture of a table of states."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw the table."""
        self.env.note_reread()
        name = self.arguments[0]
        return [picture(state_edges(name), f"the states of {name}")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("floors", Floors)
    app.add_directive("states", States)
    return {"version": "1", "parallel_read_safe": True}
