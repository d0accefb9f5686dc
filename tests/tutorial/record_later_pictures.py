"""Who talks to whom in the steps about routers and emperors, recorded like those before them.

    python -m tests.tutorial.record_later_pictures [STEP ...]

What: the stories of steps 10 to 18 that have no picture in the reference.  What an emperor does
      goes over no wire and is taken from its log.
Units: seconds since the first event.
"""

import re
import sys
import threading
import time
from pathlib import Path

from tests.tutorial import record_pictures
from tests.tutorial.record_pictures import STORIES, Picture

LOGGED = (  # what the log says, who did it to whom, in words
    (r'woken by a connection on "[^"]*"', "emperor", "emperor"),
    (r"inherited INET address .* fd 0", "vassal", "vassal"),
    (r"spawned uWSGI worker \d+", "vassal", "vassal"),
    (r"workers have been inactive for more than \d+ seconds", "vassal", "vassal"),
    (r'waiting for connections on socket "[^"]*"', "emperor", "emperor"),
)
EMPEROR = "$UWSGI --emperor vassals --emperor-freq 1 --emperor-on-demand-extension .socket"
PORTS = {"16": 18960, "17": 18970}


def started(picture: Picture, command: str, log: str, until: str) -> None:
    """Start something and wait for a word of its log."""
    picture.run(f"{command} > {log} 2>&1 &")
    picture.run(f"until grep -qs '{until}' {log}; do sleep 0.1; done")


def follow(picture: Picture) -> None:
    """Tell what the emperor's log says, as soon as it says it."""
    (room,) = picture.shell.run("pwd")

    def run() -> None:
        log = Path(room, "emperor.log")
        while not log.exists():
            time.sleep(0.001)
        with log.open("r", encoding="latin-1") as lines:
            while log.exists():
                line = lines.readline()
                for pattern, source, target in LOGGED if line else ():
                    if found := re.search(pattern, line):
                        picture.tell(source, target, found[0])
                time.sleep(0.0 if line else 0.0001)

    threading.Thread(target=run, daemon=True).start()


def no_node(picture: Picture) -> None:
    """The router reads the question, knows nobody, and closes."""
    started(
        picture, "$UWSGI --master --fastrouter 127.0.0.1:18900", "router.log", "uWSGI fastrouter 1"
    )
    door = picture.tap("ask.py", "router", 18900)
    picture.run(f"python3 ask.py 127.0.0.1:{door} / example.com")


def five_ways(picture: Picture) -> None:
    """Whichever way names the node: the packet goes on as it came, and the answer comes back."""
    started(picture, "mkdir -p sockets/example.org; $UWSGI --ini node.ini", "node.log", "worker 1")
    behind = picture.tap("router", "node", 18911)
    picture.run(f"sed -i 's/18911/{behind}/' mapper.py")
    router = "$UWSGI --master --fastrouter 127.0.0.1:18916 --fastrouter-use-code-string"
    started(picture, f"{router} 0:mapper.py:get", "router.log", "uWSGI fastrouter 1")
    door = picture.tap("client", "router", 18916)
    picture.run(f"python3 ask.py 127.0.0.1:{door} / example.int")


def wakes(picture: Picture) -> None:
    """A connection wakes the vassal, which accepts it and answers."""
    follow(picture)
    started(picture, EMPEROR, "emperor.log", "waiting for")
    door = picture.tap("client", "socket", PORTS["16"])
    picture.run(f"python3 ask.py 127.0.0.1:{door} /wake/up")


def sleeps_again(picture: Picture) -> None:
    """The vassal ends when nobody has asked for a second; the next client wakes another one."""
    follow(picture)
    started(picture, EMPEROR, "emperor.log", "waiting for")
    door = picture.tap("client", "socket", PORTS["17"])
    picture.run(f"python3 ask.py 127.0.0.1:{door} /first")
    picture.run("until grep -q 'back to' emperor.log; do sleep 0.1; done")
    picture.run(f"python3 ask.py 127.0.0.1:{door} /second")


def own_way(picture: Picture) -> None:
    """A file names the node, and the rest is as ever."""
    started(picture, "$UWSGI --ini node.ini", "node.log", "worker 1")
    behind = picture.tap("router", "node", 18981)
    picture.run(f"sed -i 's/18981/{behind}/' nodes.txt")
    started(picture, "python3 router.py 127.0.0.1:18980 nodes.txt", "router.log", "listens")
    door = picture.tap("client", "router", 18980)
    picture.run(f"python3 ask.py 127.0.0.1:{door} / example.com")


def main() -> int:
    """Record what was asked for."""
    STORIES.clear()
    STORIES.update(
        {
            "10-a-router": (no_node, ["ask.py", "router"]),
            "11-five-ways": (five_ways, ["client", "router", "node"]),
            "16-on-demand": (wakes, ["client", "socket", "emperor", "vassal"]),
            "17-and-asleep-again": (sleeps_again, ["client", "socket", "emperor", "vassal"]),
            "18-write-your-own-way": (own_way, ["client", "router", "node"]),
        }
    )
    return record_pictures.main()


if __name__ == "__main__":
    sys.exit(main())
