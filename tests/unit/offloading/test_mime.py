"""The types of files."""

from pathlib import Path

import pytest

from refuwsgi.offloading import mime

TABLE = """# a comment
text/html\thtml  htm
text/x-c++src c++
application/only-a-name
  image/skipped png

image/png png
text/other html
"""


def test_the_extension_behind_the_last_dot_decides() -> None:
    types = mime.Types()
    assert types.add(TABLE.splitlines()) == 5
    assert types.type_of(b"/a/index.html") == "text/html"
    assert types.type_of(b"/a/x.tar.png") == "image/png"
    assert types.type_of(b"/a/x.c++") == "text/x-c++src"
    for unknown in (b"/a/noext", b"/a.html/noext", b"/a/x.HTML", b"/a/x.", b"/a/.hidden", b""):
        assert types.type_of(unknown) is None


def test_the_operators_tables_come_before_the_systems(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, system = tmp_path / "mine", tmp_path / "system"
    mine.write_text("text/mine html\n")
    system.write_text("text/html html\nimage/png png x\n")
    monkeypatch.setattr(mime, "SYSTEM_FILE", str(system))
    types = mime.read([str(mine)])
    assert types.type_of(b"a.html") == "text/mine"
    assert types.type_of(b"a.png") == "image/png"
    assert lines == [
        f"building mime-types dictionary from file {mine}...1 entry found",
        f"building mime-types dictionary from file {system}...3 entry found",
    ]


def test_without_a_system_table_the_usual_types_are_known(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mime, "SYSTEM_FILE", str(tmp_path / "none"))
    types = mime.read([str(tmp_path / "nor-this")])
    assert types.type_of(b"a.css") == "text/css"
    assert lines == [
        f"!!! no {tmp_path}/nor-this file found !!!",
        f"!!! no {tmp_path}/none file found !!!",
    ]
