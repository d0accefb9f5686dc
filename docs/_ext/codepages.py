"""Shows every module of the package whole, on a page of its own, and links to it.

The pages are written to docs/code/ when a build begins; they are not in the repository.  So no line
of the package can stay unshown, and `:src:` fails the build when a module is gone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from docs._ext.source import ROOT, claim_of, docstring_of, modules

log = logging.getLogger(__name__)
MARKUP = re.compile(r"`+([^`]+)`+|[*_|`\\@]")
MARK = "Every line of it; the numbers are those of the file."


def page_of(path: Path) -> str:
    """The name of the page that shows a file."""
    return "code/" + str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")


def page(path: Path) -> str:
    """The text of the page that shows a file."""
    name = str(path.relative_to(ROOT))
    title = docstring_of(path).partition("\n")[0]
    claim = claim_of(path)
    where = (
        f"Section: ``{claim.heading}``" + (f"; {claim.part}" if claim.part else "") if claim else ""
    )
    lines = [
        ":orphan:",  # the index of the source names it; 200 more entries would drown the sidebar
        "",
        name,
        "=" * len(name),
        "",
        escaped(title),
        "",
        escaped(where),
        "",
        MARK,
        "",
    ]
    lines += [f".. literalinclude:: /../{name}", "   :language: python", "   :linenos:", ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text as reStructuredText shows it; what stands in backquotes is code."""
    return MARKUP.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    code = (found[1] or "").strip()
    return f"\\ ``{code}``\\ " if code else f"\\{found[0]}"


def write_pages(app: Sphinx) -> None:
    """Write the pages that have changed, and remove those whose module is gone."""
    place = Path(app.srcdir) / "code"
    place.mkdir(exist_ok=True)
    wanted = {Path(app.srcdir) / f"{page_of(path)}.rst": page(path) for path in modules()}
    for old in set(place.glob("*.rst")) - set(wanted):
        old.unlink()
    for target, text in wanted.items():
        if not target.exists() or target.read_text("utf-8") != text:
            target.write_text(text, "utf-8")


class Src(SphinxRole):
    """:src:`refuwsgi/loop.py` links to the page that shows the module."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link."""
        path = ROOT / self.text
        if path not in modules():
            log.warning("no module %s", self.text, location=self.get_location())
        return [link_to(path, self.text, self.env.docname)], []


def link_to(path: Path, text: str, docname: str) -> nodes.Node:
    """A link to the page of a module, resolved when all pages are known."""
    inner = nodes.literal(text, text)
    return addnodes.pending_xref(
        "",
        inner,
        refdomain="std",
        reftype="doc",
        reftarget=f"/{page_of(path)}",
        refexplicit=True,
        refdoc=docname,
        refwarn=True,
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.connect("builder-inited", write_pages)
    app.add_role("src", Src())
    return {"version": "1", "parallel_read_safe": True}
