"""logger, req-logger: the places to which a log can go.

Section:  ground / the log; where it goes
What:     a sink takes whole messages.  None of them waits for a peer.

              logger = file:/var/log/site.log
              logger = file:logfile=/var/log/site.log,maxsize=1000000,backupname=/var/log/old.log
              logger = stdio     fd:7     socket:127.0.0.1:514     socket:/run/log.sock
              logger = syslog:site     rsyslog:10.0.0.1:514,site
              logger = errors file:/var/log/errors.log      (named: gets what log-route sends it)

Units:    sizes are bytes.
Errors:   OptionError for a logger that is not known or a file that cannot be opened.  What a
          sink cannot take is lost: a log is nobody's reason to stop.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Protocol

from refuwsgi import log
from refuwsgi.options import OptionError

ROTATING = "logsize: {}, triggering rotation to {}..."
LOCAL, DAEMON, NOTICE = "uWSGI", 3, 5  # what a message to syslog says by default


class Sink(Protocol):
    """A place for messages."""

    def write(self, message: bytes) -> None:
        """Take a message."""

    def reopen(self) -> None:
        """Open the file anew, if it is one."""

    def rotate(self) -> None:
        """Put the file aside and begin another, if it is one."""


class DescriptorSink:
    """A descriptor that is open already, or a socket."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, message: bytes) -> None:
        """Write it whole."""
        try:
            os.write(self._descriptor, message)
        except OSError:
            pass  # nobody reads, or its queue is full

    def reopen(self) -> None:
        """There is nothing to open."""

    def rotate(self) -> None:
        """There is nothing to put aside."""


class FileSink:
    """A file, put aside when it has become too long."""

    def __init__(self, path: str, *, most: int = 0, backup: str = "") -> None:
        self.most = most
        self._backup = backup and os.path.abspath(backup)
        self.path, self._descriptor = log.open_file(path, False)
        self._size = os.fstat(self._descriptor).st_size

    def write(self, message: bytes) -> None:
        """Write it, then look how long the file is."""
        try:
            self._size += os.write(self._descriptor, message)
        except OSError:
            return  # a full disk: there is nobody to tell
        if self.most and self._size > self.most:
            self.rotate()

    def rotate(self) -> None:
        """Put the file aside and begin another."""
        aside = self._backup or self._unused()
        words = f"{time.strftime(log.CTIME)} - {ROTATING.format(self._size, aside)}\n"
        try:
            os.write(self._descriptor, words.encode(errors="surrogateescape"))
            os.rename(self.path, aside)
        except OSError:
            self._size = 0  # try again after as many bytes, not after each message
            return
        self.reopen()

    def _unused(self) -> str:
        # Departure: uWSGI overwrites what it put aside in the same second.
        found = plain = f"{self.path}.{int(time.time())}"
        number = 0
        while os.path.lexists(found):
            number += 1
            found = f"{plain}.{number}"
        return found

    def reopen(self) -> None:
        """Open the file anew; keep the one we have if that fails."""
        try:
            _, descriptor = log.open_file(self.path, False)
        except OSError:
            return
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size


class RemoteSyslogSink(DescriptorSink):
    """A syslog daemon, spoken to by UDP."""

    def __init__(self, descriptor: int, ident: str, facility: int) -> None:
        super().__init__(descriptor)
        self._ident, self._priority = ident, 8 * facility + NOTICE

    def write(self, message: bytes) -> None:
        """Send one datagram."""
        head = f"<{self._priority}>{time.strftime('%b %e %H:%M:%S')} {self._ident}: "
        super().write(head.encode() + message.rstrip(b"\n"))


class SyslogSink(DescriptorSink):
    """The syslog daemon of this machine."""

    def __init__(self, ident: str) -> None:
        import syslog

        super().__init__(-1)
        syslog.openlog(ident, 0, syslog.LOG_DAEMON)
        self._send = syslog.syslog

    def write(self, message: bytes) -> None:
        """Hand it over."""
        self._send(message.decode(errors="replace").rstrip("\n").replace("\0", ""))


def parse(line: str, where: str, *, stdio: int) -> tuple[str, Sink]:
    """Open what `[name ]kind[:argument]` names; `stdio` is the log as it was at the start."""
    name, blank, rest = line.partition(" ")
    if not (blank and name.isalnum()):
        name, rest = "", line
    kind, _, argument = rest.strip().partition(":")
    if kind == "stdio":
        return name, DescriptorSink(stdio)
    make = KINDS.get(kind)
    if make is None:
        raise OptionError(f"{where}: unable to find logger {kind}, there are stdio, {_known()}")
    try:
        return name, make(argument)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else problem
        raise OptionError(f"{where}: logger {kind}:{argument}: {why or problem}") from None


def _known() -> str:
    return ", ".join(KINDS)


def _file(argument: str) -> Sink:
    if not argument:
        raise ValueError("expected file:<path> or stdio")
    if "=" not in argument:
        return FileSink(argument)
    found = dict(part.partition("=")[::2] for part in argument.split(","))
    if "logfile" not in found:
        return FileSink(argument)
    most = found.get("maxsize", "0")
    if not most.isdecimal():
        raise ValueError(f"maxsize: expected a number, got {most!r}")
    return FileSink(found["logfile"], most=int(most), backup=found.get("backupname", ""))


def _fd(argument: str) -> Sink:
    if not argument.isdecimal():
        raise ValueError("expected fd:<number>")
    os.fstat(int(argument))
    return DescriptorSink(os.dup(int(argument)))


def _socket(argument: str) -> Sink:
    return DescriptorSink(_datagrams(argument.partition(",")[0]))


def _datagrams(where: str) -> int:
    host, colon, port = where.rpartition(":")
    made = socket.socket(socket.AF_INET if colon else socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    try:
        made.connect((host or "127.0.0.1", int(port)) if colon else where)
    except (OSError, ValueError):
        made.close()
        raise
    except OverflowError:
        made.close()
        raise ValueError(f"there is no port {port}") from None
    return made.detach()


def _syslog(argument: str) -> Sink:
    return SyslogSink(argument.partition(",")[0] or LOCAL)


def _rsyslog(argument: str) -> Sink:
    where, ident, facility = [*argument.split(","), "", ""][:3]
    if ":" not in where:
        where += ":514"
    number = int(facility) if facility else DAEMON
    return RemoteSyslogSink(_datagrams(where), ident or LOCAL, number)


KINDS: dict[str, Callable[[str], Sink]] = {
    "file": _file,
    "fd": _fd,
    "socket": _socket,
    "syslog": _syslog,
    "rsyslog": _rsyslog,
}
