"""Every step of the tutorial does what its page shows."""

import os
from pathlib import Path

import pytest

from tests.tutorial import session

TUTORIAL = Path(__file__).parents[2] / "tutorial"
RUNS = sorted([*TUTORIAL.glob("*/*.console"), *TUTORIAL.glob("*/answers/*.console")])

# Ports are fixed, because the pages show them.  All steps stand in this module, and the cases of
# a module run one after the other in one process, however many processes there are.


@pytest.mark.parametrize(
    "path", RUNS, ids=lambda path: str(path.relative_to(TUTORIAL).with_suffix(""))
)
def test_the_page_shows_what_happens(path: Path, tmp_path: Path) -> None:
    written = session.parse(path.read_text("utf-8"))
    if written.beyond and "refuwsgi" not in session.subject():
        pytest.skip("beyond: runs on refuwsgi only")
    if written.lacking:
        pytest.skip(f"absent: {', '.join(written.lacking)}")
    happened = session.replay(step_of(path), written, tmp_path)
    if os.environ.get("RECORD"):
        path.write_text(happened.text(), "utf-8")
        return
    for before, now in zip(written.commands, happened.commands, strict=True):
        assert masked(now) == masked(before), before.text


def step_of(path: Path) -> Path:
    return TUTORIAL / path.relative_to(TUTORIAL).parts[0]


def masked(command: session.Command) -> list[str]:
    return [session.masked(line) for line in command.output]


def test_every_step_has_a_page_and_a_transcript() -> None:
    for step in sorted(p for p in TUTORIAL.iterdir() if p.is_dir()):
        assert (step / "README.rst").exists(), step.name
        assert step.name.startswith("00-") or (step / "session.console").exists(), step.name
