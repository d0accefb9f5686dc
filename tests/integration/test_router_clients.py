"""Clients of the HTTP router that stay: idle ones, and websockets."""

import base64
import hashlib
import os
import socket
import struct

import pytest

from tests.conformance.harness import Starter
from tests.conformance.harness.fake import Backend, Received
from tests.endurance import clients

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE = 1, 2, 8


@pytest.mark.timeout(120)
def test_idle_clients_cost_memory_only() -> None:
    found = clients.run(idle=200, active=20, requests=5)
    assert found["of these wrong"] == 0
    assert found["idle clients that were lost"] == 0
    assert found["bytes for an idle client"] < 65536


def accepted(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def receive(sock: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = sock.recv(size - len(found))
        assert part, "the connection ended"
        found += part
    return found


def frame(kind: int, data: bytes, mask: bytes = b"") -> bytes:
    flag = 128 if mask else 0
    size = len(data)
    head = bytes([128 | kind])
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += struct.pack("!BH", flag | 126, size)
    else:
        head += struct.pack("!BQ", flag | 127, size)
    if mask:
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    return head + mask + data


def read_frame(sock: socket.socket) -> tuple[int, bytes]:
    first, second = receive(sock, 2)
    size = second & 127
    if size >= 126:
        width = 2 if size == 126 else 8
        size = int.from_bytes(receive(sock, width), "big")
    mask = receive(sock, 4) if second & 128 else b""
    data = receive(sock, size)
    if mask:
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    return first & 15, data


def echo(client: socket.socket, received: Received) -> None:
    """A node that speaks the websocket protocol and says everything again."""
    assert received.packet is not None
    key = {str(k): str(v) for k, v in received.packet.pairs}["HTTP_SEC_WEBSOCKET_KEY"]
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accepted(key).encode() + b"\r\n\r\n"
    )
    while True:
        kind, data = read_frame(client)
        client.sendall(frame(kind, data))
        if kind == CLOSE:
            return


def test_a_websocket_through_the_router(start: Starter) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    with Backend(echo, protocol="uwsgi") as node:
        subject = start(f"http = 127.0.0.1:PORT\nmaster = true\nhttp-to = {node.address}\n")
        with socket.create_connection(("127.0.0.1", subject.port), 25) as client:
            client.sendall(
                b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key.encode() + b"\r\n\r\n"
            )
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += receive(client, 1)
            assert head.startswith(b"HTTP/1.1 101 ")
            assert accepted(key).encode() in head
            for size in (0, 5, 125, 126, 70_000):
                data = os.urandom(size)
                client.sendall(frame(BINARY, data, b"mask"))
                assert read_frame(client) == (BINARY, data)
            # Several at once, as a browser sends them.
            client.sendall(b"".join(frame(TEXT, b"%d" % number, b"abcd") for number in range(50)))
            assert [read_frame(client)[1] for _ in range(50)] == [b"%d" % n for n in range(50)]
            client.sendall(frame(CLOSE, b"\x03\xe8", b"abcd"))
            assert read_frame(client) == (CLOSE, b"\x03\xe8")
            assert client.recv(1) == b""
