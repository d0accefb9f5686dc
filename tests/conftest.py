"""What the whole test suite shares: --record, and the distribution of modules over processes."""

import functools
import os
from pathlib import Path
from typing import Any

import pytest

RECORD: Any = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --record."""
    parser.addoption(
        "--record",
        metavar="FILE",
        help="write the results of the conformance suite, requirement by requirement, to FILE"
        " (the variable RECORD=1 does the same with docs/results/<binary>.json)",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the cases that share a server in one process; spread the others one by one."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped,unused-ignore]

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc,unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path if _shares(config.rootpath / path) else nodeid

    return Scheduling(config, log)


@functools.cache
def _shares(path: Path) -> bool:
    """Whether the cases of a file share what is expensive to make."""
    return "conformance" not in path.parts or "start_module" in path.read_text()


def _record(config: pytest.Config) -> Any:
    """The record of this run, in the process that collects reports."""
    global RECORD
    if hasattr(config, "workerinput"):
        return None
    if not config.getoption("record") and not os.environ.get("RECORD"):
        return None
    if RECORD is None:
        from tests.conformance.harness.results import Record

        RECORD = Record()
    return RECORD


class _Recorder:
    """A plugin that collects outcomes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the outcome of one phase of one case."""
        properties = dict(report.user_properties)
        covered: Any = properties.get("covers")
        record = _record(self._config)
        if not covered or record is None:
            return
        reason = getattr(report, "wasxfail", None)
        case = report.nodeid.partition("tests/conformance/")[2]
        if reason is not None:
            record.add(covered, "differs", str(reason).removeprefix("reason: "))
        elif report.failed:
            record.add(covered, str(properties.get("kind", "fails")), case)
        elif report.skipped:
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            if "absent:" in text:
                record.add(covered, "absent", text.partition("absent: ")[2])
        elif report.when == "call":
            record.add(covered, "")


def pytest_configure(config: pytest.Config) -> None:
    """Register the recorder where it is asked for."""
    if _record(config) is not None:
        config.pluginmanager.register(_Recorder(config), "recorder")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the record."""
    record = _record(session.config)
    if record is not None:
        from tests.conformance.harness import binary

        usual = session.config.rootpath / "docs" / "results" / f"{binary.name()}.json"
        record.write(Path(session.config.getoption("record") or usual))
