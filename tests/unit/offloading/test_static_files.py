"""The stage that answers with files, without offload threads."""

from pathlib import Path

import pytest

from refuwsgi.offloading import static_files
from refuwsgi.options import Config, OptionError
from refuwsgi.request import DONE, NEXT, Request
from tests.unit.offloading.site import ask, parse_counted, stage_of
from tests.unit.offloading.stand import config_of, make, request_of


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", ""])
def test_other_methods_are_for_the_application(www: Path, method: str) -> None:
    assert ask(stage_of(www), "/hello.txt", REQUEST_METHOD=method) is None


def test_what_is_not_there_is_for_the_application(www: Path) -> None:
    for path in ("/none.txt", "/", "", "/hello.txt/", "/hello.txt\0.png", "/\udcff".encode(
        "utf-8", "surrogatepass").decode("latin-1")):  # fmt: skip
        assert ask(stage_of(www), path) is None


def test_names_are_bytes(www: Path) -> None:
    make(www / "ä ö.txt", b"umlauts")
    answer = ask(stage_of(www), "/ä ö.txt".encode().decode("latin-1"))
    assert answer is not None
    assert answer.body == b"umlauts"


def test_skipped_extensions_are_for_the_application(www: Path) -> None:
    (www / "link").symlink_to("hello.txt")
    stage = stage_of(www, static_skip_ext=[".php", ".txt"])
    assert ask(stage, "/hello.txt") is None
    assert ask(stage, "/link") is None
    assert ask(stage, "/ten") is not None


def test_an_index_changes_the_path(www: Path) -> None:
    (www / "dir").mkdir()
    make(www / "dir/index.html", b"index")
    stage = stage_of(www, static_index="index.html")
    for path in ("/dir", "/dir/"):
        with request_of({"PATH_INFO": path}) as (request, client):
            assert stage(request) == DONE
            assert request.environ["PATH_INFO"] == "/dir/index.html"
            assert parse_counted(request, client).body == b"index"


def test_routes_run_before_a_file_is_sent_and_may_replace_it(www: Path) -> None:
    asked: list[str] = []

    def routes(request: Request) -> int:
        asked.append(request.environ["PATH_INFO"])
        request.extra_headers += (("X-Route", "1"),)
        if "stop" in request.environ["QUERY_STRING"]:
            request.respond("403 Forbidden", [])
            return DONE
        return NEXT

    stage = static_files.configured(config_of(check_static=str(www)), before=routes)
    assert stage is not None
    for query, status in (("", "200 OK"), ("stop", "403 Forbidden")):
        with request_of({"PATH_INFO": "/ten", "QUERY_STRING": query}) as (request, client):
            assert stage(request) == DONE
            answer = parse_counted(request, client)
            assert answer.status == f"HTTP/1.1 {status}"
            assert answer.header("X-Route") == "1"
    assert ask(stage, "/none", QUERY_STRING="") is None
    assert asked == ["/ten", "/ten"]


def test_a_route_that_fails_leaves_no_file_open(www: Path) -> None:
    def routes(request: Request) -> int:
        raise OSError("the client went")

    stage = static_files.configured(config_of(check_static=str(www)), before=routes)
    assert stage is not None
    with request_of({"PATH_INFO": "/ten"}) as (request, _), pytest.raises(OSError):
        stage(request)


def test_the_options_start_the_stage_and_log_each_root(www: Path, lines: list[str]) -> None:
    assert static_files.configured(config_of()) is None
    assert lines == []
    assert static_files.configured(config_of(static_check=[str(www), "other"])) is not None
    assert lines[:2] == [
        f"[uwsgi-static] added check for {www}",
        "[uwsgi-static] added check for other",
    ]
    assert lines[2].startswith("building mime-types dictionary from file ")
    for values in ({"static_map": f"/x={www}"}, {"static_map2": f"/x={www}"}):
        assert static_files.configured(config_of(**values)) is not None
    assert static_files.configured(config_of(check_static_docroot=True)) is not None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"static_map": "/x"}, "invalid document root in static map"),
        ({"static_map2": "/x"}, "invalid document root in static map"),
        ({"file_serve_mode": "zzz"}, "expected x-sendfile or x-accel-redirect"),
        ({"static_cache_paths": "long"}, "expected a number of seconds"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=f"test: .*{message}"):
        config_of(**values)


def test_paths_are_remembered_when_that_is_wanted(www: Path) -> None:
    stage = stage_of(www, static_cache_paths="60", cache2="name=c,items=10")
    for _ in range(2):
        answer = ask(stage, "/ten")
        assert answer is not None
        assert answer.body == b"0123456789"


def test_paths_are_remembered_only_where_there_is_a_cache(www: Path) -> None:
    with pytest.raises(OptionError, match="caching of static paths requires uWSGI caching"):
        stage_of(www, static_cache_paths="60")


def test_a_config_may_be_asked_for_what_a_route_needs(www: Path) -> None:
    config: Config = config_of(mime_file=str(www.parent / "mime.types"))
    assert static_files.answers(config).types.type_of(b"x.css") == "text/css"
    assert static_files.answers(config_of()).types.type_of(b"x.css") is None
