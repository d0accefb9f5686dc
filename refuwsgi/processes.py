"""Processes: how they are started, how their end is noticed.

Section:  ground / processes
What:     starts processes with fork, and makes the end of one a descriptor that becomes readable.
          A child begins with default signal handlers, with nothing on its standard input and with
          none of its parent's wake-up descriptors, and never returns into its parent's code.
          `multiprocessing` would do, and costs every start six milliseconds and each server the
          memory of `pickle` and `subprocess`.

              start(name, main) --> Child:  sentinel readable --> status() --> 0, 17, -9 ...

Units:    none.
Errors:   OSError when there can be no more processes.  An error in a child is a traceback in the
          log and exit status 1.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Final

from refuwsgi import log
from refuwsgi.loop import readable, sleep
from refuwsgi.options import Config, Option, flag, text
from refuwsgi.pidfiles import daemonize as daemonize
from refuwsgi.pidfiles import remove_pidfiles as remove_pidfiles
from refuwsgi.pidfiles import write_pidfiles as write_pidfiles
from refuwsgi.privileges import drop_privileges as drop_privileges

AUTO_PROCNAME = Option(
    "auto-procname",
    flag,
    default=False,
    help="show in the list of processes which is which",
    bare="true",
)
PROCNAME: Option[str | None] = Option(
    "procname", text, default=None, help="the name of all processes in the list"
)
PROCNAME_MASTER: Option[str | None] = Option(
    "procname-master", text, default=None, help="the name of the master in the list"
)
PROCNAME_PREFIX = Option("procname-prefix", text, default="", help="put this before the names")
PROCNAME_PREFIX_SPACED = Option(
    "procname-prefix-spaced", text, default="", help="put this and a blank before the names"
)
PROCNAME_APPEND = Option("procname-append", text, default="", help="put this behind the names")

EVERY: Final = signal.valid_signals()  # asking again takes a hundred microseconds
# Those for which a process can have a handler of its own, without the real-time ones.
HANDLED: Final = tuple(
    number
    for number in EVERY
    if number not in (signal.SIGKILL, signal.SIGSTOP) and number < signal.SIGRTMIN
)

_living: Final[set[Child]] = set()  # those that have not been reaped


class _Started:
    """How this process came to be."""

    by = 0  # the pid of the process that has started it; 0 where that was none of ours


_started: Final = _Started()

POLL: Final = 0.05  # seconds between two looks at a process, where there are no pidfds
PR_SET_PDEATHSIG: Final = 1
COMM: Final = 15  # bytes of the short name of a process
UNKNOWN: Final = 255  # the status of a child that somebody else has reaped


class Child:
    """A process that we have started."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid: Final[int] = pid
        self._status: int | None = None
        pidfd = _pidfd(pid)
        # A program that the child leaves behind would hold a pipe open.
        self.sentinel: Final[int] = pidfd if pidfd >= 0 else pipe
        if pidfd >= 0:
            os.close(pipe)
        _living.add(self)

    def status(self) -> int:
        """Reap it: its exit status, or the number of the signal that ended it, negative."""
        if self._status is None:
            try:
                self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            except ChildProcessError:
                self._status = UNKNOWN
            os.close(self.sentinel)
            _living.discard(self)
        return self._status

    def leave(self) -> None:
        """Let go of it in a process that is its sibling."""
        os.close(self.sentinel)

    def kill(self, number: int) -> None:
        """Send it a signal, unless it has been reaped."""
        if self._status is None:
            try:
                os.kill(self.pid, number)  # not reaped yet, so the pid is its own
            except ProcessLookupError:
                pass


def start(name: str, main: Callable[[], int | None], *, held: bool = False) -> Child:
    """Fork a process that runs `main`; `held`: signals wait until it has its own handlers."""
    import gc

    _flush()
    ours, theirs = os.pipe()  # which ends with the child
    starter = os.getpid()
    # A signal between the fork and the child's own handlers would ring in the parent.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, EVERY)
    gc.freeze()  # a collection in the child would touch, and thereby copy, every page
    try:
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            _begin(name, main, held, starter)
    except OSError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
        gc.unfreeze()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Child(pid, ours)


