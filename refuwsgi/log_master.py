"""log-master: all that any process prints goes through one that writes it.

Section:  ground / the log; the process that writes it
What:     descriptors 1 and 2 of every process become a pipe; a process of its own reads it, and
          sends each message where it belongs.  Nothing that is printed can get past it, not even
          what the application prints while it is imported.

              master, workers, routers, daemons --pipe--> uWSGI logger --> drain, filter
                                                             --> log-route --> named logger
                                                             --> loggers without a name

Units:    sizes are bytes.
Errors:   OptionError before any process starts.  A logger process that dies is replaced; one
          that takes nothing holds up nobody for long (log_pipe.py).
"""

from __future__ import annotations

import os
import select
import signal
import sys

from refuwsgi import log, log_pipe
from refuwsgi.log_pipe import PACKET, ROOM
from refuwsgi.log_rules import Rules, rules_of
from refuwsgi.loop import readable, sleep
from refuwsgi.options import Config, Option, flag, number
from refuwsgi.processes import Child, start

LOG_MASTER_BUFSIZE = Option(
    "log-master-bufsize",
    number,
    default=8192,
    help="longer messages are cut",
    implies=("master", "log-master"),
)
LOG_MASTER_STREAM = Option(
    "log-master-stream",
    flag,
    default=False,
    help="a message is a line, not what was written at once",
    bare="true",
    implies=("master", "log-master"),
)
LOG_MASTER_REQ_STREAM = Option(
    "log-master-req-stream",
    flag,
    default=False,
    help="nothing: a line about a request is always one message",
    bare="true",
    implies=("master", "log-master"),
)
THREADED_LOGGER = Option(
    "threaded-logger",
    flag,
    default=False,
    help="write the log apart from the master, as log-master always does here",
    aliases=("threaded-log",),
    bare="true",
    implies=("master", "log-master"),
)

ORDERS = {"reopen": signal.SIGUSR1, "rotate": signal.SIGUSR2}  # to the logger process
ENDING = signal.SIGTERM  # to it, too: the instance ends or reloads
STUCK = 3  # seconds that a place for messages may then take for one
PACE = 0.2  # seconds between the starts of two of them, and between two tries
PATIENCE = 2.0  # seconds that the logger has for what is in the pipe at the end
HELD_BACK = {signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP}


class LogMaster:
    """The process that writes, seen from the master."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stdio = [os.dup(log.STDOUT), os.dup(log.STDERR)]
        self._most = max(80, config[LOG_MASTER_BUFSIZE])
        self._stream = config[LOG_MASTER_STREAM]
        self._main, self._requests = rules_of(config, self._stdio[1])
        self._pipes = [log_pipe.pipe(), log_pipe.pipe()]  # of all messages, of those about requests
        self._child: Child | None = None
        self._streams = sys.stdout, sys.stderr

    def start(self) -> None:
        """Start the process and let everything go through it."""
        self._child = start("uWSGI logger", self._run)
        sys.stdout.flush()
        for descriptor in (log.STDOUT, log.STDERR):
            os.dup2(self._pipes[0][1], descriptor)
        patience = log_pipe.Patience()
        self._streams = log_pipe.through(patience)
        # One pipe keeps the order, if both kinds go to the same places.
        requests = self._pipes[int(self._requests is not self._main)][1]
        log.requests_to(requests, patience.write)

    async def mind(self) -> None:
        """Replace the process when it dies."""
        while self._child is not None:
            child = self._child
            await readable(child.sentinel)
            await sleep(PACE)  # it may die again and again
            if self._replace():
                child.status()

    def _replace(self) -> bool:
        try:
            self._child = start("uWSGI logger", self._run)
        except OSError:
            return False  # try again soon; what finds no room meanwhile is lost
        return True

    def order(self, what: str) -> None:
        """Tell it to "reopen" its files or to "rotate" them."""
        if self._child is not None:
            self._child.kill(ORDERS[what])

    def finish(self, *, wait: bool = True) -> list[int]:
        """Write to the places of before again; return the process if it was not waited for."""
        if self._child is None:
            return []
        if _ended(self._child, 0.0):  # somebody has to write what is in the pipe
            self._child.status()
            self._replace()
        child, self._child = self._child, None
        self._leave()
        # A router that still serves holds the pipe open: its lines will be written, too.
        child.kill(signal.SIGCONT)
        child.kill(ENDING)
        if wait and _ended(child, PATIENCE):
            child.status()
            return []
        return [child.pid]

    def _leave(self) -> None:
        """Let nothing more of this process go through the pipe."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = self._streams
        for descriptor, before in zip((log.STDOUT, log.STDERR), self._stdio, strict=True):
            os.dup2(before, descriptor)
            os.close(before)
        log.requests_to(log.STDERR)
        for ends in self._pipes:
            for end in ends:
                os.close(end)

    # ------------------------------------------------------------------ in the process

    def _run(self) -> int:
        """Be the logger process: write until nobody is left that could print."""
        for each in HELD_BACK:
            signal.signal(each, signal.SIG_IGN)  # it ends when the pipes do
        for _, into in self._pipes:
            os.close(into)
        for descriptor, before in zip((log.STDOUT, log.STDERR), self._stdio, strict=True):
            os.dup2(before, descriptor)
        _Writer(
            {self._pipes[0][0]: self._main, self._pipes[1][0]: self._requests},
            self._most,
            lines=self._stream,
        ).run()
        return 0


