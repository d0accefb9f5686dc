"""The Important boxes: a vassal that declares the very socket that the emperor waits on."""

import pytest

from tests.conformance.harness import Starter, ask, covers, eventually, free_port
from tests.conformance.vassals.empire import Empire, added, asked, got, rule

SLEEPY = ("idle = 1", "die-on-idle = true")
BACK = r"\[uwsgi-emperor\] {} -> back to \"on demand\" mode"


@pytest.fixture(scope="module")
def empire(start_module: Starter) -> Empire:
    return rule(start_module, "--emperor-on-demand-extension", ".socket")


@covers("OD-23")
def test_the_request_that_woke_it_is_answered(empire: Empire) -> None:
    address = added(empire, "same", f"socket = {empire.path('same.sock')}")
    assert asked(address)["path"] == "/"
    assert asked(address)["path"] == "/"


@covers("OD-24", kind="beyond")
def test_it_is_told_so_and_can_be_woken_again(empire: Empire) -> None:
    """The document warns that on demand activation would work only once."""
    address = added(empire, "again", f"socket = {empire.path('again.sock')}", *SLEEPY)
    for _ in range(2):
        log = len(empire.log)
        assert asked(address)["path"] == "/"
        empire.subject.wait_for(BACK.format("again.ini"), since=log)
    empire.subject.wait_for(r"again.ini:\d+: socket = .*again.sock is descriptor 0 already")
    assert ask(address).status == 200


@covers("OD-25", "OD-66", kind="beyond")
def test_the_same_tcp_address_is_served_once(empire: Empire) -> None:
    """The document warns that each request could be handled twice."""
    port = free_port()
    added(empire, "tcp", f"http-socket = :{port}", address=f"127.0.0.1:{port}")
    assert got(port, "/once")["path"] == "/once"
    assert got(port, "/last")["path"] == "/last"
    assert empire.handled("/once") == 1
    empire.subject.wait_for(rf"tcp.ini:\d+: http-socket = :{port} is descriptor 0 already")


@covers("OD-24", kind="beyond")
def test_the_emperor_says_so_by_itself(empire: Empire) -> None:
    """Whoever the vassal is: its config has the address in it."""
    address = added(empire, "says", f"socket = {empire.path('%n.sock')}")
    asked(address)
    empire.subject.wait_for(
        r"\[emperor\] says.ini declares socket = .*the socket that it is handed"
    )


@covers("OD-24", kind="beyond")
def test_a_socket_that_somebody_put_in_its_place_is_bound_again(empire: Empire) -> None:
    """A vassal of another make takes the path away; when it has ended the emperor takes it back."""
    import socket
    from pathlib import Path

    address = added(empire, "stolen", *SLEEPY)
    asked(address)
    log = len(empire.log)
    Path(address).unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(address)
    empire.subject.wait_for(BACK.format("stolen.ini"), since=log)
    empire.subject.wait_for(r"stolen.ini has put another socket in the place")
    eventually(lambda: ask(address).status == 200, "woken by its own path")
