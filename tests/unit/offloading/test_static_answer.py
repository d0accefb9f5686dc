"""What a client gets for a file, without offload threads."""

from pathlib import Path

import pytest

from refuwsgi.offloading import static_answer, static_hot
from refuwsgi.offloading.http_dates import http_date
from refuwsgi.request import DONE
from tests.unit.offloading.site import ask, parse_counted, stage_of
from tests.unit.offloading.stand import CHANGED, DATE, make, request_of


def test_a_file_comes_with_three_headers_in_order(www: Path) -> None:
    assert ask(stage_of(www), "/hello.txt") == (
        "HTTP/1.1 200 OK",
        [("Content-Type", "text/plain"), ("Content-Length", "13"), ("Last-Modified", DATE)],
        b"hello static\n",
    )


def test_the_status_line_has_the_protocol_of_the_request(www: Path) -> None:
    answer = ask(stage_of(www), "/hello.txt", SERVER_PROTOCOL="HTTP/1.0")
    assert answer is not None
    assert answer.status == "HTTP/1.0 200 OK"


def test_an_unknown_type_is_left_out(www: Path) -> None:
    answer = ask(stage_of(www), "/ten")
    assert answer is not None
    assert [name for name, _ in answer.headers] == ["Content-Length", "Last-Modified"]


def test_a_large_file_goes_by_sendfile(www: Path) -> None:
    with request_of({"PATH_INFO": "/big"}) as (request, client):
        assert stage_of(www)(request) == DONE
        assert (request.via, request.size) == ("sendfile", 102400)
        assert parse_counted(request, client).body == bytes(range(256)) * 400


def test_an_empty_file_has_a_head_only(www: Path) -> None:
    answer = ask(stage_of(www), "/empty.txt")
    assert answer is not None
    assert (answer.header("Content-Length"), answer.body) == ("0", b"")


def test_head_has_the_headers_of_get(www: Path) -> None:
    stage = stage_of(www)
    for path in ("/hello.txt", "/big", "/empty.txt"):
        get, head = ask(stage, path), ask(stage, path, REQUEST_METHOD="HEAD")
        assert get is not None
        assert head is not None
        assert head == get._replace(body=b"")


def test_an_unchanged_file_is_not_sent_again(www: Path) -> None:
    stage = stage_of(www)
    for date in (DATE, http_date(CHANGED + 1)):
        answer = ask(stage, "/hello.txt", HTTP_IF_MODIFIED_SINCE=date)
        assert answer == ("HTTP/1.1 304 Not Modified", [], b"")


@pytest.mark.parametrize(
    "date", [http_date(CHANGED - 1), "", "x", "Saturday, 21-Nov-26 23:00:16 GMT"]
)
def test_other_dates_do_not_count(www: Path, date: str) -> None:
    answer = ask(stage_of(www), "/hello.txt", HTTP_IF_MODIFIED_SINCE=date)
    assert answer is not None
    assert answer.status == "HTTP/1.1 200 OK"


def test_a_range_is_ignored_unless_it_is_honoured(www: Path) -> None:
    answer = ask(stage_of(www), "/ten", HTTP_RANGE="bytes=2-4")
    assert answer is not None
    assert (answer.status, answer.body) == ("HTTP/1.1 200 OK", b"0123456789")


def test_a_range_has_exactly_its_bytes(www: Path) -> None:
    stage = stage_of(www, honour_range=True)
    answer = ask(stage, "/ten", HTTP_RANGE="bytes=2-4")
    assert answer == (
        "HTTP/1.1 206 Partial Content",
        [("Content-Length", "3"), ("Content-Range", "bytes 2-4/10"), ("Last-Modified", DATE)],
        b"234",
    )
    head = ask(stage, "/ten", HTTP_RANGE="bytes=2-4", REQUEST_METHOD="HEAD")
    assert head == answer._replace(body=b"")
    large = ask(stage, "/big", HTTP_RANGE="bytes=100-100000")
    assert large is not None
    assert large.body == (bytes(range(256)) * 400)[100:100001]


def test_a_range_that_is_not_there_is_refused(www: Path) -> None:
    with request_of({"PATH_INFO": "/ten", "HTTP_RANGE": "bytes=10-"}) as (request, client):
        request.keep = True
        assert stage_of(www, honour_range=True)(request) == DONE
        assert not request.keep
        assert parse_counted(request, client) == (
            "HTTP/1.1 416 Requested Range Not Satisfiable",
            [("Content-Range", "bytes */10")],
            b"",
        )


def test_a_part_of_another_file_gets_the_whole_new_one(www: Path) -> None:
    stage = stage_of(www, honour_range=True)
    changed = ask(stage, "/ten", HTTP_RANGE="bytes=2-4", HTTP_IF_RANGE=http_date(CHANGED - 9))
    same = ask(stage, "/ten", HTTP_RANGE="bytes=2-4", HTTP_IF_RANGE=DATE)
    assert changed is not None
    assert same is not None
    assert (changed.body, same.body) == (b"0123456789", b"234")


def test_expires_by_name_comes_first_and_by_type_behind_the_type(www: Path) -> None:
    stage = stage_of(
        www,
        static_expires_mtime=r"\.txt$ 60",
        static_expires_uri_mtime="hello 70",
        static_expires_type_mtime="text/plain=80",
    )
    answer = ask(stage, "/hello.txt", REQUEST_URI="/hello.txt?x")
    assert answer is not None
    assert answer.headers == [
        ("Expires", http_date(CHANGED + 60)),
        ("Expires", http_date(CHANGED + 70)),
        ("Content-Type", "text/plain"),
        ("Expires", http_date(CHANGED + 80)),
        ("Content-Length", "13"),
        ("Last-Modified", DATE),
    ]


