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
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi import __version__, api, log, pidfiles, privileges, processes, sockets
from refuwsgi.options import Config, Option, OptionError, flag, text
from refuwsgi.scaling import alone, master, upkeep
from refuwsgi.scaling.cores import THREADS
from refuwsgi.scaling.master import MASTER, Master
from refuwsgi.scaling.orders import RELOAD
from refuwsgi.scaling.workers import NO_ORPHANS, PROCESSES, WORKER_RELOAD_MERCY, Plan
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.server import doors, extras, reload, service
from refuwsgi.server.starting import Starting, hold_back
from refuwsgi.sockets import Listener

if TYPE_CHECKING:
    from refuwsgi.log_master import LogMaster
    from refuwsgi.vassals.emperor import Emperor

CHDIR: Option[str | None] = Option(
    "chdir", text, default=None, help="go to this directory before the application is loaded"
)
CHDIR2: Option[str | None] = Option(
    "chdir2", text, default=None, help="go to this directory after the application was loaded"
)
UMASK: Option[str | None] = Option(
    "umask", text, default=None, help="the mask of the modes of new files, in octal"
)
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

STARTING = "*** Starting refuwsgi {} (the options of uWSGI 2.0.31, CPython {}) on [{}] ***"
NO_SOCKET = "The -s/--socket option is missing and stdin is not a socket."
NO_MASTER = "*** WARNING: you are running uWSGI without its master process manager ***"
THREADS_RUN = "python threads support enabled"
BACKLOG = "your server socket listen backlog is limited to {} connections"
MERCY = "your mercy for graceful operations on workers is {} seconds"
MAPPED = "mapped {} bytes ({} KB) for {} cores"
MODE = "*** Operational MODE: {} ***"
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
        self.logger: LogMaster | None = None
        self._over = False
        self.board = Scoreboard(max(1, config[PROCESSES]), max(1, config[THREADS]))

    def run(self) -> int:
        """Live; return the exit status."""
        try:
            return self._run()
        finally:
            self._finish_log()

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
        self._limits()
        self._drop()
        made = service.Service(self.config, self.board, self.listeners)
        self._say_mode()
        self._happens("pre-app")
        if not made.load():
            return NEED_APP_STATUS
        self._happens("post-app")
        self._go(CHDIR2)
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
            self._finish_log()
            log.set_up_late(self.config)
            self._start_log()

    def _start_log(self) -> None:
        """Let the log be written by a process of its own, if the operator wants that."""
        if log.delegated(self.config) and not self.trying:
            from refuwsgi import log_master

            self.logger = log_master.LogMaster(self.config)
            self.logger.start()

    def _finish_log(self, *, wait: bool = True) -> list[int]:
        logger, self.logger = self.logger, None
        return logger.finish(wait=wait) if logger is not None else []

    def _happens(self, *moments: str) -> None:
        """Let happen what the operator wants at a moment; a reload's trial does nothing."""
        if self.config.asks_for("hook-", "exec-") and not self.trying:
            from refuwsgi import hooks

            hooks.run(self.config, *moments)

    def _begin(self) -> None:
        if not self.trying:  # a trial's words are shown by the one who asks for it
            log.set_up(self.config)
        processes.set_up(self.config)
        if not self.again and not self.trying:
            pidfiles.daemonize(self.config)
        self._start_log()
        self.starting = Starting(self.config, self._vacuum, again=self.again)
        log.line(STARTING.format(__version__, sys.version.split()[0], time.ctime()))
        mask = self.config[UMASK]
        if mask is not None:
            try:
                os.umask(int(mask, 8))
            except ValueError:
                raise self.config.error(UMASK, "an octal number") from None
        self._go(CHDIR)
        for warning in self.config.warnings:
            log.line(warning)
        if self.config.asks_for("hook-", "exec-"):
            from refuwsgi import hooks

            hooks.check(self.config)
        self._happens("asap")

    def _go(self, option: Option[str | None]) -> None:
        directory = self.config[option]
        if directory is None:
            return
        try:
            os.chdir(directory)
        except OSError as problem:
            raise OptionError(
                f"{self.config.where(option)}: {option.name}: {problem.strerror}: {directory!r}"
            ) from None
        log.line(f"chdir() to {directory}")

    def _try(self) -> int:
        """Load everything, start nothing: a reload asks whether it may."""
        made = service.Service(self.config, self.board, [])
        return 0 if made.load(trying=True) else NEED_APP_STATUS

    def _limits(self) -> None:
        cores = len(self.board.workers) * len(self.board.cores[0])
        log.line(f"Python version: {sys.version}".replace("\n", " "))
        log.line(THREADS_RUN)
        log.line(BACKLOG.format(self.config[sockets.LISTEN]))
        log.line(MERCY.format(self.config[WORKER_RELOAD_MERCY]))
        log.line(MAPPED.format(self.board.size, self.board.size >> 10, cores))

    def _say_mode(self) -> None:
        workers, threads = self.config[PROCESSES], self.config[THREADS]
        words = [
            word for word, it in (("preforking", workers > 1), ("threaded", threads > 1)) if it
        ]
        mode = "+".join(words) or "single process"
        log.line(MODE.format(mode if self.listeners else "no-workers"))

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
        supervisor.check_reload = reload.sound
        supervisor.keeps = self.config[service.LAZY]
        supervisor.left = reload.left()
        api.provide("reload", self._ask_master(signal.SIGHUP))
        api.provide("stop", self._ask_master(signal.SIGINT))
        supervisor.tasks.append(self.starting.deliver())
        if self.logger is not None:
            supervisor.tasks.append(self.logger.mind())
            supervisor.log_order = self.logger.order
        parts.join(supervisor, made, self.listeners)
        if not self.listeners:
            supervisor.initial = 0  # only routers: there is nothing for workers to serve
        goal = supervisor.run(again=self.again)
        reload.give_up()
        if goal == RELOAD:
            hold_back(self.config)
            supervisor.left += self._finish_log(wait=False)
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
