"""What long runs share: the same run on ours and on the original, and the record of both."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.harness import Starter

RESULTS = Path(__file__).parents[2] / "docs" / "results"
Rows = list[dict[str, Any]]


def each_binary(
    module: str, alone: bool, run: Callable[[Starter], Rows], words: tuple[str, ...]
) -> Rows:
    """Run on $SUT and print JSON if `alone`; else have that done for ours and the original."""
    if alone:
        start = Starter()
        try:
            rows = run(start)
        finally:
            start.close()
        print(json.dumps(rows))
        return []
    rows = []
    original = os.environ.get("ORIGINAL_UWSGI")
    for sut in ("", original) if original else ("",):
        done = subprocess.run(
            [sys.executable, "-m", module, "--alone", *words],
            env={**os.environ, "SUT": sut},
            stdout=subprocess.PIPE,
            check=True,
        )
        rows += json.loads(done.stdout)
    for row in rows:
        print(", ".join(f"{name}: {value}" for name, value in row.items()))
    return rows


def record(name: str, rows: Rows) -> None:
    """Write what came of it, for the manual."""
    machine = f"{platform.platform()}, {os.cpu_count()} cores"
    told = {"date": datetime.date.today().isoformat(), "machine": machine, "runs": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
