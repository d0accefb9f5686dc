"""No line unshown: what the package has stands on a page of the manual."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs._ext import codepages, source, whole
from docs._ext.options import described
from docs._ext.source import ROOT
from refuwsgi.options import catalogue

SHOWN_WHOLE = re.compile(
    r"^\.\. literalinclude:: (\S+)\n   :language: python\n   :linenos:\n$", re.M
)
DOCUMENT = ROOT / "docs"


def hand_written() -> str:
    return "\n".join(path.read_text("utf-8") for path in pages())


EXCERPT = re.compile(
    r"^ *\.\. literalinclude:: (\S+)\n(?: +:\w.*\n)*? +:(pyobject|start-after): (.+)\n", re.M
)


def pages() -> list[Path]:
    made = DOCUMENT / "code"
    built = DOCUMENT / "_build"
    found = DOCUMENT.rglob("*.rst")
    return sorted(path for path in found if not {made, built} & set(path.parents))


def toctrees() -> set[str]:
    """What the toctrees of the manual name, as paths below docs/."""
    found = set()
    for path in pages():
        for block in re.findall(
            r"^\.\. toctree::\n((?: .*\n|\n)*)", path.read_text("utf-8") + "\n", re.M
        ):
            for name in re.findall(r"^   ([\w/.-]+)$", block, re.M):
                place = DOCUMENT / name[1:] if name.startswith("/") else path.parent / name
                found.add(str(place.resolve().relative_to(DOCUMENT)))
    return found


def test_every_page_is_in_a_toctree() -> None:
    names = {str(path.relative_to(DOCUMENT).with_suffix("")) for path in pages()}
    assert names - toctrees() == {"index"}


def test_every_module_has_a_page_that_shows_it_whole() -> None:
    assert ".. every-module::" in (DOCUMENT / "source.rst").read_text("utf-8")
    assert whole.shown_whole() == set(source.modules())
    for path in source.modules():
        text = codepages.page(path)
        (shown,) = SHOWN_WHOLE.findall(text)
        assert (DOCUMENT / shown.lstrip("/")).resolve() == path


def excerpts() -> Iterator[tuple[str, Path, str, str]]:
    """Every part of a file that a page shows: where, of which file, how it is found."""
    for path in [*pages(), *ROOT.joinpath("tutorial").rglob("*.rst")]:
        for name, how, what in EXCERPT.findall(path.read_text("utf-8")):
            base = DOCUMENT if name.startswith("/") else path.parent
            yield f"{path.name}: {what}", base / name.lstrip("/"), how, what


def names_of(node: ast.AST, before: str = "") -> Iterator[str]:
    """The classes and functions of a module, with what they are part of."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield before + child.name
            yield from names_of(child, f"{before}{child.name}.")


def test_every_excerpt_is_there() -> None:
    found = list(excerpts())
    assert len(found) > 50
    missing = [
        where
        for where, path, how, what in found
        if what not in (names_of(source.tree_of(path)) if how == "pyobject" else path.read_text())
    ]
    assert missing == []


def test_every_public_name_is_on_a_page() -> None:
    whole_pages = whole.shown_whole()
    unshown = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in source.modules()
        if path not in whole_pages
        for name, line in whole.public_names(path)
    ]
    print("\n".join(unshown))
    assert unshown == []


def test_every_module_is_named_beside_the_section_or_the_ground_that_it_serves() -> None:
    headings = set(re.findall(r"^\.\. section:: (.+)$", hand_written(), re.M))
    for path in source.modules():
        claim = source.claim_of(path)
        if claim and not claim.heading.startswith("ground"):
            assert claim.heading in headings, path
    assert ".. ground::" in hand_written()


def test_every_option_is_on_the_page_of_options() -> None:
    assert ".. options::" in (DOCUMENT / "options.rst").read_text("utf-8")
    for option in catalogue():
        text = "\n".join(described(option))
        assert f"``{option.name}``" in text
        assert option.help, option.name


def test_every_line_of_the_log_is_on_the_page_of_log_lines() -> None:
    assert ".. every-log-line::" in (DOCUMENT / "log-lines.rst").read_text("utf-8")
    texts = {text for path in source.modules() for _, text in whole.log_lines(path)}
    for known in ("spawned uWSGI", "GAME OVER", "on demand", "chdir() to {directory}"):
        assert any(known in text for text in texts), known
    assert len(texts) > 150


@pytest.mark.parametrize("section", whole.every_section(), ids=lambda each: each.name)
def test_a_section_has_a_page_an_owner_cases_and_an_example(section: whole.Whole) -> None:
    assert section.holes() == []


def test_a_hole_is_seen() -> None:
    empty = whole.Whole("x", "", None, (), ())
    assert empty.holes() == ["page", "owner", "cases", "examples"]
