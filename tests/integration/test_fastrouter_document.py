"""The FastRouter document's commands and files, letter by letter; only places are moved.

What: `MOVED` says where everything goes: to loopback and to ports and a directory of the test.  No
      command of the document names a master, and each must run all the same.
"""

import re
import threading

import pytest

from tests.conformance.fastrouter.talk import ROUTER, names, node, text_of
from tests.conformance.harness import Starter, Subject, ask, eventually, exchange, packet
from tests.conformance.harness.packet import request_vars

MOST_USELESS = "uwsgi --fastrouter 127.0.0.1:3017 --fastrouter /tmp/uwsgi.sock --fastrouter @foobar"
WAY_1 = "uwsgi --fastrouter 127.0.0.1:3017 --fastrouter-use-base /tmp/sockets/"
WAY_2 = "uwsgi --fastrouter 127.0.0.1:3017 --fastrouter-use-pattern /tmp/sockets/%s/uwsgi.sock"
FOOBAR = """
    import uwsgi
    # Requests for example.com on port 8000 will go to 127.0.0.1:4040
    uwsgi.cache_set("example.com:8000", "127.0.0.1:4040")
    # Requests for unbit.it will go to 127.0.0.1:4040 with the modifier1 set to 5 (perl/PSGI)
    uwsgi.cache_set("unbit.it", "127.0.0.1:4040,5")
"""
WAY_3 = "uwsgi --fastrouter 127.0.0.1:3017 --fastrouter-use-cache --cache 100 --file foobar.py"
WAY_4 = "uwsgi --fastrouter 127.0.0.1:3017 --fastrouter-subscription-server 192.168.0.100:7000"
INSTANCES = (
    "uwsgi --socket :3031 -M --subscribe-to 192.168.0.100:7000:example.com",
    "uwsgi --socket :3032 -M --subscribe-to 192.168.0.100:7000:unbit.it,5"
    " --subscribe-to 192.168.0.100:7000:uwsgi.it",
    "uwsgi --socket 192.168.0.100:0 -M --subscribe-to 192.168.0.100:7000:example.com",
    "uwsgi --socket :3031 -M --subscribe-to 192.168.0.100:7000:@mappings.txt",
)
MAPPINGS = """
    # mappings.txt
    unbit.it
    unbit.it:8000,5
    uwsgi.it
    projects.unbit.it
"""
MAPPER = """
    def get(key):
        return '127.0.0.1:3031'
"""
WAY_5 = "uwsgi --fastrouter 127.0.0.1:3017 --fastrouter-use-code-string 0:mapper.py:get"
MEGAMAPPER = """

    domains = {}
    domains['example.com'] = {'nodes': ('127.0.0.1:3031', '192.168.0.100:3032'), 'node': 0}
    domains['unbit.it'] = {'nodes': ('127.0.0.1:3035,5', '192.168.0.100:3035,5'), 'node': 0}

    DEFAULT_NODE = '192.168.0.1:1717'

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
MEGA = "uwsgi --fastrouter 127.0.0.1:3017 --fastrouter-use-code-string 0:megamapper.py:get"
POST_BUFFERING = """
   [uwsgi]
   fastrouter = 127.0.0.1:3031
   fastrouter-to = /var/run/app.socket
   fastrouter-post-buffering = 8192
