"""refuwsgi route, for the ways of mapping without a table.

Section: ground / the command; route without a table
What: finds the node as the way does, where that can be done from outside the router.
      A UNIX socket is looked for, too, in case the router is on this machine.
"""

import os
import time
from collections.abc import Callable
from typing import Any, Final

from refuwsgi.fastrouter.way1_use_base import UseBase
from refuwsgi.fastrouter.way2_use_pattern import UsePattern

Fields = dict[str, Any]
Told = tuple[list[str], str]

REFUSED: Final = "next: none (a key with a slash, a NUL or a leading dot names no socket)"


def of_way(key: str, table: Fields) -> Told:
    """Say what a router without a table does with a key."""
    way = table.get("way", {})
    tell = WAYS.get(way.get("name") or ("to" if "static_nodes" in table else ""))
    if tell is None:
        return ["this router has no table of subscriptions: its way is asked for each request"], ""
    return tell(key, way, table)


def _to(key: str, way: Fields, table: Fields) -> Told:
    nodes = table.get("static_nodes", [])
    names = ", ".join(node["name"] for node in nodes)
    lines = [f"every key goes to {names} in turn"]
    if "turn" not in way:
        return lines, ""  # the original does not tell whose turn it is
    first = int(way["turn"])
    for node in [*nodes[first:], *nodes[:first]]:
        left = int(node["grace"] + way["gracetime"] - time.time()) if node["grace"] else 0
        if left <= 0:
            return [*lines, f"next: {node['name']} (to: it is its turn)"], str(node["name"])
        lines.append(f"  {node['name']}  did not take a connection, left out for {left} s more")
    return [*lines, "next: none"], ""


def _base(key: str, way: Fields, table: Fields) -> Told:
    node = UseBase(way["base"]).node_for(key.encode("latin-1", "replace"))
    return _path(node.address, f"base: the key behind {way['base']}") if node else ([REFUSED], "")


def _pattern(key: str, way: Fields, table: Fields) -> Told:
    node = UsePattern(way["pattern"]).node_for(key.encode("latin-1", "replace"))
    return _path(node.address, f"pattern: the key in {way['pattern']}") if node else ([REFUSED], "")


def _path(address: str, why: str) -> Told:
    gone = ":" not in address and not address.startswith("@") and not os.path.exists(address)
    return [f"next: {address} ({why}){', which is not there on this machine' * gone}"], address


def _socket(key: str, way: Fields, table: Fields) -> Told:
    if not way["socket"]:
        return ["next: none (use-socket: the instance has no socket of that number)"], ""
    return [f"next: {way['socket']} (use-socket: the instance itself)"], way["socket"]


def _cache(key: str, way: Fields, table: Fields) -> Told:
    name = f"its cache {way['cache']}" if way["cache"] else "its first cache"
    return [f"the router asks {name} for {key}: what is in there only it can see"], ""


def _code(key: str, way: Fields, table: Fields) -> Told:
    return [f"the router calls {way['code']} with {key}: what that returns only it can see"], ""


WAYS: Final[dict[str, Callable[[str, Fields, Fields], Told]]] = {
    "to": _to,
    "base": _base,
    "pattern": _pattern,
    "socket": _socket,
    "cache": _cache,
    "code": _code,
}
