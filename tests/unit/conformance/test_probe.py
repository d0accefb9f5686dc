"""What a case needs of a binary, what the binary is called."""

import pytest

from tests.conformance.harness import binary, probe

INI = """
[uwsgi]
http-socket = :1
# offload-threads = 1
cache2 = name=x
own-name = 1
[other]
socket = x
"""


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "is_refuwsgi", lambda: False)
    monkeypatch.setattr(binary, "options", lambda: frozenset({"http-socket", "master"}))


def test_the_options_of_a_configuration() -> None:
    assert probe.named_in(INI, ["--a", "--b=c", "-M", "-q", "word"]) == {
        *("http-socket", "cache2", "own-name", "a", "b", "master")
    }


@pytest.mark.usefixtures("other")
def test_what_the_help_lacks_is_lacking() -> None:
    assert probe.lacking(INI, ["-M", "--die-on-idle"]) == ["cache2", "die-on-idle"]
    with pytest.raises(pytest.skip.Exception, match="absent: no option cache2, die-on-idle"):
        probe.need(INI, ["--die-on-idle"])


def test_refuwsgi_is_asked_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "is_refuwsgi", lambda: True)
    assert probe.lacking(INI, []) == []


@pytest.mark.parametrize(
    ("command", "version", "name"),
    [
        ("/usr/bin/uwsgi", "2.0.31", "uwsgi-2.0.31"),
        ("uwsgi-core --plugin python3", "2.0.21-debian", "uwsgi-2.0.21-debian"),
        ("/x/pyuwsgi", "2.0.30", "pyuwsgi-2.0.30"),
        ("python adapter.py", "gunicorn 23.0.0", "gunicorn-23.0.0"),
        ("/x/refuwsgi/bin/uwsgi", "2.0.31", "uwsgi-2.0.31"),
        ("python -m refuwsgi", "refuwsgi 0.1.0", "refuwsgi"),
        ("/x/server", "who knows", "server"),
    ],
)
def test_the_name_of_a_binary(
    command: str, version: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUT_NAME", raising=False)
    monkeypatch.setenv("SUT", command)
    monkeypatch.setattr(binary, "version", lambda: version)
    monkeypatch.setattr(binary, "is_refuwsgi", binary.is_refuwsgi.__wrapped__)
    assert binary.name.__wrapped__() == name
