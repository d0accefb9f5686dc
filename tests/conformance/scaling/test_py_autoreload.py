"""py-autoreload: who writes a module need not restart the server."""

import itertools
import os
import re

from tests.conformance.harness import Starter, Subject, covers, eventually, get

SITE = "http-socket = 127.0.0.1:PORT\nmodule = site_app\n"
APP = """
import ignored_part
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"{}"]
"""
FILES: dict[str, str | bytes] = {"site_app.py": APP.format("old"), "ignored_part.py": ""}
AGAIN = r"^gracefully \(RE\)spawned uWSGI master process"
AGES = itertools.count(10, 10)
"""Seconds by which a file is made younger: more each time, since some look at whole seconds."""


def change(subject: Subject, name: str, text: str) -> None:
    """Write a file anew, so that its time tells."""
    path, new = subject.directory / name, subject.directory / "new"
    new.write_text(text)
    when = path.stat().st_mtime + next(AGES)
    os.utime(new, (when, when))
    new.replace(path)


def reloaded(subject: Subject, word: str, *others: str) -> str:
    """Change the application until it is noticed and there is a new master; what was logged."""
    since = len(subject.log)

    def noticed() -> bool:
        for other in others:
            change(subject, other, "a = 1")
        change(subject, "site_app.py", APP.format(word))  # the first look comes some time
        return "has been modified" in subject.log[since:]

    eventually(noticed, "the change is noticed")
    subject.wait_for(AGAIN, since=since)
    assert get(subject.port).text == word
    return subject.log[since:]


@covers("SC-368")
def test_a_changed_module_reloads(start: Starter) -> None:
    """A master comes with it, and it happens every time."""
    subject = start(SITE + "python-autoreload = 1\n", files=FILES)
    assert get(subject.port).text == "old"
    for word in ("new", "newer"):
        path = re.escape(str(subject.directory / "site_app.py"))
        assert re.search(f"module/file {path} has been modified$", reloaded(subject, word), re.M)


@covers("SC-368")
def test_a_module_may_be_left_out(start: Starter) -> None:
    subject = start(
        SITE + "py-auto-reload = 1\npy-auto-reload-ignore = ignored_part\n", files=FILES
    )
    assert get(subject.port).text == "old"
    assert "ignored_part" not in reloaded(subject, "new", "ignored_part.py")
