"""refuwsgi route: say where a running router would send a request, without sending one.

Section: ground / the command; route
What: asks the router's stats server for its table, looks the key up in it, and runs the balancing
      on a copy: the answer is the node that is next, and why.
      The status is 0 when there is a node, 1 when there is none.
"""

import json
import socket
import sys
from typing import Any, Final

from refuwsgi.address import parse
from refuwsgi.fastrouter import balancing
from refuwsgi.gateway_names import names_of

USAGE: Final = "Usage: refuwsgi route KEY --stats ADDRESS"
PATIENCE: Final = 5.0

Fields = dict[str, Any]


class Copy:
    """A node of the table, on which the balancing may be tried."""

    def __init__(self, fields: Fields) -> None:
        self.name = str(fields["name"])
        self.weight = max(1, int(fields["weight"]))
        self.backup = int(fields.get("backup", 0))
        self.turns = int(fields["wrr"])
        self.running = int(fields["ref"])
        self.last_requests = int(fields["last_requests"])
        self.dead = bool(fields["death_mark"])

    def __str__(self) -> str:
        state = "dead" if self.dead else f"{self.running} running, {self.turns} turns left"
        level = f", backup {self.backup}" if self.backup else ""
        return f"{self.name}  weight {self.weight}{level}, {state}"


def main(argv: list[str]) -> int:
    """Look a key up in the table of a router."""
    if len(argv) != 3 or argv[1] != "--stats":
        print(USAGE)
        return 0 if argv in (["-h"], ["--help"]) else 1
    try:
        found = read(argv[2])
    except (OSError, ValueError) as problem:
        print(f"{argv[2]}: {problem}", file=sys.stderr)
        return 1
    lines, node = route(argv[0], found)
    print("\n".join(lines))
    return 0 if node else 1


def read(address: str) -> Fields:
    """Ask a stats server."""
    parse(address)
    family, names = names_of(address)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(names[0])
        text = b"".join(iter(lambda: sock.recv(65536), b""))
    found: Fields = json.loads(text)
    return found


def route(key: str, table: Fields) -> tuple[list[str], str]:
    """Say what the table has for `key`, and which node is next."""
    if "subscriptions" not in table:
        return [static(table)], ""
    for slot in table["subscriptions"]:
        if slot["key"] == key:
            return of_slot(slot)
    others = ", ".join(sorted(slot["key"] for slot in table["subscriptions"])[:10])
    return [f"nobody has subscribed to {key}; there is {others or 'nothing'}"], ""


def static(table: Fields) -> str:
    """Say what a router without a table does."""
    nodes = [node["name"] for node in table.get("static_nodes", ())]
    if nodes:
        return f"every key goes to {', '.join(nodes)} in turn"
    return "this router has no table of subscriptions: its way is asked for each request"


def of_slot(slot: Fields) -> tuple[list[str], str]:
    """Say which node of a slot is next, and why."""
    nodes = [Copy(fields) for fields in slot["nodes"]]
    living = [node for node in nodes if not node.dead]
    algorithm = str(slot.get("algorithm", "wrr"))
    lines = [f"{slot['key']}: {slot['hits']} hits, {len(living)} of {len(nodes)} nodes live"]
    lines += [f"  {node}" for node in nodes]
    if not living:
        return [*lines, "next: none"], ""
    if algorithm == "iphash":
        return [*lines, "next: depends on the client's address (iphash)"], living[0].name
    name = balancing.choose(algorithm, living, b"").name
    return [*lines, f"next: {name} ({WHY[algorithm]})"], name


WHY: Final = {
    "wrr": "wrr: the first with turns left; when nobody has, the last after they are dealt anew",
    "lrc": "lrc: the fewest running requests, then the fewest since its last announcement",
    "wlrc": "wlrc: the fewest running requests for its weight",
}
