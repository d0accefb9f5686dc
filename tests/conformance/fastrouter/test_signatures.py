"""Way 4, signed: whom a subscription server believes, and what an instance signs."""

import signal
import socket
import time
from typing import Any

import pytest

from tests import keys
from tests.conformance.fastrouter.talk import (
    ROUTER,
    SOME_TIME,
    TALLY,
    Pool,
    kill_router,
    packet_of,
    send,
)
from tests.conformance.harness import WORKER, Starter, covers, eventually, free_port
from tests.conformance.harness.packet import decode

APP = "def application(e, s):\n    s('200 OK', [])\n    return [b'app']\n"
DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")  # SHA1


def frame(message: bytes) -> int:
    """What is raised to the private exponent: PKCS#1 v1.5 with SHA1."""
    import hashlib

    said = DIGEST_INFO + hashlib.sha1(message).digest()
    size = (keys.N.bit_length() + 7) // 8
    return int.from_bytes(b"\0\1" + b"\xff" * (size - 3 - len(said)) + b"\0" + said, "big")


def signed(key: str, address: str, unix: int, command: int = 0, break_it: bool = False) -> bytes:
    """An announcement that is signed here, number by number."""
    plain = packet_of(key, address, command, unix=unix)
    number = pow(frame(plain[4:]), keys.D, keys.N) ^ break_it
    sign = number.to_bytes((keys.N.bit_length() + 7) // 8, "big")
    return packet_of(key, address, command, unix=unix, sign=sign)


class Signed(Pool):
    """A router that believes signed announcements only."""

    def __init__(self, start: Starter, more: str = "") -> None:
        directory = start.directory(
            {"example.com.pem": keys.public(), "test.it_8000.pem": keys.public(), "bad.pem": "x"}
        )
        super().__init__(start, f"subscriptions-sign-check = SHA1:{directory}/\n" + more)

    def tell(self, datagram: bytes) -> None:
        """Send a datagram, and wait until it has been read."""
        send(self.udp, datagram)

    def settle(self) -> None:
        """Announce another node of a good key, and wait for it."""
        other = f"127.0.0.1:{free_port()}"
        self.tell(signed("test.it:8000", other, int(time.time())))
        eventually(lambda: other in self.nodes("test.it:8000"))


@covers("FR-101", "FR-103", "FR-104")
def test_only_what_is_signed_is_believed(start: Starter) -> None:
    """Unsigned, badly signed, without a key file: ignored."""
    pool = Signed(start)
    now = int(time.time())
    pool.tell(packet_of("example.com", "127.0.0.1:1"))
    pool.tell(packet_of("example.com", "127.0.0.1:2", unix=now, sign=b"x" * 128))
    pool.tell(signed("example.com", "127.0.0.1:3", now, break_it=True))
    pool.tell(signed("unknown.com", "127.0.0.1:4", now))
    pool.tell(signed("bad", "127.0.0.1:5", now))
    pool.tell(signed("example.com", "127.0.0.1:6", now))
    pool.settle()
    assert set(pool.nodes()) == {"127.0.0.1:6"}
    assert set(pool.table()) == {"example.com", "test.it:8000"}
    pool.router.wait_for("unable to load public key for bad")


@covers("FR-105")
def test_a_packet_that_is_too_old_is_not_believed(start: Starter) -> None:
    """A new node may be behind by the tolerance; a known one must be ahead of itself."""
    pool = Signed(start, "subscriptions-sign-check-tolerance = 100\n")
    now = int(time.time())
    pool.tell(signed("example.com", "127.0.0.1:1", now - 1000))
    pool.tell(signed("example.com", "127.0.0.1:2", now))
    pool.settle()
    assert set(pool.nodes()) == {"127.0.0.1:2"}
    assert (
        "invalid (sniffed ?) packet sent for slot: example.com node: 127.0.0.1:1" in pool.router.log
    )
    pool.tell(signed("example.com", "127.0.0.1:2", now))
    pool.router.wait_for(rf"slot: example.com node: 127.0.0.1:2 unix_check: {now}")


@covers("FR-D6", "FR-106", kind="beyond")
def test_nothing_that_was_overheard_counts_twice(start: Starter) -> None:
    """Not later, not as a withdrawal, and not after the node has left."""
    pool = Signed(start)
    now = int(time.time())
    first, second = (signed("example.com", "127.0.0.1:1", now + n) for n in range(2))
    pool.tell(first)
    pool.tell(second)
    pool.tell(first[:3] + b"\1" + first[4:])
    pool.tell(second[:3] + b"\1" + second[4:])
    pool.settle()
    assert set(pool.nodes()) == {"127.0.0.1:1"}
    pool.tell(signed("example.com", "127.0.0.1:1", now + 2, command=1))
    eventually(lambda: pool.nodes() == {})
    pool.tell(first)
    pool.tell(second)
    pool.settle()
    assert pool.nodes() == {}
    pool.tell(signed("example.com", "127.0.0.1:1", now + 3))
    eventually(lambda: set(pool.nodes()) == {"127.0.0.1:1"})


@covers("FR-D6", "FR-B8", kind="beyond")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_reload_does_not_forget_what_was_overheard(start: Starter, number: int) -> None:
    """Neither who has left comes back by an old packet, nor is who is there withdrawn by one."""
    pool = Signed(start)
    now = int(time.time())
    here, gone = (f"127.0.0.1:{port}" for port in (1, 2))
    pool.tell(signed("example.com", gone, now))
    pool.tell(signed("example.com", gone, now + 1, command=1))
    pool.tell(signed("example.com", here, now))
    pool.settle()
    since = len(pool.router.log)
    pool.router.signal(number)
    pool.router.wait_for(ROUTER, since=since)
    withdrawal = signed("example.com", here, now)
    pool.tell(withdrawal[:3] + b"\1" + withdrawal[4:])
    pool.tell(signed("example.com", gone, now))
    pool.settle()
    assert set(pool.nodes()) == {here}
    pool.tell(signed("example.com", gone, now + 2))
    eventually(lambda: set(pool.nodes()) == {here, gone})


@covers("FR-D6", "FR-B12", kind="beyond")
def test_a_killed_router_does_not_forget_what_was_overheard(start: Starter) -> None:
    """Some time after it was sent, a packet does not count again in the successor, either."""
    pool = Signed(start)
    for attempt, pause in enumerate(SOME_TIME):
        now = int(time.time())
        gone = f"127.0.0.1:{attempt + 1}"
        pool.tell(signed("example.com", gone, now))
        pool.tell(signed("example.com", gone, now + 1, command=1))
        time.sleep(pause)
        kill_router(pool)
        pool.tell(signed("example.com", gone, now))
        pool.settle()
        if not pool.nodes():
            break
    assert pool.nodes() == {}
    pool.tell(signed("example.com", gone, now + 2))
    eventually(lambda: set(pool.nodes()) == {gone})


@covers("FR-106")
def test_a_withdrawal_must_be_signed(start: Starter) -> None:
    """An unsigned one is ignored, a signed one counts."""
    pool = Signed(start)
    now = int(time.time())
    pool.tell(signed("example.com", "127.0.0.1:1", now))
    pool.tell(packet_of("example.com", "127.0.0.1:1", 1))
    pool.settle()
    assert set(pool.nodes()) == {"127.0.0.1:1"}
    pool.tell(signed("example.com", "127.0.0.1:1", now + 1, command=1))
    eventually(lambda: pool.nodes() == {})


@covers("FR-102", "FR-103")
@pytest.mark.parametrize("form", ["subscribe-to", "subscribe2"])
def test_what_an_instance_signs_is_believed(start: Starter, form: str) -> None:
    """Signed over everything before the signature, which is the last pair."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind(("127.0.0.1", 0))
        box.settimeout(25)
        server = f"127.0.0.1:{box.getsockname()[1]}"
        value = {
            "subscribe-to": f"{server}:example.com,0,SHA1:DIR/key.pem",
            "subscribe2": f"server={server},key=example.com,sign=SHA1:DIR/key.pem",
        }[form]
        start(
            f"master = true\nsocket = 127.0.0.1:PORT\nwsgi-file = app.py\n{form} = {value}\n",
            files={"app.py": APP, "key.pem": keys.private()},
            until=WORKER,
        )
        raw = box.recv(65536)
    pairs = decode(raw[4:])
    assert [name for name, _ in pairs[-2:]] == ["unix", "sign"]
    assert abs(int(dict(pairs)["unix"]) - time.time()) < 60
    sign = dict(pairs)["sign"].encode("latin-1")
    message = raw[4 : len(raw) - len(sign) - 8]
    assert pow(int.from_bytes(sign, "big"), keys.E, keys.N) == frame(message)


@covers("FR-104", kind="beyond")
@pytest.mark.parametrize("sign", ["SHA1:DIR/none.pem", "FOO:DIR/key.pem", "SHA1"])
def test_an_instance_that_cannot_sign_does_not_start(start: Starter, sign: str) -> None:
    """It does not go on unsigned."""
    run = start.run(
        "master = true\nsocket = 127.0.0.1:PORT\nwsgi-file = app.py\n"
        f"subscribe-to = 127.0.0.1:1:k,0,{sign}\n",
        files={"app.py": APP, "key.pem": keys.private()},
    )
    assert run.code == 1


@covers("FR-101")
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("SHA1", "must be: <digest>:<directory>"),
        ("FOO:/tmp", "unable to find digest algorithm: FOO"),
    ],
)
def test_a_check_that_is_no_check_ends_the_start(start: Starter, value: str, words: str) -> None:
    """No directory, no such digest: exit 1."""
    run = start.run(
        TALLY + f"fastrouter-subscription-server = 127.0.0.1:{free_port()}\n"
        f"subscriptions-sign-check = {value}\n"
    )
    assert run.code == 1
    assert words in run.log


@covers("FR-D14", kind="beyond")
def test_several_processes_believe_a_signed_packet(start: Starter) -> None:
    """What one has checked counts in all."""
    directory = start.directory({"example.com.pem": keys.public()})
    udp = free_port()
    subject: Any = start(
        TALLY + f"fastrouter-processes = 3\nfastrouter-subscription-server = 127.0.0.1:{udp}\n"
        f"subscriptions-sign-check = SHA1:{directory}/\n",
        until="spawned uWSGI fastrouter 3",
    )
    send(udp, signed("example.com", "127.0.0.1:1", int(time.time())))
    eventually(lambda: subject.log.count("=> new node: 127.0.0.1:1") == 3)


@covers("FR-107")
def test_a_user_may_be_trusted_without_a_signature(start: Starter) -> None:
    """subscriptions-sign-skip-uid, on UNIX sockets with credentials."""
    import os

    pool = Signed(
        start,
        "fastrouter-subscription-server = DIR/sub.sock\nsubscriptions-use-credentials = true\n"
        f"subscriptions-sign-skip-uid = {os.getuid()}\n",
    )
    send(pool.router.path("sub.sock"), packet_of("whatever", "127.0.0.1:1"))
    eventually(lambda: pool.nodes("whatever"))
    assert pool.router.wait_for(ROUTER)
