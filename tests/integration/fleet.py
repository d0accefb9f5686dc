"""A mixed fleet: a router of either kind, nodes of either kind, all signed, under one nginx.

What: `/ours/` goes to our router, `/original/` to the other, `/both/` to whichever answers.  Every
      node announces itself to both routers; each answers its own name.  The events that a fleet
      lives through (a node is killed, a node leaves, a router is reloaded) are methods; each waits
      until the fleet is whole again.
"""

import os
import signal
import subprocess
import time
from collections import Counter
from functools import partial
from pathlib import Path

from tests import keys
from tests.conformance.harness import (
    Starter,
    Subject,
    eventually,
    free_port,
    get,
    listening,
    stats,
    write_fifo,
)
from tests.conformance.harness.binary import command
from tests.integration import nginx, original
from tests.integration.load import Clients

KEY = "fleet.test"
TOLERANCE = 20.0  # an announcement a second, on a machine that may be busy
PATIENCE = 60.0
APP = """
import os, time
def application(environ, start_response):
    time.sleep(0.003)
    name = os.environ["NODE"].encode()
    start_response("200 OK", [("Content-Length", str(len(name)))])
    return [name]
"""
ROUTER = """
[uwsgi]
master = true
fastrouter = 127.0.0.1:{port}
fastrouter-subscription-server = 127.0.0.1:{udp}
fastrouter-stats = 127.0.0.1:{stats}
subscription-tolerance = 20
subscriptions-sign-check = SHA1:{keys}
"""
NODE = """
[uwsgi]
master = true
processes = 2
socket = {address}
wsgi-file = app.py
disable-logging = true
master-fifo = fifo
subscribe-freq = 1
{subscriptions}
"""
LOCATION = """
        location /{name}/ {{
            uwsgi_param UWSGI_FASTROUTER_KEY {key};
            {params} uwsgi_pass {where};
        }}
"""
UPSTREAM = """
    keepalive_timeout 0;
    upstream both {{
        server 127.0.0.1:{0} max_fails=0;
        server 127.0.0.1:{1} max_fails=0;
        server 127.0.0.1:{0} max_fails=0;
        server 127.0.0.1:{1} max_fails=0;
    }}
    server {{"""


def program(kind: str) -> list[str]:
    """How a server of that kind is called."""
    return command() if kind == "ours" else [str(original.PROGRAM)]


class Router:
    """A router and its ports, which stay the same whatever becomes of it."""

    def __init__(self, start: Starter, kind: str) -> None:
        self.port, self.udp, self.stats = free_port(), free_port(), free_port()
        directory = start.directory({f"{KEY}.pem": keys.public()})
        text = ROUTER.format(port=self.port, udp=self.udp, stats=self.stats, keys=directory)
        (directory / "router.ini").write_text(text)
        self.subject = Subject(directory, [*program(kind), "--ini", "router.ini"], {})
        start.subjects.append(self.subject)
        self.subject.wait_listening(self.port, self.stats)

    def knows(self) -> set[str]:
        """The addresses of the nodes that it takes for living."""
        try:
            slots = stats(self.stats)["subscriptions"]
        except (OSError, ValueError, AssertionError):
            return set()  # it is just being reloaded
        return {each["name"] for slot in slots for each in slot["nodes"] if not each["death_mark"]}

    def knows_all(self, wanted: set[str]) -> bool:
        """Whether it takes all these for living."""
        return self.knows() >= wanted


class Node:
    """A node that can be killed, sent away and started again at the same address."""

    def __init__(self, start: Starter, name: str, kind: str, servers: list[int]) -> None:
        self.name, self.kind = name, kind
        self._start = start
        self._directory = start.directory({"app.py": APP, "private.pem": keys.private()})
        self.address = f"127.0.0.1:{free_port()}"
        lines = [f"subscribe-to = 127.0.0.1:{udp}:{KEY},0,SHA1:private.pem" for udp in servers]
        text = NODE.format(address=self.address, subscriptions="\n".join(lines))
        (self._directory / "node.ini").write_text(text)
        self.begin()

    def begin(self) -> None:
        """Start it, and return at once."""
        words = [*program(self.kind), "--ini", "node.ini"]
        self.subject = Subject(self._directory, words, {"NODE": self.name})
        self._start.subjects.append(self.subject)

    def kill(self) -> None:
        """Kill every process of it at once."""
        os.killpg(self.subject.pid, signal.SIGKILL)
        self.subject.process.wait()
        eventually(lambda: not self.subject.family(), "nothing of it is left", PATIENCE)

    def leave(self) -> None:
        """Have it finish what it does, and end."""
        write_fifo(self._directory / "fifo", "Q")
        self.subject.ended(PATIENCE)


