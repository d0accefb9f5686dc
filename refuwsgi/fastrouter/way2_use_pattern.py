"""Way 2: a pattern names the node.

Section:  fastrouter / Way 2: --fastrouter-use-pattern
What:     puts the key wherever the pattern says ``%s``.
Value:    ``%s`` is the key, ``%%`` a percent sign; ``%`` and any other character vanish.  The
          result is an address of any kind: ``/tmp/sockets/%s/uwsgi.sock``, ``127.0.0.1:%s``.  In
          an ini file ``%s`` is the name of that file, so one writes ``%%s`` there.
Errors:   none.  A key that could leave the pattern's directory has no node.
"""

from __future__ import annotations

import re

from refuwsgi.fastrouter.way1_use_base import is_tame
from refuwsgi.nodes import Node
from refuwsgi.options import Config, Option, text

USE_PATTERN: Option[str | None] = Option(
    "fastrouter-use-pattern",
    text,
    default=None,
    help="find the node of a request by putting its key in place of %s",
)


class UsePattern:
    """The way of mapping that fills in a pattern."""

    def __init__(self, pattern: str) -> None:
        self._pieces = pieces_of(pattern)

    def node_for(self, key: bytes) -> Node | None:
        """Name the node of `key`."""
        return Node(key.decode("latin-1").join(self._pieces)) if is_tame(key) else None


def pieces_of(pattern: str) -> list[str]:
    """Split a pattern at its ``%s``; the pieces are the text between the keys."""
    pieces = [""]
    for literal, sign in re.findall(r"([^%]+)|%(.?)", pattern, re.DOTALL):
        if sign == "s":
            pieces.append("")
        else:
            pieces[-1] += literal or ("%" if sign == "%" else "")
    return pieces


def configured(config: Config) -> UsePattern | None:
    """Build the way that the operator asked for, if it is this one."""
    pattern = config[USE_PATTERN]
    return None if pattern is None else UsePattern(pattern)
