"""The sixth way: a file of lines, each with a key and the node that answers it.

    example.com  127.0.0.1:18981
    .org         127.0.0.1:18982,5     every key that ends so, with modifier1 5

The file is read again when it has changed.
"""

import os

from refuwsgi.nodes import Node


class UseFile:
    """The way of mapping that asks a file."""

    def __init__(self, path):
        self._path = path
        self._read_at = None
        self._nodes = {}

    def node_for(self, key):
        """Name the node of `key`: the longest ending that the file knows decides."""
        self._look()
        for start in range(len(key)):
            if (node := self._nodes.get(key[start:])) is not None:
                return node
        return None

    def _look(self):
        """Read the file if it is another one than before."""
        changed = os.stat(self._path).st_mtime_ns
        if changed != self._read_at:
            self._read_at = changed
            with open(self._path, "rb") as file:
                words = [line.split() for line in file]
            self._nodes = {pair[0]: Node.parse(pair[1]) for pair in words if len(pair) == 2}
