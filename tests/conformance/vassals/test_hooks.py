"""The programs that the emperor runs when a vassal starts and when it has gone."""

import os
from pathlib import Path

from tests.conformance.harness import Starter, covers
from tests.conformance.vassals.empire import Empire, added, asked, rule

HOOK = """#!/bin/sh
test -S /dev/stdin && zero=socket || zero=none
echo "$0 $# $1 $(pwd) $UWSGI_VASSALS_DIR $zero" >> "$CASE_DIR/hooked"
exit 3
"""


def told(empire: Empire) -> list[str]:
    path = Path(empire.path("hooked"))
    text = path.read_text() if path.exists() else ""
    return text.replace(f"{empire.directory}/", "").splitlines()


def hooked(starter: Starter, **programs: str) -> Empire:
    """Start an emperor with these programs for hooks."""
    words = [word for name in programs for word in (f"--vassals-{name}-hook", f"DIR/{name}")]
    every = (*words, "--emperor-on-demand-extension", ".socket")
    empire = rule(starter, *every, files=dict(programs))
    for name in programs:
        os.chmod(empire.path(name), 0o755)
    return empire


@covers("OD-98")
def test_hooks_are_run_at_each_start_and_at_the_end(start: Starter) -> None:
    """What they return is said and changes nothing."""
    empire = hooked(start, start=HOOK, stop=HOOK)
    address = added(empire, "app", "idle = 1", "die-on-idle = true")
    assert told(empire) == []
    line = "start 1 app.ini vassals vassals socket"
    for times in (1, 2):
        log = len(empire.log)
        asked(address)
        assert told(empire) == [line] * times
        empire.subject.wait_for(r"^\[emperor\] app.ini start-hook returned 3$", since=log)
        empire.subject.wait_for(r'app.ini -> back to "on demand" mode', since=log)
    empire.remove("app.ini")
    empire.subject.wait_for(r"^\[emperor\] app.ini stop-hook returned 3$")
    assert told(empire)[2:] == ["stop 1 app.ini vassals vassals none"]


@covers("OD-98")
def test_a_hook_that_cannot_be_run_harms_nobody(start: Starter) -> None:
    empire = hooked(start, start="#!/nowhere\n")
    assert asked(added(empire, "app"))["path"] == "/"
    empire.subject.wait_for(r"^\[emperor\] running vassal start-hook: \S+/start app.ini$")
    empire.subject.wait_for(r"^\[emperor\] app.ini start-hook returned 1$")
