"""On demand by command: a program names the socket of each new vassal.

Section: vassals / --emperor-on-demand-exec <cmd>
What: the command is run with the full path of the vassal's config file as its last argument, once
      for each vassal that is added; what it writes to its standard output is the socket's name.
      The emperor goes about its other business meanwhile.
Value: up to the first control character of the output, as for a file.  The exit status is ignored.
Units: seconds.
Errors: none.  A command that says nothing, fails to run or takes too long leaves its vassal
      plain; why, it says itself: its standard error is the emperor's log.
"""

from __future__ import annotations

import os
import signal
import time

from refuwsgi import loop
from refuwsgi.options import Config, Option, text
from refuwsgi.vassals.socket_name import LIMIT, socket_name

ON_DEMAND_EXEC: Option[str | None] = Option(
    "emperor-on-demand-exec",
    text,
    default=None,
    help="wait for each vassal on the socket that this command names, run with its path",
)

PATIENCE = 30.0  # Beyond: C waits for ever, and does nothing else meanwhile.


class ByCommand:
    """The on-demand rule that asks a command."""

    def __init__(self, command: str) -> None:
        self._command = command

    async def socket_for(self, vassal: str) -> str | None:
        """Name the socket to wait on for `vassal`; None: start it at once."""
        receiving, sending = os.pipe()
        pid = -1
        try:
            pid = self._start(vassal, sending)
            os.close(sending)
            sending = -1
            return socket_name(await _all_of(receiving))
        except (OSError, TimeoutError):
            return None
        finally:
            os.close(receiving)
            if sending >= 0:
                os.close(sending)
            if pid > 0:
                _end(pid)

    def _start(self, vassal: str, output: int) -> int:
        # Departure: C puts the name inside the text that the shell reads, so that a file called
        # `a$(reboot).ini` reboots.  Here the shell reads the operator's words alone; the name
        # comes as a parameter and stays data.
        argv = ["/bin/sh", "-c", f'cd "$2" && set -- "$1" && {self._command} "$1"', "sh"]
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
        ]
        defaults = [signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        return os.posix_spawn(
            argv[0],
            [*argv, os.path.abspath(vassal), os.path.dirname(os.path.abspath(vassal))],
            os.environ,
            file_actions=actions,
            setsigdef=defaults,
            setpgroup=0,
        )


async def _all_of(descriptor: int) -> bytes:
    """Read to the end of the output, or as much as could be a name."""
    deadline = time.monotonic() + PATIENCE
    said = b""
    while len(said) < LIMIT:
        await loop.readable(descriptor, max(0.0, deadline - time.monotonic()))
        piece = os.read(descriptor, LIMIT)
        if not piece:
            break
        said += piece
    return said


def _end(pid: int) -> None:
    """Reap the command; one that still runs has nothing more to say."""
    try:
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            os.killpg(pid, signal.SIGTERM)
    except (ChildProcessError, ProcessLookupError):
        pass  # the emperor's own reaping was faster


def configured(config: Config) -> ByCommand | None:
    """Build the rule that the operator asked for, if it is this one."""
    command = config[ON_DEMAND_EXEC]
    if command is None:
        return None
    if not command.strip():
        raise config.error(ON_DEMAND_EXEC, "a command")
    return ByCommand(command)
