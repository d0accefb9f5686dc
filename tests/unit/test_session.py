"""The runner of transcripts: it reads, masks and writes back what it was given."""

from pathlib import Path

import pytest

from tests.tutorial import session

TEXT = "# beyond: a note\n$ echo one\none\n$ for i in 1 2\n> do echo $i; done\n1\n2\n"


def test_a_transcript_is_written_as_it_was_read() -> None:
    read = session.parse(TEXT)
    assert read.beyond
    assert [c.output for c in read.commands] == [["one"], ["1", "2"]]
    assert read.text() == TEXT


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "spawned uWSGI worker 1 (pid: 30105, cores: 1)",
            "spawned uWSGI worker 1 (pid N, cores: 1)",
        ),
        ("[pid: 7|app: 0|req: 1/1] in 12 msecs", "[pid N|app: 0|req: 1/1] in N msecs"),
        ("[Sun Nov 29 20:01:02 2026] GET /", "[DATE] GET /"),
    ],
)
def test_what_must_differ_is_masked(line: str, shown: str) -> None:
    assert session.masked(line) == shown


def test_commands_share_one_shell_in_a_copy_of_the_step(tmp_path: Path) -> None:
    step = tmp_path / "step"
    step.mkdir()
    (step / "file").write_text("here\n")
    written = session.parse("$ X=1; cat file; touch made\n$ echo $X; sleep 60 &\n")
    happened = session.replay(step, written, tmp_path / "room")
    assert [c.output for c in happened.commands] == [["here"], ["1"]]
    assert not (step / "made").exists()
