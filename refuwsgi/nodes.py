"""Nodes: who answers the requests that a gateway forwards.

Section:  ground / nodes
What:     a node, the text that names it, and the contract of a way of mapping keys to nodes.
Value:    ``address`` or ``address,modifier1``
Errors:   none; a text that names no node is None.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from refuwsgi.address import Address, parse

MAX_MODIFIER = 255


class Node(NamedTuple):
    """Who answers, and the modifiers that its packets get."""

    address: str  # as announced; every byte is one character
    modifier1: int = 0
    modifier2: int = 0

    @classmethod
    def parse(cls, value: bytes) -> Node | None:
        """Read the text that names a node."""
        address, comma, modifier = value.partition(b",")
        found = cls(address.decode("latin-1"))
        if comma:
            if not (modifier.isdigit() and len(modifier) <= 3 and int(modifier) <= MAX_MODIFIER):
                return None
            found = found._replace(modifier1=int(modifier))
        return found if found.place() else None

    def place(self) -> Address | None:
        """Where it is; None when its address is none, or none that can be connected to."""
        try:
            # A path is bytes to the kernel: what was announced in UTF-8 is UTF-8 there.
            found = parse(self.address.encode("latin-1").decode("utf-8", "surrogateescape"))
        except ValueError:
            return None
        return found if found.kind in ("tcp", "unix", "abstract") else None


class Way(Protocol):
    """A way of mapping: names the node for a key."""

    def node_for(self, key: bytes) -> Node | None:
        """Name the node that is to answer `key`; None when there is none."""
