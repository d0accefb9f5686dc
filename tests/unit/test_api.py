"""The module that applications import."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import api
from refuwsgi.options import Setting, build
from refuwsgi.wsgi import serving
from tests.unit.wsgi.stand import Stand


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(api.module.__dict__)
    monkeypatch.setitem(sys.modules, "uwsgi", api.module)
    yield
    api.module.__dict__.clear()
    api.module.__dict__.update(before)


def inside(does: Any, **given: Any) -> Stand:
    """Let an application do something with the module."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return does(api.module, environ) or []

    with Stand(**given) as stand:
        serving.run(application, stand.request)
        stand.got = stand.received()
    return stand


def test_an_application_can_import_it() -> None:
    settings = [
        Setting("master", None, "x"),
        Setting("env", "A=1", "x"),
        Setting("env", "B=2", "x"),
    ]
    api.install(build(settings, []))
    import uwsgi

    assert uwsgi.version == b"2.0.31"
    assert uwsgi.version_info == (2, 0, 31, 0, b"")
    assert uwsgi.opt == {"master": True, "env": b"B=2"}
    assert (uwsgi.worker_id(), uwsgi.masterpid(), uwsgi.numproc) == (0, 0, 1)
    assert type(uwsgi.hostname) is bytes
    assert uwsgi.applications is None
    assert uwsgi.mem()[0] > 1_000_000


def test_what_others_provide_replaces_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match="uwsgi.cache_get belongs to the option cache"):
        api.module.cache_get("key")
    api.provide("cache_get", lambda key: b"value")
    assert api.module.cache_get("key") == b"value"


def test_other_names_do_not_exist() -> None:
    for name in ("spool", "sharedarea_read", "applist", "nonsense"):
        assert not hasattr(api.module, name)


def test_outside_a_request_there_is_none() -> None:
    assert api.module.env is None
    with pytest.raises(RuntimeError):
        api.module.connection_fd()


def test_inside_a_request_it_knows_it() -> None:
    seen: dict[str, Any] = {}

    def does(uwsgi: Any, environ: Any) -> None:
        seen["env"] = uwsgi.env is environ
        seen["fd"] = uwsgi.connection_fd()
        seen["length"] = uwsgi.cl()
        uwsgi.set_logvar("who", "me")
        seen["logvar"] = uwsgi.get_logvar("who")
        seen["none"] = uwsgi.get_logvar("other")
        seen["added"] = uwsgi.add_var("X", "1")

    stand = inside(does, CONTENT_LENGTH="12")
    assert seen == {
        "env": True,
        "fd": stand.request.fd,
        "length": 12,
        "logvar": b"me",
        "none": None,
        "added": True,
    }
    assert stand.request.logvars == {"who": "me"}
    assert api.module.env is None


def test_a_file_is_sent_when_the_application_has_returned(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    stand = inside(lambda uwsgi, _: uwsgi.sendfile(str(tmp_path / "file"), 0, 2, 5) and [])
    assert stand.got.endswith(b"\r\n\r\n23456")
    missing = []
    inside(lambda uwsgi, _: missing.append(uwsgi.sendfile(str(tmp_path / "none"))))
    assert missing == [None]


def test_the_client_may_be_sent_away() -> None:
    stand = Stand()
    with stand:

        def application(environ: Any, start_response: Any) -> list[bytes]:
            api.module.disconnect()
            assert stand.client.recv(10) == b""
            return []

        serving.run(application, stand.request)
        assert not stand.request.keep


def test_the_log_takes_text(capfd: pytest.CaptureFixture[str]) -> None:
    assert api.module.log("a line") is True
    assert capfd.readouterr().err == "a line\n"
    with pytest.raises(TypeError):
        api.module.log(b"bytes")


def test_the_hook_of_a_fork_is_called() -> None:
    calls = []
    api.forked()
    api.provide("post_fork_hook", lambda: calls.append(1))
    api.forked()
    assert calls == [1]
