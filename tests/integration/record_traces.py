"""Who talks to whom, recorded from real runs: the pictures on the page of the FastRouter.

    python -m tests.integration.record_traces [NAME ...]

What: taps of `refuwsgi trace` stand between a client, a router and its nodes; what they hear is
      written, in order, into docs/results/traces/NAME.json.  What goes over no wire is taken from
      the router's log, as a word of the router to itself.
Units: seconds since the first event.
"""

import json
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refuwsgi.address import parse
from refuwsgi.binding import bind
from refuwsgi.commands.trace import Tap, _bound_for_datagrams
from refuwsgi.commands.trace_events import Events
from refuwsgi.commands.trace_speech import REQUESTS
from refuwsgi.loop import Loop
from tests.conformance.fastrouter.announced import APP
from tests.conformance.fastrouter.talk import ROUTER, dead, packet_of, send
from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    eventually,
    free_port,
    packet,
    request_vars,
)

TRACES = Path(__file__).parents[2] / "docs" / "results" / "traces"
KEY = "example.com"
NODE = "master = true\nsocket = 127.0.0.1:PORT\nwsgi-file = app.py\n"
SAYS = re.compile(r"new node: .*|unable to connect.*|marking .*|leaving cheap.*|no more nodes.*")
ENOUGH = 1_000_000  # conversations


class Wire(Events):
    """What is said between two, put among all the rest."""

    def __init__(self, story: "Story", client: str, node: str) -> None:
        super().__init__(client, node)
        self._story = story

    def add(self, number: int, upwards: bool, what: str) -> None:
        """Put an event into the story."""
        if upwards and what.startswith("ends after"):
            return  # who has asked and been answered goes: no news
        ends = (self.client, self.node) if upwards else (self.node, self.client)
        self._story.tell(*ends, what)


class Story:
    """One run: its servers, its taps, and all events in their order."""

    def __init__(self, start: Starter, more: str) -> None:
        self.start = start
        self.events: list[tuple[float, str, str, str]] = []
        self.udp = free_port()
        self.router: Subject = start(
            "master = true\nfastrouter = 127.0.0.1:PORT\n"
            f"fastrouter-subscription-server = 127.0.0.1:{self.udp}\n" + more,
            until=ROUTER,
        )
        self.door = self.tap("client", "router", self.router.port)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        """Tell what the router says, as soon as it says it."""
        with self.router.log_path.open("rb") as log:
            log.seek(0, 2)
            rest = b""
            while self.router.process.returncode is None:
                rest += log.read()
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    if found := SAYS.search(line.decode("latin-1")):
                        self.tell("router", "router", found[0])
                time.sleep(0.0001)

    def tell(self, source: str, target: str, what: str) -> None:
        """Put an event behind the others."""
        self.events.append((time.monotonic(), source, target, what))

    def tap(self, client: str, node: str, port: int, protocol: str = "uwsgi") -> int:
        """Stand between two; the port where the first has to connect to."""
        mine = free_port()
        here, there = parse(f"127.0.0.1:{mine}"), parse(f"127.0.0.1:{port}")
        udp = protocol == "udp"
        sock = _bound_for_datagrams(here) if udp else bind(here)

        def run() -> None:
            loop = Loop()
            wire = Wire(self, client, node)
            tap = Tap(loop, there, protocol if protocol in REQUESTS else "uwsgi", wire, ENOUGH)
            loop.spawn(tap.datagrams(sock) if udp else tap.clients(sock))
            loop.run()

        threading.Thread(target=run, daemon=True).start()
        return mine

    def node(self, name: str) -> Subject:
        """Start a node that announces itself, once."""
        box = self.tap(name, "router", self.udp, "udp")
        directory = self.start.directory({"app.py": APP})
        port = free_port()
        door = self.tap("router", name, port)
        ini = NODE.replace("PORT", str(port)) + "subscribe-freq = 600\n"
        ini += f"subscribe-to = 127.0.0.1:{door}=127.0.0.1:{box}:{KEY}\n"
        subject = self.start.launch(ini, directory=directory)
        subject.wait_for(WORKER)
        return subject

    def heard(self, what: str) -> None:
        """Wait until somebody has said that."""
        eventually(lambda: any(what in event[3] for event in self.events), what)

    def ask(self, *pieces: bytes) -> None:
        """Make a request, perhaps with a body in pieces."""
        length = str(sum(map(len, pieces))) if pieces else ""
        variables = request_vars("/", "POST" if pieces else "GET", CONTENT_LENGTH=length)
        with Client(self.door, packet({**variables, "HTTP_HOST": KEY})) as client:
            for piece in pieces:
                time.sleep(0.2)
                self.tell("client", "router", f"{len(piece)} bytes of the body")
                client.send(piece)
            assert b"200 OK" in client.rest().raw


def way_4(story: Story) -> None:
    """A node announces itself, is asked, and says goodbye."""
    node = story.node("node")
    story.heard("new node")
    story.ask()
    node.signal(signal.SIGINT)
    story.heard("marking")


def a_node_dies(story: Story) -> None:
    """One of two has died: the request goes to the other."""
    story.node("node")
    story.heard("new node")
    gone = dead()
    datagram = packet_of(KEY, gone, weight=1)
    story.tell("dead node", "router", f"announces {KEY} at {gone}, and dies")
    send(story.udp, datagram)
    story.heard(f"new node: {gone}")
    story.ask()
    story.heard("marking")


def post_buffering(story: Story) -> None:
    """The node hears of a request when its body is complete."""
    story.node("node")
    story.heard("new node")
    story.ask(b"x" * 4000, b"x" * 4000, b"x" * 4000)


def cheap(story: Story) -> None:
    """Without a node the router does not answer."""
    waiting = threading.Thread(target=story.ask)
    waiting.start()
    time.sleep(0.3)
    node = story.node("node")
    story.heard("leaving")
    waiting.join()
    node.signal(signal.SIGINT)
    story.heard("Going cheap")


STORIES: dict[str, tuple[Callable[[Story], None], str]] = {
    "way-4": (way_4, ""),
    "a-node-dies": (a_node_dies, ""),
    "post-buffering": (post_buffering, "fastrouter-post-buffering = 8192\n"),
    "cheap-mode": (cheap, "fastrouter-cheap = true\n"),
}


def recorded(name: str) -> dict[str, Any]:
    """Run a story; what happened."""
    tell, more = STORIES[name]
    start = Starter()
    try:
        story = Story(start, more)
        tell(story)
        time.sleep(0.2)  # what is on its way still
        events = sorted(story.events)
    finally:
        start.close()
    names = list(dict.fromkeys(name for event in events for name in event[1:3]))
    order = [each for each in ("client", "router") if each in names]
    first = events[0][0]
    return {
        "title": (tell.__doc__ or "").strip(),
        "parties": order + [each for each in names if each not in order],
        "events": [[round(at - first, 3), *rest] for at, *rest in events],
    }


def in_order(record: dict[str, Any]) -> bool:
    """Whether a failed connection stands before the one that was made in its place."""
    said = [what for _, source, _, what in record["events"] if source == "router"]
    failed = [place for place, what in enumerate(said) if what.startswith("unable to connect")]
    return not failed or failed[0] < said.index("connects")


def main() -> int:
    """Record what was asked for."""
    for name in sys.argv[1:] or STORIES:
        while not in_order(record := recorded(name)):
            pass  # a word of the log was read too late, after what it led to: once more
        text = json.dumps(record, indent=1)
        text = re.sub(r"\n {3,}|\n {2}(?=\])", " ", text)
        (TRACES / f"{name}.json").write_text(text + "\n", "utf-8")
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
