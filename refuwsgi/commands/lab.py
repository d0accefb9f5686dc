"""refuwsgi lab slow: the table of who is kept waiting by one slow client.

Section: ground / the command; lab
What: a table.  Each row is a set-up with one worker that has one core, each column a client that is
      slow in its own way.  While it is, a second client asks for a small page:
          Y   the second is answered while the first still holds on
          n   the second is answered only after the first has let go
          ?   neither
          -   the server has no such thing
      ``--beside`` has other servers take part, ``--json`` writes down what came of it.
      What counts is the order; the patience only says for how long to believe in a Y.
Units: seconds.
Errors: a server that does not start is shown from its log, with status 1.
"""

import contextlib
import sys
import threading
from collections.abc import Sequence
from typing import Final, TypeVar

from refuwsgi.commands.example_running import Failed, Running
from refuwsgi.commands.lab_clients import COLUMNS, Column, judged, made_ready
from refuwsgi.commands.lab_peers import READY, peers, version_of
from refuwsgi.commands.lab_setups import SETUPS, Setup, example_of
from refuwsgi.commands.the_words import Words, stopping
from refuwsgi.options import OptionError

T = TypeVar("T")
PATIENCE: Final = 2.5
LEGEND: Final = """Y  the second client is served while the first is slow
n  it waits until the first lets go"""


def main(argv: list[str]) -> int:
    """Run the experiment and print its table."""
    words = Words("lab", "one worker, one slow client: is a second client served?")
    words.add_argument("experiment", choices=["slow"])
    words.add_argument("--rows", default="", help="only these, by their names, with commas")
    words.add_argument("--columns", default="", help="likewise")
    words.add_argument("--patience", type=float, default=PATIENCE, help="seconds to wait for a Y")
    words.add_argument("--beside", action="store_true", help="and other servers that are here")
    words.add_argument("--json", metavar="FILE", help="write the table there, too")
    given = words.parse_args(argv)
    setups = [*SETUPS, *(peers() if given.beside else ())]
    rows = chosen(given.rows, {each.name: each for each in setups})
    columns = chosen(given.columns, {each.name: each for each in COLUMNS})
    with stopping():
        try:
            cells = experiment(rows, columns, max(0.1, given.patience))
        except Failed as problem:
            print(problem, file=sys.stderr)
            return 1
        print("\n".join(table(rows, columns, cells)))
        if given.json:
            recorded(given.json, rows, columns, cells)
        return 1 if any("?" in row for row in cells) else 0
    return 1


def chosen(text: str, all_of_them: dict[str, T]) -> list[T]:
    """Those that the words name; all without a word."""
    names = [name for name in text.split(",") if name] or list(all_of_them)
    for name in names:
        if name not in all_of_them:
            raise OptionError(f"refuwsgi lab: {name}: expected one of {', '.join(all_of_them)}")
    return [all_of_them[name] for name in names]


def experiment(
    rows: Sequence[Setup], columns: Sequence[Column], patience: float
) -> list[list[str]]:
    """Fill the table; the rows at the same time, since most of it is waiting."""
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(Running(example_of(row), row.program, READY)) for row in rows
        ]
        for each in running:
            made_ready(each.directory)
            each.launch()
        for each in running:
            each.wait()
        cells = [["?"] * len(columns) for _ in rows]
        tasks = []
        for row, each, line in zip(rows, running, cells, strict=True):
            words = row, each, columns, patience, line
            tasks.append(threading.Thread(target=_fill, args=words, daemon=True))
        for task in tasks:
            task.start()
        for task in tasks:
            task.join()
    return cells


def _fill(
    row: Setup, running: Running, columns: Sequence[Column], patience: float, line: list[str]
) -> None:
    address = running.placed(row.address)
    for place, column in enumerate(columns):
        if column.name in row.lacks:
            line[place] = "-"
        else:
            line[place] = judged(address, row.http, column, patience, running.directory)


def table(
    rows: Sequence[Setup], columns: Sequence[Column], cells: Sequence[Sequence[str]]
) -> list[str]:
    """The table as text."""
    alone = len({row.server for row in rows}) == 1
    names = [row.what if alone else f"{row.server}: {row.what}" for row in rows]
    wide = max(map(len, names))
    head = "  ".join(column.name for column in columns)
    lines = [f"{'':{wide}}  {head}"]
    for name, line in zip(names, cells, strict=True):
        marks = "  ".join(
            cell.center(len(column.name)) for cell, column in zip(line, columns, strict=True)
        )
        lines.append(f"{name:{wide}}  {marks}".rstrip())
    lines += ["", *(f"{column.name}: {column.what}" for column in columns)]
    return [*lines, "", *LEGEND.splitlines()]


def recorded(
    path: str, rows: Sequence[Setup], columns: Sequence[Column], cells: Sequence[Sequence[str]]
) -> None:
    """Write the table as JSON, and on which machine it was made."""
    import datetime
    import json
    import os
    import platform

    table = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.system()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}",
        "columns": [{"name": each.name, "what": each.what} for each in columns],
        "rows": [
            {
                "server": row.server,
                "version": version_of(row),
                "what": row.what,
                "cells": dict(zip([each.name for each in columns], line, strict=True)),
            }
            for row, line in zip(rows, cells, strict=True)
        ],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(table, file, indent=1)
        file.write("\n")
