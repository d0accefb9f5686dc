"""The session: what is relayed, and how it ends."""

import socket
import struct
import threading

from tests.conformance.fastrouter.talk import ROUTER, TALLY, names, node
from tests.conformance.harness import (
    Backend,
    Client,
    Received,
    Starter,
    ask,
    covers,
    eventually,
    exchange,
    packet,
    request_vars,
)


def upper(sock: socket.socket, received: Received) -> None:
    """Say everything again, louder; what came with the packet first."""
    sock.sendall(received.body.upper())
    while data := sock.recv(65536):
        sock.sendall(data.upper())


@covers("FR-170")
def test_bytes_pass_both_ways(start: Starter) -> None:
    """After the packet everything goes both ways, as websockets need it."""
    with Backend(upper, protocol="uwsgi") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        with Client(subject.port, packet(request_vars(HTTP_UPGRADE="websocket"))) as client:
            for word in (b"one", b"two", b"three"):
                client.send(word)
                client.until(word.upper())


@covers("FR-170")
def test_a_request_may_come_byte_by_byte(start: Starter) -> None:
    """Any splitting of the input works."""
    with node("N") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        with Client(subject.port) as client:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in packet(request_vars()):
                client.send(bytes([byte]))
            assert client.rest().raw == b"N"


@covers("FR-170", "FR-171")
def test_a_megabyte_each_way(start: Starter) -> None:
    """Both ends wait for the other; nothing is lost."""
    size = 1_000_000

    def swap(sock: socket.socket, received: Received) -> None:
        sock.sendall(b"a" * size + received.body[-10:])

    with Backend(swap, protocol="uwsgi") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        raw = packet(request_vars("/", "POST", CONTENT_LENGTH=str(size)))
        answer = exchange(subject.port, raw + b"b" * (size - 10) + b"0123456789")
        assert answer.raw == b"a" * size + b"0123456789"


@covers("FR-171")
def test_a_client_that_leaves_takes_its_node_connection_along(start: Starter) -> None:
    """The node sees the end of its connection."""
    hold = threading.Event()
    with node("N", hold=hold) as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        with Client(subject.port, packet(request_vars())):
            n.wait_seen()
        assert n.closed_by_peer.wait(20)
        hold.set()


@covers("FR-172", "FR-B10", kind="beyond")
def test_a_client_that_half_closes_gets_its_answer(start: Starter) -> None:
    """The end of its writing side is not its end."""
    with node("N") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        assert exchange(subject.port, packet(request_vars()), half_close=True).raw == b"N"


@covers("FR-173")
def test_a_second_packet_is_body(start: Starter) -> None:
    """One request for each connection."""

    def tell(sock: socket.socket, received: Received) -> None:
        assert received.packet is not None
        rest = received.packet.rest
        while len(rest) < len(second):
            rest += sock.recv(65536)
        sock.sendall(b"same" if rest == second else b"other")

    second = packet(request_vars("/second"))
    with Backend(tell, protocol="uwsgi") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        assert exchange(subject.port, packet(request_vars()) + second).raw == b"same"
        assert len(n.seen) == 1


@covers("FR-174")
def test_a_node_that_resets_is_said_in_the_log(start: Starter) -> None:
    """With the key, and the client as the web server saw it."""

    def reset(sock: socket.socket, received: Received) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Backend(reset, protocol="uwsgi") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        assert ask(subject.port, REMOTE_ADDR="192.0.2.7", REMOTE_PORT="40077").raw == b""
        subject.wait_for(
            r"\[uwsgi-fastrouter key: example.com client_addr: 192.0.2.7 client_port: 40077\] "
            r"fr_instance_read\(\): Connection reset by peer"
        )


@covers("FR-B10", kind="beyond")
def test_a_router_without_descriptors_recovers(start: Starter) -> None:
    """When there are no descriptors left, clients wait, and are served later."""
    from tests.conformance.harness import descriptors

    with node("N") as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nmax-fd = 40\nfastrouter-timeout = 5\n",
            until=ROUTER,
        )
        pid = int(subject.wait_for(ROUTER)[1])
        silent = [Client(subject.port) for _ in range(60)]
        eventually(lambda: descriptors(pid) >= 20)
        for client in silent:
            client.sock.close()
        eventually(lambda: names(subject.port, 1) == ["N"])
