"""Whose rights a vassal gets in tyrant mode: those of the owner of its config.

Section: vassals / On demand vassals (socket activation); tyrant mode
What: an emperor that runs as root starts each vassal as the user and group that own the config file
      (or that the database names).  A config that root owns is refused.
Errors: a refusal is a sentence for the log; `OSError` when the kernel does not let us become
      somebody, so that nothing is ever run with rights that were to be dropped.
"""

from __future__ import annotations

import os

from refuwsgi.options import Config, Option, OptionError, flag
from refuwsgi.vassals.scan import Found

TYRANT = Option(
    "emperor-tyrant",
    flag,
    default=False,
    help="run each vassal as the user and group that own its config file",
    bare="true",
)
TYRANT_NOFOLLOW = Option(
    "emperor-tyrant-nofollow",
    flag,
    default=False,
    help="for tyrant mode look at the owner of a symbolic link, not of the file behind it",
    bare="true",
)


class Tyrant:
    """The rule of tyrant mode."""

    def __init__(self, nofollow: bool) -> None:
        self._nofollow = nofollow

    def owned(self, found: Found) -> Found:
        """Find out who owns a config, link or file as the operator wished."""
        if found.path is None:
            return found
        try:
            status = os.stat(found.path, follow_symlinks=not self._nofollow)
        except OSError:
            return found._replace(uid=0, gid=0)  # which is refused
        return found._replace(uid=status.st_uid, gid=status.st_gid)

    def refusal(self, found: Found) -> str | None:
        """Say why a vassal may not run; None if it may."""
        if found.uid <= 0 or found.gid <= 0:
            return f"[emperor-tyrant] invalid permissions for vassal {found.name}"
        if found.path is not None and not self._nofollow and os.path.islink(found.path):
            return self._strange_link(found)
        return None

    def _strange_link(self, found: Found) -> str | None:
        """Refuse a link that somebody put there to run another one's config as its owner."""
        # Departure: C follows it, and so lets whoever may write to the directory start a copy of
        # anybody's vassal.  A link of root's, or of the owner's own, is fine.
        link = os.lstat(found.path or "")
        if link.st_uid in (0, found.uid):
            return None
        return f"[emperor-tyrant] {found.name} is a link of another user"


def become(uid: int, gid: int) -> None:
    """Take on the rights of a user: group, supplementary groups, user, in this order."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid,) * 3 or os.getresgid() != (gid,) * 3 or os.getgroups():
        raise PermissionError("the rights of the emperor could not be dropped")


def configured(config: Config) -> Tyrant | None:
    """Build the rule that the operator asked for."""
    if not config[TYRANT]:
        return None
    if os.geteuid() != 0:
        where = config.where(TYRANT)
        raise OptionError(f"{where}: {TYRANT.name}: expected to be run as root")
    return Tyrant(config[TYRANT_NOFOLLOW])
