"""Socket activation: the emperor keeps a vassal's socket and watches it while the vassal sleeps.

Section: vassals / On demand vassals (socket activation)
What: which rule names the socket of a vassal, and the socket itself.

          client --> the socket, bound and kept by the emperor, which never accepts
                       | readable: somebody waits
                       v
                     the vassal is started, the socket is its descriptor 0; it accepts.
                     The emperor looks away until the vassal has ended, then watches again.

      The emperor's copy stays open all the time, so nobody who waits in the queue is ever lost.
Value: an address: host:port, :port, [host]:port, the path of a UNIX socket, @abstract.
Errors: `SocketError`: the socket of one vassal cannot be had; it is tried again later.
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple, Protocol

from refuwsgi import address
from refuwsgi.binding import bind
from refuwsgi.options import Config, OptionError
from refuwsgi.vassals import on_demand_directory, on_demand_exec, on_demand_extension
from refuwsgi.vassals.own_socket import Place, place_of

# uWSGI: everybody may connect, whatever umask and chmod-socket say; a vassal may narrow it.
MODE = 0o666


class Rule(Protocol):
    """How the socket of a vassal is named."""

    async def socket_for(self, vassal: str) -> str | None:
        """Name the socket to wait on for `vassal`; None: start it at once."""


def rule(config: Config) -> Rule | None:
    """Build the rule that the operator asked for; of several the first of this order counts."""
    # uWSGI: what the first rule does not name is not asked of the next.
    return (
        on_demand_extension.configured(config)
        or on_demand_directory.configured(config)
        or on_demand_exec.configured(config)
    )


class SocketError(OSError):
    """The socket of a vassal cannot be had."""


class Door(NamedTuple):
    """The socket of a vassal on demand."""

    name: str  # as it was named
    sock: socket.socket
    place: Place | None  # where its file lies, if it is a UNIX socket

    def stolen(self) -> bool:
        """Say whether clients cannot reach it any more: its path leads to another socket."""
        return self.place is not None and self.place.lost()

    def remove(self) -> None:
        """Take the file away, if it is ours still."""
        if self.place is not None and not self.place.lost():
            try:
                os.unlink(self.place.path)
            except OSError:
                pass  # it went away meanwhile, or the folder is not ours to write to


def open_door(name: str, folder: str, backlog: int) -> Door:
    """Bind and listen; a relative path counts from the vassal's folder."""
    try:
        where = address.parse(name)
    except ValueError as problem:
        # Departure: C binds such a name to some other address, where nobody finds it.
        raise SocketError(f"{name!r}: {problem}") from None
    if where.kind not in ("tcp", "unix", "abstract"):
        raise SocketError(f"{name!r}: expected a TCP or UNIX address")
    if where.kind == "unix":
        where = where._replace(path=os.path.join(folder, where.path))
    try:
        sock = bind(where, backlog=backlog, mode=MODE)
    except OptionError as problem:
        raise SocketError(" ".join(str(problem).split())) from None
    return Door(name, sock, place_of(where.path) if where.kind == "unix" else None)
