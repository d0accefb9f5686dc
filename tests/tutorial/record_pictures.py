"""Who talks to whom in the steps of the tutorial, recorded from the steps' own files.

    python -m tests.tutorial.record_pictures [STEP ...]

What: taps of `refuwsgi trace` stand before the servers of a step, one for each client that the
      picture shows; what they hear is written, in order, into docs/results/traces/STEP.json.
Units: seconds since the first event.
"""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.conformance.harness import free_port
from tests.integration.record_traces import TRACES, Story
from tests.tutorial.session import Shell

TUTORIAL = Path(__file__).parents[2] / "tutorial"
UNTIL = "until curl -sf http://127.0.0.1:{}/ > /dev/null; do sleep 0.1; done"


class Picture(Story):
    """A run of a step: what the taps have heard, and the shell that the commands go to."""

    def __init__(self, shell: Shell) -> None:
        self.events = []
        self.shell = shell

    def serve(self, ini: str, port: int) -> None:
        """Start a server of the step, and wait until it answers."""
        self.run(f"$UWSGI --ini {ini} > {ini}.log 2>&1 &", UNTIL.format(port))

    def run(self, *commands: str) -> None:
        """Run commands of the shell to their ends."""
        for command in commands:
            self.shell.run(command)


def one_process(picture: Picture) -> None:
    """One client, one worker: a request, an answer, the end."""
    picture.serve("hello.ini", 18810)
    picture.run(f"curl -s http://127.0.0.1:{picture.tap('client', 'worker', 18810, 'http')}/world")


def on_the_wire(picture: Picture) -> None:
    """The question is a uwsgi packet, the answer plain HTTP."""
    picture.run("$UWSGI --ini wire.ini > server.log 2>&1 &")
    picture.run("until grep -q 'spawned uWSGI worker' server.log; do sleep 0.1; done")
    door = picture.tap("ask.py", "worker", 18820)
    picture.run(f"python3 ask.py 127.0.0.1:{door} /by/hand")


def slow_and_quick(picture: Picture, ini: str, port: int, server: str) -> None:
    """The quick client is answered while the slow one waits."""
    picture.serve(ini, port)
    slow = picture.tap("slow client", server, port, "http")
    quick = picture.tap("quick client", server, port, "http")
    picture.run(
        f"curl -s http://127.0.0.1:{slow}/slow &",
        "until [ -e begun ]; do sleep 0.1; done",
        f"curl -s http://127.0.0.1:{quick}/quick",
        "touch release; wait %2",
    )


def workers(picture: Picture) -> None:
    """Two workers: the quick client is answered while the slow one waits."""
    slow_and_quick(picture, "two.ini", 18831, "workers")


def threads(picture: Picture) -> None:
    """One worker, two threads: the quick client is answered while the slow one waits."""
    slow_and_quick(picture, "threads.ini", 18840, "worker")


def outside(picture: Picture) -> None:
    """HTTP comes in, a packet goes on."""
    own = free_port()
    inside = picture.tap("router", "worker", own)
    picture.run(f"echo 'socket = 127.0.0.1:{own}' >> outside.ini")
    picture.run(f"echo 'http-to = 127.0.0.1:{inside}' >> outside.ini")
    picture.serve("outside.ini", 18860)
    picture.events.clear()  # of the first request, which only asked whether it runs
    picture.run(f"curl -s http://127.0.0.1:{picture.tap('client', 'router', 18860, 'http')}/world")


def download(picture: Picture, port: int) -> None:
    """Read a large file slowly, and ask something quick meanwhile."""
    picture.run("truncate -s 60M static/large")
    picture.serve("static.ini", port)
    slow = picture.tap("slow client", "worker", port, "http")
    quick = picture.tap("quick client", "worker", port, "http")
    picture.run(
        f"curl -s --limit-rate 200k http://127.0.0.1:{slow}/large -o slow &",
        "until [ -s slow ]; do sleep 0.1; done",
        f"curl -s http://127.0.0.1:{quick}/world > quick &",
        "sleep 0.5; kill %2; wait %3",
    )


def blocked(picture: Picture) -> None:
    """The quick client is answered when the slow one has gone."""
    download(picture, 18870)


def offloaded(picture: Picture) -> None:
    """The quick client is answered while the slow one reads."""
    download(picture, 18880)


def route(picture: Picture) -> None:
    """The front passes one request on and answers another meanwhile."""
    picture.serve("backend.ini", 18891)
    behind = picture.tap("front", "backend", 18891, "http")
    picture.run(f"sed -i 's/http:127.0.0.1:18891/http:127.0.0.1:{behind}/' front.ini")
    picture.serve("front.ini", 18890)
    slow = picture.tap("slow client", "front", 18890, "http")
    quick = picture.tap("quick client", "front", 18890, "http")
    picture.run(
        f"curl -s http://127.0.0.1:{slow}/slow > slow.txt &",
        "until [ -e begun ]; do sleep 0.1; done",
        f"curl -s http://127.0.0.1:{quick}/world",
        "touch release; wait %3",
    )


def programmed(picture: Picture) -> None:
    """The reader hears what there is to hear; the other client does not wait for that."""
    picture.run("redis-server --port 18894 --save '' > redis.log 2>&1 &")
    picture.run("until redis-cli -p 18894 ping > pong 2>&1; do sleep 0.1; done")
    picture.serve("news.ini", 18893)
    reader = picture.tap("reader", "worker", 18893, "http")
    other = picture.tap("other client", "worker", 18893, "http")
    picture.run(
        f"curl -sN http://127.0.0.1:{reader}/events/weather > one.txt &",
        "until redis-cli -p 18894 pubsub numsub weather | grep -qx 1; do sleep 0.1; done",
        f"curl -s http://127.0.0.1:{other}/world",
        "redis-cli -p 18894 publish weather 'good night'; wait %3",
    )


STORIES: dict[str, tuple[Callable[[Picture], None], list[str]]] = {
    "01-one-process": (one_process, ["client", "worker"]),
    "02-what-is-on-the-wire": (on_the_wire, ["ask.py", "worker"]),
    "03-more-workers": (workers, ["slow client", "quick client", "workers"]),
    "04-threads": (threads, ["slow client", "quick client", "worker"]),
    "06-http-outside": (outside, ["client", "router", "worker"]),
    "07-a-slow-download": (blocked, ["slow client", "quick client", "worker"]),
    "08-offload-it": (offloaded, ["slow client", "quick client", "worker"]),
    "09-offload-a-route": (route, ["slow client", "quick client", "front", "backend"]),
    "09b-program-a-thread": (programmed, ["reader", "other client", "worker"]),
}


def recorded(step: str, room: Path) -> dict[str, object]:
    """Run a step in a copy of its directory; what happened."""
    tell, parties = STORIES[step]
    with Shell(room) as shell:
        picture = Picture(shell)
        tell(picture)
        shell.run("sleep 0.2")  # what is on its way still
        events = sorted(picture.events)
    first = events[0][0]
    return {
        "title": (tell.__doc__ or "").strip(),
        "parties": parties,
        "events": [[round(at - first, 3), *rest] for at, *rest in events],
    }


def main() -> int:
    """Record what was asked for."""
    for step in sys.argv[1:] or STORIES:
        with tempfile.TemporaryDirectory() as place:
            record = recorded(step, Path(shutil.copytree(TUTORIAL / step, f"{place}/{step}")))
        text = json.dumps(record, indent=1)
        text = re.sub(r"\n {3,}|\n {2}(?=\])", " ", text)
        (TRACES / f"{step}.json").write_text(text + "\n", "utf-8")
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
