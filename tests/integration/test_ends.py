"""The end, in each of the ways in which it comes."""

import os
import re
import signal

import pytest

from tests.conformance.harness import Client, Starter, Subject, alive, eventually, get, request
from tests.integration.around import interrupt_group

SITE = """
http-socket = 127.0.0.1:PORT
socket = DIR/site.sock
stats = 127.0.0.1:PORT1
processes = 2
threads = 2
offload-threads = 1
vacuum = true
pidfile = DIR/master.pid
module = case_app
"""
MASTER = "master = true\n"
ROUTERS = """
master = true
http = 127.0.0.1:PORT2
fastrouter = DIR/router.sock
fastrouter-to = 127.0.0.1:PORT1
"""
LAST = r"^spawned uWSGI worker [12] \(pid"
VASSAL = "[uwsgi]\nsocket = %d/NAME.sock\nmaster = true\nvacuum = true\nmodule = case_app\n"
STOPS = {"int": signal.SIGINT, "quit": signal.SIGQUIT, "die-on-term": signal.SIGTERM}


def nothing_left(subject: Subject) -> None:
    """No process, no socket file, no pid file, no traceback, no complaint about a dead worker."""
    eventually(lambda: not subject.family(), "all processes gone", 15)
    assert not [path.name for path in subject.directory.iterdir() if path.is_socket()]
    assert not list(subject.directory.glob("*.pid"))
    assert "Traceback" not in subject.log
    assert "DAMN" not in subject.log
    assert "Respawned" not in subject.log


@pytest.mark.parametrize("kind", ["", MASTER, ROUTERS, MASTER + "lazy-apps = true\n"])
def test_control_c_ends_everything(start: Starter, kind: str) -> None:
    """As a terminal sends it: to master, workers and routers at once; a request is inside."""
    subject = start(SITE + kind, until=LAST)
    with Client(subject.port, request("/hold/one")) as client:
        subject.wait_inside("one")
        interrupt_group(subject.pid)
        assert subject.ended(15) == 0
        assert client.rest().raw == b""
    nothing_left(subject)


@pytest.mark.parametrize("kind", ["", MASTER, ROUTERS])
@pytest.mark.parametrize("way", STOPS)
def test_a_signal_to_the_first_process_ends_everything(start: Starter, kind: str, way: str) -> None:
    subject = start(SITE + kind + "die-on-term = true\n" * (way == "die-on-term"), until=LAST)
    assert get(subject.port, "/hello").text == "hello"
    subject.signal(STOPS[way])
    assert subject.ended(15) == 0
    nothing_left(subject)


def test_an_emperor_and_its_vassals_end_together(start: Starter) -> None:
    subject = start(
        "emperor = DIR/vassals\nvacuum = true\n",
        files={f"vassals/{n}.ini": VASSAL.replace("NAME", n) for n in ("one", "two")},
    )
    subject.wait_for(r"(?s)spawned uWSGI worker 1 .*spawned uWSGI worker 1 ")
    interrupt_group(subject.pid)
    assert subject.ended(15) == 0
    nothing_left(subject)
    assert not list((subject.directory / "vassals").glob("*.sock"))


@pytest.mark.parametrize("kind", [MASTER, ROUTERS, MASTER + "no-orphans = true\n"])
def test_nobody_outlives_a_killed_master(start: Starter, kind: str) -> None:
    subject = start(SITE.replace("vacuum = true", "") + kind, until=LAST)
    assert get(subject.port, "/hello").text == "hello"
    workers = list(subject.workers().values())
    os.kill(subject.pid, signal.SIGKILL)
    subject.ended()
    eventually(lambda: not any(map(alive, workers)), "the workers have gone")
    eventually(lambda: not subject.family(), "all processes gone")
    again = start.launch("", "--ini", "uwsgi.ini", directory=subject.directory)
    assert again.wait_for(r"^spawned uWSGI worker 2 \(pid")  # in spite of the stale socket
    assert get(subject.port, "/hello").text == "hello"


def test_a_request_is_finished_although_the_master_was_killed(start: Starter) -> None:
    subject = start(SITE.replace("vacuum = true", "") + MASTER, until=LAST)
    with Client(subject.port, request("/hold/one")) as client:
        subject.wait_inside("one")
        os.kill(subject.pid, signal.SIGKILL)
        subject.wait_for(r"the master disconnected from this worker")
        subject.let_go("one")
        assert client.rest().text == "held one"
    eventually(lambda: not subject.family(), "all processes gone")


def test_the_log_ends_with_a_farewell(start: Starter) -> None:
    subject = start(SITE + MASTER, until=LAST)
    assert subject.stop() == 0
    lines = [line for line in subject.log.splitlines() if not line.startswith("VACUUM")]
    assert lines[-1] == "goodbye to uWSGI."
    assert len(re.findall(r"^worker [12] buried", subject.log, re.M)) == 2
