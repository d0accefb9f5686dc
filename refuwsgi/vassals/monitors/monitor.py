"""The shape of an imperial monitor.

Section: vassals / On demand vassals (socket activation); the contract of the monitors
What: `Monitor` is what the emperor asks of one; `Wishes` is what it tells each of them.
Errors: none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from refuwsgi.options import JOIN, Config, Option, flag, texts
from refuwsgi.vassals.scan import Found

EXTRA_EXTENSION: Option[tuple[str, ...]] = Option(
    "emperor-extra-extension",
    texts,
    default=(),
    help="take files with this ending for vassals, too",
    aliases=("emperor-extra-ext",),
    repeat=JOIN,
)
NOFOLLOW = Option(
    "emperor-nofollow",
    flag,
    default=False,
    help="look at the time of a symbolic link, not of the file behind it",
    bare="true",
)

EXTENSIONS = (".ini", ".xml", ".yml", ".yaml", ".js", ".json")
LONGEST_NAME = 254


class Wishes(NamedTuple):
    """What the operator said about all monitors of files."""

    extensions: tuple[str, ...] = EXTENSIONS
    follow: bool = True
    start: str = "."  # the directory where the emperor was started

    def accepts(self, name: str) -> bool:
        """Say whether a name is that of a vassal."""
        return name.endswith(self.extensions) and len(name) <= LONGEST_NAME


class Monitor(Protocol):
    """Where vassals come from."""

    @property
    def name(self) -> str:
        """What the stats call it."""

    @property
    def names_sockets(self) -> bool:
        """Say whether it names the on-demand sockets itself."""

    def look(self) -> Sequence[Found] | None:
        """Name every vassal there is; None when that cannot be told now."""

    def descriptors(self) -> list[int]:
        """Name the descriptors whose readability asks for a look."""

    def close(self) -> None:
        """Let go of connections."""


def wishes(config: Config, start: str) -> Wishes:
    """Read what the operator said about all monitors of files."""
    return Wishes(EXTENSIONS + config[EXTRA_EXTENSION], not config[NOFOLLOW], start)
