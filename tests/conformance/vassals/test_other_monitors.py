"""Vassals of databases and messages: pg://, mongodb://, zmq://, amqp://."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance.harness import Starter, covers, eventually, free_port, is_refuwsgi, listening
from tests.conformance.vassals.empire import Empire, asked, rule
from tests.conformance.vassals.fakes import Amqp, Mongo, Postgres, Server

pytestmark = pytest.mark.skipif(
    not is_refuwsgi(), reason="absent: the monitors are plugins that this binary lacks"
)
NOT_ASKED = ("--emperor-on-demand-directory", "DIR/sockets")


@pytest.fixture
def server() -> Iterator[Callable[[Server], Server]]:
    """Close the servers of a case."""
    opened: list[Server] = []
    yield lambda made: opened.append(made) or made  # type: ignore[func-returns-value]
    for each in opened:
        each.close()


def config(empire: Empire, *lines: str, mark: str = "one") -> str:
    return empire.ini(*lines, mark=mark)


@covers("OD-44", "OD-45", "OD-46", "OD-80", "OD-90")
def test_rows_of_postgresql_are_vassals(start: Starter, server: Callable[[Any], Any]) -> None:
    """A 6th field is the on-demand socket; NULL and '' are none; a later ts reloads."""
    base = server(Postgres())
    query = "SELECT name, config, ts, uid, gid, socket FROM somewhere"
    address = f"pg://host=127.0.0.1 port={base.port} user=u dbname=d;{query}"
    empire = rule(start, *NOT_ASKED, emperor=(address,))
    plain = [empire.path(f"{n}.sock") for n in range(2)]
    waits = empire.path("waits.sock")

    def rows(mark: str, ts: str) -> None:
        text = config(empire, mark=mark)
        base.rows = [
            ("waits.ini", text, f"{ts}.25", "0", "0", waits),
            ("null.ini", f"{text}socket = {plain[0]}\n", ts, "0", "0", None),
            ("empty.ini", f"{text}socket = {plain[1]}\n", ts, "0", "0", ""),
            ("no-vassal", text, ts, "0", "0", None),
        ]

    rows("first", "100")
    empire.waiting("waits.ini")
    assert empire.row("waits.ini")["on_demand"] == waits
    assert base.asked[0] == query
    for name, path in zip(("null.ini", "empty.ini"), plain, strict=True):
        empire.running(name)
        empire.accepting(name)
        assert asked(path)["environ"]["MARK"] == "first"
    assert asked(waits)["environ"]["MARK"] == "first"
    for mark, ts in (("second", "200"), ("third", "300")):
        rows(mark, ts)
        for path in (*plain, waits):
            eventually(lambda p=path, m=mark: is_marked(p, m), f"{mark} runs")  # type: ignore[misc]
    base.rows = base.rows[1:]
    empire.gone("waits.ini")
    assert empire.pid("null.ini") > 0


def is_marked(address: str, mark: str) -> bool:
    """Whether the config with this mark answers."""
    try:
        return bool(asked(address)["environ"]["MARK"] == mark)
    except (OSError, AssertionError, ValueError):
        return False


@covers("OD-45")
def test_without_a_6th_field_a_vassal_is_plain(
    start: Starter, server: Callable[[Any], Any]
) -> None:
    base = server(Postgres())
    address = f"pg://host=127.0.0.1 port={base.port} user=u dbname=d"
    empire = rule(start, *NOT_ASKED, emperor=(address,))
    base.rows = [("app.ini", config(empire, f"socket = {empire.path('a.sock')}"), "1", "0", "0")]
    empire.running("app.ini")
    assert empire.row("app.ini")["on_demand"] == ""
    assert base.asked[0] == "SELECT name,config,EXTRACT(epoch FROM ts) FROM vassals"


@covers("OD-80")
def test_a_database_that_does_not_answer_stops_nobody(
    start: Starter, server: Callable[[Any], Any]
) -> None:
    base = server(Postgres())
    empire = rule(start, emperor=(f"pg://host=127.0.0.1 port={base.port} user=u dbname=d",))
    base.rows = [("app.ini", config(empire, f"socket = {empire.path('a.sock')}"), "1")]
    pid = empire.running("app.ini")
    base.close()
    empire.look()
    empire.subject.wait_for(r"^libpq-error: .*")
    assert empire.pid("app.ini") == pid


@covers("OD-47", "OD-81")
def test_documents_of_mongodb_are_vassals(start: Starter, server: Callable[[Any], Any]) -> None:
    base = server(Mongo())
    address = f"mongodb://127.0.0.1:{base.port},farm.vassals,{{enabled:1}}"
    empire = rule(start, *NOT_ASKED, emperor=(address,))
    waits, plain = empire.path("waits.sock"), empire.path("plain.sock")
    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    text = config(empire)
    base.documents = [
        {"name": "waits.ini", "config": text, "ts": when, "socket": waits},
        {"name": "plain.ini", "config": f"{text}socket = {plain}\n", "ts": when},
        {"name": "empty.ini", "config": f"{text}socket = {plain}2\n", "ts": when, "socket": ""},
    ]
    empire.waiting("waits.ini")
    assert asked(waits)["environ"]["MARK"] == "one"
    for name in ("plain.ini", "empty.ini"):
        empire.running(name)
        assert empire.row(name)["on_demand"] == ""
    assert (base.asked[0]["find"], base.asked[0]["filter"]) == ("vassals", {"enabled": 1})
    later = {"ts": when + datetime.timedelta(hours=1), "config": config(empire, mark="two")}
    base.documents = [{**base.documents[0], **later}]
    eventually(lambda: is_marked(waits, "two"), "the new config runs")
    empire.gone("plain.ini")


@covers("OD-48", "OD-82")
def test_messages_of_zeromq_make_and_end_vassals(start: Starter) -> None:
    import zmq

    empire = rule(start, *NOT_ASKED, emperor=("zmq://tcp://127.0.0.1:PORT",))
    waits, plain = empire.path("waits.sock"), empire.path("plain.sock")
    text = config(empire)
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(f"tcp://127.0.0.1:{empire.subject.port}")

        def send(*parts: str) -> None:
            push.send_multipart([part.encode() for part in parts])

        send("touch", "waits.ini", text, "0", "0", waits)
        send("touch", "empty.ini", f"{text}socket = {plain}\n", "", "", "")
        (empire.directory / "file.ini").write_text(f"{text}socket = {plain}2\n")
        send("touch", "file.ini")
        empire.waiting("waits.ini")
        assert asked(waits)["path"] == "/"
        for name in ("empty.ini", "file.ini"):
            empire.running(name)
            assert empire.row(name)["on_demand"] == ""
        send("touch", "waits.ini", config(empire, mark="two"), "0", "0", waits)
        eventually(lambda: is_marked(waits, "two"), "the new config runs")
        send("destroy", "waits.ini")
        empire.gone("waits.ini")
        for wrong in (("destroy", "never.ini"), ("dance", "a.ini"), ("alone",)):
            send(*wrong)
        empire.subject.wait_for(r'^\[emperor-zeromq\] unknown instance "never.ini"$')
        empire.subject.wait_for(r'^\[emperor-zeromq\] unknown command "dance"$')
        empire.subject.wait_for(r"^\[emperor-zeromq\] bad message received")


@covers("OD-49", "OD-83", kind="beyond")
def test_messages_of_amqp_make_and_end_vassals(
    start: Starter, server: Callable[[Any], Any]
) -> None:
    """Configs by routing key, paths without one; a header or an option names the socket."""
    broker = server(Amqp())
    address = f"amqp://someone:secret@127.0.0.1:{broker.port}/place"
    empire = rule(start, *NOT_ASKED, emperor=(address,))
    waits, plain = empire.path("waits.sock"), empire.path("plain.sock")
    text = config(empire)
    broker.publish("waits.ini", text.encode(), socket=waits)
    broker.publish("plain.ini", f"{text}socket = {plain}\n".encode())
    path = empire.directory / "file.ini"
    path.write_text(text)
    broker.publish("", str(path).encode())
    empire.waiting("waits.ini")
    assert asked(waits)["path"] == "/"
    empire.running("plain.ini")
    eventually(lambda: listening(empire.path("sockets/file.socket")), "the file's socket")
    assert asked(empire.path("sockets/file.socket"))["path"] == "/"
    for mark in ("two", "three"):
        broker.publish("waits.ini", config(empire, mark=mark).encode(), socket=waits)
        eventually(lambda m=mark: is_marked(waits, m), f"{mark} runs")  # type: ignore[misc]
    broker.publish("waits.ini", b"")
    path.unlink()
    broker.publish("", str(path).encode())
    empire.gone("waits.ini")
    empire.gone(str(path))
    assert empire.pid("plain.ini") > 0


@covers("OD-83", kind="beyond")
def test_a_broker_that_is_not_there_is_tried_again(start: Starter) -> None:
    empire = rule(start, emperor=(f"amqp://127.0.0.1:{free_port()}",))
    empire.subject.wait_for(r"^\[emperor-amqp\] ")
    assert empire.told()["vassals"] == []


@covers("OD-44")
@pytest.mark.parametrize("address", ["ftp://x", "zmq://nonsense"])
def test_an_address_that_makes_no_sense_ends_the_start(start: Starter, address: str) -> None:
    ended = start.run("", "--emperor", address)
    assert ended.code == 1
    assert f"--emperor {address}: " in ended.log