class _Writer:
    """Reads the pipes and delivers."""

    def __init__(
        self,
        rules: dict[int, Rules],
        most: int,
        *,
        lines: bool,
    ) -> None:
        self._rules = rules
        self._most = most
        self._lines = lines
        self._begun = dict.fromkeys(rules, b"")  # messages of which the end is to come
        self._busy = self._ending = False
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(ENDING, lambda number, frame: self._end())
        signal.signal(ORDERS["reopen"], lambda number, frame: self._each("reopen"))
        signal.signal(ORDERS["rotate"], lambda number, frame: self._each("rotate"))

    def run(self) -> None:
        """Deliver until every writing end is closed."""
        poll = select.poll()
        for descriptor in self._rules:
            poll.register(descriptor, select.POLLIN)
        left = set(self._rules)
        while left:
            for descriptor, _ in poll.poll():
                # A pipe of packets gives one at a time; a plain one what is in it.
                data = os.read(descriptor, ROOM if self._lines else PACKET)
                if data:
                    self._hurry(busy=True)
                    self._take(descriptor, data)
                    self._hurry(busy=False)
                else:
                    poll.unregister(descriptor)
                    left.discard(descriptor)

    def _end(self) -> None:
        """From now on nobody minds us: a place that takes nothing must not hold us for ever."""
        self._ending = True
        self._hurry(busy=self._busy)

    def _hurry(self, *, busy: bool) -> None:
        self._busy = busy
        if self._ending:
            signal.alarm(STUCK if busy else 0)

    def _take(self, descriptor: int, data: bytes) -> None:
        data = self._begun[descriptor] + data
        *whole, rest = data.splitlines(keepends=True) if self._lines else (data,)
        if self._lines and rest.endswith(b"\n"):
            whole, rest = [*whole, rest], b""
        elif not self._lines and (len(rest) % PACKET or rest.endswith(b"\n")):
            whole, rest = [rest], b""
        if len(rest) > self._most:
            whole, rest = [*whole, rest], b""
        self._begun[descriptor] = rest
        for message in whole:
            short = message if len(message) <= self._most else message[: self._most - 1] + b"\n"
            self._rules[descriptor].deliver(short)

    def _each(self, what: str) -> None:
        sinks = {id(sink): sink for rules in self._rules.values() for _, sink in rules.sinks}
        for sink in sinks.values():
            getattr(sink, what)()


def _ended(child: Child, within: float) -> bool:
    """Whether a process has ended, or does so in time."""
    return bool(select.select([child.sentinel], [], [], within)[0])
