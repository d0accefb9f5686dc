"""The stage: which application answers, and what it is told."""

from __future__ import annotations

from typing import Any

import pytest

from refuwsgi.options import Config, Option, Setting, build
from refuwsgi.request import DONE
from refuwsgi.wsgi import body, serving
from refuwsgi.wsgi.loading import App, Apps
from tests.unit.wsgi.stand import Stand

OPTIONS = [
    *(option for option in vars(serving).values() if isinstance(option, Option)),
    body.LIMIT_POST,
]


def config_of(**given: str) -> Config:
    settings = [Setting(name.replace("_", "-"), value, "test") for name, value in given.items()]
    return build(settings, OPTIONS)


class Told:
    """An application that remembers its environ."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}
        self.body = b""

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        self.environ = environ
        self.body = environ["wsgi.input"].read()
        start_response("200 OK", [])
        return [b"told"]


def ask(
    told: Any, config: Config | None = None, data: bytes = b"", **given: Any
) -> tuple[bytes, Stand]:
    apps = Apps()
    apps.add(App(0, "", told, 0))
    stage = serving.configured(config or config_of(), apps, threads=2, processes=1)
    with Stand(data, **given) as stand:
        assert stage(stand.request) == DONE
        return stand.received(), stand


def test_an_application_is_told_what_the_contract_promises() -> None:
    told = Told()
    ask(told)
    environ = told.environ
    assert type(environ) is dict
    assert environ["wsgi.version"] == (1, 0)
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.multithread"] is True
    assert environ["wsgi.multiprocess"] is False
    assert environ["wsgi.run_once"] is False
    assert environ["wsgi.input_terminated"] is True
    assert environ["uwsgi.version"] == b"2.0.31"
    assert environ["uwsgi.core"] == 0
    assert "wsgi.file_wrapper" in environ


def test_a_client_cannot_forge_a_key_of_the_contract() -> None:
    told = Told()
    forged: dict[str, Any] = {"wsgi.input": "forged", "wsgi.multithread": ""}
    ask(told, **forged)
    assert told.environ["wsgi.multithread"] is True
    assert told.body == b""


@pytest.mark.parametrize(
    ("given", "scheme"),
    [
        ({"HTTPS": "on"}, "https"),
        ({"HTTPS": "1"}, "https"),
        ({"HTTPS": "off"}, "http"),
        ({"HTTP_X_FORWARDED_SSL": "On"}, "https"),
        ({"HTTP_X_FORWARDED_PROTO": "https"}, "https"),
        ({"HTTP_X_FORWARDED_PROTO": "javascript"}, "http"),
        ({"UWSGI_SCHEME": "https"}, "https"),
    ],
)
def test_the_scheme_is_what_the_front_end_says(given: dict[str, Any], scheme: str) -> None:
    told = Told()
    ask(told, **given)
    assert told.environ["wsgi.url_scheme"] == scheme


def test_without_an_application_the_answer_is_500(capfd: pytest.CaptureFixture[str]) -> None:
    stage = serving.configured(config_of(), Apps(), threads=1, processes=1)
    with Stand() as stand:
        assert stage(stand.request) == DONE
        got = stand.received()
    assert got.startswith(b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n")
    assert stand.request.app == -1
    assert serving.NO_APP in capfd.readouterr().err


def test_an_unknown_modifier_and_an_empty_packet_are_closed() -> None:
    told = Told()
    with Stand() as stand:
        stand.request.modifier1 = 9
        apps = Apps()
        apps.add(App(0, "", told, 0))
        stage = serving.configured(config_of(), apps, threads=1, processes=1)
        assert stage(stand.request) == DONE
        stand.request.modifier1 = 0
        stand.request.environ.clear()
        assert stage(stand.request) == DONE
        assert stand.received() == b""
        assert not stand.request.keep


def test_modifier_30_takes_the_mountpoint_off_the_path() -> None:
    told = Told()
    apps = Apps()
    apps.add(App(0, "", told, 0))
    stage = serving.configured(config_of(), apps, threads=1, processes=1)
    with Stand(SCRIPT_NAME="/a", PATH_INFO="/a/b") as stand:
        stand.request.modifier1 = 30
        stage(stand.request)
    assert told.environ["PATH_INFO"] == "/b"


def test_a_body_that_is_too_long_is_refused() -> None:
    told = Told()
    got, _ = ask(told, config_of(limit_post="3"), b"four")
    assert got.startswith(b"HTTP/1.1 413 ")
    assert not told.environ
    ask(told, config_of(limit_post="4"), b"four")
    assert told.body == b"four"


def test_a_body_may_be_read_before_the_application_runs() -> None:
    class Rewinding(Told):
        def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
            environ["wsgi.input"].read()
            environ["wsgi.input"].seek(0)
            return super().__call__(environ, start_response)

    told = Rewinding()
    ask(told, build([Setting("post-buffering", "2", "test")], [body.POST_BUFFERING]), b"four")
    assert told.body == b"four"


def fails(environ: Any, start_response: Any) -> list[bytes]:
    raise KeyError("secret")


def test_the_traceback_is_for_the_log_unless_asked_for() -> None:
    assert b"secret" not in ask(fails)[0]
    shown = ask(fails, config_of(catch_exceptions="true"))[0]
    assert b'uWSGI exceptions catcher for "GET /x"' in shown
    assert b"KeyError: 'secret'" in shown


def test_a_worker_may_leave_after_an_exception() -> None:
    left = []
    apps = Apps()
    apps.add(App(0, "", fails, 0))
    stage = serving.configured(config_of(reload_on_exception="true"), apps, threads=1, processes=1)
    stage.manners.leave = lambda: left.append(1)
    with Stand() as stand:
        stage(stand.request)
    assert left == [1]


def test_strictness_is_for_bytes_and_kindness_for_buffers() -> None:
    def gives(result: Any) -> Any:
        def application(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [])
            return result

        return application

    assert ask(gives(b"text"), config_of(wsgi_strict="true"))[0].endswith(b"\r\n\r\n")
    buffers = [bytearray(b"a"), memoryview(b"b")]
    assert ask(gives(buffers), config_of(wsgi_accept_buffer="true"))[0].endswith(b"\r\n\r\nab")
