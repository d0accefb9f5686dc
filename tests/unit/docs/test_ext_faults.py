"""The directives of the page about faults."""

from docs._ext import faults

RUN = {
    "date": "2026-01-01",
    "machine": "2 cores",
    "minutes": 1,
    "clients": 2,
    "answered": {"http": 5},
    "harm": {"kill": 1},
    "lost": {"http": 1},
    "unexplained": [],
    "before": dict.fromkeys(faults.CURVES, 1),
    "after": dict.fromkeys(faults.CURVES, 1),
    "names": ["at", *faults.CURVES],
    "samples": [[0, 1, 2, 3, 9, 4.0, 0, 0], [60, 1, 2, 3, 9, 5.0, 0, 100]],
}


def test_every_fault_is_a_row() -> None:
    lines = faults.fault_lines()
    assert any(line.startswith("   * - H1") for line in lines)
    assert any("``test_a_router``" in line for line in lines)


def test_curves_are_drawn_from_the_record() -> None:
    lines = faults.soak_lines(RUN)
    assert "5 requests answered, 1 kills and reloads, 1 requests lost beside them" in lines[0]
    assert len([line for line in lines if "<svg" in line]) == len(faults.CURVES)


def test_a_curve_stays_in_its_picture() -> None:
    drawn = faults.curve("memory", [0.0, 60.0], [0.0, 0.0])
    assert "0 at most" in drawn
    assert "1 minutes" in drawn


def test_counts_and_figures_are_rows() -> None:
    once = {"date": "d", "inputs": 5000, "seconds": 90, "cpu": 60, "finds": 0}
    run = {"machine": "m", "targets": {"head": {"corpus": 3, "runs": [once, once]}}}
    lines = faults.fuzz_lines(run)
    first = lines.index("   * - head")
    cells = [line.strip(" *-") for line in lines[first : first + 7]]
    assert cells == ["head", "10,000", "2, d", "3.0", "2.0", "0", "3"]
    row = {
        "what": "w",
        "bar": "b",
        "measured": {"p99 ms": 3, "runs": [1] * 400},
        "full": False,
        "numbers": {"cycles": 8},
        "good": True,
        "load": 0.5,
    }
    lines = faults.figure_lines({"M1": row})
    assert any("p99 ms: 3; runs: 400 of them" in line for line in lines)
    assert any("good (cycles: 8, load 0.5)" in line for line in lines)


def test_without_records_the_page_says_how_to_make_them() -> None:
    assert "make fuzz" in faults.fuzz_lines(None)[0]
    assert "make soak" in faults.soak_lines(None)[0]
    assert "figures" in faults.figure_lines({})[0]
