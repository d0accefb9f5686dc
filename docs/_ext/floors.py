"""The floors of the house, as one table; the test and the picture are both made from it."""

from __future__ import annotations

from pathlib import Path

from docs._ext.source import PACKAGE, dotted, imports_of, modules

OPTIONS, PURE, MACHINE, DOCUMENTS, TOP = range(5)
NAMES = ("options", "text and bytes", "the machine", "the documents", "the server")

FLOORS = {
    OPTIONS: {"options", "readers", "catalogue", "declared"},
    PURE: {"ini", "address", "nodes", "protocol"},
    MACHINE: None,  # whatever is on no other floor
    DOCUMENTS: {"offloading", "scaling", "fastrouter", "vassals"},
    TOP: {"server", "cli", "commands", "__main__", "__init__"},
}
# A document of the house is a package, except that these belong to one of the floors by their stem:
# server.py and server_sockets.py are both the top.
STEMS = {"server": TOP, "cli": TOP, "ini": PURE}


def part_of(name: str) -> str:
    """The package or module directly below refuwsgi to which a dotted name belongs."""
    return [*name.split("."), "__init__"][1]


def floor_of(part: str) -> int:
    """The floor on which a part of the house stands."""
    for floor, parts in FLOORS.items():
        if parts is not None and part in parts:
            return floor
    return STEMS.get(part.partition("_")[0], MACHINE)


def part_of_file(path: Path) -> str:
    """The part of the house to which a file belongs."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def may_import(mine: str, theirs: str) -> bool:
    """Whether one part of the house may import another."""
    if mine == theirs or theirs == "__init__":
        return True
    above, below = floor_of(mine), floor_of(theirs)
    return below < above or (above == below and above not in (DOCUMENTS, TOP)) or above == TOP


def edges(lazy: bool = True) -> dict[str, set[str]]:
    """Which part of the house imports which others."""
    found: dict[str, set[str]] = {}
    for path in modules():
        mine = part_of_file(path)
        found.setdefault(mine, set())
        for name in imports_of(path, lazy):
            if name.startswith("refuwsgi.") and part_of(name) != mine:
                found[mine].add(part_of(name))
    return found


def module_edges() -> dict[str, set[str]]:
    """Which module imports which others while it is itself being imported."""
    known = {dotted(path) for path in modules()}
    return {dotted(path): imports_of(path, lazy=False) & known for path in modules()}
