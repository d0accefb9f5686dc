"""master-fifo: single letters that command the master.

Section:  scaling / Scaling; the fifo of the master
What:     the master makes a fifo and obeys each letter that is written to it.  Of several fifos
          one is active; a digit chooses which.

              echo c > /run/site.fifo        one worker after the other

Units:    none.
Errors:   `OptionError` when there is something else at the path.  Letters that mean nothing are
          ignored; those of uWSGI that are not obeyed here are answered by a line of the log.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import readable, sleep
from refuwsgi.options import JOIN, Config, Option, OptionError, texts
from refuwsgi.scaling import chain_reload, orders

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master

MASTER_FIFO: Option[tuple[str, ...]] = Option(
    "master-fifo",
    texts,
    default=(),
    help="obey the letters that are written to this fifo",
    repeat=JOIN,
    implies=("master",),
)

NOT_HERE = "master-fifo: {}: {}"
ABSENT = {
    "B": "there is no broodlord here: an emperor sends no reinforcements",
    "E": "there is no emperor beside these workers",
    "f": "a master is not forked anew here; r reloads it",
}
ACTIVE = "active master fifo is now {}"
MODE = 0o600
AT_ONCE = 4096  # bytes that are read at a time

# doc: letters
LETTERS: dict[str, Callable[[Master], None]] = {
    "c": chain_reload.start,
    "L": orders.rotate_log,
    "l": orders.reopen_log,
    "P": orders.write_pidfiles,
    "p": orders.pause,
    "Q": orders.stop,
    "q": orders.stop_gracefully,
    "R": orders.reload_brutally,
    "r": orders.reload_gracefully,
    "s": orders.report,
    "W": orders.renew_workers_brutally,
    "w": orders.renew_workers,
}


class Fifos:
    """The fifos of an instance, of which one is read."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = [os.path.abspath(path) for path in paths]
        self.letters = dict(LETTERS)
        self._fd = -1
        for path in self._paths:
            make(path)
        self._open(0)

    @property
    def active(self) -> str:
        """The path of the fifo that is read."""
        return self._paths[self._place]

    def _open(self, place: int) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._place = place
        # Opened for writing, too, it has no end when a writer goes.
        self._fd = os.open(self._paths[place], os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    async def run(self, master: Master) -> None:
        """Obey for ever."""
        while True:
            await readable(self._fd)
            try:
                written = os.read(self._fd, AT_ONCE)
            except BlockingIOError:
                continue
            for letter in written.decode("latin-1"):
                self._obey(master, letter)
            await sleep(0)

    def _obey(self, master: Master, letter: str) -> None:
        if letter.isascii() and letter.isdigit():
            if int(letter) < len(self._paths):
                self._open(int(letter))
                log.line(ACTIVE.format(self.active))
        elif letter in self.letters:
            self.letters[letter](master)
        elif letter in master.letters:
            master.letters[letter]()
        elif letter in ABSENT:
            log.line(NOT_HERE.format(letter, ABSENT[letter]))


def make(path: str) -> None:
    """Make a fifo; one that is there already is kept, with whoever waits to write."""
    try:
        os.mkfifo(path, MODE)
        return
    except FileExistsError:
        pass
    except OSError as problem:
        raise OptionError(f"master-fifo: {path}: {problem.strerror}") from None
    # Departure: uWSGI removes whatever is there.
    if not stat.S_ISFIFO(os.stat(path).st_mode):
        raise OptionError(f"master-fifo: {path}: there is something else of this name")


def configured(config: Config) -> Fifos | None:
    """Make the fifos if the operator wants them."""
    paths = config[MASTER_FIFO]
    return Fifos(paths) if paths else None
