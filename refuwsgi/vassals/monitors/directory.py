"""The monitor of a directory: every config file in it is a vassal.

Section: vassals / On demand vassals with filesystem-based imperial monitors
What: ``dir:///etc/uwsgi/vassals``, or the bare path.  A vassal is a regular file (links are
      followed) with the ending of a config file; its name is the bare file name; its process starts
      in the directory.  The on-demand options of the emperor name its socket.
Errors: `OptionError` when ``dir://`` names no directory.  A bare path may come into being later.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from refuwsgi import log
from refuwsgi.options import OptionError
from refuwsgi.vassals.monitors.monitor import Wishes
from refuwsgi.vassals.scan import Found

SCHEME = "dir://"


class Directory:
    """The monitor that lists a directory."""

    names_sockets = False

    def __init__(self, name: str, wishes: Wishes) -> None:
        self.name = name
        self._folder = os.path.normpath(os.path.join(wishes.start, name))
        self._wishes = wishes
        self._endings = wishes.extensions
        self._last: dict[str, Found] = {}
        self._trouble = ""

    def look(self) -> Sequence[Found] | None:
        """Name every vassal in the directory."""
        # A thousand vassals are looked at every few seconds: nothing is made anew that was
        # there at the last look and has not changed since.
        before, self._last = self._last, {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(self._endings):
                        self._see(entry, before.get(entry.name))
        except OSError as error:
            self._say(f"[emperor] {self.name}: {error.strerror}")
            self._last = before
            return None
        self._trouble = ""
        return list(self._last.values())

    def _see(self, entry: os.DirEntry[str], before: Found | None) -> None:
        try:
            status = entry.stat(follow_symlinks=self._wishes.follow)
        except OSError:
            return  # it went away meanwhile, or is a link to nowhere
        if before is None or before.modified != status.st_mtime_ns or before.uid != status.st_uid:
            if not self._is_vassal(entry.name, status):
                return
            before = Found(
                entry.name,
                status.st_mtime_ns,
                self._folder,
                entry.path,
                None,
                status.st_uid,
                status.st_gid,
            )
        self._last[entry.name] = before

    def _is_vassal(self, name: str, status: os.stat_result) -> bool:
        regular = stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)
        return regular and self._wishes.accepts(name)

    def _say(self, trouble: str) -> None:
        # Departure: C says nothing about a directory that is not there (yet).
        if trouble != self._trouble:
            log.line(trouble)
            self._trouble = trouble

    def descriptors(self) -> list[int]:
        """Name no descriptor: files are looked at regularly."""
        return []

    def close(self) -> None:
        """Let go of nothing."""


def configured(address: str, wishes: Wishes) -> Directory | None:
    """Build the monitor for an address, if it is this one."""
    if address.startswith(SCHEME):
        folder = address.removeprefix(SCHEME)
        if not os.path.isdir(os.path.join(wishes.start, folder)):
            raise OptionError(f"--emperor {address}: no such directory")
        return Directory(folder, wishes)
    if "://" in address:
        return None
    path = os.path.join(wishes.start, address)
    if os.path.isdir(path):
        return Directory(address, wishes)
    if not os.path.exists(path) and not any(sign in address for sign in "*?["):
        # Departure: for C a directory that does not exist is a pattern that never matches.
        return None if wishes.accepts(address) else Directory(address, wishes)
    return None
