"""Where a node is: from the text that names it to what connect() takes.

Section:  ground / gateways; addresses of nodes
What:     knows numeric addresses, ``localhost``, paths and abstract names.  Other names are not
          looked up: the look-up would hold up every session of the gateway.
Errors:   ValueError for what is no address of a node.
"""

from __future__ import annotations

import socket
from functools import lru_cache

from refuwsgi.address import parse
from refuwsgi.gateway_reach import Name

MEMORY = 1024  # addresses; some 500 kB


@lru_cache(MEMORY)
def names_of(text: str) -> tuple[int, tuple[Name, ...]]:
    """The family of an address, and the forms of it that are to be tried."""
    # A path is bytes to the kernel: what was announced in UTF-8 is UTF-8 there.
    address = parse(text.encode("latin-1").decode("utf-8", "surrogateescape"))
    if address.kind == "tcp":
        host = address.host or "127.0.0.1"  # uWSGI: without a host it is this machine
        host = "127.0.0.1" if host == "localhost" else host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.inet_pton(family, host)
        except OSError:
            raise ValueError(f"{host!r} is not an IP address") from None
        return family, ((host, address.port),)
    if address.kind == "abstract":
        plain = b"\0" + address.path.encode("utf-8", "surrogateescape")
        # uWSGI: its abstract names end in a NUL; the rest of the world's do not.
        return socket.AF_UNIX, (plain + b"\0", plain)
    if address.kind == "unix":
        return socket.AF_UNIX, (address.path,)
    raise ValueError(f"{text!r} is not an address of a node")
