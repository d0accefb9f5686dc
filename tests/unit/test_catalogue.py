"""Options are found where they are declared."""

import pytest

from refuwsgi import catalogue, declared
from refuwsgi.options import Option
from tests.house import declared as table


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process knows already."""
    monkeypatch.setattr(catalogue, "_all", [])


def names(found: tuple[Option[object], ...]) -> set[str]:
    return {name for option in found for name in option.names}


def test_the_table_says_what_the_modules_declare() -> None:
    assert table.FILE.read_text("utf-8") == table.text(), "python -m tests.house.declared"


def test_no_name_has_two_modules() -> None:
    every = [name for text in declared.MODULES.values() for name in text.split()]
    assert sorted(every) == sorted(set(every)) == sorted(names(catalogue.everything()))


def test_the_options_that_are_asked_for_are_found() -> None:
    # Declared by itself, by another name of an option, by a table, and by nobody.
    asked = ["processes", "workers", "emperor", "hook-asap", "no-such-option"]
    assert set(asked) - names(catalogue.declaring(asked)) == {"no-such-option"}


def test_every_option_is_found_by_each_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    every = names(catalogue.everything())
    monkeypatch.setattr(catalogue, "_all", [])
    assert every - {name for name in every if name in names(catalogue.declaring([name]))} == set()


def test_everything_is_known_once_it_was_asked_for() -> None:
    assert catalogue.declaring(()) == ()
    assert catalogue.declaring(["idle"]) != catalogue.everything()
    assert catalogue.declaring(["idle"]) is catalogue.everything()
