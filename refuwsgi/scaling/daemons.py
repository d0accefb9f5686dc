"""attach-daemon: other programs that live as long as the instance.

Section:  scaling / Scaling; programs beside the workers
What:     the master starts each command, starts it again when it ends, and ends it when the
          instance ends or reloads.  Not built: pidfiles, the smart and legion kinds.
Units:    times are seconds.
Errors:   a command that ends at once is started again after ever longer pauses.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import sleep
from refuwsgi.options import JOIN, Config, Option, texts
from refuwsgi.processes import ended

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master

ATTACH_DAEMON: Option[tuple[str, ...]] = Option(
    "attach-daemon",
    texts,
    default=(),
    help="run this command as long as the instance runs",
    repeat=JOIN,
    implies=("master",),
)

SPAWNING = '[uwsgi-daemons] spawning "{}" (uid: {} gid: {})'
THROTTLING = '[uwsgi-daemons] throttling "{}" for {} seconds'
SHORT = 3.0  # seconds: a life that is shorter is a failure
LONGEST = 60  # seconds of a pause
MERCY = 3.0  # seconds between the signal that ends it and the one that kills it


class Daemon:
    """One command, kept running."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    async def run(self, master: Master) -> None:
        """Keep it running until the instance ends."""
        pause = 0
        while not master.ending:
            began = time.monotonic()
            log.line(SPAWNING.format(self.command, os.getuid(), os.getgid()))
            # A group of its own, so that its children end with it and a Ctrl-C is ours alone.
            self.process = subprocess.Popen(
                self.command,
                shell=True,  # noqa: S602  # the operator's own line
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            await ended(self.process.pid)
            self.process.wait()
            self.process = None
            pause = 0 if time.monotonic() - began >= SHORT else min(LONGEST, pause + 1)
            if pause > 1 and not master.ending:
                log.line(THROTTLING.format(self.command, pause))
            await sleep(pause)

    def end(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def bury(self, until: float) -> None:
        """Wait for its end, and make it when it does not come in time."""
        process, self.process = self.process, None
        if process is None:
            return
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill(process.pid, signal.SIGKILL)
            process.wait()

    def _send(self, number: int) -> None:
        if self.process is not None:
            _kill(self.process.pid, number)


def _kill(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended


def join(master: Master, config: Config) -> None:
    """Let a master keep the commands of a configuration running."""
    daemons = [Daemon(command) for command in config[ATTACH_DAEMON]]

    def bury() -> None:
        until = time.monotonic() + MERCY
        for daemon in daemons:
            daemon.bury(until)

    master.tasks += [daemon.run(master) for daemon in daemons]
    master.before_end += [daemon.end for daemon in daemons]
    master.at_end.append(bury)
