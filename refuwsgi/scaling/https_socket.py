"""https-socket: the workers speak HTTPS themselves.

Section:  scaling / http-socket; TLS
What:     a thread of the worker shakes hands, decrypts and encrypts; the core reads and writes
          plain HTTP on the other end of a socket pair that has taken the descriptor's place, so
          that whatever serves `http-socket`, offload threads included, serves this, too.

              https-socket = address,certificate,key[,ciphers[,client CA]]

              client ==TLS== thread --plain, a socket pair-- core

Units:    timeouts are seconds.
Errors:   OptionError for what cannot be loaded.  A handshake that fails ends the connection
          without a word: there is no language in which to say why.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from refuwsgi.loop import Loop
from refuwsgi.mailbox import Mailbox
from refuwsgi.options import JOIN, Option, texts
from refuwsgi.protocol.http import MAX_HEADERS
from refuwsgi.request import Request
from refuwsgi.scaling.http_socket import HttpDoor
from refuwsgi.scaling.https import shake_hands
from refuwsgi.scoreboard import CoreRow
from refuwsgi.sockets import Listener
from refuwsgi.streams import Relay

if TYPE_CHECKING:
    import ssl

HTTPS_SOCKET: Option[tuple[str, ...]] = Option(
    "https-socket",
    texts,
    default=(),
    help="bind to address,certificate,key[,ciphers[,client CA]] and speak HTTPS",
    repeat=JOIN,
)

GIVEN = {"HTTPS": "on"}  # a var of every request
PAUSE = 0.01  # seconds between two looks whether the thread has sent everything


class TlsThread:
    """What stands between the clients of one socket and the cores."""

    def __init__(self, with_: ssl.SSLContext, timeout: float) -> None:
        self._with = with_
        self._timeout = timeout
        self._mailbox: Mailbox[tuple[socket.socket, socket.socket]] = Mailbox()
        self._loop = Loop()
        self._loop.spawn(self._take())
        self._open = 0  # clients that are not done with; changed by the thread alone
        self._given = self._taken = 0
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put_between(self, fd: int) -> None:
        """Let this descriptor, which is a TLS client's, become a plain one."""
        self._start()
        plain, mine = socket.socketpair()
        mine.setblocking(False)
        plain.setblocking(False)
        secure = socket.socket(fileno=os.dup(fd))
        with plain:
            os.dup2(plain.fileno(), fd, inheritable=False)
        with self._starting:
            self._given += 1
        self._mailbox.put((secure, mine))

    def drain(self, timeout: float) -> None:
        """Wait until the clients have got what the cores have written."""
        end = time.monotonic() + timeout
        while (self._open or self._taken < self._given) and time.monotonic() < end:
            time.sleep(PAUSE)

    def _start(self) -> None:
        """Start the thread with the first client: a worker that has none needs none."""
        with self._starting:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._loop.run, name="tls", daemon=True)
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                self._thread.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    async def _take(self) -> None:
        while True:
            secure, plain = await self._mailbox.get()
            self._open += 1
            self._taken += 1
            self._loop.spawn(self._serve(secure, plain))

    async def _serve(self, secure: socket.socket, plain: socket.socket) -> None:
        try:
            with plain:
                client = await shake_hands(secure, self._with, self._timeout)
                if client is None:
                    return
                with client:
                    await _Between(client, plain, timeout=self._timeout).run()
                    client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the client has gone, or does not read
        finally:
            self._open -= 1


class _Between(Relay):
    """Carries between a client and a core, which alone decides how long to wait for the client."""

    __slots__ = ()

    async def run(self) -> None:
        """Carry until the core has ended; TimeoutError when the client does not read."""
        while True:
            try:
                return await super().run()
            except TimeoutError:
                if self._to_client:
                    raise


class HttpsDoor(HttpDoor):
    """A listening socket behind which the clients speak HTTPS."""

    def __init__(
        self,
        listener: Listener,
        limit: int,
        timeout: float,
        *,
        with_: ssl.SSLContext,
        most: int = MAX_HEADERS,
    ) -> None:
        super().__init__(listener, limit, timeout, keep=False, most=most, given=GIVEN)
        self._tls = TlsThread(with_, timeout)

    def receive(self, fd: int, data: bytes, peer: Any, core: CoreRow) -> Request | None:
        """Put the thread between the client and the core, then read one request."""
        self._tls.put_between(fd)
        return super().receive(fd, data, peer, core)

    def drain(self, timeout: float) -> None:
        """Wait until the clients have got what the cores have written."""
        self._tls.drain(timeout)