def _begin(name: str, main: Callable[[], int | None], held: bool, starter: int) -> None:
    """Be the child; does not return."""
    status = 1
    try:
        _started.by = starter
        _read_nothing()
        reset_signals(held=held)
        for sibling in _living:
            sibling.leave()
        _living.clear()
        set_title(name)
        status = main() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        log.exception(f"{name} (pid: {os.getpid()}) ended by an error")
    finally:
        _flush()
        os._exit(status & 0xFF)


def _read_nothing() -> None:
    """Leave the standard input to whoever has started us all."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    if nothing != 0:
        os.dup2(nothing, 0, inheritable=False)
        os.close(nothing)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # closed, or never there


def starter() -> int:
    """The pid of the process that has started this one; it may have gone already."""
    return _started.by or os.getppid()


def reset_signals(*, held: bool = False) -> None:
    """Forget every handler and descriptor that a parent has set; block nothing, or leave it so."""
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a peer that has gone is an error, not the end
    if not held:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


async def ended(pid: int) -> None:
    """Sleep until a process has ended; it still has to be reaped."""
    descriptor = _pidfd(pid)
    if descriptor >= 0:
        try:
            await readable(descriptor)
        finally:
            os.close(descriptor)
        return
    while _runs(pid):
        await sleep(POLL)


def _pidfd(pid: int) -> int:
    """The descriptor that stands for a process; -1 where there is none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def _runs(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def close_descriptors(keep: Iterable[int] = (), lowest: int = 3) -> None:
    """Close every open descriptor but these; asks which there are, a limit may be 10**9."""
    kept = set(keep)
    try:
        # The listing has a descriptor of its own, which is closed when we come to it.
        found = [int(name) for name in os.listdir("/proc/self/fd")]
    except FileNotFoundError:
        found = list(range(lowest, min(os.sysconf("SC_OPEN_MAX"), 65536)))
    for descriptor in found:
        if descriptor >= lowest and descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:
                pass


def parent_death_signal(number: int = signal.SIGKILL) -> None:
    """Let the kernel send us a signal when the process that has forked us ends."""
    # uWSGI: vassals end with their emperor.
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    except (ImportError, AttributeError, OSError):
        pass  # not Linux: the end of a pipe has to tell


class _Titles:
    """How processes are to be shown."""

    wanted = False
    form = "{}"
    all_of_them = ""
    master = ""


def set_up(config: Config) -> None:
    """Obey auto-procname and its kin."""
    _Titles.all_of_them = config[PROCNAME] or ""
    _Titles.master = config[PROCNAME_MASTER] or ""
    before = config[PROCNAME_PREFIX] or (
        config[PROCNAME_PREFIX_SPACED] and config[PROCNAME_PREFIX_SPACED] + " "
    )
    braces = str.maketrans({"{": "{{", "}": "}}"})
    _Titles.form = f"{before.translate(braces)}{{}}{config[PROCNAME_APPEND].translate(braces)}"
    _Titles.wanted = config[AUTO_PROCNAME] or _Titles.form != "{}" or bool(config[PROCNAME])


def set_title(title: str) -> None:
    """Show this in the list of processes, if the operator wants to see it."""
    named = (_Titles.master if title == "uWSGI master" else "") or _Titles.all_of_them
    if _Titles.wanted or named:
        show_title(_Titles.form.format(named or title))


def show_title(title: str) -> None:
    """Show this in the list of processes."""
    shown = title.encode()
    try:
        with open("/proc/self/comm", "wb") as file:
            file.write(shown[:COMM])
        with open("/proc/self/stat", "rb") as file:
            # Behind the name, which may hold anything but ends with a parenthesis.
            begin, end = map(int, file.read().rpartition(b")")[2].split()[45:47])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(begin)
            memory.write(shown[: end - begin - 1].ljust(end - begin, b"\0"))
    except (OSError, ValueError):
        pass  # another system, or a kernel that does not allow it: a name is not worth more
