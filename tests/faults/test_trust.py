"""What a peer, an application or a name must not be able to do."""

import os
import signal

import pytest

from tests.conformance.harness import (
    Backend,
    Starter,
    ask,
    eventually,
    exchange,
    get,
    listening,
    packet,
    request_vars,
)
from tests.faults.test_kills import EMPIRE, VASSAL, process
from tests.integration.load import Load, http

SITE = """
http-socket = 127.0.0.1:PORT
socket = DIR/site.sock
master = true
processes = 2
threads = 2
module = case_app
"""
LAST = r"^spawned uWSGI worker 2 \("
FORGED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Remote-Addr", "X-Client-Ip")


def test_no_header_changes_who_the_client_is(start: Starter) -> None:
    """The scheme is another matter: the original takes it from X-Forwarded-Proto, and so do we."""
    subject = start(SITE, until=LAST)
    seen = get(subject.port, "/environ", *[(name, "6.6.6.6") for name in FORGED]).json()
    assert seen["REMOTE_ADDR"] == "127.0.0.1"
    assert "HTTPS" not in seen


def test_no_variable_of_a_packet_loads_code(start: Starter) -> None:
    """Those by which the original loads another application, or changes the environment."""
    evil = 'import os; open(os.environ["CASE_DIR"] + "/pwned", "w")\napplication = None\n'
    subject = start(SITE, files={"evil.py": evil}, until=LAST)
    path = subject.path("evil.py")
    for name, value in {
        "UWSGI_FILE": path,
        "UWSGI_SCRIPT": "evil",
        "UWSGI_MODULE": "evil",
        "UWSGI_CALLABLE": "evil",
        "UWSGI_PYHOME": subject.path(""),
        "UWSGI_SETENV": "CASE_DIR=/",
        "UWSGI_CHDIR": "/",
        "UWSGI_TOUCH_RELOAD": path,
        "UWSGI_APPID": "evil",
    }.items():
        assert ask(subject.path("site.sock"), "/hello", **{name: value}).text == "hello"
    assert not os.path.exists(subject.path("pwned"))


def test_an_empty_tmpdir_is_none(start: Starter) -> None:
    """The original would write to the root of the file system."""
    with Backend(protocol="uwsgi") as node:
        subject = start(
            f"fastrouter = 127.0.0.1:PORT\nmaster = true\nfastrouter-to = {node.address}\n"
            "fastrouter-post-buffering = 10\n",
            env={"TMPDIR": ""},
        )
        data = packet(request_vars("/", "POST", CONTENT_LENGTH="100"))
        assert exchange(subject.port, data + b"x" * 100).text == "backend"
        assert node.wait_seen().body == b"x" * 100


PROGRAM = """
import subprocess
def application(environ, start_response):
    start_response("200 OK", [])
    listed = ["ls", "-l", "/proc/self/fd"]
    return [subprocess.run(listed, close_fds=False, capture_output=True).stdout]
"""


def test_a_program_of_the_app_inherits_no_socket(start: Starter) -> None:
    """Else it would hold the address after the server has gone, and clients open."""
    files: dict[str, str | bytes] = {"program.py": PROGRAM}
    more = "http = 127.0.0.1:PORT1\noffload-threads = 1\nstats = 127.0.0.1:PORT2\n"
    subject = start(SITE.replace("case_app", "program") + more, files=files, until=LAST)
    told = get(subject.port, "/").text
    assert "pipe:" in told
    assert "socket:" not in told


THREADS = """
import random, threading, time, case_app
def tick():
    while True:
        random.random(); time.sleep(0.001)
threading.Thread(target=tick, daemon=True).start()
application = case_app.application
"""


@pytest.mark.parametrize("lazy", [False, True])
def test_respawns_beside_threads_of_the_app_never_lock(start: Starter, lazy: bool) -> None:
    """An application that starts a thread when it is imported, in the master or in a worker."""
    files: dict[str, str | bytes] = {"threaded.py": THREADS}
    ini = SITE.replace("case_app", "threaded") + "enable-threads = true\n"
    subject = start(ini + f"lazy-apps = {str(lazy).lower()}\n", files=files, until=LAST)
    kills = 10
    with Load([http(subject.port)] * 3) as load:
        for number in range(kills):
            kind = f"worker {number % 2 + 1}"
            victim = process(subject, kind)
            os.kill(victim, signal.SIGKILL)
            eventually(lambda v=victim, k=kind: process(subject, k) != v, "a new worker")  # type: ignore[misc]
            load.wait_more(3)
    assert len(load.failures) <= kills * 2, load.failures


NAMES = ("-x.ini", "a b.ini", "100%d.ini", "$(touch pwned).ini", "a;b.ini", "a'b.ini", "n" * 200)


def test_strange_names_of_vassals_are_names(start: Starter) -> None:
    """The file beside each names its socket; all come up, and no shell has read them."""
    place = start.directory()
    vassals = place / "vassals"
    vassals.mkdir()
    addresses = []
    for number, name in enumerate(NAMES):
        name = name if name.endswith(".ini") else f"{name}.ini"
        address = str(place / f"{number}.sock")
        ini = VASSAL.replace("%d..", str(place))
        (vassals / name).write_text(ini)
        (vassals / f"{name}.socket").write_text(address)
        addresses.append(address)
    start.launch(EMPIRE, directory=place)
    for address in addresses:
        eventually(lambda a=address: listening(a), address)  # type: ignore[misc]
        assert ask(address, "/hello").text == "hello"
    assert not list(place.rglob("pwned"))


BROKEN: dict[str, bytes] = {
    "noise": os.urandom(2000),
    "itself": b"[uwsgi]\nini = %p\n",
    "endless": b"[uwsgi]\n" + b"env = A=B\n" * 500_000,
    "nothing": b"",
    "deep": b"[uwsgi]\nfor = " + b"1 " * 2000 + b"\nfor = 1\n",
}


def test_broken_configs_harm_only_their_vassals(start: Starter) -> None:
    place = start.directory()
    vassals = place / "vassals"
    vassals.mkdir()
    for name, content in BROKEN.items():
        (vassals / f"{name}.ini").write_bytes(content)
    address = str(place / "good.sock")
    (vassals / "good.ini").write_text(VASSAL)
    (vassals / "good.ini.socket").write_text(address)
    empire = start.launch(EMPIRE, directory=place)
    eventually(lambda: listening(address), "the good one")
    for _ in range(5):
        assert ask(address, "/hello").text == "hello"
    assert empire.process.poll() is None
    assert "Traceback" not in empire.log