"""
MOVED = (
    (r"127\.0\.0\.1:3017", "127.0.0.1:PORT"),
    (r"/tmp/|/var/run/", "DIR/"),
    (r"192\.168\.0\.1(00)?\b", "127.0.0.1"),
    (r":7000\b", ":PORT7"),
    (r":0\b", ":PORT9"),
    (r"\b(3031|3032|3035|4040|1717)\b", "PORT_OF_THE_NODE"),
)


def moved(text: str, node_port: str = "PORT1") -> str:
    for before, after in MOVED:
        text = re.sub(before, after, text)
    return text.replace("PORT_OF_THE_NODE", node_port)


def shell(start: Starter, line: str, **files: str) -> Subject:
    """Run a command line of the document until its router is there."""
    made = {name.replace("_py", ".py"): moved_in(text) for name, text in files.items()}
    subject = start.launch("", *moved(line).split()[1:], files=made)
    subject.wait_for(ROUTER)
    return subject


def moved_in(text: str) -> str:
    lines = [line[4:] for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def modifier(backend: object) -> int:
    return backend.seen[-1].packet.modifier1  # type: ignore[attr-defined,no-any-return]


def test_the_most_useless_setup_in_the_world(start: Starter) -> None:
    """It listens on three addresses, and does not know where to go."""
    subject = shell(start, MOST_USELESS.replace("@foobar", f"@foobar-{id(start)}"))
    subject.wait_listening(subject.port)
    assert names(subject.port, 1) + names(subject.path("uwsgi.sock"), 1) == ["", ""]
    assert len(re.findall("^uWSGI fastrouter bound on", subject.log, re.M)) == 3


@pytest.mark.parametrize(
    ("line", "path"), [(WAY_1, "sockets/example.com"), (WAY_2, "sockets/example.com/uwsgi.sock")]
)
def test_ways_1_and_2(start: Starter, line: str, path: str) -> None:
    subject = shell(start, line)
    (subject.directory / path).parent.mkdir(parents=True)
    with node("found", subject.path(path)):
        assert names(subject.port, 1) == ["found"]


def test_way_3(start: Starter) -> None:
    with node("found") as found:
        text = FOOBAR.replace("127.0.0.1:4040", found.address)
        subject = shell(start, WAY_3, foobar_py=text)
        assert names(subject.port, 1, "example.com:8000") == ["found"]
        assert names(subject.port, 1, "unbit.it") == ["found"]
        assert modifier(found) == 5
        assert names(subject.port, 1) == [""]


def test_way_4(start: Starter) -> None:
    """Every instance of the document announces itself, the mapping file's keys included."""
    router = shell(start, WAY_4)
    server = f"127.0.0.1:{router.ports['PORT7']}"
    keys = (["example.com"], ["unbit.it", "uwsgi.it"], ["example.com"],
            ["unbit.it", "unbit.it:8000", "uwsgi.it", "projects.unbit.it"])  # fmt: skip
    for line, wanted in zip(INSTANCES, keys, strict=True):
        words = line.replace("192.168.0.100:7000", server).replace("192.168.0.100:0", "127.0.0.1:0")
        files = {"mappings.txt": moved_in(MAPPINGS)}
        since = len(router.log)
        instance = start.launch("", *moved(words).split()[1:], files=files)
        for key in wanted:
            router.wait_for(rf"{re.escape(key)} => new node: \S*:[1-9]\d*$", since=since)
        assert instance.process.poll() is None


def test_way_5(start: Starter) -> None:
    with node("found") as found:
        subject = shell(start, WAY_5, mapper_py=MAPPER.replace("127.0.0.1:3031", found.address))
        assert names(subject.port, 2) == ["found", "found"]


def test_the_megamapper(start: Starter) -> None:
    """Round robin, and a node for everybody else."""
    with node("a") as a, node("b") as b, node("rest") as rest:
        text = MEGAMAPPER
        for printed, real in (
            ("127.0.0.1:3031", a), ("192.168.0.100:3032", b), ("127.0.0.1:3035", a),
            ("192.168.0.100:3035", b), ("192.168.0.1:1717", rest),
        ):  # fmt: skip
            text = text.replace(f"'{printed}", f"'{real.address}")
        subject = shell(start, MEGA, megamapper_py=text)
        assert names(subject.port, 4) == ["a", "b", "a", "b"]
        assert names(subject.port, 2, "unbit.it") == ["a", "b"]
        assert (modifier(a), modifier(b)) == (5, 5)
        assert names(subject.port, 1, "else.where") == ["rest"]


def test_post_buffering(start: Starter) -> None:
    """The node hears of a request when its body is complete, be it in memory or in a file."""
    subject = start.launch(moved(POST_BUFFERING, "PORT"))
    subject.wait_for(ROUTER)
    with node("app", subject.path("app.socket")) as app:
        for size in (8192, 8193):
            body = b"x" * size
            asked = packet(request_vars("/", "POST", CONTENT_LENGTH=str(size)))
            assert text_of(exchange(subject.port, asked + body)) == "app"
            assert app.seen[-1].body == body


def test_the_notes(start: Starter) -> None:
    """The vars in their order, the events, the timeout, and no descriptor passed."""
    line = WAY_1 + " --fastrouter-events 128 --fastrouter-timeout 1 --no-fd-passing"
    subject = shell(start, line)
    (subject.directory / "sockets").mkdir()
    hold = threading.Event()
    with (
        node("key", subject.path("sockets/key")),
        node("host", subject.path("sockets/host")),
        node("name", subject.path("sockets/name")),
        node("slow", subject.path("sockets/slow"), hold=hold),
    ):
        door = subject.port
        given = {"UWSGI_FASTROUTER_KEY": "key", "HTTP_HOST": "host", "SERVER_NAME": "name"}
        assert text_of(ask(door, **given)) == "key"
        assert text_of(ask(door, HTTP_HOST="host", SERVER_NAME="name")) == "host"
        assert text_of(ask(door, HTTP_HOST="", SERVER_NAME="name")) == "name"
        assert text_of(ask(door, HTTP_HOST="slow")) == ""
        eventually(lambda: "timeout" in subject.log, "the log says why")
        hold.set()
