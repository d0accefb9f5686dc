"""The names of uWSGI: each is obeyed, accepted or refused, and none by accident."""

from pathlib import Path

import pytest

from refuwsgi.cli import judged, read
from refuwsgi.cli_judge import is_strict
from refuwsgi.known import ARGUMENT, LETTERS, refusal, similar
from refuwsgi.known.refused import REFUSED
from refuwsgi.options import catalogue

EVERY = Path(__file__).with_name("every_name.ini")
NAMES_OF_UWSGI = 1019  # of version 2.0.31


def test_all_names_are_recorded() -> None:
    assert len(ARGUMENT) == NAMES_OF_UWSGI
    assert set(ARGUMENT.values()) == {"none", "optional", "required"}
    assert set(LETTERS.values()) <= set(ARGUMENT)


def test_every_pattern_of_what_is_refused_means_a_name() -> None:
    for patterns in REFUSED.values():
        for pattern in patterns.split():
            star = pattern.replace("*", "")
            assert any(name == pattern or ("*" in pattern and star in name) for name in ARGUMENT), (
                pattern
            )


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("chroot", True),
        ("hook-asap", True),
        ("hook-pre-app", False),
        ("gevent", False),
        ("plugin", False),
        ("privileged-binary-patch", True),
        ("legion-node", True),
    ],
)
def test_a_name_that_nobody_obeys_is_refused_where_ignoring_it_does_harm(
    name: str, refused: bool
) -> None:
    assert (refusal(name) is not None) is refused


def test_a_letter_means_the_same_as_in_uwsgi() -> None:
    for option in catalogue():
        for letter in option.letters:
            if letter in LETTERS:
                assert LETTERS[letter] in option.names, option


def test_a_file_with_every_name_that_was_met_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    result = read([str(EVERY)])
    names = {setting.name for setting in result.settings}
    assert len(names & set(ARGUMENT)) > 230
    assert not is_strict(result.settings)
    judged(result)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("process", "processes"),
        ("vaccum", "vacuum"),
        ("thread", "threads"),
        ("worker", "workers"),
        ("maximum-requests", "max-requests"),
        ("no-orphan", "no-orphans"),
        ("chmod-sock", "chmod-socket"),
        ("strict-mode", "strict"),
        ("logging", "disable-logging"),
        ("application", "callable"),
        ("py-callos-afterfork", "py-call-osafterfork"),
        ("http_socket", "http-socket"),
        ("raweb_install_prefix", ""),
    ],
)
def test_what_was_meant_is_guessed(written: str, meant: str) -> None:
    assert similar(written, set()) == meant
