"""refuwsgi trace: what it says of bytes, and how it draws."""

import xml.dom.minidom

import pytest

from refuwsgi.commands.trace_events import Events
from refuwsgi.commands.trace_picture import svg
from refuwsgi.commands.trace_speech import (
    LARGEST,
    REQUESTS,
    Speech,
    announcement,
    answer,
    http_request,
    uwsgi_packet,
)
from refuwsgi.protocol.subscription import Announcement
from refuwsgi.protocol.subscription import encode as datagram
from refuwsgi.protocol.uwsgi import PING, encode

VARS = [(b"REQUEST_METHOD", b"POST"), (b"REQUEST_URI", b"/a"), (b"HTTP_HOST", b"x.org")]
PACKET = encode([*VARS, (b"CONTENT_LENGTH", b"3")], 5, 1)
HEAD = b"POST /a HTTP/1.1\r\nHost: x.org\r\nContent-Length: 3\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_packet_is_said_in_words() -> None:
    (line,) = Speech(uwsgi_packet).feed(PACKET + b"abc")
    assert line == (
        f"uwsgi packet, modifier1 5, modifier2 1, 4 vars in {len(PACKET)} bytes: "
        "POST /a for x.org, with a body of 3 bytes"
    )


def test_a_ping_is_empty() -> None:
    assert Speech(uwsgi_packet).feed(encode([], PING)) == ["uwsgi packet, modifier1 100, empty"]


@pytest.mark.parametrize("find", [uwsgi_packet, http_request, answer])
def test_beginnings_are_found_however_the_bytes_come(find: object) -> None:
    finders = {uwsgi_packet: PACKET + b"abc", http_request: HEAD + b"abc", answer: ANSWER}
    for finder, data in finders.items():
        if finder is find:
            whole = Speech(finder).feed(data * 2)
            speech = Speech(finder)
            pieces = [line for byte in data * 2 for line in speech.feed(bytes([byte]))]
            assert whole == pieces
            assert len(whole) == 2
            assert speech.end() == f"ends after {2 * len(data)} bytes"


def test_a_body_without_a_length_is_the_rest() -> None:
    speech = Speech(answer)
    found = speech.feed(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nbody")
    assert found == ["HTTP/1.0 200 OK, 1 headers, with a body"]
    assert speech.feed(ANSWER) == []


@pytest.mark.parametrize("status", [b"304 Not Modified", b"204 No Content", b"100 Continue"])
def test_answers_without_a_body(status: bytes) -> None:
    found = Speech(answer).feed(b"HTTP/1.1 " + status + b"\r\n\r\n" + ANSWER)
    assert len(found) == 2


def test_chunks_are_one_body() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert Speech(http_request).feed(head) == ["POST / HTTP/1.1 for a, with a body"]


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        ("uwsgi", b"\x00\x04\x00\x00\xff\xff\xff\xff"),
        ("http", b"GET\r\n\r\n"),
        ("http", b"x" * (LARGEST + 1)),
    ],
)
def test_what_is_not_understood_is_only_counted(protocol: str, data: bytes) -> None:
    speech = Speech(REQUESTS[protocol])
    (line,) = speech.feed(data)
    assert line.startswith(f"{len(data)} bytes that are not understood: ")
    assert speech.feed(PACKET) == []
    assert speech.end() == f"ends after {len(data) + len(PACKET)} bytes"


def test_an_end_amid_a_beginning_is_said() -> None:
    speech = Speech(uwsgi_packet)
    assert speech.feed(PACKET[:10]) == []
    assert speech.end() == "ends after 10 bytes, amid a beginning"


def test_announcements_are_said_in_words() -> None:
    made = Announcement(b"x.org", b"127.0.0.1:1", modifier1=5, algorithm=b"wrr", weight=2)
    assert announcement(datagram(made)) == (
        "announces x.org at 127.0.0.1:1 (modifier1 5, weight 2, algorithm wrr)"
    )
    withdrawn = announcement(datagram(made._replace(withdraws=True)))
    assert withdrawn.startswith("withdraws x.org")
    assert announcement(b"abc") == "3 bytes that are no announcement"


def test_a_peer_cannot_write_to_the_terminal() -> None:
    made = Announcement(b"\x1b[2J" + b"x" * 250, b"127.0.0.1:1")
    text = announcement(datagram(made))
    assert text.isprintable()
    assert text.endswith("...")


def test_events_are_drawn_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    events = Events("web <1>", "node")
    events.add(1, True, "asks " + "x" * 200)
    events.add(1, False, "answers & ends")
    assert "#1 node -> web <1>  answers & ends" in capsys.readouterr().out
    document = xml.dom.minidom.parseString(svg(events))
    labels = [each.firstChild.toxml() for each in document.getElementsByTagName("text")
              if each.firstChild]  # fmt: skip
    assert labels[:2] == ["web &lt;1&gt;", "node"]
    assert labels[2].endswith("...")
    assert labels[3] == "#1 answers &amp; ends"
    assert len(document.getElementsByTagName("desc")) == 1
