"""Way 5: a function."""

import threading
from pathlib import Path

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, dead, names, node
from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    packet,
    request_vars,
)

SIMPLE = "def get(key):\n    return '127.0.0.1:3031'\n"


MEGA = """
domains = {}
domains['example.com'] = {'nodes': ('NODE1', 'NODE2'), 'node': 0}
domains['unbit.it'] = {'nodes': ('NODE1,5', 'NODE2,5'), 'node': 0}

DEFAULT_NODE = 'NODE3'

def get(key):
    if key not in domains:
        return DEFAULT_NODE

    # get the node to forward requests to
    nodes = domains[key]['nodes']
    current_node = domains[key]['node']
    value = nodes[current_node]

    # round robin :P
    next_node = current_node + 1
    if next_node >= len(nodes):
        next_node = 0

    domains[key]['node'] = next_node

    return value
"""


def mapping(start: Starter, text: str, tracebacks: bool = False) -> Subject:
    """A router that asks mapper.py."""
    return start(
        "",
        *["-M", "--fastrouter", "127.0.0.1:PORT"],
        *["--fastrouter-use-code-string", "0:mapper.py:get"],
        files={"mapper.py": text},
        until=ROUTER,
        tracebacks=tracebacks,
    )


@covers("FR-52", "FR-50")
def test_way_5_the_first_script_of_the_document(start: Starter) -> None:
    """Text in, text out; only the address of the node is another than printed."""
    with node("N") as n:
        subject = mapping(start, SIMPLE.replace("127.0.0.1:3031", n.address))
        assert names(subject.port, 2, "whatever") == ["N", "N"]


@covers("FR-52", "FR-51")
def test_way_5_the_second_script_of_the_document(start: Starter) -> None:
    """Round robin with a default, in a script that keeps its state."""
    with node("one") as one, node("two") as two, node("default") as other:
        text = MEGA.replace("NODE1", one.address).replace("NODE2", two.address)
        subject = mapping(start, text.replace("NODE3", other.address))
        assert names(subject.port, 4) == ["one", "two", "one", "two"]
        assert names(subject.port, 1, "elsewhere") == ["default"]
        one.seen.clear()
        assert names(subject.port, 1, "unbit.it") == ["one"]
        received = one.wait_seen().packet
        assert received is not None
        assert received.modifier1 == 5


@covers("FR-50", "FR-51")
def test_way_5_takes_bytes_and_keeps_state(start: Starter) -> None:
    """A script written for bytes runs, too; the key is what was asked for."""
    with node("N") as n:
        text = f"""
count = 0
def get(key):
    global count
    count += 1
    key = key if isinstance(key, str) else key.decode()
    return b'{n.address},%d' % (count if key == 'example.com' else 99)
"""
        subject = mapping(start, text)
        assert names(subject.port, 2) == ["N", "N"]
        assert [each.packet.modifier1 for each in n.seen if each.packet] == [1, 2]


@covers("FR-53")
@pytest.mark.parametrize("answer", ["None", "5", "b''", "1 / 0", "['x']"])
def test_way_5_without_an_answer_closes(start: Starter, answer: str) -> None:
    """An exception or another type than text: this client is closed, the router lives."""
    with node("N") as n:
        text = (
            "def get(key):\n    if key in ('bad', b'bad'):\n"
            f"        return {answer}\n    return b'{n.address}'\n"
        )
        subject = mapping(start, text, tracebacks=True)
        assert names(subject.port, 2, "bad") == ["", ""]
        assert names(subject.port, 1) == ["N"]
        if "/" in answer:
            subject.wait_for("ZeroDivisionError")
            assert "respawned" not in subject.log


@covers("FR-54")
def test_way_5_is_asked_again_for_a_dead_node(start: Starter) -> None:
    """A node that refuses: the function is asked again, four times in all."""
    with node("N") as n:
        text = f"""
count = 0
def get(key):
    global count
    count += 1
    return b'{n.address}' if count % 4 == 0 else b'{dead()}'
"""
        subject = mapping(start, text)
        assert names(subject.port, 2) == ["N", "N"]


@covers("FR-55")
@pytest.mark.parametrize("value", ["0", "0:mapper.py"])
def test_way_5_with_parts_missing_ends_the_start(start: Starter, value: str) -> None:
    """Not three parts: exit 1."""
    run = start.run(TALLY + f"fastrouter-use-code-string = {value}\n")
    assert run.code == 1


@covers("FR-23")
def test_the_node_is_chosen_before_the_body(start: Starter) -> None:
    """The function is asked as soon as the packet is complete."""
    with node("N") as n:
        text = f"def get(key):\n    open('asked', 'w').close()\n    return b'{n.address}'\n"
        subject = start(
            TALLY + "fastrouter-use-code-string = 0:mapper.py:get\n"
            "fastrouter-post-buffering = 100\n",
            files={"mapper.py": text},
            until=ROUTER,
        )
        with Client(subject.port, packet(request_vars("/", "POST", CONTENT_LENGTH="5"))) as client:
            eventually(Path(subject.path("asked")).exists)
            assert n.seen == []
            client.send(b"12345")
            assert client.rest().raw == b"N"


@covers("FR-56")
def test_a_router_that_is_held_up_too_long_is_replaced(start: Starter) -> None:
    """Blocking code in the function stops the router; fastrouter-harakiri ends that."""
    text = "import time\ndef get(key):\n    time.sleep(60)\n"
    subject = start(
        TALLY + "fastrouter-use-code-string = 0:mapper.py:get\nfastrouter-harakiri = 1\n",
        files={"mapper.py": text},
        until=ROUTER,
    )
    threading.Thread(target=names, args=(subject.port, 1), daemon=True).start()
    subject.wait_for(r"\*\*\* HARAKIRI ON GATEWAY uWSGI fastrouter 1 \(pid: \d+\) \*\*\*")
    subject.wait_for("respawned uWSGI fastrouter 1")
