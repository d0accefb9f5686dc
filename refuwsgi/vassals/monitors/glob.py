"""The monitor of a pattern: every config file that matches is a vassal.

Section: vassals / On demand vassals with filesystem-based imperial monitors; patterns
What: ``glob:///srv/*/app.ini``, a bare pattern, or the path of a single file.  A vassal's name is
      the path as matched; its process starts where the emperor was started.
Errors: none; what does not match is not there.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Sequence

from refuwsgi.vassals.monitors.monitor import Wishes
from refuwsgi.vassals.scan import Found

SCHEME = "glob://"


class Glob:
    """The monitor that matches a pattern."""

    names_sockets = False

    def __init__(self, name: str, wishes: Wishes) -> None:
        self.name = name
        self._wishes = wishes

    def look(self) -> Sequence[Found]:
        """Name every vassal that matches."""
        start = self._wishes.start
        if os.path.lexists(os.path.join(start, self.name)):
            names = [self.name]  # a name with brackets in it is a name first
        else:
            names = sorted(glob.glob(self.name, root_dir=start))
        return [
            each
            for name in names
            if self._wishes.accepts(name) and (each := self._vassal(start, name))
        ]

    def _vassal(self, start: str, name: str) -> Found | None:
        path = os.path.join(start, name)
        try:
            status = os.stat(path, follow_symlinks=self._wishes.follow)
        except OSError:
            return None
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            return None
        return Found(name, status.st_mtime_ns, start, path, None, status.st_uid, status.st_gid)

    def descriptors(self) -> list[int]:
        """Name no descriptor: files are looked at regularly."""
        return []

    def close(self) -> None:
        """Let go of nothing."""


def configured(address: str, wishes: Wishes) -> Glob | None:
    """Build the monitor for an address, if it is this one."""
    if address.startswith(SCHEME):
        return Glob(address.removeprefix(SCHEME), wishes)
    return None if "://" in address else Glob(address, wishes)
