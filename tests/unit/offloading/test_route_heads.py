"""What another server hears first: heads, packets, bodies."""

import pytest

from refuwsgi.offloading.route_bodies import Prepared, prepared
from refuwsgi.offloading.route_heads import http_head, uwsgi_packet
from refuwsgi.protocol.uwsgi import split, vars_of
from refuwsgi.request import EMPTY
from tests.unit.offloading.stand import request_of
from tests.unit.offloading.test_internal_routing import ENVIRON, body_of


class TestHeads:
    def head(self, dumb: bool = False, **environ: str) -> list[str]:
        with request_of({**ENVIRON, **environ}) as (request, _):
            return http_head(request, None, None, None, dumb=dumb).decode().split("\r\n")

    def test_http(self) -> None:
        assert self.head() == [
            "POST /foo%20bar?a=b HTTP/1.0",
            "Host: localhost",
            "X-Foo-Bar: 1",
            "Content-Type: a/b",
            "Content-Length: 4",
            "Connection: close",
            "X-Forwarded-For: 127.0.0.1",
            "",
            "",
        ]

    def test_forwarded_for_grows(self) -> None:
        lines = self.head(HTTP_X_FORWARDED_FOR="9.9.9.9")
        assert lines[-3] == "X-Forwarded-For: 9.9.9.9, 127.0.0.1"

    def test_dumb_drops_nothing(self) -> None:
        lines = self.head(dumb=True)
        assert lines[0] == "POST /foo%20bar?a=b HTTP/1.1"
        assert {"Connection: keep-alive", "Te: trailers"} <= set(lines)
        assert "Connection: close" not in lines

    def test_no_line_can_be_smuggled_in(self) -> None:
        lines = self.head(REQUEST_URI="/x\r\nX-Evil: 1", HTTP_X_A="a\nX-Evil: 1")
        assert not any(line.startswith("X-Evil") for line in lines)

    def test_what_is_replaced(self) -> None:
        with request_of(ENVIRON) as (request, _):
            head = http_head(request, "other", "/new", 9, dumb=False).decode()
        assert head.startswith("POST /new HTTP/1.0\r\nX-Foo-Bar")
        assert "Host: other\r\nContent-Type" in head
        assert "Content-Length: 9\r\n" in head

    def test_a_body_that_was_read_is_no_longer_chunked(self) -> None:
        with request_of({**ENVIRON, "HTTP_TRANSFER_ENCODING": "chunked"}) as (request, _):
            assert b"Transfer-Encoding" not in http_head(request, None, None, 3, dumb=True)
            assert b"Transfer-Encoding" in http_head(request, None, None, None, dumb=False)
            packet = uwsgi_packet(request, (0, 0), None, 3)
        found = split(packet)
        assert found is not None
        variables = vars_of(found[0].block)
        assert variables[b"CONTENT_LENGTH"] == b"3"
        assert b"HTTP_TRANSFER_ENCODING" not in variables

    def test_uwsgi(self) -> None:
        with request_of({**ENVIRON, "not text": 5}) as (request, _):
            packet = uwsgi_packet(request, (5, 7), "app", None)
        found = split(packet)
        assert found is not None
        assert (found[0].modifier1, found[0].modifier2, found[1]) == (5, 7, b"")
        variables = vars_of(found[0].block)
        assert (variables[b"UWSGI_APPID"], variables[b"CONTENT_LENGTH"]) == (b"app", b"4")
        assert b"not text" not in variables


class TestBodies:
    def prepared(self, data: bytes, memory: int, whole: bool) -> tuple[Prepared, bytes]:
        with request_of() as (request, _):
            request.body = body_of(request, data) if data else EMPTY
            found = prepared(request, memory, whole=whole)
            return found, b"".join(found.pieces())

    def test_none(self) -> None:
        found, data = self.prepared(b"", 0, True)
        assert (found.held, found.small, data) == (b"", True, b"")

    def test_what_has_come_goes_along(self) -> None:
        found, data = self.prepared(b"body", 0, False)
        assert (found.held, found.length, data) == (b"body", None, b"body")

    def test_the_worker_takes_all(self) -> None:
        found, data = self.prepared(b"body", 0, True)
        assert (found.held, data) == (b"", b"body")

    @pytest.mark.parametrize(("size", "small"), [(99, True), (100, False), (5000, False)])
    def test_buffered(self, size: int, small: bool) -> None:
        found, data = self.prepared(b"x" * size, 100, False)
        assert (found.small, found.length, data) == (small, size, b"x" * size)
