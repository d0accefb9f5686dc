"""A plugin for the run inside: it writes what became of each case, and has less patience.

What: one line of JSON for each case: its id, and how it ended.  `fails` is the claim of a case
      that failed; everything else that went wrong is called by the name of its exception.
      What a wrong server does not do is not waited for as long as what a slow machine does late;
      the start of a server keeps its own limit, which no claim hangs on.
"""

import json
import os
import socket
import sys
from collections.abc import Generator, Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

FILE = "MUTANT_VERDICTS"  # in the environment: where to write
PATIENCE = "MUTANT_PATIENCE"  # in the environment: seconds instead of the suite's own limit
NOT_THE_CLAIM = ("SetupFailed", "HarnessFailed", "Skipped")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how a phase of a case ended, if not well; and that a call ended well."""
    report = yield
    if call.excinfo is not None:
        kind = call.excinfo.typename
        if call.when == "call" and kind not in NOT_THE_CLAIM:
            kind = "fails"
        _write(item, f"{kind}" if call.when == "call" else f"{kind} at {call.when}")
        if kind == "fails" and "start" in getattr(item, "fixturenames", ()):
            _end_the_server()
    elif call.when == "call":
        _write(item, "holds")
    return report


def _end_the_server() -> None:
    """End what runs for this case alone: a wrong server may not end when it is told to."""
    from tests.conformance.harness.subject import LIVE

    for each in list(LIVE):
        each.kill()


def _write(item: pytest.Item, verdict: str) -> None:
    if path := os.environ.get(FILE):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([item.nodeid, verdict]) + "\n")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Shorten the limits of the harness."""
    patience = float(os.environ.get(PATIENCE, "0"))
    if not patience:
        return
    from tests.conformance.harness import fake, proc

    vars(fake)["LIMIT"] = patience
    usual = socket.socket.settimeout
    short = lambda self, limit: usual(self, limit and min(limit, patience))  # noqa: E731
    setattr(socket.socket, "settimeout", short)  # noqa: B010
    for name, module in list(sys.modules.items()):
        if name.startswith("tests.conformance."):
            for function in _functions_of(module):
                _hurry(function, proc.LIMIT, patience)


def _functions_of(module: ModuleType) -> Iterator[FunctionType]:
    for found in list(vars(module).values()):
        if isinstance(found, FunctionType):
            yield found
        elif isinstance(found, type) and found.__module__ == module.__name__:
            yield from (each for each in vars(found).values() if isinstance(each, FunctionType))


def _hurry(function: FunctionType, usual: float, patience: float) -> None:
    """Replace the usual limit where it is a default."""
    function.__defaults__ = tuple(
        patience if each == usual else each for each in function.__defaults__ or ()
    )
    for name, value in (function.__kwdefaults__ or {}).items():
        if value == usual and function.__kwdefaults__:
            function.__kwdefaults__[name] = patience
