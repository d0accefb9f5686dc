"""Emperors with vassals of the other make: the original over ours, and ours over the original."""

import sys
from pathlib import Path

import pytest

from tests.conformance.harness import Starter, Subject, alive, eventually
from tests.conformance.vassals.empire import APP, Empire, added, asked, mark_of
from tests.integration.original import PROGRAM

OURS = Path(sys.executable).parent / "refuwsgi"
SLEEPY = ("idle = 1", "die-on-idle = true")


def mixed(start: Starter, emperor: str) -> Empire:
    """Start an emperor of one kind whose vassals are of the other."""
    if PROGRAM is None:
        pytest.skip("absent: no uwsgi, neither $ORIGINAL_UWSGI nor on the PATH")
    if not OURS.exists():
        pytest.skip(f"absent: refuwsgi is not installed beside {sys.executable}")
    place = start.directory({"app.py": APP, "vassals/readme": "no vassal\n"})
    vassals, command = str(OURS), [PROGRAM]
    if emperor == "refuwsgi":
        vassals, command = PROGRAM, [sys.executable, "-m", "refuwsgi"]
    words = ["--emperor", f"{place}/vassals", "--emperor-freq", "1", "--emperor-wrapper", vassals]
    words += ["--emperor-stats", f"{place}/stats.sock", "--emperor-on-demand-extension", ".socket"]
    subject = Subject(place, [*command, *words], {})
    start.subjects.append(subject)
    subject.wait_listening(f"{place}/stats.sock")
    empire = Empire(subject)
    empire.now_at(empire.told()["pid"])
    return empire


@pytest.mark.parametrize("emperor", ["refuwsgi", "original"])
def test_a_vassal_of_the_other_make_wakes_sleeps_reloads_and_goes(
    start: Starter, emperor: str
) -> None:
    empire = mixed(start, emperor)
    address = added(empire, "app", *SLEEPY)
    asked(address)
    empire.subject.wait_for(r'app.ini -> back to "on demand" mode')
    empire.waiting("app.ini")
    for name in ("refuwsgi", "uWSGI 2"):
        assert empire.count(f"*** Starting {name}") == 1

    empire.put("app.ini", mark="two")  # while it sleeps, and without an end by itself
    empire.subject.wait_for(r'updated configuration for "on demand" instance app.ini')
    first = asked(address)
    assert first["environ"]["MARK"] == "two"
    empire.accepting("app.ini")
    empire.put("app.ini", mark="three")
    eventually(lambda: mark_of(address) == "three", "it is reloaded")
    assert asked(address)["master"] == first["master"]
    empire.remove("app.ini")
    empire.gone("app.ini")
    eventually(lambda: not alive(first["master"]), "it ends")


@pytest.mark.parametrize("emperor", ["refuwsgi", "original"])
def test_a_vassal_of_the_other_make_that_is_only_idle_keeps_its_master(
    start: Starter, emperor: str
) -> None:
    empire = mixed(start, emperor)
    address = added(empire, "app", "idle = 1")
    first = asked(address)
    empire.subject.wait_for(r"^cheap mode enabled: waiting for socket connection...")
    second = asked(address)
    assert second["master"] == first["master"]
    assert second["worker"] != first["worker"]
