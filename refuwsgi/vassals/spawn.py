"""From a vassal's config to its process, with the socket as descriptor 0.

Section: vassals / On demand vassals (socket activation); the spawn
What: `Binary` makes the command line, `environment` the environment, `launch` the process:

          refuwsgi [--inherit B]* [--include B]* [--set k=v]* --ini myapp.ini [--inherit T]* [...]*

      descriptor 0   the on-demand socket, or /dev/null
                 1,2 the emperor's
                 n   the emperor's pipe, perhaps the config's pipe; nothing else is open

      A vassal of ours is forked from the warm emperor, whose modules are loaded; it starts on the
      same clean descriptors, signals and environment that exec would give it.  Every other
      binary is exec'd.
Errors: `OSError` when there can be no more processes.  A binary that cannot be run ends its process
      with status 30, after a line in the log.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, NoReturn

from refuwsgi import imperial_config, log, processes
from refuwsgi.options import JOIN, Config, Option, text, texts
from refuwsgi.vassals import emperor_pipe, hooks, tyrant
from refuwsgi.vassals.scan import Found

WRAPPER: Option[str | None] = Option(
    "emperor-wrapper",
    text,
    default=None,
    help="start vassals with this binary instead of our own",
)
SET: Option[tuple[str, ...]] = Option(
    "vassal-set",
    texts,
    default=(),
    help="set name=value for every vassal; its own file may say otherwise",
    aliases=("vassals-set",),
    repeat=JOIN,
)
INCLUDE: Option[tuple[str, ...]] = Option(
    "vassals-include",
    texts,
    default=(),
    help="include this file after every vassal's own",
    repeat=JOIN,
)
INCLUDE_BEFORE: Option[tuple[str, ...]] = Option(
    "vassals-include-before",
    texts,
    default=(),
    help="include this file before every vassal's own",
    repeat=JOIN,
)
INHERIT: Option[tuple[str, ...]] = Option(
    "vassals-inherit",
    texts,
    default=(),
    help="use this file as a template after every vassal's own",
    repeat=JOIN,
)
INHERIT_BEFORE: Option[tuple[str, ...]] = Option(
    "vassals-inherit-before",
    texts,
    default=(),
    help="use this file as a template before every vassal's own",
    repeat=JOIN,
)

CANNOT_RUN = 30  # uWSGI: the exit status of a vassal that never became one
KINDS = {
    ".ini": "--ini",
    ".xml": "--xml",
    ".yml": "--yaml",
    ".yaml": "--yaml",
    ".js": "--json",
    ".json": "--json",
}
OF_THE_EMPEROR = (
    "UWSGI_RELOADS",
    "NOTIFY_SOCKET",
    imperial_config.VARIABLE,
    imperial_config.CONFIG_VARIABLE,
)
FOR_VASSALS = "UWSGI_VASSAL_"


class Binary(NamedTuple):
    """What vassals are started with."""

    wrapper: str | None = None
    before: tuple[str, ...] = ()  # words before the config
    after: tuple[str, ...] = ()  # words behind it

    def words(self, found: Found) -> list[str]:
        """The command line behind the binary's own name."""
        return [*self.before, self._kind(found), self._config(found), *self.after]

    def command(self, found: Found) -> list[str]:
        """The whole command line."""
        # Without -P a file json.py beside the configs would be taken for the standard library's.
        ours = [sys.executable, "-P", "-m", "refuwsgi"]
        return [*([self.wrapper] if self.wrapper else ours), *self.words(found)]

    def _kind(self, found: Found) -> str:
        return KINDS.get(os.path.splitext(found.name)[1], "--config")

    def _config(self, found: Found) -> str:
        if found.config is not None:
            return emperor_pipe.SCHEME + found.name
        # A name with a leading dash must not become an option.
        return f"./{found.name}" if found.name.startswith("-") else found.name


def environment(base: Mapping[str, str], pipe: int, config: int) -> dict[str, str]:
    """Make the environment of a vassal from the emperor's."""
    ours = {name: value for name, value in base.items() if name not in OF_THE_EMPEROR}
    for name in [name for name in ours if name.startswith(FOR_VASSALS)]:
        # Departure: in C the vassal gets the value of another variable.
        ours["UWSGI_" + name.removeprefix(FOR_VASSALS)] = ours.pop(name)
    ours[imperial_config.VARIABLE] = str(pipe)
    if config >= 0:
        ours[imperial_config.CONFIG_VARIABLE] = str(config)
    return ours


class Launch(NamedTuple):
    """Everything that a new process must know."""

    binary: Binary
    found: Found
    stdin: int  # the on-demand socket; -1: /dev/null
    pipe: int
    config: int = -1
    rights: tuple[int, int] | None = None  # uid and gid to become
    warm: Callable[[Sequence[str]], int] | None = None  # our own main, to be run without exec
    hook: str | None = None  # a program to be run before


def launch(what: Launch) -> int:
    """Start the process of a vassal; its pid."""
    # A signal between the fork and the child's own handlers would ring in the emperor.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, processes.EVERY)
    try:
        pid = os.fork()
        if not pid:
            _become_vassal(what)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _become_vassal(what: Launch) -> NoReturn:
    status = CANNOT_RUN
    try:
        if _cleaned(what):
            hooks.run("start", what.hook, what.found)
            if what.warm is not None and what.binary.wrapper is None:
                status = _run_warm(what, what.warm)
            else:
                _exec(what)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        # Whatever happened: the emperor's stack is below us and must not be returned to.
        if sys.exception() is not None:
            log.exception(f"[emperor] {what.found.name} ended by an error")
        _flush()
        os._exit(status & 0xFF)


def _cleaned(what: Launch) -> bool:
    try:
        _clean(what)
    except OSError as error:
        log.line(f"[emperor] {what.found.name} cannot be started: {error}")
        return False
    return True


def _exec(what: Launch) -> None:
    command = what.binary.command(what.found)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        log.line(f"[emperor] {what.found.name} cannot be started: {error}")


def _clean(what: Launch) -> None:
    """Give the new process the descriptors, signals, environment and rights of a vassal."""
    processes.reset_signals()
    os.dup2(what.stdin if what.stdin >= 0 else os.open(os.devnull, os.O_RDONLY), 0)
    kept = [fd for fd in (what.pipe, what.config) if fd >= 0]
    processes.close_descriptors(kept)
    for fd in kept:
        os.set_inheritable(fd, True)
    os.chdir(what.found.folder)
    if what.rights is not None:
        tyrant.become(*what.rights)
    processes.parent_death_signal()  # after the rights: changing them clears it
    fresh = environment(os.environ, what.pipe, what.config)
    for name in os.environ.keys() - fresh.keys():
        del os.environ[name]
    for name, value in fresh.items():
        if os.environ.get(name) != value:  # most are the emperor's
            os.environ[name] = value


def _run_warm(what: Launch, main: Callable[[Sequence[str]], int]) -> int:
    import gc

    gc.unfreeze()
    log.start_over()  # what the emperor's configuration said about the log was about its own
    words = what.binary.words(what.found)
    sys.argv = ["refuwsgi", *words]
    sys.orig_argv[:] = what.binary.command(what.found)
    return main(words)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # closed, or gone


def configured(config: Config) -> Binary:
    """Read what the operator said about all vassals."""
    return Binary(
        config[WRAPPER],
        (
            *_words("--inherit", config[INHERIT_BEFORE]),
            *_words("--include", config[INCLUDE_BEFORE]),
            *_words("--set", config[SET]),
        ),
        (*_words("--inherit", config[INHERIT]), *_words("--include", config[INCLUDE])),
    )


def _words(option: str, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in (option, value)]
