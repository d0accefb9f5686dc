"""The requirements and the known differences, as the suite reads them."""

import functools
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parent.parent.parent


class Known(NamedTuple):
    """A difference that a binary is known to have: why, and whether it shows only sometimes."""

    reason: str
    sometimes: bool = False


@functools.cache
def requirements() -> dict[str, dict[str, Any]]:
    """Every requirement by id."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((TESTS / "requirements").glob("*.toml")):
        if path.stem != "not_yet":
            found.update(tomllib.loads(path.read_text()))
    return found


def kind_of(requirement: str) -> str:
    """The kind of a requirement, "observed" if it is not in the list yet."""
    return str(requirements().get(requirement, {}).get("kind", "observed"))


def text_of(requirement: str) -> str:
    """The sentence of a requirement."""
    return str(requirements().get(requirement, {}).get("text", "not in tests/requirements"))


def known(binary: str) -> dict[str, Known]:
    """The known differences of a binary: short id of a case -> reason."""
    found: dict[str, Known] = {}
    place = TESTS / "conformance" / "known"
    for path in [place / f"{binary}.toml", *sorted(place.glob(f"{binary}-*.toml"))]:
        if path.exists():
            found |= listed(path)
    return found


def listed(path: Path) -> dict[str, Known]:
    """A list of known differences; ValueError if a line of it is none."""
    found: dict[str, Known] = {}
    for case, entry in tomllib.loads(path.read_text("utf-8")).items():
        try:
            found[case] = Known(entry) if isinstance(entry, str) else Known(**entry)
        except TypeError as error:
            raise ValueError(f"{case}: expected a reason") from error
        if not str(found[case].reason).strip():
            raise ValueError(f"{case}: expected a reason")
    return found


def difference(table: dict[str, Known], case: str) -> Known | None:
    """The entry for a case, by its id, by the id without parameters, or by an id with stars."""
    for key in (case, case.partition("[")[0]):
        if key in table:
            return table[key]
    for key, entry in table.items():
        if "*" in key and re.fullmatch(".*".join(map(re.escape, key.split("*"))), case):
            return entry
    return None
