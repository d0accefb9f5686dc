"""refuwsgi route: say where a running router would send a request, without sending one.

Section: ground / the command; route
What: asks the router's stats server for its way and its table, looks the key up there, and runs the
      balancing on a copy: the answer is the node that is next, and why.  What only the router
      itself can look into (its cache, a function of the operator's) is named instead.
      The status is 0 when there is a node, 1 when there is none or it cannot be told from outside.
"""

import json
import socket
import sys
import time
from typing import Any, Final, NamedTuple

from refuwsgi.address import parse
from refuwsgi.commands import route_ways
from refuwsgi.fastrouter import balancing
from refuwsgi.fastrouter.slots import MOST_CUTS
from refuwsgi.fastrouter.way4_subscription_server import mounted
from refuwsgi.gateway_names import names_of

USAGE: Final = "Usage: refuwsgi route KEY --stats ADDRESS [--client IP] [--path PATH]"
PATIENCE: Final = 5.0
SILENCE: Final = 1.0
MOST: Final = 1 << 28  # bytes of a table

Fields = dict[str, Any]
Told = tuple[list[str], str]  # what to print, and the node


class Request(NamedTuple):
    """What a router looks at."""

    key: str
    client: str = ""
    path: str = "/"


class Copy:
    """A node of the table, on which the balancing may be tried."""

    def __init__(self, fields: Fields, oldest: float) -> None:
        self.name = str(fields["name"])
        self.weight = max(1, int(fields["weight"]))
        self.backup = int(fields.get("backup", 0))
        self.turns = int(fields["wrr"])
        self.running = int(fields["ref"])
        self.last_requests = int(fields["last_requests"])
        self.silent = float(fields.get("last_check", oldest)) < oldest
        self.dead = bool(fields["death_mark"]) or self.silent

    def __str__(self) -> str:
        state = f"{self.running} running, {self.turns} turns left"
        if self.dead:
            state = "dead: it has not announced itself in time" if self.silent else "dead"
        level = f", backup {self.backup}" if self.backup else ""
        return f"{self.name}  weight {self.weight}{level}, {state}"


def main(argv: list[str]) -> int:
    """Look a key up in the table of a router."""
    more = dict(zip(argv[1::2], argv[2::2], strict=False))
    if len(argv) % 2 == 0 or not set(more) <= {"--stats", "--client", "--path"}:
        argv = []
    if not argv or "--stats" not in more:
        print(USAGE)
        return 0 if argv in (["-h"], ["--help"]) else 1
    address = more["--stats"]
    try:
        found = read(address)
    except (OSError, ValueError) as problem:
        print(f"{address}: {problem}", file=sys.stderr)
        return 1
    asked = Request(argv[0], more.get("--client", ""), more.get("--path", "/"))
    lines, node = route(asked, found)
    print("\n".join(lines))
    return 0 if node else 1


def read(address: str) -> Fields:
    """Ask a stats server, whichever language it speaks."""
    parse(address)
    family, names = names_of(address)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(names[0])
        text = bytearray(_first(sock))
        while len(text) < MOST and (part := _part(sock)):
            text += part
    found = json.loads(text.partition(b"\r\n\r\n")[2] if text.startswith(b"HTTP/") else text)
    if not isinstance(found, dict):
        raise ValueError("no statistics of a router")
    return found


def _part(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except ConnectionResetError:
        return b""  # one that does not speak HTTP has left our request unread


def _first(sock: socket.socket) -> bytes:
    """What comes of itself; one that keeps silent waits for a request, in HTTP."""
    sock.settimeout(SILENCE)
    try:
        return sock.recv(65536)
    except TimeoutError:
        sock.settimeout(PATIENCE)
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return sock.recv(65536)


def route(asked: Request, table: Fields) -> Told:
    """Say what the router does with a request, and which node is next."""
    lines, node = _way(asked, table)
    fallback = table.get("way", {}).get("fallback")
    if fallback:
        lines.append(f"if no node takes the connection: {', '.join(fallback)}")
    return lines, node


def _way(asked: Request, table: Fields) -> Told:
    if "subscriptions" in table and table.get("way", {}).get("name", "") in ("", "subscriptions"):
        return subscribed(asked, table)
    return route_ways.of_way(asked.key, table)


def subscribed(asked: Request, table: Fields) -> Told:
    """Look a key up in the table of subscriptions."""
    way = table.get("way", {})
    oldest = time.time() - float(way.get("tolerance", 1 << 31)) - 1
    slots = {slot["key"]: slot for slot in table["subscriptions"]}
    lines: list[str] = []
    for key, why in lookups(asked, way):
        if key not in slots:
            lines.append(f"nobody has subscribed to {key}{why}")
            continue
        found, node = of_slot(slots[key], asked.client, oldest)
        lines += found
        if node or "/" in key:
            return lines, node
    others = ", ".join(sorted(slots)[:10])
    lines[-1] += f"; there is {others or 'nothing'}"
    return lines, ""


def lookups(asked: Request, way: Fields) -> list[tuple[str, str]]:
    """The keys that are looked up, one after the other, and why."""
    depth = int(way.get("mountpoints", 0))
    mounts = mounted(
        asked.key.encode("latin-1", "replace"), asked.path.encode("latin-1", "replace"), depth
    )
    found = [(key.decode("latin-1"), " (subscription-mountpoints)") for key in mounts]
    found.append((asked.key, ""))
    parent = asked.key
    for _ in range(MOST_CUTS - 1 if way.get("dotsplit") else 0):
        dot = parent.find(".", 1)
        if dot < 0:
            break
        parent = parent[dot:]
        found.append((parent, " (subscription-dotsplit)"))
    if way.get("fallback_key"):
        found.append((way["fallback_key"], " (fastrouter-subscription-fallback-key)"))
    return found


def of_slot(slot: Fields, client: str, oldest: float) -> Told:
    """Say which node of a slot is next, and why."""
    nodes = [Copy(fields, oldest) for fields in slot["nodes"]]
    living = [node for node in nodes if not node.dead]
    algorithm = str(slot.get("algorithm", "wrr"))
    lines = [f"{slot['key']}: {slot['hits']} hits, {len(living)} of {len(nodes)} nodes live"]
    lines += [f"  {node}" for node in nodes]
    if not living:
        return [*lines, "next: none"], ""
    if algorithm == "iphash" and not client and len(living) > 1:
        return [*lines, "next: depends on the client's address (iphash), see --client"], (
            living[0].name
        )
    name = balancing.choose(algorithm, living, client.encode()).name
    backups = " among the lowest backup level" if any(node.backup for node in living) else ""
    return [*lines, f"next: {name} ({WHY[algorithm]}{backups})"], name


WHY: Final = {
    "wrr": "wrr: the first with turns left; when nobody has, the last after they are dealt anew",
    "lrc": "lrc: the fewest running requests, then the fewest since its last announcement",
    "wlrc": "wlrc: the fewest running requests for its weight",
    "iphash": "iphash: what the client's address falls on",
}
