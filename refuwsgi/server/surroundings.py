"""Where an instance stands: its directory, its mask, the process that writes its log.

Section:  ground / the server; directory, mask and log
What:     obeys chdir, chdir2 and umask, and starts and ends the process that log-master asks for.
Units:    none.
Errors:   OptionError for a directory that is none and a mask that is no number.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.options import Config, Option, OptionError, text

if TYPE_CHECKING:
    from refuwsgi.log_master import LogMaster

CHDIR: Option[str | None] = Option(
    "chdir", text, default=None, help="go to this directory before the application is loaded"
)
CHDIR2: Option[str | None] = Option(
    "chdir2", text, default=None, help="go to this directory after the application was loaded"
)
UMASK: Option[str | None] = Option(
    "umask", text, default=None, help="the mask of the modes of new files, in octal"
)


def go(config: Config, option: Option[str | None]) -> None:
    """Go to the directory that an option names."""
    directory = config[option]
    if directory is None:
        return
    try:
        os.chdir(directory)
    except OSError as problem:
        raise OptionError(
            f"{config.where(option)}: {option.name}: {problem.strerror}: {directory!r}"
        ) from None
    log.line(f"chdir() to {directory}")


def set_umask(config: Config) -> None:
    """Obey umask."""
    mask = config[UMASK]
    if mask is not None:
        try:
            os.umask(int(mask, 8))
        except ValueError:
            raise config.error(UMASK, "an octal number") from None


class Log:
    """The process that writes the log, if the operator wants one."""

    def __init__(self, config: Config, *, on_trial: bool) -> None:
        self._config = config
        self._wanted = not on_trial and log.delegated(config)
        self.writer: LogMaster | None = None

    def start(self) -> None:
        """Start it, and let everything that is printed go through it."""
        if self._wanted:
            from refuwsgi import log_master

            self.writer = log_master.LogMaster(self._config)
            self.writer.start()
        elif not os.get_blocking(log.STDERR):  # the pipe of an emperor's log-master
            from refuwsgi import log_pipe

            patience = log_pipe.Patience()
            log_pipe.through(patience)
            log.requests_to(log.STDERR, patience.write)

    def finish(self, *, wait: bool = True) -> list[int]:
        """End it; return its pid if it has not been waited for."""
        writer, self.writer = self.writer, None
        return writer.finish(wait=wait) if writer is not None else []
