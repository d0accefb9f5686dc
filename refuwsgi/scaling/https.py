"""https: the router's address is a TLS one; http-to-https: an address that sends clients there.

Section:  scaling / http; TLS
What:     loads certificates before any process starts, shakes hands with clients, and makes their
          sockets behave like all others: what has to wait raises BlockingIOError.

              https = address,certificate,key[,ciphers[,client CA]]

          A client CA with ``!`` in front means that clients must have a certificate.
Units:    timeouts are seconds.
Errors:   OptionError for what cannot be loaded.  A handshake that fails ends that connection.
          The module ssl is imported only if it is needed: it costs as much as a whole worker.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from refuwsgi.loop import READ, WRITE, Wait, wait
from refuwsgi.options import JOIN, Config, Option, OptionError, texts

if TYPE_CHECKING:
    import ssl

HTTPS: Option[tuple[str, ...]] = Option(
    "https",
    texts,
    default=(),
    help="speak HTTPS on this address: address,certificate,key[,ciphers[,client CA]]",
    repeat=JOIN,
)
TO_HTTPS: Option[tuple[str, ...]] = Option(
    "http-to-https",
    texts,
    default=(),
    help="redirect the clients of this address to the one of https",
    repeat=JOIN,
)

MOVED = "HTTP/1.1 301 Moved Permanently"


class Certified(NamedTuple):
    """An address, and who we are there."""

    address: str
    certificate: str
    key: str
    ciphers: str = ""
    client_ca: str = ""


def split(text: str, where: str, name: str = "https") -> Certified:
    """Take the value of `https` or `https-socket` apart."""
    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= 5 or not all(parts[:3]):
        raise OptionError(f"{where}: {name}: expected address,certificate,key, got {text!r}")
    return Certified(*parts)


def context(wanted: Certified, where: str, name: str = "https") -> ssl.SSLContext:
    """Load the certificate, the key and what clients are to show."""
    import ssl

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.sslsocket_class = _socket_class()
    made.set_alpn_protocols(["http/1.1"])
    loading = wanted.certificate
    try:
        made.load_cert_chain(wanted.certificate, wanted.key)
        if wanted.ciphers:
            loading = wanted.ciphers
            made.set_ciphers(wanted.ciphers)
        if wanted.client_ca:
            loading = wanted.client_ca.lstrip("!")
            made.load_verify_locations(loading)
            must = wanted.client_ca.startswith("!")
            made.verify_mode = ssl.CERT_REQUIRED if must else ssl.CERT_OPTIONAL
    except OSError as problem:
        raise OptionError(f"{where}: {name}: {loading}: {problem.strerror or problem}") from None
    return made


def _socket_class() -> type[ssl.SSLSocket]:
    import ssl

    waits = (ssl.SSLWantReadError, ssl.SSLWantWriteError)

    class TlsSocket(ssl.SSLSocket):
        """A TLS socket with the manners of a plain one."""

        def recv(self, size: int = 1024, flags: int = 0) -> bytes:
            """Receive; a peek looks at what is on the wire."""
            if flags & socket.MSG_PEEK:
                return socket.SocketType.recv(self, size, flags)
            try:
                return super().recv(size)
            except waits:
                raise BlockingIOError from None

        def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
            """Receive into a buffer."""
            try:
                return super().recv_into(buffer)
            except waits:
                raise BlockingIOError from None

        def send(self, data: Any, flags: int = 0) -> int:
            """Send what goes at once."""
            try:
                return super().send(data)
            except waits:
                raise BlockingIOError from None

        def shutdown(self, how: int) -> None:
            """End a half; say so in TLS first, or the peer will suspect a cut."""
            say_goodbye(self)
            super().shutdown(how)

    return TlsSocket


def say_goodbye(client: Any) -> None:
    """Tell the peer that this was all, without waiting for its word."""
    try:
        client.unwrap()
    except (OSError, ValueError):
        pass  # not yet answered, or gone, or said before


async def shake_hands(
    client: socket.SocketType, with_: ssl.SSLContext, timeout: float
) -> ssl.SSLSocket | None:
    """Begin TLS; None when that comes to nothing."""
    import ssl

    plain = socket.socket(client.family, client.type, client.proto, client.detach())
    plain.setblocking(False)
    secure = with_.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
    end = time.monotonic() + timeout
    try:
        while True:
            try:
                secure.do_handshake()
                return secure
            except ssl.SSLWantReadError:
                interest = READ
            except ssl.SSLWantWriteError:
                interest = WRITE
            await wait(Wait(((secure, interest),), max(0.0, end - time.monotonic())))
    except OSError:
        secure.close()
        return None


def redirection(environ: dict[str, str], port: str) -> bytes:
    """The answer that sends a client to the same place over TLS; b"" if it named no host.

    Who named a port gets that of https, which may be somewhere else on this machine; who did not
    gets none: whatever forwards the usual port to this router forwards that of HTTPS, too.
    """
    # Departure: uWSGI sends everybody to port 443, and cuts [::1] at its first colon.
    host = environ.get("HTTP_HOST", "")
    name, colon, digits = host.rpartition(":")
    named = bool(colon) and digits.isdecimal()
    host = name if named else host
    if not host:
        return b""
    target = environ["REQUEST_URI"]
    if not target.startswith("/"):
        target = "/"
    there = f":{port}" if named and digits != "80" and port not in ("", "443") else ""
    where = f"https://{host}{there}{target}"
    return f"{MOVED}\r\nLocation: {where}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode(
        "latin-1"
    )


def asked(config: Config) -> list[tuple[Certified, str]]:
    """Every https address, and where it was configured."""
    return [(split(text, where), where) for _, text, where in config.in_order(HTTPS)]
