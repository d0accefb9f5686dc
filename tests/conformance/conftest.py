"""What every conformance case gets: the subject's fixtures, kinds, known differences, reports."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import HarnessFailed, SetupFailed, Starter, binary
from tests.conformance.harness.requirements import difference, kind_of, known, text_of
from tests.conformance.harness.subject import LIVE

HERE = Path(__file__).parent


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start subjects that live as long as the test."""
    yield from _starter()


@pytest.fixture(scope="module")
def start_module() -> Iterator[Starter]:
    """Start subjects that live as long as the module's tests."""
    yield from _starter()


@pytest.fixture(scope="class")
def start_class() -> Iterator[Starter]:
    """Start subjects that live as long as the class's tests."""
    yield from _starter()


def _starter() -> Iterator[Starter]:
    starter = Starter()
    try:
        yield starter
    finally:
        starter.close()


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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this binary does not promise, expect what it is known to do otherwise."""
    ours = [item for item in items if HERE in item.path.parents]
    table = known(binary.name()) if ours else {}
    for item in ours:
        covered = _covered(item)
        item.user_properties.append(("covers", [requirement for requirement, _ in covered]))
        if any(kind == "beyond" for _, kind in covered) and not binary.is_refuwsgi():
            item.add_marker(pytest.mark.skip(reason="beyond: runs on refuwsgi only"))
        needed = {option for mark in item.iter_markers("needs") for option in mark.args}
        missing = needed - binary.options() if needed else set()
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"absent: no option {', '.join(missing)}"))
        if entry := difference(table, _short(item)):
            item.add_marker(
                pytest.mark.xfail(
                    reason=entry.reason,
                    strict=not entry.sometimes,
                    raises=(AssertionError, OSError, ValueError, SetupFailed),
                )
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell broken setups and harnesses from failures, and show what a reader of a failure needs."""
    report = yield
    if HERE not in item.path.parents or call.excinfo is None or not report.failed:
        return report
    kind = "fails"
    if call.excinfo.errisinstance(SetupFailed):
        kind = "setup"
    elif call.excinfo.errisinstance(HarnessFailed):
        kind = "harness"
    report.user_properties.append(("kind", kind))
    claim = (getattr(item.obj, "__doc__", "") or "") if isinstance(item, pytest.Function) else ""
    lines = [f"claim: {' '.join(claim.split())}"] if claim else []
    lines += [f"{name}: {text_of(name)}" for name, _ in _covered(item)]
    lines.append(f"result: {kind}; again: pytest '{item.nodeid}' with SUT='{_command()}'")
    report.sections.append(("what was asked", "\n".join(lines)))
    for subject in LIVE[-3:]:
        report.sections.append(("the subject", subject.report()))
    return report


def _command() -> str:
    return " ".join(binary.command())


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
