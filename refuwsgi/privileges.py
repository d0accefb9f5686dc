"""Privileges: who we are when the application's code runs.

Section:  ground / processes; privileges
What:     gives up root for the user and the groups that the operator named.  Groups go first:
          without root they could not be changed.
Units:    none.
Errors:   OptionError: no such user, or the kernel refuses.  Every step is checked afterwards.
"""

from __future__ import annotations

import os

from refuwsgi.options import JOIN, Config, Option, OptionError, text, texts

UID: Option[str | None] = Option(
    "uid", text, default=None, help="become this user, a name or a number, once sockets are bound"
)
GID: Option[str | None] = Option("gid", text, default=None, help="become this group")
ADD_GID: Option[tuple[str, ...]] = Option(
    "add-gid", texts, default=(), help="be a member of this group, too", repeat=JOIN
)

MOST = 2**32 - 2  # the largest id; the one above means "unchanged" to the kernel


def user_of(name: str) -> int:
    """The number of a user."""
    if (found := _number(name)) is not None:
        return found
    import pwd

    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise OptionError(f"unable to find user {name}") from None


def group_of(name: str) -> int:
    """The number of a group."""
    if (found := _number(name)) is not None:
        return found
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise OptionError(f"unable to find group {name}") from None


def _number(name: str) -> int | None:
    if name.isascii() and name.isdigit() and len(name) <= 10 and int(name) <= MOST:
        return int(name)
    return None


def drop_privileges(config: Config) -> None:
    """Become the user and the groups of the configuration; without root nothing is changed."""
    user, group = config[UID], config[GID]
    uid = user_of(user) if user else None
    gid = group_of(group) if group else None
    more = [group_of(name) for name in config[ADD_GID]]
    if os.geteuid() != 0 or (uid is None and gid is None and not more):
        return
    _prepare()
    become(uid, gid, more)


def _prepare() -> None:
    """Import what will be wanted later: the library may lie where only root can read."""
    import traceback  # noqa: F401


def become(uid: int | None, gid: int | None, more: list[int]) -> None:
    """Change groups, group and user, in this order, and see that it is so."""
    try:
        if gid is not None or uid is not None or more:
            os.setgroups(_groups(uid, more))
        if gid is not None:
            os.setgid(gid)
        if uid is not None:
            os.setuid(uid)
    except OSError as problem:
        raise OptionError(f"unable to drop privileges: {problem.strerror}") from None
    if gid is not None and os.getresgid() != (gid, gid, gid):
        raise OptionError(f"the group is not {gid} although the kernel took it")
    if uid is not None and os.getresuid() != (uid, uid, uid):
        raise OptionError(f"the user is not {uid} although the kernel took it")
    if uid:
        _never_again()


def _groups(uid: int | None, more: list[int]) -> list[int]:
    """The groups besides the main one: those of the user, and those that were added."""
    if uid is None:
        return sorted({*os.getgroups(), *more})
    import grp
    import pwd

    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return sorted(set(more))
    # uWSGI: initgroups for the user.
    own = {each.gr_gid for each in grp.getgrall() if name in each.gr_mem}
    return sorted({*own, *more})


def _never_again() -> None:
    """See that root is out of reach."""
    try:
        os.setuid(0)
    except OSError:
        return
    raise OptionError("root could be had again after it was given up")
