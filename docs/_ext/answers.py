"""The answers of the tutorial: a run in a block that the reader opens, and why it is so.

.. answer:: 1          the run of answers/1.console in the directory of the page's step
   The reason, in a sentence or two.

The block is a `<details>`: it opens without a script, and its text is found by the search.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.directives.code import container_wrapper
from sphinx.util.docutils import SphinxDirective

from docs._ext.source import ROOT

TUTORIAL = ROOT / "tutorial"


def console_of(docname: str, number: str) -> Path:
    """The transcript that answers a question of the step that a page shows."""
    return TUTORIAL / PurePosixPath(docname).name / "answers" / f"{number}.console"


class Answer(SphinxDirective):
    """One answer."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Show the transcript, and what the directive holds below it."""
        number = self.arguments[0]
        path = console_of(self.env.docname, number)
        self.env.note_dependency(str(path))
        if not path.exists():
            raise self.error(f"no transcript {path.relative_to(ROOT)}")
        self.assert_has_content()
        code = path.read_text("utf-8")
        shown = nodes.literal_block(code, code, language="console")
        block = container_wrapper(self, shown, str(path.relative_to(TUTORIAL.parent)))
        why = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, why)
        summary = f'<details class="answer"><summary>Answer {number}</summary>'
        return [
            nodes.raw("", summary, format="html"),
            block,
            why,
            nodes.raw("", "</details>", format="html"),
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("answer", Answer)
    return {"version": "1", "parallel_read_safe": True}
