"""How an instance announces itself to fastrouters.

Section:  ground / the server; its announcements to routers
What:     joins the subscriber to the master's loop: it begins when a worker can serve, says so
          when the master pauses, and takes leave when the instance does.
Units:    none.
Errors:   OptionError from the subscriber.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from refuwsgi import log, sockets
from refuwsgi.loop import sleep
from refuwsgi.options import Config
from refuwsgi.scaling import orders
from refuwsgi.scaling.cores import THREADS
from refuwsgi.scaling.master import Master
from refuwsgi.scaling.workers import PROCESSES
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.sockets import Listener


def join(
    master: Master,
    config: Config,
    board: Scoreboard,
    doors: Sequence[Listener],
    queue: Callable[[], int],
) -> None:
    """Announce the instance, if the operator wants that."""
    from refuwsgi.fastrouter import subscribe_to

    subscriber = subscribe_to.configured(config, log.line)
    if subscriber is None:
        return
    subscriber.sockets = [door.name for door in doors]
    subscriber.shared = [door.name for door in sockets.shared(config)]
    subscriber.cores = config[PROCESSES] * config[THREADS]
    subscriber.load = queue
    master.letters["S"] = subscriber.toggle

    async def announce_when_ready() -> None:
        while not any(row.ready for row in board.workers) and not master.asleep:
            await sleep(0.02)
        await subscriber.run()

    def withdraw() -> None:
        gently = not master.hurry and master.goal == orders.RELOAD
        if not gently or subscriber.withdraws_on_graceful_reload:
            subscriber.withdraw()

    master.tasks.append(announce_when_ready())
    master.before_end.append(withdraw)
    master.at_pause.append(lambda: subscriber.pause(master.paused))