class Web:
    """One nginx in front of both routers."""

    def __init__(self, directory: Path, ours: int, others: int) -> None:
        self.port = free_port()
        params = nginx.UWSGI.rpartition("uwsgi_pass")[0]
        where = {"ours": f"127.0.0.1:{ours}", "original": f"127.0.0.1:{others}", "both": "both"}
        text = nginx.CONFIG.replace(
            "        location / {\n            PASS;\n        }\n",
            "".join(
                LOCATION.format(name=name, key=KEY, params=params, where=to)
                for name, to in where.items()
            ),
        ).replace("\n    server {", UPSTREAM.format(ours, others))
        conf = directory / "nginx.conf"
        text = text.replace("FRONT", str(self.port)).replace("DIR", str(directory))
        conf.write_text(text)
        words = [str(nginx.PROGRAM), "-p", str(directory), "-c", str(conf)]
        none = subprocess.DEVNULL
        with (directory / "error.log").open("wb") as errors:
            self._process = subprocess.Popen(words, stdin=none, stdout=none, stderr=errors)
        eventually(lambda: listening(self.port), "nginx listens", PATIENCE)

    def close(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


class Fleet:
    """Two routers, four nodes, one nginx."""

    def __init__(self, start: Starter) -> None:
        self.routers = {kind: Router(start, kind) for kind in ("ours", "original")}
        servers = [router.udp for router in self.routers.values()]
        self.nodes = [
            Node(start, f"{kind}-{number}", kind, servers)
            for kind in ("ours", "original")
            for number in (1, 2)
        ]
        ports = [router.port for router in self.routers.values()]
        self.web = Web(start.directory(), *ports)
        self.whole()

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        self.web.close()

    def whole(self) -> None:
        """Wait until both routers know every node."""
        wanted = {node.address for node in self.nodes}
        for kind, router in self.routers.items():
            eventually(partial(router.knows_all, wanted), f"{kind}: all nodes", PATIENCE)

    def kill(self, *nodes: Node) -> None:
        """Kill nodes, let the load go on without them, and bring them back."""
        for node in nodes:
            node.kill()
        self._back(nodes)

    def leave(self, *nodes: Node) -> None:
        """Send nodes away gracefully, and bring them back."""
        for node in nodes:
            node.leave()
        self._back(nodes)

    def _back(self, nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            node.begin()
        for node in nodes:
            node.subject.wait_listening(int(node.address.rpartition(":")[2]))
        self.whole()

    def reload(self, kind: str) -> None:
        """Reload a router."""
        subject = self.routers[kind].subject
        since = len(subject.log)
        subject.signal(signal.SIGHUP)
        subject.wait_for(r"spawned uWSGI fastrouter 1 \(pid", PATIENCE, since)
        self.whole()


class Crowd(Clients):
    """Clients of one location, who count what they are answered."""

    def __init__(self, port: int, location: str, clients: int) -> None:
        super().__init__([self._ask] * clients, 0.004)
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.clients = clients
        self._address = port, f"/{location}/"

    @property
    def done(self) -> int:
        """How many requests were answered by a node."""
        return sum(self.answers.values())

    def _ask(self) -> None:
        began = time.monotonic()
        try:
            answer = get(*self._address)
            found = answer.text if answer.status == 200 else ""
            problem = "" if found else f"status {answer.status}"
        except (OSError, ValueError, AssertionError) as error:
            found, problem = "", f"{type(error).__name__}: {error}"[:200]
        with self.lock:
            if found:
                self.answers[found] += 1
            else:
                self.failures.append(f"{problem} after {time.monotonic() - began:.2f} s")
