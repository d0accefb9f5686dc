"""refuwsgi simulate."""

import xml.dom.minidom
from pathlib import Path

import pytest

from refuwsgi.commands.simulate import LOADS, load_of, main, run
from refuwsgi.commands.simulate_model import Setup, simulate
from refuwsgi.commands.simulate_picture import COLUMNS, columns_of, drawn, svg
from refuwsgi.options import OptionError
from refuwsgi.scaling.cheaper_algorithms import Seen

SETUP = Setup(most=8, least=1, cores=1, service=0.5)
EVERY = ["spare", "spare2", "backlog", "busyness"]
EVERY_ALGORITHM = pytest.mark.parametrize("name", EVERY)


@EVERY_ALGORITHM
@pytest.mark.parametrize("load", sorted(LOADS))
def test_every_request_is_served_within_the_bounds(name: str, load: str) -> None:
    rates = load_of(load)
    trace = run(name, rates, SETUP)
    assert trace.served == round(sum(rates))
    assert len(trace.seconds) == len(rates)
    assert all(1 <= second.workers <= 8 for second in trace.seconds)
    assert all(second.busy <= second.workers for second in trace.seconds)
    assert max(second.workers for second in trace.seconds) > 2
    assert trace.longest >= trace.waited >= 0


@EVERY_ALGORITHM
def test_the_same_words_give_the_same_result(name: str) -> None:
    assert run(name, load_of("burst"), SETUP) == run(name, load_of("burst"), SETUP)


class Never:
    """Leaves everything as it is."""

    def decide(self, seen: Seen, now: float) -> int:
        """Nothing to do."""
        return 0


def test_one_core_serves_as_many_as_it_has_time_for() -> None:
    trace = simulate(Never(), [2.0] * 10, Setup(2, 1, 1, 0.5))
    assert (trace.served, trace.longest) == (20, 0.0)
    trace = simulate(Never(), [4.0] * 10, Setup(2, 1, 1, 0.5))
    assert trace.served == 21  # the last one begins in the moment in which the load ends
    assert trace.seconds[-1].queue == 19


def test_more_cores_serve_more() -> None:
    assert simulate(Never(), [4.0] * 10, Setup(2, 1, 2, 0.5)).served == 40


def test_a_worker_that_is_busy_is_not_stopped() -> None:
    class Fewer(Never):
        def decide(self, seen: Seen, now: float) -> int:
            return -8

    trace = simulate(Fewer(), [8.0] * 3, Setup(8, 1, 1, 2.0), first=8)
    assert [second.workers for second in trace.seconds] == [8, 8, 8]
    assert simulate(Fewer(), [0.0], Setup(8, 1, 1, 2.0), first=8).seconds[0].workers == 1


def test_fractions_of_requests_are_kept() -> None:
    assert simulate(Never(), [0.25] * 8, SETUP).served == 2


def test_the_picture_has_a_row_for_each_worker() -> None:
    load = load_of("wave")
    lines = drawn(run("spare", load, SETUP), load, SETUP).splitlines()
    assert len(lines) == 8 + 3
    assert lines[7].endswith("#" * COLUMNS)
    assert "300 s" in lines[8]


def test_columns_keep_the_peaks() -> None:
    values = [0.0] * 1000
    values[501] = 9.0
    assert max(columns_of(values)) == 9.0
    assert columns_of([1.0, 2.0]) == [1.0, 2.0]


def test_the_svg_says_in_words_what_it_shows() -> None:
    load = load_of("burst")
    traces = {name: run(name, load, SETUP) for name in EVERY}
    text = svg(traces, load, SETUP)
    document = xml.dom.minidom.parseString(text)
    assert len(document.getElementsByTagName("polyline")) == 8
    words = document.getElementsByTagName("desc")[0].firstChild
    assert words is not None
    assert "busyness: 780 requests" in words.toxml()
    assert "currentColor" in text


def test_the_command_draws_an_algorithm_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("def decide(seen, now):\n    return seen.queue\n")
    (tmp_path / "load").write_text("1 # quiet\n30\n30\n0 0 0\n")
    mine, picture = str(tmp_path / "mine.py"), tmp_path / "a.svg"
    words = ["--algo", f"{mine},manual", "--load", str(tmp_path / "load"), "--svg", str(picture)]
    assert main([*words, "--set", "cheaper-initial=2"]) == 0
    out = capsys.readouterr().out
    assert f"{mine}: 61 requests" in out
    assert "up to 8 of 8 workers" in out
    assert "manual: " in out
    assert picture.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--algo", "nothing"], "cheaper-algo: expected one of"),
        (["--load", "/nothere"], "/nothere: No such file"),
        (["--cheaper", "9"], "expected 1 <= cheaper < processes"),
        (["--cheaper", "x"], "refuwsgi simulate: argument --cheaper: invalid int"),
        (["--set", "master=1"], "expected an option of cheaper"),
        (["--load", "wave", "--svg", "/nothere/a.svg"], "/nothere/a.svg: No such file"),
    ],
)
def test_mistakes_are_one_line(words: list[str], part: str) -> None:
    with pytest.raises(OptionError, match=part) as raised:
        main(words)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("text", "part"), [("a b", ":1: expected numbers"), ("", "1 to"),
                                            ("-1", "numbers from 0")])  # fmt: skip
def test_a_load_must_be_numbers(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "load").write_text(text)
    with pytest.raises(OptionError, match=part):
        load_of(str(tmp_path / "load"))
