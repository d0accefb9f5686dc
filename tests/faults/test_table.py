"""The table of faults is true: its tests exist, no row is without one, and no clock is set."""

import ast
import re

from docs._ext import source
from tests.faults import table

ROWS = [fault for kind in table.kinds().values() for fault in kind.faults]

# Where the wall clock may be read: for what people and other programs are told, and for what
# they tell us.  Intervals are measured by the clock that nobody sets.
TELLS_THE_TIME = {
    "api.py",  # uwsgi.started_on
    "cache/api.py",  # items end at a second of the calendar, which other servers share
    "cache/options.py",
    "cache/remote.py",
    "cache/stages.py",
    "cache/store.py",
    "commands/lab.py",
    "commands/route.py",  # compared with times that a router's stats tell
    "commands/route_ways.py",
    "commands/top.py",
    "fastrouter/router_stats.py",
    "fastrouter/table_handover.py",  # the same as in sign_check: `unix` of what was announced
    "fastrouter/subscribe_to.py",  # `unix` of a signed announcement
    "fastrouter/way4_subscription_server.py",  # the same, checked
    "log.py",
    "log_encoders.py",
    "log_format.py",
    "log_sinks.py",  # the name of a rotated file
    "offloading/http_dates.py",
    "offloading/static_expires.py",  # dates in headers
    "offloading/static_hot.py",  # compared with times of files
    "request_log.py",
    "routing/text.py",  # ${time[unix]}
    "scaling/cores.py",  # when a request began: for the stats and the log
    "scaling/http_stats.py",
    "scaling/lives.py",  # when a process began: for the stats
    "scaling/master.py",  # the same
    "sources.py",  # %t
    "vassals/emperor_stats.py",
    "vassals/monitors/mongodb.py",  # when a row was changed, as the emperor is told
    "vassals/monitors/table.py",
    "vassals/process.py",  # for the stats
    "vassals/vassal.py",  # for the stats
    "wsgi/serving.py",
}


def test_every_row_has_a_test_or_a_reason() -> None:
    assert [row.id for row in ROWS if bool(row.tests) == bool(row.reason)] == []


def test_every_test_of_the_table_exists() -> None:
    assert [test for row in ROWS for test in row.tests if table.missing(test)] == []


def test_the_rows_are_in_order() -> None:
    for letter, kind in table.kinds().items():
        numbers = [int(fault.id.removeprefix(letter)) for fault in kind.faults]
        assert numbers == list(range(1, len(numbers) + 1)), kind.title


def test_intervals_are_measured_by_a_clock_that_nobody_sets() -> None:
    found = set()
    for path in source.modules():
        called = {
            ast.unparse(node.func)
            for node in ast.walk(source.tree_of(path))
            if isinstance(node, ast.Call)
        }
        if called & {"time.time", "time.time_ns", "datetime.now", "datetime.datetime.now"}:
            found.add(str(path.relative_to(source.PACKAGE)))
    assert found - TELLS_THE_TIME == set()


def test_a_step_of_the_wall_clock_is_no_interval() -> None:
    """Nowhere is the wall clock subtracted from, or compared with, what was read from it before."""
    told = re.compile(r"time\.time(_ns)?\(\)[^\n]* - (?!time\.monotonic)|- time\.time\(\)")
    allowed = {
        "commands/route.py",  # what a router's stats tell is of the wall clock
        "commands/route_ways.py",
        "fastrouter/router_stats.py",
        "offloading/static_hot.py",
        "routing/text.py",
        # How long a request took, for the line of the log: nothing is decided by it.
        "log_format.py",
        "request_log.py",
    }
    found = {
        str(path.relative_to(source.PACKAGE))
        for path in source.modules()
        if told.search(path.read_text("utf-8"))
    }
    assert found - allowed == set()
