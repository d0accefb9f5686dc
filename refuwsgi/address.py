r"""Addresses: the texts that name a socket.

Section:  ground / addresses
What:     reads and writes them.

    127.0.0.1:3031   :3031   name:80   [::1]:80      tcp       (no host: every address)
    /run/app.sock    app.sock   unix:app.sock        unix
    @name            \0name                           abstract  (Linux)
    fd://3                                           fd        an open descriptor
    =0                                               shared    the shared socket of this number

Errors:   ValueError with the reason.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_PORT: Final = 65535
MAX_PATH: Final = 107  # bytes that the kernel takes for the path of a UNIX socket, less the NUL
MAX_DESCRIPTOR: Final = 2**31 - 1


class Address(NamedTuple):
    """What a text names; only the fields of its kind are set."""

    kind: str  # "tcp" "unix" "abstract" "fd" "shared"
    host: str = ""
    port: int = 0
    path: str = ""  # of a UNIX socket; the name of an abstract one
    number: int = 0  # of a descriptor; of a shared socket

    def text(self) -> str:
        """Write the address as `parse` reads it."""
        if self.kind == "tcp":
            host = f"[{self.host}]" if ":" in self.host else self.host
            return f"{host}:{self.port}"
        if self.kind == "unix":
            return self.path
        if self.kind == "abstract":
            return f"@{self.path}"
        return f"fd://{self.number}" if self.kind == "fd" else f"={self.number}"


def parse(text: str) -> Address:
    """Read an address."""
    text = text.strip()
    if not text:
        raise ValueError("an empty address")
    if "\0" in text:
        raise ValueError("an address with a NUL")
    if text.startswith("="):
        return Address("shared", number=_number(text[1:], "shared socket", MAX_DESCRIPTOR))
    if text.startswith("fd://"):
        return Address("fd", number=_number(text[5:], "descriptor", MAX_DESCRIPTOR))
    if text.startswith(("@", "\\0")):
        return _named("abstract", text[1:] if text[0] == "@" else text[2:])
    if text.startswith("unix:"):
        return _named("unix", text[5:])
    host, colon, port = text.rpartition(":")
    # Departure: uWSGI takes everything with a colon for TCP, a path with one in it, too.
    if not colon or "/" in text:
        return _named("unix", text)
    return Address("tcp", host=_host(host.strip()), port=_number(port.strip(), "port", MAX_PORT))


def _named(kind: str, name: str) -> Address:
    if not name:
        raise ValueError("an address without a name")
    if len(name.encode(errors="surrogateescape")) > MAX_PATH:
        raise ValueError(f"a socket name of more than {MAX_PATH} bytes")
    return Address(kind, path=name)


def _host(host: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise ValueError("brackets without an IPv6 address")
    elif ":" in host:
        raise ValueError("an IPv6 address must stand in brackets")
    if not host.isprintable() or " " in host:
        raise ValueError(f"no host can be named {host!r}")
    return host


def _number(digits: str, what: str, most: int) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise ValueError(f"expected the number of a {what}, got {digits!r}")
    if (number := int(digits)) > most:
        raise ValueError(f"there is no {what} {number}")
    return number
