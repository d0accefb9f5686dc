"""Vassals that sleep and are announced to a router: the first request through it wakes them."""

import shutil

import pytest

from tests.conformance.harness import Answer, Starter, Subject, ask, covers, eventually, free_port
from tests.conformance.vassals.empire import Empire, added, rule
from tests.integration.original import PROGRAM

WORDS = ("--master", "--fastrouter-stats", "{}/stats.sock", "--fastrouter", "{}/front.sock")


def router(start: Starter, program: str) -> Subject:
    """Start a fastrouter, ours or the original, that listens on front.sock."""
    place = start.directory()
    words = [word.format(place) for word in (*WORDS, "--fastrouter-subscription-server")]
    words.append(f"{place}/sub.sock")
    if program == "refuwsgi":
        subject = start.launch("", *words, directory=place)
    elif PROGRAM is None:
        pytest.skip("absent: no uwsgi, neither $ORIGINAL_UWSGI nor on the PATH")
    else:
        subject = Subject(place, [PROGRAM, *words], {})
        start.subjects.append(subject)
    subject.wait_listening(subject.path("front.sock"))
    eventually((place / "sub.sock").exists, "announcements are heard")
    return subject


def through(front: Subject, key: str) -> Answer:
    return ask(front.path("front.sock"), "/", HTTP_HOST=key)


def served(front: Subject, key: str, empire: Empire, name: str) -> None:
    """Wait until the router knows the key; one that it does not know wakes nobody."""
    eventually(lambda: through(front, key).status == 200, f"{key} is served")
    assert empire.pid(f"{name}.ini") > 0


@covers("OD-95", kind="beyond")
@pytest.mark.parametrize("program", ["refuwsgi", "original"])
def test_a_request_through_a_router_wakes_a_vassal_again_and_again(
    start: Starter, program: str
) -> None:
    front = router(start, program)
    told = f"{front.path('sub.sock')}:*.example.com"
    words = ("--emperor-on-demand-extension", ".socket", "--emperor-announce", told)
    empire = rule(start, *words)
    added(empire, "shop", "idle = 1", "die-on-idle = true")
    added(empire, "other", mark="two", address=f"127.0.0.1:{free_port()}")
    for _ in range(2):
        log = len(empire.log)
        served(front, "shop.example.com", empire, "shop")
        empire.subject.wait_for(r'shop.ini -> back to "on demand"', since=log)
        empire.waiting("shop.ini")
    assert empire.pid("other.ini") == 0
    served(front, "other.example.com", empire, "other")
    empire.remove("other.ini")
    empire.gone("other.ini")
    eventually(lambda: through(front, "other.example.com").raw == b"", "it is withdrawn")


@covers("OD-95", kind="beyond")
def test_a_router_that_comes_later_is_told_too(start: Starter) -> None:
    place = start.directory()
    words = ("--emperor-on-demand-extension", ".socket", "--emperor-announce", f"{place}/sub:*")
    empire = rule(start, *words)
    added(empire, "shop")
    empire.subject.wait_for(r"unable to announce vassals to")
    front = router(start, "refuwsgi")
    shutil.move(front.path("sub.sock"), place / "sub")
    served(front, "shop", empire, "shop")
