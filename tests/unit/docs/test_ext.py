"""The manual's directives: functions from files to text."""

from pathlib import Path
from typing import Any

import pytest

from docs._ext import bench, codepages, diagrams, floors, source, traceability


def module(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "module.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("lines", "claim"),
    [
        ("Section: scaling / threads", ("scaling / threads", "")),
        ("Section:  ground / loop; timers", ("ground / loop", "timers")),
        ("Section: a / very\n         long one; a part\nWhat: x", ("a / very long one", "a part")),
    ],
)
def test_a_claim_is_read_from_the_docstring(
    tmp_path: Path, lines: str, claim: tuple[str, str]
) -> None:
    path = module(tmp_path, f'"""A title.\n\n{lines}\n"""\n')
    assert source.claim_of(path) == claim


def test_a_module_without_the_line_claims_nothing(tmp_path: Path) -> None:
    assert source.claim_of(module(tmp_path, '"""A title."""\n')) is None


def test_imports_at_start_are_told_from_lazy_ones(tmp_path: Path) -> None:
    path = module(tmp_path, "import os\ndef f():\n    import ssl\n")
    assert source.imports_of(path) == {"os", "ssl"}
    assert source.imports_of(path, lazy=False) == {"os"}


@pytest.mark.parametrize(
    ("mine", "theirs", "allowed"),
    [
        ("fastrouter", "vassals", False),
        ("fastrouter", "gateway", True),
        ("loop", "streams", True),
        ("loop", "scaling", False),
        ("protocol", "loop", False),
        ("server", "scaling", True),
        ("options", "ini", False),
    ],
)
def test_imports_point_down(mine: str, theirs: str, allowed: bool) -> None:
    assert floors.may_import(mine, theirs) is allowed


def test_the_states_of_a_table_become_edges(tmp_path: Path) -> None:
    table = "STEPS: T = {(S.A, E.GO): (S.B, Do.RUN), (S.B, E.END): (S.A, Do.NOTHING)}\n"
    edges = diagrams.state_edges(str(module(tmp_path, table)))
    assert edges == [("A", "B", "GO / RUN"), ("B", "A", "END")]
    assert '"A" -> "B" [label="GO / RUN"];' in diagrams.dot_of(edges)
    assert diagrams.text_of(edges) == "A -> B  (GO / RUN)\nB -> A  (END)"


@pytest.mark.parametrize(
    ("plain", "shown"),
    [("a*b", "a\\*b"), ("use `--x`", "use \\ ``--x``\\ "), ("one ` alone", "one \\` alone")],
)
def test_text_is_shown_as_it_stands(plain: str, shown: str) -> None:
    assert codepages.escaped(plain) == shown


@pytest.mark.parametrize(
    ("result", "kind", "shown"),
    [
        (True, "required", "holds"),
        (["differs", "D-1"], "required", "differs: D-1"),
        (None, "beyond", "not its promise"),
        (None, "observed", "not recorded"),
    ],
)
def test_a_result_is_shown_in_words(result: object, kind: str, shown: str) -> None:
    need = source.Requirement("X-1", "a / b", kind, "text")
    assert traceability.verdict(result, need, "uwsgi-2.0.31") == shown


def a_run() -> dict[str, Any]:
    def figure(median: float, ratio: float | None) -> dict[str, Any]:
        return {"cpu_us": {"median": median, "spread": 0.5, "ratio": ratio}}

    figures = {"refuwsgi": figure(12.345, None), "uwsgi": figure(10.0, 1.2345), "other": {}}
    row = {"what": "hello", "metric": "cpu_us", "figures": figures}
    goal = {"scenario": "s1", "metric": "cpu_us", "against": "uwsgi", "now": 1.2345, "goal": 1.35}
    return {
        "date": "today",
        "machine": "a machine",
        "rounds": 3,
        "goals": [{**goal, "moonshot": 1.0, "verdict": "goal"}],
        "scenarios": [{**row, "name": name} for name in ("s1", "keys-1", "keys-100")],
    }


def test_a_recorded_bench_becomes_tables() -> None:
    lines = bench.lines_of(a_run())
    assert r"     - 12.35 ± 0.5 cpu\_us" in lines
    assert "     - 1.23" in lines
    assert "     - 1.35" in lines
    assert "     - goal" in lines


def test_a_curve_is_drawn_and_written() -> None:
    metric, curve = bench.curve_of(a_run(), "keys")
    assert curve == {
        "refuwsgi": [(1.0, 12.345), (100.0, 12.345)],
        "uwsgi": [(1.0, 10.0), (100.0, 10.0)],
    }
    assert "100  10 cpu_us" in bench.text_of(metric, curve)
    drawn = bench.svg_of("keys", metric, curve)
    assert drawn.count("<polyline") == 2
    assert 'aria-label="cpu_us for growing keys"' in drawn
