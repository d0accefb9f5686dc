"""The stats server's connections."""

import socket
from typing import Any

import pytest

from refuwsgi import stats
from refuwsgi.loop import Loop, sleep
from refuwsgi.streams import accept, receive


def test_an_answer_ends_though_a_forked_worker_has_a_copy_of_its_connection(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[socket.socket] = []

    async def copied(listener: socket.socket) -> tuple[socket.socket, Any]:
        client, peer = await accept(listener)
        copies.append(client.dup())
        return client, peer

    monkeypatch.setattr("refuwsgi.stats.accept", copied)
    answer = []

    async def ask(address: Any) -> None:
        with socket.socket() as client:
            client.connect(address)
            client.setblocking(False)
            while part := await receive(client, timeout=5):
                answer.append(part)
        answer.append(b", the end")
        loop.stop()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        loop.spawn(stats.StatsServer(loop, listener, lambda: {"a": 1}, minified=True).run())
        loop.spawn(ask(listener.getsockname()))
        loop.spawn(sleep(10), loop.stop)
        loop.run()
    for each in copies:
        each.close()
    assert b"".join(answer) == b'{"a":1}, the end'
