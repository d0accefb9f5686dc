"""Way 1: a directory holds a UNIX socket for each key.

Section:  fastrouter / Way 1: --fastrouter-use-base
What:     puts the key behind the directory: ``/tmp/sockets/`` and ``example.com`` name the socket
          ``/tmp/sockets/example.com``.
Errors:   none.  A key that could leave the directory has no node; whether the socket exists shows
          when the router connects.
"""

from __future__ import annotations

from refuwsgi.nodes import Node
from refuwsgi.options import Config, Option, text

USE_BASE: Option[str | None] = Option(
    "fastrouter-use-base",
    text,
    default=None,
    help="find the node of a request as a UNIX socket, named by its key, in this directory",
)

LONGEST = 255  # of a key, in bytes


def is_tame(key: bytes) -> bool:
    """Say whether a key that came over the network may become part of a path."""
    # Departure: uWSGI takes any key, so ``../x`` leaves the directory.
    return not (b"/" in key or b"\0" in key or key.startswith(b".")) and 0 < len(key) <= LONGEST


class UseBase:
    """The way of mapping that asks a directory."""

    def __init__(self, base: str) -> None:
        self._base = base

    def node_for(self, key: bytes) -> Node | None:
        """Name the socket of `key`."""
        # uWSGI: plain concatenation; a base without a closing slash is a prefix of file names.
        return Node(self._base + key.decode("latin-1")) if is_tame(key) else None


def configured(config: Config) -> UseBase | None:
    """Build the way that the operator asked for, if it is this one."""
    base = config[USE_BASE]
    return None if base is None else UseBase(base)
