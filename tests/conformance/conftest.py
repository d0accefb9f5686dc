"""What every conformance case gets: the subject's fixtures, kinds, known differences, reports."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import (
    HarnessFailed,
    SetupFailed,
    Starter,
    binary,
    proc,
    report,
    wire,
)
from tests.conformance.harness.held import Held
from tests.conformance.harness.requirements import Known, difference, kind_of, known, listed
from tests.conformance.harness.selection import Case, wanted
from tests.conformance.harness.subject import LIVE

HERE = Path(__file__).parent
HELD = Held()


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start subjects that live as long as the test."""
    with closing(Starter()) as starter:
        yield starter


@pytest.fixture(scope="module")
def start_module() -> Iterator[Starter]:
    """Start subjects that live as long as the module's tests."""
    with closing(Starter()) as starter:
        yield starter


@pytest.fixture(scope="class")
def start_class() -> Iterator[Starter]:
    """Start subjects that live as long as the class's tests."""
    with closing(Starter()) as starter:
        yield starter


def _short(item: pytest.Item) -> str:
    path = item.path.relative_to(HERE).as_posix()
    return "::".join([path, *item.nodeid.split("::")[1:]])


def _covered(item: pytest.Item) -> list[tuple[str, str]]:
    """The requirements of a case with their kinds, without repetition, the nearest mark first."""
    found: dict[str, str] = {}
    for mark in item.iter_markers("covers"):
        for requirement in mark.args:
            kind = mark.kwargs.get("kind") or kind_of(requirement)
            found.setdefault(requirement, kind)
    call = getattr(item, "callspec", None)
    row = str(call.params.get("row")) if call else ""
    if row in found:  # a table of cases in which each line has its own requirement
        return [(row, found[row])]
    return list(found.items())


def case_of(item: pytest.Item) -> Case:
    """The case as selections and reports see it."""
    return Case(_short(item), _covered(item))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take what was selected; skip what this binary does not promise; expect known differences."""
    ours = [item for item in items if HERE in item.path.parents]
    words = config.getoption("select", default=None) or []
    profile = config.getoption("profile", default="") or ""
    dropped = [item for item in ours if not wanted(case_of(item), words, profile)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        gone = set(map(id, dropped))
        items[:] = [item for item in items if id(item) not in gone]
        ours = [item for item in ours if id(item) not in gone]
    if config.option.collectonly or not ours:
        return
    table = _differences(config)
    for item in ours:
        _judge(item, table, profile)


def _differences(config: pytest.Config) -> dict[str, Known]:
    """The differences that are expected: a list that was named, or those of this binary."""
    given = config.getoption("xfail", default="") or ""
    if given == "none":
        return {}
    return listed(Path(given)) if given else known(binary.name())


def _judge(item: pytest.Item, table: dict[str, Known], profile: str) -> None:
    """Mark a case by what the binary promises, has, and is known to do."""
    case = case_of(item)
    item.user_properties.append(("covers", [requirement for requirement, _ in case.covered]))
    if case.kind == "beyond" and not binary.is_refuwsgi() and profile != "beyond":
        item.add_marker(pytest.mark.skip(reason="beyond: runs on refuwsgi only"))
    needed = {option for mark in item.iter_markers("needs") for option in mark.args}
    missing = needed - binary.options() if needed else set()
    if missing:
        item.add_marker(pytest.mark.skip(reason=f"absent: no option {', '.join(missing)}"))
    if entry := difference(table, case.id):
        item.add_marker(
            pytest.mark.xfail(
                reason=entry.reason,
                strict=not entry.sometimes,
                raises=(AssertionError, OSError, ValueError, LookupError, SetupFailed),
            )
        )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget what went over the wire in the case before."""
    wire.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Do not wait long for what the binary is known not to do."""
    proc.hurry(HERE in item.path.parents and item.get_closest_marker("xfail") is not None)
    try:
        return (yield)
    finally:
        proc.hurry(False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """After everything was closed, see that the suite itself has closed what it opened."""
    result = yield
    if HERE in item.path.parents:
        HELD.look()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell broken setups and harnesses from failures, and show what a reader of a failure needs."""
    found = yield
    if HERE not in item.path.parents or not found.failed:
        return found
    kind = "fails"
    if call.excinfo is not None and call.excinfo.errisinstance(SetupFailed):
        kind = "setup"
    elif call.excinfo is not None and call.excinfo.errisinstance(HarnessFailed):
        kind = "harness"
    found.user_properties.append(("kind", kind))
    claim = (getattr(item.obj, "__doc__", "") or "") if isinstance(item, pytest.Function) else ""
    case = case_of(item)
    found.sections.append(("what was asked", report.asked(case.id, claim, case.covered, kind)))
    if traffic := wire.text():
        found.sections.append(("what was sent (->) and received (<-)", traffic))
    for subject in LIVE[-3:]:
        found.sections.append(("the subject", subject.report()))
    return found


@pytest.fixture
def backend_closer() -> Iterator[Callable[[Any], Any]]:
    """Close what a case opened: `backend = closing(Backend(...))`."""
    opened: list[Any] = []

    def closing(thing: Any) -> Any:
        opened.append(thing)
        return thing

    yield closing
    for thing in reversed(opened):
        thing.close()
