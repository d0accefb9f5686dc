"""refuwsgi explain."""

from pathlib import Path

import pytest

from refuwsgi.commands.explain import main
from refuwsgi.commands.the_documents import section_of, url_of
from tests.unit.commands.sections import SECTIONS

INI = """[uwsgi]
base = /srv
http-socket = :8000
workers = 4
processes = 5
cheaper = 1
master = false
pythonpath = %(base)/code
vaccum = true
chroot = /
gevent = 5
jailed = false
harakiri = 30 ; seconds
cache-blocks = 1
threads = many
offload-threads = 0
set-ph = mine=1
"""


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """What is said, by the first line of each paragraph without the file."""
    path = tmp_path / "a.ini"
    path.write_text(INI)
    assert main([str(path)]) == 1
    blocks = capsys.readouterr().out.strip().split("\n\n")
    found = {}
    for block in blocks:
        head, *lines = block.splitlines()
        found[head.removeprefix(f"{path}:")] = [line.strip() for line in lines]
    return found


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("2: base = /srv", "a name of this configuration: %(base) uses it"),
        ("3: http-socket = :8000", "bind to this address and speak HTTP"),
        ("4: workers = 4", "another name of processes"),
        ("8: pythonpath = /srv/code", "look for modules in this directory, too"),
        ("9: vaccum = true", "no such option; did you mean vacuum?"),
        ("10: chroot = /", "refused, the start ends here: the process would not be confined"),
        ("11: gevent = 5", "an option of uWSGI that has no effect here"),
        ("12: jailed = false", "an option of uWSGI that is off, as it is here"),
        ("13: harakiri = 30 ; seconds", "understood as 30"),
        ("15: threads = many", "error: expected a number, got 'many'"),
        ("16: offload-threads = 0", "this is the default"),
        ("17: mine = 1", "a placeholder of this configuration: %(mine)"),
        ("Not set, and therefore:", "cheaper-algo = spare: spare, spare2,"),
    ],
)
def test_every_line_is_explained(said: dict[str, list[str]], head: str, line: str) -> None:
    assert any(each.startswith(line) for each in said[head]), said[head]


def test_what_is_set_again_does_not_count(said: dict[str, list[str]]) -> None:
    assert any("does not count: processes is set again at" in x for x in said["4: workers = 4"])


def test_the_document_is_named_with_its_address(said: dict[str, list[str]]) -> None:
    page = "https://uwsgi-docs.readthedocs.io/en/latest/WSGIquickstart.html"
    assert f"scaling / processes  {page}" in said["5: processes = 5"]


def test_an_option_that_follows_is_said_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[uwsgi]\ncheaper = 1\nprocesses = 2\n")
    assert main([str(path)]) == 0
    out = capsys.readouterr().out
    follows = out.partition("Follows from what is set:\n")[2].splitlines()[0]
    assert follows.strip().startswith("master: ")
    assert follows.endswith(f"({path}:2)")


def test_a_bare_name_shows_what_it_stands_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fastrouter-use-cache", "--chmod-socket", "--master"]) == 0
    out = capsys.readouterr().out
    assert "without a value it is 666" in out
    assert "command line: fastrouter-use-cache\n" in out
    assert "#way-3-fastrouter-use-cache" in out


def test_without_files_it_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert main(["-h"]) == 0
    assert "Usage: refuwsgi explain" in capsys.readouterr().out


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_a_document_has_an_address(section: str) -> None:
    assert url_of(section).startswith("https://uwsgi-docs.readthedocs.io/en/latest/")
    assert url_of(f"{section}; a part of it") == url_of(section)


def test_what_no_document_speaks_of_has_none() -> None:
    assert url_of("ground / the command") == ""
    assert section_of("no.such.module") == ""


def test_bytes_that_are_no_text_are_shown_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"[uwsgi]\npythonpath = /\xff\xe9\nb\xe9 = 1\n")
    assert main([str(path)]) == 1
    assert "pythonpath = /\ufffd\ufffd" in capsys.readouterr().out


def test_every_name_of_uwsgi_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    every = Path(__file__).parents[1] / "known" / "every_name.ini"
    assert main([str(every)]) in (0, 1)
    out = capsys.readouterr().out
    assert out.count(f"{every}:") >= 200
