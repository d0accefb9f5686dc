"""The wheel brings the conformance suite, and puts nothing called `tests` beside it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from docs._ext.source import ROOT

COPIED = ("refuwsgi", "tests", "docs/results", "setup.py", "pyproject.toml", "README.md", "LICENSE")
CASE = "fastrouter/test_getting_started.py::test_the_command_of_the_document_keeps_serving"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy (a build leaves things behind) and unpacked."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in COPIED:
        (source / name).parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", ROOT / name, source / name], check=True)
    words = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "-w",
        str(place),
        str(source),
    ]
    subprocess.run(words, check=True, timeout=115)
    with zipfile.ZipFile(next(place.glob("*.whl"))) as wheel:
        wheel.extractall(place / "site")
    return place / "site"


def test_only_two_packages_are_installed(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"refuwsgi", "refuwsgi_suite"}


def test_the_suite_is_whole(installed: Path) -> None:
    suite = installed / "refuwsgi_suite"
    source = installed.parent / "source"
    ours = {
        path.relative_to(source)
        for path in (source / "tests" / "conformance").rglob("*.*")
        if path.is_file() and "cache" not in str(path) and path.suffix != ".md"
    }
    assert ours <= {path.relative_to(suite) for path in suite.rglob("*.*")}
    assert (suite / "docs" / "results" / "uwsgi-2.0.31.json").exists()


def test_the_command_finds_its_cases_from_anywhere(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()  # somebody else's
    (tmp_path / "tests" / "__init__.py").write_text("raise RuntimeError('not this one')")
    words = (
        "import sys; sys.argv[1:] = ['list', %r]; import refuwsgi_suite as s; sys.exit(s.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", words % CASE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.stdout.splitlines() == [f"required  {CASE}  FR-14", "1 cases"], done.stderr
