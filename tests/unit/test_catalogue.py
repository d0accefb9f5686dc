"""Options are found where they are declared, whether that was looked up beforehand or not."""

import pytest

from refuwsgi import catalogue
from refuwsgi.options import Option


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process knows already."""
    monkeypatch.setattr(catalogue, "_all", [])
    monkeypatch.setattr(catalogue, "_index", {})
    monkeypatch.setattr(catalogue, "_texts", {})


def names(found: tuple[Option[object], ...]) -> set[str]:
    return {name for option in found for name in (*option.names, *option.letters)}


# Declared by itself, by another name of an option, by a table, and by nobody.
ASKED = ["processes", "workers", "emperor", "hook-asap", "no-such-option"]


@pytest.mark.parametrize("beforehand", [False, True])
def test_the_options_that_are_asked_for_are_found(beforehand: bool) -> None:
    if beforehand:
        catalogue.prepare()
    assert set(ASKED) - names(catalogue.declaring(ASKED)) == {"no-such-option"}


def test_what_was_looked_up_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue.prepare()
    monkeypatch.setattr(catalogue, "_sources", None)
    assert {"processes", "idle"} <= names(catalogue.declaring(["processes", "idle"]))


@pytest.mark.parametrize("beforehand", [False, True])
def test_every_option_is_found_by_each_of_its_names(
    beforehand: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = names(catalogue.everything())
    monkeypatch.setattr(catalogue, "_all", [])
    if beforehand:
        catalogue.prepare()
        monkeypatch.setattr(catalogue, "_sources", None)
    assert every - {name for name in every if name in names(catalogue.declaring([name]))} == set()


def test_everything_is_known_once_it_was_asked_for() -> None:
    assert catalogue.declaring(()) == ()
    assert catalogue.declaring(["idle"]) != catalogue.everything()
    assert catalogue.declaring(["idle"]) is catalogue.everything()
