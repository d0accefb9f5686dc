"""Actions on the process and its numbers, without a process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import api, processes
from refuwsgi.request import Request
from refuwsgi.routing import process_actions, stage
from refuwsgi.routing.chain import Language, action_of
from refuwsgi.routing.text import Text
from refuwsgi.routing.transformations import ACTIONS as TRANSFORMATIONS
from refuwsgi.routing.verdicts import NEXT
from tests.unit.offloading.stand import request_of

LANGUAGE: Language = stage.language_of({}, {})


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("refuwsgi.log.line", lines.append)
    return lines


def run(text: str, look: Callable[[Request], Any] = lambda request: None, **environ: str) -> Any:
    """Run an action on a request, and look at it."""
    action = action_of(text, LANGUAGE)
    with request_of(environ) as (request, _):
        assert action(request, None) == NEXT
        return look(request)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("metricinc:", "expected NAME"),
        ("metricset:a,b", "expected a whole number, got 'b'"),
        (f"metricset:a,{1 << 63}", "expected a whole number"),
        ("metricset:a,é", "expected a whole number"),
        ("signal:256", "expected a whole number, got '256'"),
        ("signal:x", "expected a whole number, got 'x'"),
        ("alarm:name", "expected NAME TEXT"),
        ("hash:key=a,var=b", "a set of items"),
        ("hash:key=a,var=b,items=c,algo=murmur2", "expected one of djb33x, rr, rand"),
        ("rpc:f", "the RPC subsystem is not built here"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        action_of(text, LANGUAGE)


def test_metrics_go_to_the_module(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    run("metricinc:mine")  # nobody counts
    assert run("next:", lambda request: Text("${metric[mine]}")(request, None)) == "0"
    asked: list[tuple[str, int]] = []

    def increase(name: str, by: int) -> bool | None:
        asked.append((name, by))
        return name == "mine" or None

    monkeypatch.setitem(vars(api.module), "metric_inc", increase)
    monkeypatch.setitem(vars(api.module), "metric_get", lambda name: len(asked))
    run("metricinc:mine,-4")
    run("metricinc:other")
    assert asked == [("mine", -4), ("other", 1)]
    assert run("next:", lambda request: Text("${metric[mine]}")(request, None)) == "2"
    assert said == [process_actions.NO_METRIC.format(name) for name in ("mine", "other")]


def test_the_process_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(processes, "show_title", shown.append)
    run("setprocname:at ${PATH_INFO}", PATH_INFO="/x\n")
    assert shown == ["at /x"]


def test_signals_and_alarms_are_logged(said: list[str]) -> None:
    run("signal:7")
    run("alarm:fire at ${PATH_INFO}", PATH_INFO="/y")
    assert said == ["error managing signal 7 on worker 1", "alarm fire: at /y"]


def test_the_moment_of_a_file(tmp_path: Path, said: list[str]) -> None:
    file = tmp_path / "page"
    file.touch()
    os.utime(file, (1000, 1000))
    expected = (("Expires", "Thu, 01 Jan 1970 00:17:40 GMT"),)
    assert (
        run(f"expires:filename={file},value=60", lambda request: request.extra_headers) == expected
    )
    for wrong in ("filename=/no/such", "unix=soon", f"unix={1 << 62}"):
        assert run(f"expires:{wrong}", lambda request: request.extra_headers) == ()
    assert len(said) == 3


def test_a_random_item_is_one_of_them() -> None:
    for algorithm in ("rand", "random"):
        text = f"hash:key=a,var=V,items=x;y,algo={algorithm}"
        assert run(text, lambda request: request.environ["V"]) in ("x", "y")


def test_a_forced_length_is_told_to_head_too() -> None:
    with request_of({"REQUEST_METHOD": "HEAD"}) as (request, _):
        for name, told in (("fixcl", []), ("forcecl", [("Content-Length", "0")])):
            TRANSFORMATIONS[name]("")(request, None)
            assert request.routed is not None
            assert request.routed.transformations[-1].headers(request, []) == told
