"""Pid files and the background: how an instance is found when no terminal holds it.

Section:  ground / processes; pid files and daemonize
What:     writes the master's pid where `--stop` and scripts look for it, and leaves the terminal.
Units:    none.
Errors:   OptionError for a file that cannot be written.
"""

from __future__ import annotations

import os
import signal
import sys

from refuwsgi import log
from refuwsgi.options import Config, Option, OptionError, text

PIDFILE: Option[str | None] = Option(
    "pidfile", text, default=None, help="write the master's pid to this file"
)
PIDFILE2: Option[str | None] = Option(
    "pidfile2", text, default=None, help="the same, after privileges were dropped"
)
SAFE_PIDFILE: Option[str | None] = Option(
    "safe-pidfile", text, default=None, help="the same, once everything has been started"
)
SAFE_PIDFILE2: Option[str | None] = Option(
    "safe-pidfile2",
    text,
    default=None,
    help="the same, once everything has been started and privileges were dropped",
)
DAEMONIZE: Option[str | None] = Option(
    "daemonize",
    text,
    default=None,
    help="go to the background and log to this file",
    aliases=("d",),
)
DAEMONIZE2: Option[str | None] = Option(
    "daemonize2", text, default=None, help="the same, after the application was loaded"
)

STOP: Option[str | None] = Option(
    "stop", text, default=None, help="stop the instance whose pid is in this file, and do no more"
)
RELOAD: Option[str | None] = Option(
    "reload", text, default=None, help="reload the instance whose pid is in this file"
)

REMOVED = "VACUUM: pidfile removed."
EARLY = (PIDFILE, SAFE_PIDFILE)
LATE = (PIDFILE2, SAFE_PIDFILE2)

_written: dict[str, int] = {}  # absolute path -> the process that wrote it


def write_pidfiles(config: Config, *, late: bool = False) -> None:
    """Write the files of the time before privileges are dropped, or of the time after."""
    for option in LATE if late else EARLY:
        if (path := config[option]) is None:
            continue
        path = os.path.abspath(path)  # a later chdir must not change what is removed
        try:
            with open(path, "w") as file:
                file.write(f"{os.getpid()}\n")
        except OSError as problem:
            raise OptionError(
                f"{config.where(option)}: {option.name}: {path}: {problem.strerror}"
            ) from None
        _written[path] = os.getpid()


def remove_pidfiles(config: Config) -> None:
    """Remove those that we have written."""
    for path, pid in list(_written.items()):
        if pid != os.getpid():
            continue
        del _written[path]
        try:
            os.unlink(path)
        except OSError:
            continue
        log.line(REMOVED)


def command(name: str, path: str) -> int:
    """Obey `--stop` or `--reload`: send a signal to the pid in a file; return the exit status."""
    number = signal.SIGINT if name == STOP.name else signal.SIGHUP
    try:
        with open(path) as file:
            pid = int(file.read(32))
        if pid <= 1:
            raise ValueError(pid)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "there is no pid in it"
        sys.stderr.write(f"{name}: {path}: {why}\n")
        return 1
    try:
        os.kill(pid, number)
    except OSError as problem:
        sys.stderr.write(f"{name}: no signal to process {pid}: {problem.strerror}\n")
        return 255
    return 0


def daemonize(config: Config, option: Option[str | None] = DAEMONIZE) -> None:
    """Go to the background if the operator wants it; the caller's process ends with status 0."""
    if (path := config[option]) is None:
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, log.MODE))
    except OSError as problem:
        where = config.where(option)
        raise OptionError(f"{where}: {option.name}: {path}: {problem.strerror}") from None
    sys.stdout.flush()
    _leave_parent()
    os.setsid()
    _leave_parent()  # who leads no session can never get a terminal again
    empty = os.open(os.devnull, os.O_RDWR)
    if empty != 0:
        os.dup2(empty, 0)
        os.close(empty)
    log.to(path, truncate=config[log.LOG_TRUNCATE])


def _leave_parent() -> None:
    if os.fork():
        os._exit(0)
