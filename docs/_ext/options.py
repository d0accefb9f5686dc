"""The page of options, made from the declarations themselves.

.. options::            a table of every option
:opt:`processes`        a name that must exist
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from docs._ext.codepages import escaped
from docs._ext.source import PACKAGE
from docs._ext.traceability import Text, row_of
from refuwsgi.options import Option, catalogue

log = logging.getLogger(__name__)


def names() -> set[str]:
    """Every name and alias."""
    return {name for option in catalogue() for name in (option.name, *option.aliases)}


def described(option: Option[Any]) -> list[str]:
    """The row of an option."""
    also = ", ".join(f"``{alias}``" for alias in option.aliases)
    name = f"``{option.name}``" + (f" (also {also})" if also else "")
    parts = option.module.split(".")[1:]
    path = PACKAGE.joinpath(*parts).with_suffix(".py")
    if not path.exists():
        path = PACKAGE.joinpath(*parts, "__init__.py")
    where = f":src:`{path.relative_to(PACKAGE.parent)}`"
    return row_of(name, f"``{option.default!r}``", escaped(option.help), where)


class Options(Text):
    """A table of all options."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Every option, by name."""
        lines = [
            ".. list-table::",
            "   :class: stacked",
            "   :header-rows: 1",
            "   :widths: 28 14 38 20",
            "",
        ]
        lines += row_of("option", "default", "what it does", "obeyed in")
        for option in sorted(catalogue(), key=lambda option: option.name):
            lines += described(option)
        return lines


class Opt(SphinxRole):
    """The name of an option; the build fails if there is none of that name."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Check the name and show it as code."""
        if self.text not in names():
            log.warning("no option %s", self.text, location=self.get_location())
        return [nodes.literal(self.text, self.text)], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("options", Options)
    app.add_role("opt", Opt())
    return {"version": "1", "parallel_read_safe": True}
