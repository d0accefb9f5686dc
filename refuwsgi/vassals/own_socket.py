"""A vassal that declares the very socket that it was handed as descriptor 0.

Section: vassals / Combining on demand vassals with --idle and --die-on-idle; the Important box
What: whether an address that a config declares is that of a socket which is there already.
      A vassal of ours asks before it binds, and then uses descriptor 0 for both, with a warning.
      The emperor asks for vassals of another make: it looks into their config file after the
      start, and at a UNIX socket's path when they have ended.
Errors: none.
"""

from __future__ import annotations

import os
import re
import socket
from typing import NamedTuple

DECLARES = re.compile(
    rb"^\s*((?:uwsgi-|http-|http11-|https-|fastcgi-|scgi-|shared-|)socket|http)\s*=\s*([^\s,]+)",
    re.MULTILINE,
)
WILDCARDS = ("0.0.0.0", "::")
LIMIT = 65536  # bytes of a config file that are looked at


class Place(NamedTuple):
    """Where a UNIX socket lies: its path may lead to another one later."""

    path: str
    device: int
    inode: int

    def lost(self) -> bool:
        """Say whether the path leads somewhere else now."""
        try:
            status = os.stat(self.path)
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != (self.device, self.inode)


def place_of(path: str) -> Place | None:
    """Remember where a UNIX socket lies."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Place(path, status.st_dev, status.st_ino)


def is_address_of(declared: str, sock: socket.socket, folder: str = ".") -> bool:
    """Say whether the text of a declared address means the address of this socket."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return _same_path(declared, name, folder)
    host, colon, port = declared.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) != name[1]:
        return False
    bound = str(name[0])
    host = host.strip("[]")
    # A wildcard collides with every address of its family, and every address with a wildcard.
    if bound in WILDCARDS or host in ("", bound, *WILDCARDS):
        return True
    return host == "localhost" and bound in ("127.0.0.1", "::1")


def _same_path(declared: str, name: str | bytes, folder: str) -> bool:
    bound = os.fsdecode(name)
    if bound.startswith("\0"):
        return declared == "@" + bound.strip("\0")
    if not bound or declared.startswith("@"):
        return False
    return os.path.realpath(os.path.join(folder, declared)) == os.path.realpath(
        os.path.join(folder, bound)
    )


def declared_in(config: bytes, sock: socket.socket, path: str) -> str | None:
    """Find the option of a config file that declares the address of this socket."""
    folder, _, file = path.rpartition("/")
    meant = {"%n": file.rpartition(".")[0], "%s": file, "%d": f"{folder}/", "%p": path}
    for option, raw in DECLARES.findall(config[:LIMIT]):
        value = os.fsdecode(raw)
        for placeholder, text in meant.items():
            value = value.replace(placeholder, text)
        if is_address_of(value, sock, folder):
            return str(option.decode())
    return None


def warning(vassal: str, option: str, address: str) -> str:
    """What the log says about it."""
    return (
        f"[emperor] {vassal} declares {option} = {address}, the socket that it is handed as "
        f"descriptor 0: remove the line, or it cannot be started on demand again"
    )
