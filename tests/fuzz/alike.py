"""What is remembered of heads, answers, packets and announcements: the short way says the same.

What: a target teaches one input and reads another that resembles it, with what was learnt and
      without.  An input holds both, behind each other with a mark between them; of a head the
      second is made of the first, with another target and other cookies.
Errors: a difference between the two ways leaves a target, as any other find does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refuwsgi.protocol import http, http_alike, subscription, uwsgi
from refuwsgi.protocol.subscription_alike import AlikeAnnouncements
from refuwsgi.protocol.uwsgi_alike import AlikeReader
from refuwsgi.scaling import http_answer
from refuwsgi.scaling.http_packet import OF_THE_LINE, Packets, packet

MARK = b"\xff\xfe\xff"
PEER = ("192.0.2.1", "4711")
FIXED = (("SERVER_NAME", "a"), ("SERVER_PORT", "80"))


def said(read: Callable[[bytes], Any], data: bytes) -> Any:
    """What a reader makes of an input; the words of its refusal."""
    try:
        return read(data)
    except (http.HeadError, uwsgi.PacketError) as problem:
        return str(problem)


def forgotten() -> None:
    """Forget all heads, as in a new process."""
    http_alike._shapes.clear()
    http_alike._strangers[:] = [0] * http_alike.STRANGERS
    http_answer._alike.clear()


def resembling(head: bytes, target: bytes, cookie: bytes) -> bytes:
    """The same head with another target and other cookies."""
    rest = head.partition(http_alike.VERSION)[2]
    before, gap, behind = rest.partition(http_alike.COOKIE)
    if gap:
        behind = cookie + b"\r\n" + behind.partition(b"\r\n")[2]
    return http_alike.GET + target + http_alike.VERSION + before + gap + behind


def whole(data: bytes) -> tuple[list[tuple[str, str]], tuple[object, ...]] | None:
    """A head that is one and no more, read line by line: its vars in order, and the rest."""
    if http.head_end(data) != len(data):
        return None
    found = http.read_head(data)
    return list(found.environ.items()), found[1:]


def heads(data: bytes) -> None:
    """A head whose like is known, in the cores and in the HTTP router."""
    first, target, cookie = (*data.split(MARK), b"/", b"")[:3]
    second = resembling(first, target, cookie)
    forgotten()
    for _ in range(3):  # the first makes it known, the second has it remembered
        if http.head_end(first) == len(first):
            said(lambda head: http.parse_head(head, len(head)), first)
    for each in (first, second):
        plain = said(whole, each)
        recalled = said(http.recall_head, each)
        if isinstance(recalled, http.Head):
            recalled = list(recalled.environ.items()), recalled[1:]
        assert isinstance(recalled, bytes) or recalled == plain, "a head recalled wrongly"
        ready = said(lambda head: Packets(FIXED, name_is_host="b").ready(head, PEER, (0, 0)), each)
        if isinstance(ready, tuple):
            _check_packet(each, ready)
        else:
            assert isinstance(ready, bytes) or ready == plain, "a head refused wrongly"


def _check_packet(head: bytes, ready: tuple[bytes, str, bool]) -> None:
    """A packet that was put together of what is known is the one of the longer way."""
    assert http.head_end(head) == len(head), "a packet of what is not one head"
    found = http.read_head(head)
    block = Packets(FIXED, name_is_host="b").block(found.environ, *PEER)
    assert len(found.environ) >= OF_THE_LINE
    assert ready == (packet(block, 0, 0), found.environ.get("HTTP_HOST", ""), found.keep_alive)
    assert found[1:3] == (0, False), "a packet of a request that has a body"


def _followed(pieces: list[bytes], bodiless: bool) -> tuple[bytes, bool, bool]:
    """What a client gets of an answer, whether it was the whole one, whether more may come."""
    answer = http_answer.Answer(bodiless=bodiless, auto_chunked=False)
    told = b"".join(bytes(answer.feed(memoryview(piece))) for piece in pieces if piece)
    done = answer.done
    return told + answer.end(), done, answer.keep


def answers(data: bytes) -> None:
    """An answer of a node, to a router that knows its like or does not, in any pieces."""
    first, _, second = data.partition(MARK)
    for bodiless in (False, True):
        for each in (first, second):
            forgotten()
            cold = _followed([each], bodiless)
            cut = len(each) // 2
            assert _followed([each[:cut], each[cut:]], bodiless) == cold, "an answer in pieces"
            forgotten()
            for _ in range(2):
                _followed([first], False)
            assert _followed([each], bodiless) == cold, "an answer recalled wrongly"


def packets(data: bytes) -> None:
    """Packets of one sender, which resemble each other."""
    reader = AlikeReader()
    pieces = data.split(MARK)[:6]
    for block in (*pieces, *pieces, *reversed(pieces)):
        plain, found = said(uwsgi.environ_of, block), said(reader.environ_of, block)
        assert found == plain, "a packet read wrongly"
        assert list(found) == list(plain), "vars in another order"


def announcements(data: bytes) -> None:
    """Datagrams of nodes, which resemble each other."""
    reader = AlikeAnnouncements()
    pieces = data.split(MARK)[:6]
    for datagram in (*pieces, *pieces):
        assert reader.parse(datagram) == subscription.parse(datagram), "a node misunderstood"
