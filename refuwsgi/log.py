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
from collections.abc import Callable

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
LOGGER: Option[str | None] = Option(
    "logger", text, default=None, help="write the log to file:<path> or to stdio"
)
REQ_LOGGER: Option[str | None] = Option(
    "req-logger",
    text,
    default=None,
    help="write the lines about requests to file:<path> or to stdio",
    aliases=("logger-req",),
)
TOUCH_LOGREOPEN: Option[tuple[str, ...]] = Option(
    "touch-logreopen",
    texts,
    default=(),
    help="open the log file anew when this file is touched",
    repeat=JOIN,
    implies=("master",),
)

STDOUT, STDERR = 1, 2
MODE = 0o640  # uWSGI: the group may read the log
CTIME = "%a %b %e %H:%M:%S %Y"
PLAIN = ("true", "1", "on", "yes", "")
NO_DATE = ("false", "0", "off", "no")


class _State:
    """Where the log goes and what stands before its lines."""

    format = ""  # of the date; "" is none
    path = ""  # of the log file; "" is whatever descriptor 2 was at the start
    requests = STDERR  # where lines about requests go
    requests_path = ""
    second = -1  # the second for which `date` was made
    date = ""


_state = _State()


def line(words: str) -> None:
    """Write a line of the log."""
    _write(_date(_state.format) + _one_line(words))


def dated(words: str) -> None:
    """Write a line that carries a date whether or not log-date was set."""
    _write(_date(_state.format or CTIME) + _one_line(words))


def request_line(words: str) -> None:
    """Write a line about a request; it has a date of its own, and was made to be one line."""
    _write(words, _state.requests)


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
        _state.second = second
        _state.date = time.strftime(form, time.localtime(second)) + " - "
    return _state.date


def _write(words: str, descriptor: int = STDERR) -> None:
    try:
        os.write(descriptor, (words + "\n").encode(errors="backslashreplace"))
    except OSError:
        pass  # a full disk, a reader that has gone: there is nobody to tell


def set_up(config: Config) -> None:
    """Obey log-date and logto; called first, before anything is written."""
    date = config[LOG_DATE]
    if date is not None and date.lower() not in NO_DATE:
        _state.format = CTIME if date.lower() in PLAIN else date
    if (logger := config[REQ_LOGGER]) is not None:
        path = _file_of(config, REQ_LOGGER, logger)
        _open_or_fail(config, REQ_LOGGER, path, _requests_to)
    if (logger := config[LOGGER]) is not None and (path := _file_of(config, LOGGER, logger)):
        _open_or_fail(config, LOGGER, path)
    if (logto := config[LOGTO]) is not None:
        _open_or_fail(config, LOGTO, logto)


def start_over() -> None:
    """Forget what was set up, in a process that has a configuration of its own."""
    _state.format = _state.path = ""


def set_up_late(config: Config) -> None:
    """Obey logto2; called when privileges have been dropped."""
    if (path := config[LOGTO2]) is not None:
        _open_or_fail(config, LOGTO2, path)


def _file_of(config: Config, option: Option[str | None], logger: str) -> str:
    """The path that a logger names; "" for stdio."""
    kind, _, path = (logger.split() or [""])[-1].partition(":")  # a name may stand before it
    if kind == "stdio":
        return ""
    if kind != "file" or not path:
        raise config.error(option, "file:<path> or stdio")
    return path


def _open_or_fail(
    config: Config,
    option: Option[str | None],
    path: str,
    use: Callable[[str, bool], None] | None = None,
) -> None:
    try:
        (use or to)(path, config[LOG_TRUNCATE])
    except OSError as problem:
        where = config.where(option)
        raise OptionError(f"{where}: {option.name}: {path}: {problem.strerror}") from None


def to(path: str, truncate: bool = False) -> None:
    """Let descriptors 1 and 2 write to this file, or by UDP to this host:port."""
    host, colon, port = path.rpartition(":")
    if colon and host and port.isdigit() and "/" not in path:
        descriptor = _datagrams(host, int(port))
    else:
        _state.path, descriptor = _open(path, truncate)
    sys.stdout.flush()
    for each in (STDOUT, STDERR):
        os.dup2(descriptor, each)
    os.close(descriptor)


def _requests_to(path: str, truncate: bool) -> None:
    if not path:
        _state.requests = os.dup(STDERR)  # before `logger` takes that away
        return
    before = _state.requests
    _state.requests_path, _state.requests = _open(path, truncate)
    if before != STDERR:
        os.close(before)


def _open(path: str, truncate: bool) -> tuple[str, int]:
    path = os.path.abspath(path)  # a later chdir must not change what `reopen` opens
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if truncate else 0)
    return path, os.open(path, flags | os.O_CLOEXEC, MODE)


def _datagrams(host: str, port: int) -> int:
    import socket

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, port))
    return sock.detach()


def reopen() -> None:
    """Open the log files anew, after something has renamed them."""
    for path, use in ((_state.path, to), (_state.requests_path, _requests_to)):
        if path:
            try:
                use(path, False)
            except OSError as problem:
                line(f"unable to reopen the log {path}: {problem.strerror}")


class Touches:
    """Files that give an order by being touched."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._seen = {path: _changed(path) for path in paths}

    def touched(self) -> str | None:
        """Name a file that was touched since the last call."""
        for path, before in self._seen.items():
            now = _changed(path)
            if now != before:
                self._seen[path] = now
                if now:
                    return path
        return None


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0  # not there yet: it will be new when it comes
