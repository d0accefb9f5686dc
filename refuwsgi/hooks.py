"""Hooks: what the operator wants done at a certain moment of a start.

Section:  ground / hooks
What:     `exec-<moment> = command` runs a command and waits for it; `hook-<moment> = kind:argument`
          does one of a few things.  Of one moment they happen in the order of the file.

              asap  pre-jail  post-jail  in-jail  as-root | as-user  pre-app  post-app | atexit
                               before privileges go         after

          and in each worker: post-fork, accepting (accepting1: in the first one).
          Not built: mounts, jails, signals other than of the master, plugins' own kinds.
Units:    none.
Errors:   `OptionError` for a kind that is not known, or a command that fails: the start ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from refuwsgi import log
from refuwsgi.options import JOIN, Config, Option, OptionError, texts

Texts = tuple[str, ...]


def _hook(name: str, help: str) -> Option[Texts]:
    return Option(name, texts, default=(), help=help, repeat=JOIN)


WHAT = "do this ({}): kind:argument"
RUN = "run this command ({})"

HOOK_ASAP = _hook("hook-asap", WHAT.format("at once"))
HOOK_PRE_JAIL = _hook("hook-pre-jail", WHAT.format("before privileges are dropped"))
HOOK_POST_JAIL = _hook("hook-post-jail", WHAT.format("the same, next"))
HOOK_IN_JAIL = _hook("hook-in-jail", WHAT.format("the same, after that"))
HOOK_AS_ROOT = _hook("hook-as-root", WHAT.format("last before privileges are dropped"))
HOOK_AS_USER = _hook("hook-as-user", WHAT.format("when privileges have been dropped"))
HOOK_PRE_APP = _hook("hook-pre-app", WHAT.format("before the application is loaded"))
HOOK_POST_APP = _hook("hook-post-app", WHAT.format("when the application has been loaded"))
HOOK_AT_EXIT = _hook("hook-as-user-atexit", WHAT.format("when the instance ends"))
HOOK_POST_FORK = _hook("hook-post-fork", WHAT.format("in each worker, first"))
HOOK_ACCEPTING = _hook("hook-accepting", WHAT.format("in each worker that is ready"))
HOOK_ACCEPTING1 = _hook("hook-accepting1", WHAT.format("in the first worker when it is ready"))
EXEC_ASAP = _hook("exec-asap", RUN.format("at once"))
EXEC_PRE_JAIL = _hook("exec-pre-jail", RUN.format("before privileges are dropped"))
EXEC_POST_JAIL = _hook("exec-post-jail", RUN.format("the same, next"))
EXEC_IN_JAIL = _hook("exec-in-jail", RUN.format("the same, after that"))
EXEC_AS_ROOT = _hook("exec-as-root", RUN.format("last before privileges are dropped"))
EXEC_AS_USER = _hook("exec-as-user", RUN.format("when privileges have been dropped"))
EXEC_PRE_APP = _hook("exec-pre-app", RUN.format("before the application is loaded"))
EXEC_POST_APP = _hook("exec-post-app", RUN.format("when the application has been loaded"))
EXEC_AT_EXIT = _hook("exec-as-user-atexit", RUN.format("when the instance ends"))

MOMENTS: dict[str, tuple[Option[Texts], ...]] = {
    "asap": (HOOK_ASAP, EXEC_ASAP),
    "pre-jail": (HOOK_PRE_JAIL, EXEC_PRE_JAIL),
    "post-jail": (HOOK_POST_JAIL, EXEC_POST_JAIL),
    "in-jail": (HOOK_IN_JAIL, EXEC_IN_JAIL),
    "as-root": (HOOK_AS_ROOT, EXEC_AS_ROOT),
    "as-user": (HOOK_AS_USER, EXEC_AS_USER),
    "pre-app": (HOOK_PRE_APP, EXEC_PRE_APP),
    "post-app": (HOOK_POST_APP, EXEC_POST_APP),
    "atexit": (HOOK_AT_EXIT, EXEC_AT_EXIT),
    "post-fork": (HOOK_POST_FORK,),
    "accepting": (HOOK_ACCEPTING,),
    "accepting1": (HOOK_ACCEPTING1,),
}

RUNNING = 'running "{}" ({})...'
FAILED = 'command "{}" failed with status {}'


class HookError(Exception):
    """A hook has failed; the text says how."""


def _exec(argument: str) -> None:
    status = _status_of(argument)
    if status:
        raise HookError(FAILED.format(argument, status))


def _safeexec(argument: str) -> None:
    status = _status_of(argument)
    if status:
        log.line(FAILED.format(argument, status))


def _status_of(command: str) -> int:
    import subprocess

    # The operator's own line, which may have pipes and variables, as in uWSGI.
    return subprocess.run(command, shell=True, check=False).returncode  # noqa: S602


def _write(argument: str) -> None:
    path, _, words = argument.partition(" ")
    with open(path, "w") as file:
        file.write(words + "\n")


def _writefifo(argument: str) -> None:
    path, _, words = argument.partition(" ")
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)  # nobody reads: an error, not a wait
    try:
        os.write(fd, words.encode())
    finally:
        os.close(fd)


def _exit(argument: str) -> None:
    sys.exit(int(argument) if argument.isdecimal() else 0)


KINDS: dict[str, Callable[[str], None]] = {
    "cd": os.chdir,
    "exec": _exec,
    "exit": _exit,
    "print": log.line,
    "safeexec": _safeexec,
    "unlink": os.unlink,
    "write": _write,
    "writefifo": _writefifo,
}


def check(config: Config) -> None:
    """Refuse hooks of a kind that is not known, before anything happens."""
    for moment in MOMENTS.values():
        for option, text, where in config.in_order(*moment):
            kind = _parts(option, text)[0]
            if kind not in KINDS:
                known = ", ".join(KINDS)
                raise OptionError(f"{where}: {option.name}: {text!r}: the kinds are {known}")


def run(config: Config, *moments: str) -> None:
    """Do what is wanted at these moments; OptionError when something fails."""
    for moment in moments:
        for option, text, where in config.in_order(*MOMENTS[moment]):
            kind, argument = _parts(option, text)
            log.line(RUNNING.format(text, option.name.partition("-")[2]))
            try:
                KINDS[kind](argument)
            except (HookError, OSError) as problem:
                raise OptionError(f"{where}: {option.name}: {problem}") from None


def _parts(option: Option[Texts], text: str) -> tuple[str, str]:
    if option.name.startswith("exec-"):
        return "exec", text
    kind, _, argument = text.partition(":")
    return kind, argument