@pytest.mark.parametrize(
    ("word", "header"),
    [
        ("x-sendfile", "X-Sendfile"),
        ("xsendfile", "X-Sendfile"),
        ("x-accel-redirect", "X-Accel-Redirect"),
        ("xaccelredirect", "X-Accel-Redirect"),
        ("nginx", "X-Accel-Redirect"),
    ],
)
def test_the_server_in_front_may_send_the_file(www: Path, word: str, header: str) -> None:
    (www / "link.txt").symlink_to("hello.txt")
    answer = ask(stage_of(www, file_serve_mode=word), "/link.txt")
    assert answer == (
        "HTTP/1.1 200 OK",
        [
            ("Content-Type", "text/plain"),
            (header, str(www / "hello.txt")),
            ("Last-Modified", DATE),
        ],
        b"",
    )


def test_a_twin_is_sent_under_the_name_of_the_original(www: Path) -> None:
    make(www / "hello.txt.gz", b"gzipped")
    stage = stage_of(www, static_gzip_all=True)
    assert ask(stage, "/hello.txt", HTTP_ACCEPT_ENCODING="deflate, gzip") == (
        "HTTP/1.1 200 OK",
        [
            ("Content-Encoding", "gzip"),
            ("Content-Type", "text/plain"),
            ("Content-Length", "7"),
            ("Last-Modified", DATE),
            ("Vary", "Accept-Encoding"),
        ],
        b"gzipped",
    )
    make(www / "hello.txt.br", b"brotli")
    both = ask(stage, "/hello.txt", HTTP_ACCEPT_ENCODING="gzip, br")
    plain = ask(stage, "/hello.txt")
    assert both is not None
    assert plain is not None
    assert (both.body, plain.body) == (b"brotli", b"hello static\n")
    assert plain.header("Vary") == "Accept-Encoding"


def test_a_twin_outside_is_not_sent(www: Path) -> None:
    (www.parent / "secret").write_text("secret")
    (www / "hello.txt.gz").symlink_to(www.parent / "secret")
    answer = ask(stage_of(www, static_gzip_all=True), "/hello.txt", HTTP_ACCEPT_ENCODING="gzip")
    assert answer is not None
    assert answer.body == b"hello static\n"


def test_an_etag_is_sent_and_obeyed_when_it_is_wanted(www: Path) -> None:
    stage = stage_of(www, static_etag=True)
    first = ask(stage, "/hello.txt")
    assert first is not None
    etag = first.header("ETag")
    assert etag
    for match in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        again = ask(stage, "/hello.txt", HTTP_IF_NONE_MATCH=match)
        assert again == ("HTTP/1.1 304 Not Modified", [("ETag", etag)], b"")
    other = ask(stage, "/hello.txt", HTTP_IF_NONE_MATCH='"x"', HTTP_IF_MODIFIED_SINCE=DATE)
    assert other is not None
    assert other.status == "HTTP/1.1 200 OK"


def test_additional_headers_come_last(www: Path) -> None:
    with request_of({"PATH_INFO": "/ten"}) as (request, client):
        request.extra_headers = [("X-One", "1")]
        assert stage_of(www)(request) == DONE
        assert parse_counted(request, client).headers[-1] == ("X-One", "1")


def test_a_client_that_does_not_read_is_given_up(www: Path, lines: list[str]) -> None:
    with (www / "huge").open("wb") as file:
        file.truncate(1 << 26)
    with request_of({"PATH_INFO": "/huge"}, timeout=0.2) as (request, _):
        with pytest.raises(TimeoutError):
            stage_of(www)(request)
        assert request.core.write_errors == 1
    assert lines[-1] == "uwsgi_response_sendfile_do() TIMEOUT !!!"


def test_a_client_that_went_is_an_error_of_the_socket(www: Path) -> None:
    for path in ("/ten", "/big"):
        with request_of({"PATH_INFO": path}) as (request, client):
            client.close()
            with pytest.raises(OSError):
                stage_of(www)(request)


def test_a_small_file_that_comes_again_has_the_same_head(
    www: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_hot, "SETTLED", float("-inf"))
    stage = stage_of(www)
    first = ask(stage, "/hello.txt")
    assert first is not None
    for _ in range(2):
        with request_of({"PATH_INFO": "/hello.txt"}) as (request, client):
            assert stage(request) == DONE
            assert (request.status, request.headers, request.via) == (200, 3, "sendfile")
            assert parse_counted(request, client) == first
    assert ask(stage, "/hello.txt", REQUEST_METHOD="HEAD") == first._replace(body=b"")
    old = ask(stage, "/hello.txt", SERVER_PROTOCOL="HTTP/1.0")
    assert old == first._replace(status="HTTP/1.0 200 OK")
    same = ask(stage, "/hello.txt", HTTP_IF_MODIFIED_SINCE=DATE)
    assert same == ("HTTP/1.1 304 Not Modified", [], b"")


def test_a_file_that_changes_gets_another_head(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_hot, "SETTLED", float("-inf"))
    monkeypatch.setattr(static_answer, "HEADS", 2)
    stage = stage_of(www)
    for size in (3, 4, 5, 6):
        make(www / "ten", bytes(size))
        for _ in range(3):
            answer = ask(stage, "/ten")
            assert answer is not None
            assert (answer.header("Content-Length"), answer.body) == (str(size), bytes(size))


def test_what_others_say_of_an_answer_counts_for_files_in_memory(
    www: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_hot, "SETTLED", float("-inf"))
    stage = stage_of(www)
    for _ in range(3):
        with request_of({"PATH_INFO": "/ten"}) as (request, client):
            request.extra_headers = [("X-A", "1")]
            assert stage(request) == DONE
            assert parse_counted(request, client).header("X-A") == "1"
