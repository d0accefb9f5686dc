"""Orders: what the signals to the master, and the commands of its fifo, ask for.

Section:  scaling / master; signals
What:     a handler writes one byte into a socket; the master's loop reads it and acts.

              SIGINT, SIGQUIT   stop now                    (die-on-term: SIGINT, SIGTERM)
              SIGTERM           reload now: what runs is cut            (die-on-term: SIGQUIT)
              SIGHUP            reload gracefully: what runs is finished
              SIGUSR1           print what is going on
              SIGTSTP           pause, and on again

Units:    none.
Errors:   none; a signal that makes no sense at the moment is ignored.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import readable
from refuwsgi.options import JOIN, Config, Option, OptionError, flag, texts

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master

DIE_ON_TERM = Option(
    "die-on-term", flag, default=False, help="SIGTERM stops instead of reloading", bare="true"
)
EXIT_ON_RELOAD = Option(
    "exit-on-reload", flag, default=False, help="end instead of reloading", bare="true"
)

HOOK_MASTER_START: Option[tuple[str, ...]] = Option(
    "hook-master-start",
    texts,
    default=(),
    help="`unix_signal:15 gracefully_kill_them_all` gives a signal another meaning",
    repeat=JOIN,
)

STOPPING = "SIGINT/SIGTERM received...killing workers..."
GRACEFULLY = "...gracefully killing workers..."
BRUTALLY = "...brutally killing workers..."
GRACEFUL_STOP = "graceful shutdown triggered..."
PAUSE = "*** PAUSE (press start to resume, if you do not have a joypad send SIGTSTP) ***"
RESUME = "*** (SIGTSTP received) resuming workers ***"

RUN, STOP, RELOAD = "run", "stop", "reload"  # what a master is up to
IGNORED = (signal.SIGUSR2, signal.SIGPIPE, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH)

REOPEN = getattr(signal, "SIGRTMIN", 34) + 3  # to a worker: open the log file anew
WATCH = getattr(signal, "SIGRTMIN", 34) + 4  # to the master: an application has set a deadline

Order = Callable[["Master"], None]


def stop(master: Master) -> None:
    """Stop now."""
    log.line(STOPPING)
    master.end(STOP, signal.SIGINT)


def stop_gracefully(master: Master) -> None:
    """Let everybody finish, then end."""
    log.line(GRACEFUL_STOP)
    master.end(STOP, signal.SIGHUP)


def reload_gracefully(master: Master) -> None:
    """Finish what runs, then start anew with the files as they are now."""
    if master.goal != RUN:
        return
    if master.keeps:
        renew_workers(master)
    elif master.check_reload is None:
        _reload(master, GRACEFULLY, signal.SIGHUP)
    else:
        master.asked += 1
        if master.asked == 1:
            master.loop.spawn(_reload_if_sound(master))


async def _reload_if_sound(master: Master) -> None:
    """Try what is to come; once more if it was asked for meanwhile: files may have changed."""
    assert master.check_reload is not None
    trials, sound = 0, False
    while trials < min(master.asked, 2):
        trials += 1
        sound = await master.check_reload()
    master.asked = 0
    if sound and master.goal == RUN:
        _reload(master, GRACEFULLY, signal.SIGHUP)


def reload_brutally(master: Master) -> None:
    """Cut what runs and start anew."""
    if master.goal == RUN:
        _reload(master, BRUTALLY, signal.SIGINT)


def _reload(master: Master, words: str, how: signal.Signals) -> None:
    log.line(words)
    master.end(STOP if master.config[EXIT_ON_RELOAD] else RELOAD, how)


def renew_workers(master: Master) -> None:
    """Let every worker finish, and another take its place; the master stays as it is."""
    if master.goal == RUN:
        log.line(GRACEFULLY)
        for slot in master.living(master.workers):
            master.renew(slot)


def renew_workers_brutally(master: Master) -> None:
    """Replace every worker now."""
    if master.goal == RUN:
        log.line(BRUTALLY)
        for slot in master.living(master.workers):
            master.renew(slot, signal.SIGINT)


def pause(master: Master) -> None:
    """Let the workers take no request until the next call."""
    master.paused = not master.paused
    log.line(PAUSE if master.paused else RESUME)
    for slot in master.living(master.workers):
        master.board.workers[slot.number - 1].paused = int(master.paused)
        slot.send(signal.SIGTSTP)
    for call in master.at_pause:
        call()


def report(master: Master) -> None:
    """Print what is going on."""
    log.line(f"workers total requests: {master.board.requests()}")
    for slot in master.living(master.workers):
        requests = sum(core.requests for core in master.board.cores[slot.number - 1])
        log.line(f"worker {slot.number} (pid: {slot.pid}) requests: {requests}")


def reopen_log(master: Master) -> None:
    """Open the log file anew, here and in every worker."""
    if master.log_order is not None:
        master.log_order("reopen")
        return
    log.reopen()
    _reopen_in_workers(master)


def write_pidfiles(master: Master) -> None:
    """Write the pid into its files anew, after somebody has removed them."""
    from refuwsgi import pidfiles

    try:
        pidfiles.write_pidfiles(master.config)
        pidfiles.write_pidfiles(master.config, late=True)
    except OptionError as problem:
        log.line(str(problem))


def rotate_log(master: Master) -> None:
    """Put the log file aside and begin another."""
    if master.log_order is not None:
        master.log_order("rotate")
        return
    log.rotate()
    _reopen_in_workers(master)


def _reopen_in_workers(master: Master) -> None:
    for slot in master.living(master.workers):
        slot.send(REOPEN)


def watch_deadlines(master: Master) -> None:
    """Begin to look at deadlines: an application has set one itself."""
    if not master.watched:
        from refuwsgi.scaling import harakiri

        master.watched = True
        master.loop.spawn(harakiri.for_applications().run(master))


def meanings(config: Config) -> dict[int, Order]:
    """What each signal means for this instance."""
    stops_on_term = config[DIE_ON_TERM] or _contained()
    found: dict[int, Order] = {
        signal.SIGINT: stop,
        signal.SIGTERM: stop if stops_on_term else reload_brutally,
        signal.SIGQUIT: reload_brutally if config[DIE_ON_TERM] else stop,
        signal.SIGHUP: reload_gracefully,
        signal.SIGUSR1: report,
        signal.SIGTSTP: pause,
        WATCH: watch_deadlines,
    }
    for hook in config[HOOK_MASTER_START]:
        kind, _, rest = hook.partition(":")
        words = rest.split()
        if kind != "unix_signal" or len(words) != 2 or words[1] not in HOOKS:
            continue
        if not words[0].isdigit() or int(words[0]) not in set(signal.Signals):
            raise config.error(HOOK_MASTER_START, "unix_signal:<number> <what to do>")
        found[int(words[0])] = HOOKS[words[1]]
    return found


HOOKS: dict[str, Order] = {
    "gracefully_kill_them_all": stop_gracefully,
    "kill_them_all": stop,
    "reload": reload_gracefully,
    "end": stop,
}


def listen(found: dict[int, Order]) -> socket.socket:
    """Turn signals into bytes, and return the socket from which they can be read."""
    out, into = socket.socketpair()
    for end in (out, into):
        end.setblocking(False)
    _kept.append(into)
    signal.set_wakeup_fd(into.fileno(), warn_on_full_buffer=False)
    for number in found:
        signal.signal(number, lambda number, frame: None)
    for number in IGNORED:
        if number not in found:
            signal.signal(number, signal.SIG_IGN)
    return out


_kept: list[socket.socket] = []  # the writing ends: the interpreter only knows their numbers


async def obey(master: Master, found: dict[int, Order], signals: socket.socket) -> None:
    """Do what the signals ask for, one after the other."""
    while True:
        await readable(signals)
        for number in signals.recv(64):
            if number in found:
                found[number](master)


def _contained() -> bool:
    """Say whether the process belongs to something that stops it by SIGTERM."""
    # Departure: uWSGI reloads on SIGTERM here, too, and a container would have to kill it.
    return os.getpid() == 1 or "NOTIFY_SOCKET" in os.environ
