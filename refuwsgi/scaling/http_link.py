"""The private socket between the HTTP router and the workers.

Section:  scaling / http; its link to the workers
What:     when no socket that speaks uwsgi is configured, the workers get one that only the router
          knows.  On Linux it is an abstract UNIX socket, elsewhere a port of 127.0.0.1.
Units:    none.
Errors:   OptionError as for any socket.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from typing import Final

from refuwsgi import sockets
from refuwsgi.address import Address
from refuwsgi.options import Config
from refuwsgi.sockets import Listener

# The names that ask for a router, and those by which it goes elsewhere than to our workers.
# Only a server that has one imports the rest of it.
ROUTERS = ("http", "httprouter", "https", "http-to-https")
ELSEWHERE = ("http-to", "http-use-socket")


def router_wanted(config: Config) -> bool:
    """Say whether a router is configured."""
    return _names_any(config, ROUTERS)


def needed(config: Config, listeners: Sequence[Listener]) -> bool:
    """Say whether the workers need a socket that only the router knows."""
    embedded = router_wanted(config) and not _names_any(config, ELSEWHERE)
    return embedded and target(listeners) is None


def _names_any(config: Config, names: tuple[str, ...]) -> bool:
    return any(setting.name in names for setting in config.settings)


def target(listeners: Sequence[Listener]) -> Listener | None:
    """The workers' socket that the router uses: the first that speaks uwsgi."""
    # Departure: uWSGI takes socket 0, and speaks uwsgi to it even if it expects HTTP.
    return next((each for each in listeners if each.protocol == "uwsgi"), None)


# On this socket alone, as modifier2: whoever asks will know where the answer ends, and asks the
# core to stay.
# Departure: uWSGI connects to a worker anew for each request of a kept client.
KEEP: Final = 1

_private: list[Listener] = []


def stays(listener: Listener | None, config: Config) -> bool:
    """Whether connections of this socket are kept: it is the private one, of a single core."""
    from refuwsgi.scaling.cores import THREADS
    from refuwsgi.scaling.workers import PROCESSES

    return listener in _private and config[PROCESSES] == config[THREADS] == 1


def bound(config: Config) -> Listener:
    """Bind the private socket."""
    # Departure: uWSGI takes TCP; a UNIX socket costs half, for the router and for the workers.
    address = Address("tcp", host="127.0.0.1")
    if sys.platform == "linux":
        address = Address("abstract", path=f"refuwsgi-{os.getpid()}-{_born()}")
    found = sockets.listener(address, "uwsgi", config)
    if found.sock.family == socket.AF_UNIX:
        # A client of TCP that finds the queue full waits in the kernel; here it would have to
        # ask again and again, and nobody but the router fills this queue.
        found.sock.listen(socket.SOMAXCONN)
    _private.append(found)
    return found


def _born() -> str:
    """When this process began: with its number a name that nobody else has, over reloads, too."""
    with open("/proc/self/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[19].decode()
