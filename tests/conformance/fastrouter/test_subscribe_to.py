"""Way 4, the instance's side: what is announced, and where."""

import struct
from collections.abc import Iterator

import pytest

from tests.conformance.fastrouter.announced import APP, Box, instance
from tests.conformance.fastrouter.talk import text_of
from tests.conformance.harness import (
    WORKER,
    Starter,
    ask,
    block,
    covers,
    free_port,
)


@pytest.fixture
def box() -> Iterator[Box]:
    """A server on UDP."""
    made = Box()
    yield made
    made.sock.close()


@covers("FR-90", "FR-91", "FR-92", "FR-97")
def test_the_packet_to_the_byte(start: Starter, box: Box) -> None:
    """Header and pairs in uWSGI's order, all values text."""
    subject = instance(start, f"subscribe-to = {box.server}:example.com,5\nprocesses = 2\n")
    said = box.next()
    assert [name for name, _ in said.pairs] == [
        "key", "address", "modifier1", "modifier2", "cores", "load", "weight",
    ]  # fmt: skip
    values = dict(said.values)
    assert values.pop("load").isdigit()
    assert values == {
        "key": "example.com", "address": f"127.0.0.1:{subject.port}", "modifier1": "5",
        "modifier2": "0", "cores": "2", "weight": "0",
    }  # fmt: skip
    assert said.raw == struct.pack("<BHB", 224, len(said.raw) - 4, 0) + block(said.pairs)
    subject.wait_for(f"^subscribing to {box.server}:example.com,5$")
    box.next()
    assert subject.log.count("subscribing to") == 1


@covers("FR-91")
@pytest.mark.parametrize(("socket_", "host"), [("127.0.0.1:0", "127.0.0.1"), (":0", "")])
def test_a_port_of_the_kernels_choice_is_announced(
    start: Starter, box: Box, socket_: str, host: str
) -> None:
    """The real port stands in place of 0."""
    subject = start(
        f"master = true\nsocket = {socket_}\nwsgi-file = app.py\nsubscribe-to = {box.server}:k\n",
        files={"app.py": APP},
        until=WORKER,
    )
    found, _, port = box.next().values["address"].rpartition(":")
    assert found == host
    assert int(port) > 0
    assert text_of(ask(int(port))).endswith("app")
    assert subject.stop() == 0


@covers("FR-91")
@pytest.mark.parametrize("socket_", ["app.sock", "@NAME"])
def test_other_addresses_are_announced_as_written(start: Starter, box: Box, socket_: str) -> None:
    """A relative path and an abstract name."""
    socket_ = socket_.replace("NAME", f"fr{free_port()}")
    start(
        f"master = true\nsocket = {socket_}\nwsgi-file = app.py\nsubscribe-to = {box.server}:k\n",
        files={"app.py": APP},
        until=WORKER,
    )
    assert box.next().values["address"] == socket_


@covers("FR-92")
def test_the_weight_is_announced(start: Starter, box: Box) -> None:
    """weight = N; cores are processes times threads."""
    instance(start, f"subscribe-to = {box.server}:k\nweight = 7\nprocesses = 2\nthreads = 3\n")
    values = box.next().values
    assert (values["weight"], values["cores"]) == ("7", "6")


@covers("FR-93")
def test_the_document_s_two_keys(start: Starter, box: Box) -> None:
    """Several subscriptions, modifiers, keys with a port, aliases of the option."""
    instance(
        start,
        f"subscribe-to = {box.server}:unbit.it,5\nsubscribe = {box.server}:uwsgi.it\n"
        f"st = {box.server}:unbit.it:8000,9\n",
    )
    assert box.keys(3) == {"unbit.it": "5", "uwsgi.it": "0", "unbit.it:8000": "9"}


@covers("FR-93")
def test_an_address_of_ones_own_and_a_unix_server(start: Starter) -> None:
    """ADDR=SERVER:KEY announces another address; a server may be a UNIX datagram socket."""
    directory = start.directory()
    one = Box(str(directory / "sub.sock"))
    try:
        instance(start, f"subscribe-to = 192.0.2.1:3031={one.server}:k\n")
        assert one.next().values["address"] == "192.0.2.1:3031"
    finally:
        one.sock.close()


@covers("FR-93")
def test_a_shared_socket_may_be_announced(start: Starter, box: Box) -> None:
    """=0=SERVER:KEY announces shared socket 0."""
    subject = start(
        "master = true\nshared-socket = 127.0.0.1:PORT1\nsocket = 127.0.0.1:PORT\n"
        f"http-socket = =0\nwsgi-file = app.py\nsubscribe-to = =0={box.server}:k\n",
        files={"app.py": APP},
        until=WORKER,
    )
    assert box.next().values["address"] == f"127.0.0.1:{subject.ports['PORT1']}"


@covers("FR-94")
def test_one_modifier_for_all_keys(start: Starter, box: Box) -> None:
    """subscribe-with-modifier1 overrides."""
    instance(
        start,
        f"subscribe-to = {box.server}:a,5\nsubscribe-to = {box.server}:b\n"
        "subscribe-with-modifier1 = 30\n",
    )
    assert box.keys(2) == {"a": "30", "b": "30"}


@covers("FR-95")
def test_the_fields_of_subscribe2(start: Starter, box: Box) -> None:
    """server and key, and what else may be said; unknown fields are ignored."""
    instance(
        start,
        f"subscribe2 = server={box.server},key=a\\,b,weight=4,modifier1=5,modifier2=6,"
        "addr=192.0.2.1:1,what=ever\n",
    )
    values = box.next().values
    assert (values["key"], values["address"], values["weight"]) == ("a,b", "192.0.2.1:1", "4")
    assert (values["modifier1"], values["modifier2"]) == ("5", "6")


@covers("FR-90", "FR-95")
def test_the_fields_for_a_tls_router(start: Starter, box: Box) -> None:
    """sni_key, sni_crt and sni_ca go along behind the weight, as they were written."""
    instance(
        start,
        f"subscribe2 = server={box.server},key=k,sni_ca=c.pem,sni_key=a.pem,sni_crt=b.pem\n",
    )
    assert box.next().pairs[-4:][1:] == [
        ("sni_key", "a.pem"), ("sni_crt", "b.pem"), ("sni_ca", "c.pem"),
    ]  # fmt: skip


@covers("FR-95")
def test_subscribe2_names_a_socket_by_its_number(start: Starter, box: Box) -> None:
    """socket=1 is the second, and beats addr."""
    subject = instance(
        start,
        f"socket = 127.0.0.1:PORT1\nsubscribe2 = server={box.server},key=k,socket=1,addr=x:1\n",
    )
    assert box.next().values["address"] == f"127.0.0.1:{subject.ports['PORT1']}"


@covers("FR-D4", kind="beyond")
def test_check_sends_if_the_file_exists(start: Starter, box: Box) -> None:
    """As documented: there is the file, there is the announcement."""
    directory = start.directory({"yes": ""})
    instance(
        start,
        f"subscribe2 = server={box.server},key=no,check={directory}/no\n"
        f"subscribe2 = server={box.server},key=yes,check={directory}/yes\n",
    )
    assert [box.next().values["key"] for _ in range(2)] == ["yes", "yes"]
