"""Privileges: users, groups and the way down."""

import os

import pytest

from refuwsgi import privileges
from refuwsgi.options import OptionError, config_of
from refuwsgi.privileges import drop_privileges, group_of, user_of
from refuwsgi.processes import start
from refuwsgi.shared import words

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")


def test_users_and_groups_have_names_or_numbers() -> None:
    assert user_of("0") == user_of("root") == 0
    assert group_of("12345") == 12345
    assert group_of("0") == 0


@pytest.mark.parametrize("name", ["nosuch-user", "-1", "4294967295", "99999999999", ""])
def test_a_user_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match=f"unable to find user {name}"):
        user_of(name)
    with pytest.raises(OptionError, match=f"unable to find group {name}"):
        group_of(name)


def test_nothing_is_dropped_that_was_not_named() -> None:
    before = os.getresuid(), os.getresgid(), os.getgroups()
    drop_privileges(config_of())
    assert before == (os.getresuid(), os.getresgid(), os.getgroups())


def test_a_wrong_name_is_refused_without_root_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OptionError, match="unable to find user nosuch-user"):
        drop_privileges(config_of(uid="nosuch-user"))
    drop_privileges(config_of(uid="0"))  # without root there is nothing to change


@ROOT
def test_root_becomes_somebody_else_for_good() -> None:
    cells = words(6)

    def drop() -> None:
        drop_privileges(config_of(uid="12345", gid="12346", add_gid=["12347", "12348"]))
        cells[0] = os.getresuid() == (12345, 12345, 12345)
        cells[1] = os.getresgid() == (12346, 12346, 12346)
        cells[2] = sorted(os.getgroups()) == [12347, 12348]
        for place, change in enumerate((os.setuid, os.setgid)):
            try:
                change(0)
            except PermissionError:
                cells[3 + place] = 1
        try:
            os.setgroups([0])
        except PermissionError:
            cells[5] = 1

    assert start("test", drop).status() == 0
    assert list(cells) == [1] * 6


@ROOT
def test_a_known_user_keeps_the_groups_of_a_known_user() -> None:
    assert start("test", lambda: drop_privileges(config_of(uid="nobody"))).status() == 0
    cells = words(1)

    def drop() -> None:
        drop_privileges(config_of(uid="nobody", gid="0"))
        cells[0] = os.getuid() != 0 and 0 not in os.getgroups()

    assert start("test", drop).status() == 0
    assert cells[0] == 1


def test_groups_go_before_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    monkeypatch.setattr(os, "setgroups", lambda groups: done.append("groups"))
    monkeypatch.setattr(os, "setgid", lambda gid: done.append("group"))
    monkeypatch.setattr(os, "setuid", lambda uid: done.append("user"))
    monkeypatch.setattr(os, "getresgid", lambda: (7, 7, 7))
    monkeypatch.setattr(os, "getresuid", lambda: (8, 8, 8))
    with pytest.raises(OptionError, match="root could be had again"):
        privileges.become(8, 7, [9])
    assert done == ["groups", "group", "user", "user"]


def test_a_kernel_that_pretends_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda value: None)
    with pytest.raises(OptionError, match="the group is not 70000"):
        privileges.become(70001, 70000, [])
    with pytest.raises(OptionError, match="the user is not 70001"):
        privileges.become(70001, None, [])


def test_a_refusal_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(groups: list[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setgroups", refuse)
    with pytest.raises(OptionError, match="unable to drop privileges: Operation not permitted"):
        privileges.become(70001, None, [])
