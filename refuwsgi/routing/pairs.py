"""Arguments of the form `key=value,key=value`.

Section:  ground / internal routing; arguments with names
What:     reads them.  Values may hold `${...}`, in which a comma separates nothing.
Units:    none.
Errors:   none.
"""

from __future__ import annotations

import re

PIECE = re.compile(r"(?:\$\{[^}]*\}|\\,|[^,])+")
ON = ("", "1", "true", "yes", "on")


def pairs_of(argument: str) -> dict[str, str]:
    """Read the pairs; a key without a value has an empty one."""
    found = {}
    for piece in PIECE.findall(argument):
        key, _, value = piece.partition("=")
        found[key.strip()] = value.replace("\\,", ",")
    return found


def is_on(pairs: dict[str, str], *names: str) -> bool:
    """Say whether one of the names is there and on."""
    return any(name in pairs and pairs[name] in ON for name in names)
