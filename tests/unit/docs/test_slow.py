"""The tables of slow clients: from the records to text."""

import json

from docs._ext import slow


def test_each_set_up_is_a_row() -> None:
    run = {
        "date": "2026-01-02",
        "machine": "Linux",
        "columns": [{"name": "file", "what": "64 MB"}, {"name": "static", "what": "a file"}],
        "rows": [
            {
                "server": "one",
                "version": "1.0",
                "what": "a*b",
                "cells": {"file": "Y", "static": "n"},
            },
            {"server": "two", "version": "2", "what": "c", "cells": {"file": "n", "static": "-"}},
        ],
    }
    lines = slow.slow_lines(run)
    assert lines[0] == "Run on 2026-01-02: Linux; one 1.0, two 2."
    assert [line[7:] for line in lines if line.startswith("   * - ")] == ["server", "one", "two"]
    assert lines[-6:-3] == ["     - c", "     - n", "     - \\-"]
    assert lines[-2:] == ["* ``file``: 64 MB", "* ``static``: a file"]


def test_what_is_recorded_can_be_shown() -> None:
    for name, lines_of in (("slow-clients", slow.slow_lines), ("readers", slow.reader_lines)):
        run = json.loads((slow.RESULTS / f"{name}.json").read_text("utf-8"))
        rows = [line for line in lines_of(run) if line.startswith("   * - ")]
        assert len(rows) == len(run["rows"]) + 1


def test_readers_are_told_with_their_ratio() -> None:
    row = dict.fromkeys(
        ("median_alone", "median_beside", "alone", "beside", "idle", "memory", "descriptors"), 2.0
    )
    run = {
        "date": "2026-01-02",
        "machine": "Linux",
        "rounds": 3,
        "rows": [{**row, "system": "one", "readers": 200, "ratio": 1.5, "cut": 7.0}],
    }
    told = [line[7:] for line in slow.reader_lines(run)[-11:]]
    assert told[:2] == ["one", "200"]
    assert told[6:] == ["1.50", "2.00 ms/s", "2.00 KiB", "2.00", "7"]
