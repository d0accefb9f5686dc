"""refuwsgi trace FILE: who held the client when, read from what servers have written."""

import json
import xml.dom.minidom
from pathlib import Path

import pytest

from refuwsgi.commands import trace
from refuwsgi.commands.trace_file import LANES, Story, note_of, read
from refuwsgi.commands.trace_sequence import bars, rows, svg
from refuwsgi.options import OptionError

CORE, THREAD = "worker 1 core 0", "worker 1 offload thread 0"
OFFLOADED = [
    (10.0, "http 1", "takes", "a:1", ""),
    (10.1, "http 1", "chooses", "a:1", "127.0.0.1:3031"),
    (10.2, CORE, "takes", "a:1", "GET /big"),
    (10.3, CORE, "gives away", "a:1", "FileEngine"),
    (10.35, THREAD, "takes", "a:1", "FileEngine"),
    (10.4, CORE, "lets go", "a:1", ""),
    (10.7, THREAD, "answers", "a:1", "9 bytes"),
    (10.8, THREAD, "lets go", "a:1", ""),
    (10.9, "http 1", "answers", "a:1", ""),
    (11.0, "http 1", "lets go", "a:1", ""),
]
WOKEN = [(10.05, "emperor", "hears", "", "x.ini"), (10.06, CORE, "takes", "b:2", "GET /")]
Line = tuple[float, str, str, str, str]


def written(path: Path, lines: list[Line]) -> str:
    names = ("t", "who", "what", "client", "about")
    text = [json.dumps(dict(zip(names, line, strict=True))) for line in lines]
    path.write_text("".join(f"{line}\n" for line in text))
    return str(path)


def story(path: Path, lines: list[Line], only: str = "") -> Story:
    return Story(read(written(path, lines))[0], only)


def test_a_client_goes_from_one_to_the_other(tmp_path: Path) -> None:
    found = story(tmp_path / "t", OFFLOADED)
    assert found.parties == ["client", "http 1", CORE, THREAD]
    moves = [(step.source, step.target) for step in found.steps if step.source != step.target]
    assert moves == [
        ("client", "http 1"),
        ("http 1", CORE),
        (CORE, THREAD),  # who has given it away, whatever came between
        (THREAD, "http 1"),
        ("http 1", "client"),
    ]
    spans = [(hold.who, round(hold.begin, 3), round(hold.end, 3)) for hold in found.holds]
    assert spans == [(CORE, 0.2, 0.4), (THREAD, 0.35, 0.8), ("http 1", 0.0, 1.0)]
    assert all(hold.over for hold in found.holds)


def test_who_gives_away_what_is_taken_already_gives_nothing(tmp_path: Path) -> None:
    lines: list[Line] = [
        (1.0, "fastrouter 1", "takes", "a:1", ""),
        (1.1, CORE, "takes", "a:1", ""),
        (1.2, "fastrouter 1", "gives away", "a:1", ""),
        (1.3, CORE, "answers", "a:1", ""),
        (1.4, CORE, "lets go", "a:1", ""),
        (1.5, CORE, "takes", "a:1", "the next one"),
    ]
    steps = story(tmp_path / "t", lines).steps
    assert (steps[3].source, steps[3].target) == (CORE, "client")
    assert (steps[5].source, steps[5].target) == ("client", CORE)


def test_lines_of_several_processes_are_put_in_order(tmp_path: Path) -> None:
    assert story(tmp_path / "a", OFFLOADED[::-1]).steps == story(tmp_path / "b", OFFLOADED).steps


def test_the_terminal_shows_lines_of_life_and_spans(tmp_path: Path) -> None:
    text = list(rows(story(tmp_path / "t", OFFLOADED + WOKEN)))
    assert text[0].split() == f"client http 1 emperor {CORE} {THREAD}".split()
    assert text[1].split() == ["0.0000", "|------>#", "|", "|", "|", "#1", "takes"]
    assert "*" in text[2]
    assert text[2].endswith(" hears x.ini")
    assert any("#<---" in line and line.endswith("#1 answers 9 bytes") for line in text)
    assert "#2 b:2" in text
    assert text[-1].split() == [*CORE.split(), "0.0600", "...", "1.0000", "0.9400",
                                "s,", "and", "still", "does"]  # fmt: skip


def test_one_client_alone(tmp_path: Path) -> None:
    found = story(tmp_path / "t", OFFLOADED + WOKEN, "b:2")
    assert found.parties == ["client", "emperor", CORE]
    assert [step.number for step in found.steps] == [0, 1]


def test_the_picture_is_svg_with_bars_and_words(tmp_path: Path) -> None:
    long = (11.5, CORE, "answers", "b:2", "<&>" + "x" * 150)
    found = story(tmp_path / "t", [*OFFLOADED, *WOKEN, long])
    document = xml.dom.minidom.parseString(svg(found))
    labels = [each.firstChild.toxml() for each in document.getElementsByTagName("text")
              if each.firstChild]  # fmt: skip
    assert labels[:3] == ["client", "http 1", "emperor"]
    assert labels[-1].startswith("#2 answers &lt;&amp;&gt;")
    assert labels[-1].endswith("...")
    assert len(document.getElementsByTagName("rect")) == len(bars(found)) == 3


def test_more_parties_than_can_be_drawn_are_left_out(tmp_path: Path) -> None:
    lines = [(float(n), f"worker {n} core 0", "takes", f"a:{n}", "") for n in range(LANES + 5)]
    assert len(story(tmp_path / "t", lines).parties) == LANES + 1


@pytest.mark.parametrize(
    "line",
    ["", "[]", "5", '{"t": 1}', '{"t": "x", "who": "a", "what": "b"}', "{", "[" * 100_000,
     '{"t": 1e999, "who": "a", "what": "b"}', '{"t": 1, "who": "", "what": "b"}'],
)  # fmt: skip
def test_what_is_no_note(line: str) -> None:
    assert note_of(line) is None


def test_a_client_cannot_write_to_the_terminal() -> None:
    note = note_of(json.dumps({"t": 1, "who": "a", "what": "takes", "about": "\x1b[2J"}))
    assert note is not None
    assert note.about.isprintable()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "t", OFFLOADED)
    with open(path, "a") as file:
        file.write("half a li")
    assert trace.main([path, "--svg", str(tmp_path / "t.svg")]) == 0
    out = capsys.readouterr().out
    assert "#1 a:1" in out
    assert out.endswith(f"1 lines of {path} are no notes\n")
    assert (tmp_path / "t.svg").read_text().startswith("<svg ")


def test_an_empty_file_is_an_empty_drawing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace.main([written(tmp_path / "t", [])]) == 0
    assert capsys.readouterr().out.split() == ["client"]
    assert svg(Story([])).count("<text") == 1


@pytest.mark.parametrize("words", [[], ["--listen", "a"], ["FILE", "--to", "b"], ["/none/at/all"]])
def test_mistakes_are_one_line(words: list[str]) -> None:
    with pytest.raises(OptionError) as found:
        trace.main(words)
    assert "\n" not in str(found.value)
