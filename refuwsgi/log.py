"""The log: one event, one line, one write.

Section:  ground / the log
What:     writes lines to descriptor 2, which `logto` and `daemonize` turn into a file.  A line
          is one write, so that those of several processes never mix.
              Sun Nov 22 00:13:28 2026 - the prefix that log-date = true asks for
Units:    none.
Errors:   a log that cannot be written is nobody's reason to die: the line is lost.  A file that
          cannot be opened at the start is an OptionError.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from refuwsgi.options import JOIN, Config, Option, OptionError, flag, text, texts

LOGTO: Option[str | None] = Option(
    "logto", text, default=None, help="write the log to this file, or to host:port by UDP"
)
LOGTO2: Option[str | None] = Option(
    "logto2", text, default=None, help="the same, opened after privileges were dropped"
)
LOG_DATE: Option[str | None] = Option(
    "log-date",
    text,
    default=None,
    help="put the date before each line; a text is taken as strftime takes it",
    aliases=("logdate",),
    bare="true",
)
LOG_REOPEN = Option(
    "log-reopen", flag, default=False, help="open the log file anew after a reload", bare="true"
)
LOG_TRUNCATE = Option(
    "log-truncate", flag, default=False, help="empty the log file at the start", bare="true"
)
LOGGER: Option[tuple[str, ...]] = Option(
    "logger",
    texts,
    default=(),
    help="write the log there: file:<path>, stdio, fd:<n>, socket:<a>, syslog:<name>, rsyslog:<a>",
    repeat=JOIN,
    implies=("master",),
)
REQ_LOGGER: Option[tuple[str, ...]] = Option(
    "req-logger",
    texts,
    default=(),
    help="write the lines about requests there, in the same forms",
    aliases=("logger-req",),
    repeat=JOIN,
    implies=("master",),
)
LOG_MASTER = Option(
    "log-master",
    flag,
    default=False,
    help="let all that is printed go through a process that writes it",
    bare="true",
    implies=("master",),
)
TOUCH_LOGREOPEN: Option[tuple[str, ...]] = Option(
    "touch-logreopen",
    texts,
    default=(),
    help="open the log file anew when this file is touched",
    repeat=JOIN,
    implies=("master",),
)
TOUCH_LOGROTATE: Option[tuple[str, ...]] = Option(
    "touch-logrotate",
    texts,
    default=(),
    help="put the log aside when this file is touched",
    repeat=JOIN,
    implies=("master", "log-master"),
)

STDOUT, STDERR = 1, 2
MODE = 0o640  # uWSGI: the group may read the log
CTIME = "%a %b %e %H:%M:%S %Y"
PLAIN = ("true", "1", "on", "yes", "")
NO_DATE = ("false", "0", "off", "no")


class Requests:
    """Where lines about requests go."""

    descriptor = STDERR
    path = ""  # "" is where all others go
    write: Callable[[int, bytes], int] = os.write  # or with patience (log_pipe.py)


requests = Requests()


class _State:
    """Where the log goes and what stands before its lines."""

    format = ""  # of the date; "" is none
    path = ""  # of the log file; "" is whatever descriptor 2 was at the start
    second, date = -1, ""  # the second for which `date` was made


_state = _State()


def line(words: str) -> None:
    """Write a line of the log."""
    _write(_date(_state.format) + _one_line(words))


def lines(words: Sequence[str]) -> None:
    """Write several lines with one write; for a log that is a file: elsewhere it is a message."""
    said = words if "".join(words).isprintable() else map(_one_line, words)
    date = _date(_state.format)
    _write(date + f"\n{date}".join(said))


def dated(words: str) -> None:
    """Write a line that carries a date whether or not log-date was set."""
    _write(_date(_state.format or CTIME) + _one_line(words))


def request_line(words: str) -> None:
    """Write a line about a request; it has a date of its own, and was made to be one line."""
    try:  # as `_write`, but for a case that is seldom: there is one of these for each request
        requests.write(requests.descriptor, (words + "\n").encode())
    except UnicodeEncodeError:
        _write(words, requests.descriptor)
    except OSError:
        pass


def exception(words: str) -> None:
    """Write a line, and below it the traceback of the error that is being handled."""
    import traceback

    _write(f"{_date(_state.format)}{_one_line(words)}\n{traceback.format_exc().rstrip()}")


def _one_line(words: str) -> str:
    # Text of a peer could hold a line break and thereby forge a line of ours.
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in words)


def _date(form: str) -> str:
    if not form:
        return ""
    second = int(time.time())
    if second != _state.second or not _state.date:
        _state.second, _state.date = second, time.strftime(form, time.localtime(second)) + " - "
    return _state.date


def _write(words: str, descriptor: int = STDERR) -> None:
    try:
        requests.write(descriptor, (words + "\n").encode(errors="backslashreplace"))
    except OSError:
        pass  # a full disk, a reader that has gone: there is nobody to tell


def set_up(config: Config) -> None:
    """Obey log-date and logto; called first, before anything is written."""
    date = config[LOG_DATE]
    if date is not None and date.lower() not in NO_DATE:
        _state.format = CTIME if date.lower() in PLAIN else date
    if not delegated(config):
        for logger in config[REQ_LOGGER]:
            _open_or_fail(config, REQ_LOGGER, _path_of(logger), _requests_to)
        for path in filter(None, map(_path_of, config[LOGGER])):
            _open_or_fail(config, LOGGER, path)
    if (logto := config[LOGTO]) is not None:
        _open_or_fail(config, LOGTO, logto)


def delegated(config: Config) -> bool:
    """Whether the log is written by a process of its own; only simple ones are not."""
    found = (config[LOGGER], config[REQ_LOGGER])
    simple = all(len(loggers) < 2 and all(map(_is_simple, loggers)) for loggers in found)
    return config[LOG_MASTER] or not simple


def _is_simple(logger: str) -> bool:
    return logger == "stdio" or logger.startswith("file:") and len(logger) > 5 and "=" not in logger


def _path_of(logger: str) -> str:
    return logger.removeprefix("file:") if logger != "stdio" else ""


def start_over() -> None:
    """Forget what was set up, in a process that has a configuration of its own."""
    _state.format = ""
    requests_to(STDERR)


def set_up_late(config: Config) -> None:
    """Obey logto2; called when privileges have been dropped."""
    if (path := config[LOGTO2]) is not None:
        _open_or_fail(config, LOGTO2, path)


def _open_or_fail(
    config: Config,
    option: Option[Any],
    path: str,
    use: Callable[[str, bool], None] | None = None,
) -> None:
    try:
        (use or to)(path, config[LOG_TRUNCATE])
    except (OSError, OverflowError) as problem:
        text = f"{option.name}: {path}: {getattr(problem, 'strerror', problem)}"
        raise OptionError(f"{config.where(option)}: {text}") from None


def to(path: str, truncate: bool = False) -> None:
    """Let descriptors 1 and 2 write to this file, or by UDP to this host:port."""
    host, colon, port = path.rpartition(":")
    if colon and host and port.isdigit() and "/" not in path:
        descriptor = _datagrams(host, int(port))
    else:
        _state.path, descriptor = open_file(path, truncate)
    sys.stdout.flush()
    for each in (STDOUT, STDERR):
        os.dup2(descriptor, each)
    os.close(descriptor)


def _requests_to(path: str, truncate: bool) -> None:
    if not path:
        requests.descriptor = os.dup(STDERR)  # before `logger` takes that away
        return
    before = requests.descriptor
    requests.path, requests.descriptor = open_file(path, truncate)
    if before != STDERR:
        os.close(before)


def requests_to(descriptor: int, write: Callable[[int, bytes], int] = os.write) -> None:
    """Let lines about requests go there, all be written so, and `reopen` open no file anew."""
    requests.descriptor, requests.write = descriptor, write
    _state.path = requests.path = ""


def path() -> str:
    """The file that the log is in; "" when it is not in one."""
    return _state.path


def open_file(path: str, truncate: bool) -> tuple[str, int]:
    """Open a file for a log: its absolute path, and the descriptor."""
    path = os.path.abspath(path)  # a later chdir must not change what `reopen` opens
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if truncate else 0)
    return path, os.open(path, flags | os.O_CLOEXEC, MODE)


def _datagrams(host: str, port: int) -> int:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, port))
        return sock.detach()


def reopen() -> None:
    """Open the log files anew, after something has renamed them."""
    for path, use in ((_state.path, to), (requests.path, _requests_to)):
        if path:
            try:
                use(path, False)
            except OSError as problem:
                line(f"unable to reopen the log {path}: {problem.strerror}")


def rotate() -> None:
    """Put the file aside, under the time of now, and begin another."""
    if _state.path:
        try:
            os.rename(_state.path, f"{_state.path}.{int(time.time())}")
        except OSError as problem:
            line(f"unable to put the log {_state.path} aside: {problem.strerror}")
        reopen()
