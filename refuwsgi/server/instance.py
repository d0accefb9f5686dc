"""The life of an instance, from its first line to its last.

Section:  ground / the server; the order of things
What:     what must happen before what: a log before there is anything to say, the sockets while
          we may still bind them, privileges away before the application's code runs, the
          application before the fork, threads after it.
Units:    none.
Errors:   OptionError goes to `run`; whatever else fails while starting ends the process, too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from refuwsgi import api, log, pidfiles, privileges, processes, sockets
from refuwsgi.options import Config, Option, OptionError, flag
from refuwsgi.scaling import alone, master, upkeep
from refuwsgi.scaling.cores import THREADS
from refuwsgi.scaling.master import MASTER, Master
from refuwsgi.scaling.orders import RELOAD
from refuwsgi.scaling.workers import NO_ORPHANS, PROCESSES, WORKER_RELOAD_MERCY, Plan
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.server import announcements, doors, extras, reload, service, surroundings
from refuwsgi.server.starting import Starting, hold_back
from refuwsgi.sockets import Listener

if TYPE_CHECKING:
    from refuwsgi.server.tracing import Trace
    from refuwsgi.vassals.emperor import Emperor

VACUUM = Option(
    "vacuum",
    flag,
    default=False,
    help="remove sockets and pidfiles at the end",
    bare="true",
)
SINGLE_INTERPRETER = Option(
    "single-interpreter",
    flag,
    default=False,
    help="one interpreter for all applications, as is always the case here",
    aliases=("i",),
    bare="true",
)

NO_SOCKET = "The -s/--socket option is missing and stdin is not a socket."
NO_MASTER = "*** WARNING: you are running uWSGI without its master process manager ***"
INTERPRETERS = "*** uWSGI is running in multiple interpreter mode ***"
NEED_APP_STATUS = 22


class Instance:
    """One run of the server."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.directory = os.getcwd()  # where a reload starts again
        self.trying = reload.TRYING in os.environ
        self.again = reload.generation() > 0
        self.listeners: list[Listener] = []
        self.log = surroundings.Log(config, on_trial=self.trying)
        self.trace: Trace | None = None
        self._over = False
        self.board = Scoreboard(max(1, config[PROCESSES]), max(1, config[THREADS]))

    def run(self) -> int:
        """Live; return the exit status."""
        try:
            return self._run()
        finally:
            self.log.finish()
            if self.trace is not None:
                self.trace.end()

    def _run(self) -> int:
        self._begin()
        upkeep.check(self.config)
        parts = extras.configured(self.config, self.board)
        if parts.emperor is not None and not service.wanted(self.config) and not parts.routers():
            return self._rule(parts.emperor)
        if self.trying:
            return self._try()
        self.listeners = doors.bound(self.config)
        parts.bind(self.config, self.listeners)
        sockets.forget_rest()
        for number, listener in enumerate(self.listeners):
            log.line(listener.announcement(number))
        if not self.listeners and not parts.gateways:
            log.line(NO_SOCKET)
            return 1
        announcements.limits(self.config, self.board)
        self._drop()
        made = service.Service(self.config, self.board, self.listeners)
        announcements.mode(self.config, served=bool(self.listeners))
        self._happens("pre-app")
        if not made.load():
            return NEED_APP_STATUS
        self._happens("post-app")
        surroundings.go(self.config, surroundings.CHDIR2)
        if not self.config[SINGLE_INTERPRETER]:
            log.line(INTERPRETERS)
        plan = self._plan(made)
        pidfiles.write_pidfiles(self.config, late=True)
        if not self.listeners and not self.config[MASTER]:
            return alone.run_gateways(parts.gateways)
        if self.config[MASTER] or parts.pipe is not None:
            return self._with_master(plan, made, parts)
        log.line(NO_MASTER)
        return self._without_master(plan, parts)

    def _rule(self, emperor: Emperor) -> int:
        """Be an emperor and nothing else."""
        self._drop()
        pidfiles.write_pidfiles(self.config, late=True)
        try:
            return emperor.run()
        finally:
            self._vacuum()

    def _drop(self) -> None:
        """Write what root must write, then be root no more."""
        pidfiles.write_pidfiles(self.config)
        self._happens("pre-jail", "post-jail", "in-jail", "as-root")
        privileges.drop_privileges(self.config)
        self._happens("as-user")
        if self.config[log.LOGTO2] is not None:
            self.log.finish()
            log.set_up_late(self.config)
            self.log.start()

    def _happens(self, *moments: str) -> None:
        """Let happen what the operator wants at a moment; a reload's trial does nothing."""
        if self.config.asks_for("hook-", "exec-") and not self.trying:
            from refuwsgi import hooks

            hooks.run(self.config, *moments)

    def _begin(self) -> None:
        if not self.trying:  # a trial's words are shown by the one who asks for it
            log.set_up(self.config)
        processes.set_up(self.config)
        if self.config.asks_for("trace") and not self.trying:
            from refuwsgi.server import traced_parts

            self.trace = traced_parts.begin(self.config)
        if not self.again and not self.trying:
            pidfiles.daemonize(self.config)
        self.log.start()
        self.starting = Starting(self.config, self._vacuum, again=self.again)
        announcements.start()
        surroundings.set_umask(self.config)
        surroundings.go(self.config, surroundings.CHDIR)
        for warning in self.config.warnings:
            log.line(warning)
        if self.config.asks_for("hook-", "exec-"):
            from refuwsgi import hooks

            hooks.check(self.config)
        self._happens("asap")

    def _try(self) -> int:
        """Load everything, start nothing: a reload asks whether it may."""
        made = service.Service(self.config, self.board, [])
        return 0 if made.load(trying=True) else NEED_APP_STATUS

    def _plan(self, made: service.Service) -> Plan:
        return Plan(
            self.board,
            max(1, self.config[THREADS]),
            made.build,
            mercy=self.config[WORKER_RELOAD_MERCY],
            no_orphans=self.config[NO_ORPHANS],
        )

    def _with_master(self, plan: Plan, made: service.Service, parts: extras.Extras) -> int:
        supervisor = Master(self.config, plan, parts.gateways)
        supervisor.check_reload = partial(reload.sound, self.directory)
        supervisor.keeps = self.config[service.LAZY]
        supervisor.left = reload.left()
        api.provide("reload", self._ask_master(signal.SIGHUP))
        api.provide("stop", self._ask_master(signal.SIGINT))
        parts.join(supervisor, made, self.listeners)
        supervisor.tasks.append(self.starting.deliver())
        if self.log.writer is not None:
            supervisor.tasks.append(self.log.writer.mind())
            supervisor.log_order = self.log.writer.order
        if not self.listeners:
            supervisor.initial = 0  # only routers: there is nothing for workers to serve
        goal = supervisor.run(again=self.again)
        reload.give_up()
        if goal == RELOAD:
            hold_back(self.config)
            supervisor.left += self.log.finish(wait=False)
            reload.execute(sockets.made(), self.directory, supervisor.left)
        upkeep.end_the_left(supervisor.left)
        self._vacuum()
        log.line(master.GOODBYE)
        return supervisor.status

    def _ask_master(self, number: signal.Signals) -> Callable[[], bool]:
        """A function for applications that sends the master a signal."""

        def ask() -> bool:
            os.kill(self.board.instance.master, number)
            return True

        return ask

    def _without_master(self, plan: Plan, parts: extras.Extras) -> int:
        try:
            return alone.run(plan, parts.gateways, len(self.board.workers), self._vacuum)
        finally:
            self._vacuum()

    def _vacuum(self) -> None:
        """Clear up behind the instance; what comes a second time finds nothing to do."""
        if not self._over:
            self._over = True
            try:
                self._happens("atexit")
            except OptionError as problem:
                log.line(str(problem))
        if self.config[VACUUM]:
            sockets.vacuum(sockets.made())
            pidfiles.remove_pidfiles(self.config)
