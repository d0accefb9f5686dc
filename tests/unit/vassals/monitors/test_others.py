"""From rows, documents and messages to vassals, without a server."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.options import OptionError
from refuwsgi.vassals.monitors import amqp, mongodb, pg, zmq
from refuwsgi.vassals.monitors.choose import monitor_for
from refuwsgi.vassals.monitors.driver import driver
from refuwsgi.vassals.monitors.monitor import Wishes
from refuwsgi.vassals.monitors.table import Table

HERE = Wishes(start="/start")
SECOND = 10**9


@pytest.mark.parametrize(
    ("row", "socket"),
    [
        (("a.ini", "c", "5", "1", "2", "/s"), "/s"),
        (("a.ini", "c", "5", "1", "2", "/s", "more"), "/s"),
        (("a.ini", "c", "5", "1", "2", None), None),
        (("a.ini", "c", "5", "1", "2", ""), None),
        (("a.ini", "c", "5", "1", "2"), None),
        (("a.ini", "c", "5"), None),
    ],
)
def test_the_6th_field_of_a_row_is_the_socket(row: tuple[Any, ...], socket: str | None) -> None:
    (found,) = pg.vassals_of([row], HERE)
    assert (found.name, found.config, found.socket, found.path) == ("a.ini", b"c", socket, None)
    assert found.modified == 5 * SECOND


@pytest.mark.parametrize("row", [("a.txt", "c", "5"), (None, "c", "5"), ("a.ini", "c"), ()])
def test_a_row_that_is_no_vassal_is_passed_over(row: tuple[Any, ...]) -> None:
    assert list(pg.vassals_of([row], HERE)) == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(Decimal("12.75"), 12), (12.9, 12), ("12", 12), (None, 0), ("later", 0), ("-3", 0)],
)
def test_the_time_of_a_row(value: Any, seconds: int) -> None:
    (found,) = pg.vassals_of([("a.ini", None, value, "x", "7")], HERE)
    assert (found.modified, found.config) == (seconds * SECOND, b"")
    assert (found.uid, found.gid) == (-1, 7)


def test_documents() -> None:
    when = datetime.datetime(1970, 1, 1, 0, 0, 7, 500_000)
    documents: list[dict[str, Any]] = [
        {"name": "a.ini", "config": "c", "ts": when, "uid": 3, "gid": 4, "socket": "/s"},
        {"name": "b.ini", "ts": 12, "socket": ""},
        {"name": "c.txt"},
        {"name": 7},
    ]
    first, second = mongodb.vassals_of(documents, HERE)
    assert (first.config, first.modified, first.socket) == (b"c", 7_500_000_000, "/s")
    assert (first.uid, first.gid, first.path) == (3, 4, None)
    assert (second.config, second.path) == (None, "/start/b.ini")
    assert (second.modified, second.socket) == (0, None)


@pytest.mark.parametrize("wanted", ["{", "[1]", "7"])
def test_a_filter_must_be_a_json_object(wanted: str) -> None:
    with pytest.raises(OptionError, match="--emperor mongodb://.*JSON"):
        monitor_for(f"mongodb://,,{wanted}", HERE)


def rows(table: Table) -> list[tuple[str, bytes | None, str | None]]:
    return [(found.name, found.config, found.socket) for found in table.rows()]


def test_zeromq_messages(capfd: pytest.CaptureFixture[str]) -> None:
    table = Table("emperor-zeromq")
    for parts in (
        [b"touch", b"a.ini", b"c", b"3", b"4", b"/s"],
        [b"touch", b"b.ini", b"c", b"", b"", b""],
        [b"touch", b"c.ini"],
        [b"touch", b"no-vassal", b"c"],
    ):
        zmq.obey(parts, table, HERE)
    assert rows(table) == [
        ("a.ini", b"c", "/s"),
        ("b.ini", b"c", None),
        ("c.ini", None, None),
    ]
    assert (table.rows()[0].uid, table.rows()[1].uid) == (3, -1)
    assert table.rows()[2].path == "/start/c.ini"
    before = table.rows()[0].modified
    zmq.obey([b"touch", b"a.ini", b"new", b"3", b"4", b"/s"], table, HERE)
    assert table.rows()[0].modified > before
    zmq.obey([b"destroy", b"a.ini"], table, HERE)
    assert [row[0] for row in rows(table)] == ["b.ini", "c.ini"]
    for parts in ([b"destroy", b"a.ini"], [b"dance", b"a.ini"], [b"touch"], []):
        zmq.obey(parts, table, HERE)
    said = capfd.readouterr().err.splitlines()
    assert [line.split("] ")[1] for line in said] == [
        'unknown instance "a.ini"',
        'unknown command "dance"',
        *["bad message received (command and instance name required)"] * 2,
    ]


def test_amqp_messages(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table, here = Table("emperor-amqp"), Wishes(start=str(tmp_path))
    (tmp_path / "file.ini").touch()
    amqp.obey("a.ini", {"socket": "/s"}, b"c", table, here)
    amqp.obey("", {}, b"file.ini\n", table, here)
    amqp.obey("", {}, b"not a vassal", table, here)
    assert rows(table) == [("a.ini", b"c", "/s"), ("file.ini", None, None)]
    assert table.rows()[1].path == f"{tmp_path}/file.ini"
    (tmp_path / "file.ini").unlink()
    amqp.obey("", {}, b"file.ini", table, here)
    amqp.obey("a.ini", {}, b"", table, here)
    assert rows(table) == []
    assert "'not a vassal' is not the name of a config" in capfd.readouterr().err


def test_a_table_takes_only_so_many(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("refuwsgi.vassals.monitors.table.MOST", 1)
    table = Table("tag")
    for name in (b"a.ini", b"b.ini", b"a.ini"):
        zmq.obey([b"touch", name, b"c"], table, HERE)
    assert [row[0] for row in rows(table)] == ["a.ini"]
    assert "too many instances" in capfd.readouterr().err


def test_a_driver_that_is_missing_is_named_with_its_extra() -> None:
    with pytest.raises(OptionError, match=r"needs no_such_thing: pip install 'refuwsgi\[pg\]'"):
        driver("no_such_thing", "pg", "pg://")
