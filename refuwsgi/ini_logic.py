"""Conditions and loops of a configuration: if-env ... endif, for ... endfor.

Section: ground / configuration; conditions and loops
What: `repetitions` says how often a line below such an option counts, and what `%(_)` is then.
      A loop works line by line: `x` and `y` below `for = a b` give x=a x=b y=a y=b.
Errors: ValueError for an argument that cannot be understood.
"""

import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from refuwsgi.options import JOIN, Option, texts

LIMIT: Final = 10_000  # repetitions of one line


def _condition(name: str, help: str, *aliases: str, bare: str | None = None) -> Option[Any]:
    return Option(
        name, texts, default=(), help=help, aliases=tuple(aliases), bare=bare, repeat=JOIN
    )


FOR = _condition("for", "repeat the lines up to endfor for every word, which is %(_)")
FOR_GLOB = _condition("for-glob", "repeat the lines up to endfor for every file of a pattern")
FOR_TIMES = _condition("for-times", "repeat the lines up to endfor so often, counting from 1")
FOR_READLINE = _condition("for-readline", "repeat the lines up to endfor for every line of a file")
END_FOR = _condition("endfor", "end a loop", "end-for", "end", bare="")
IF_OPT = _condition("if-opt", "read on to endif if an option is set (name or name=value)")
IF_NOT_OPT = _condition("if-not-opt", "read on to endif unless an option is set")
IF_ENV = _condition("if-env", "read on to endif if the environment has the name", "ifenv")
IF_NOT_ENV = _condition("if-not-env", "read on to endif unless the environment has the name")
IF_RELOAD = _condition("if-reload", "read on to endif after a reload", bare="true")
IF_NOT_RELOAD = _condition("if-not-reload", "read on to endif at the first start", bare="true")
IF_HOSTNAME = _condition("if-hostname", "read on to endif on the host of this name")
IF_NOT_HOSTNAME = _condition("if-not-hostname", "read on to endif on other hosts")
IF_HOSTNAME_MATCH = _condition("if-hostname-match", "read on to endif on hosts that match")
IF_NOT_HOSTNAME_MATCH = _condition("if-not-hostname-match", "read on to endif on other hosts")
IF_EXISTS = _condition("if-exists", "read on to endif if the path exists", "ifexists")
IF_NOT_EXISTS = _condition("if-not-exists", "read on to endif unless the path exists")
IF_PLUGIN = _condition("if-plugin", "read on to endif if the plugin is there", "ifplugin")
IF_NOT_PLUGIN = _condition("if-not-plugin", "read on to endif unless the plugin is there")
IF_FILE = _condition("if-file", "read on to endif if the path is a file")
IF_NOT_FILE = _condition("if-not-file", "read on to endif unless the path is a file")
IF_DIR = _condition(
    "if-dir", "read on to endif if the path is a directory", "ifdir", "if-directory"
)
IF_NOT_DIR = _condition("if-not-dir", "read on to endif unless the path is a directory")
END_IF = _condition("endif", "end a condition", "end-if", bare="")

ENDS: Final = {name for option in (END_FOR, END_IF) for name in option.names}
PLUGINS: Final = {"python", "python3", "http", "fastrouter", "corerouter", "cheaper_busyness"}


class World(Protocol):
    """What conditions ask the machine."""

    def variable(self, name: str) -> str | None:
        """The variable of the environment."""

    def exists(self, path: str, kind: str) -> bool:
        """Say whether there is such a path: kind is any, file or directory."""

    def matching(self, pattern: str) -> list[str]:
        """The paths of a pattern, sorted."""

    def lines(self, path: str) -> list[str]:
        """The lines of a file."""

    def hostname(self) -> str:
        """The name of this machine."""

    def reloaded(self) -> bool:
        """Say whether this is not the first start."""


def starts(name: str) -> bool:
    """Say whether the option opens a condition or a loop."""
    return name in LOOPS or _positive(name) in CONDITIONS


def repetitions(
    name: str, argument: str, world: World, values: dict[str, list[str]]
) -> list[str | None]:
    """What `%(_)` is, each time that a line counts; None leaves it as it is written."""
    if name in LOOPS:
        return LOOPS[name](argument, world)
    positive = _positive(name)
    answer = CONDITIONS[positive](argument, world, values)
    if positive != name:
        return [] if answer is not None else [argument if "hostname" in name else None]
    return [] if answer is None else [answer]


def _positive(name: str) -> str:
    return name.replace("if-not-", "if-", 1)


def _times(argument: str, world: World) -> list[str | None]:
    if not (argument.isascii() and argument.isdigit()) or int(argument[:9]) > LIMIT:
        raise ValueError(f"expected a number of at most {LIMIT}, got {argument!r}")
    return [str(number) for number in range(1, int(argument) + 1)]


def _limited(found: list[str]) -> list[str | None]:
    if len(found) > LIMIT:
        raise ValueError(f"expected at most {LIMIT} repetitions, got {len(found)}")
    return list(found)


LOOPS: Final[dict[str, Callable[[str, World], list[str | None]]]] = {
    "for": lambda argument, world: _limited(argument.split()),
    "for-glob": lambda argument, world: _limited(world.matching(argument)),
    "for-times": _times,
    "for-readline": lambda argument, world: _limited(world.lines(argument)),
}


def _option(argument: str, world: World, values: dict[str, list[str]]) -> str | None:
    name, equals, value = argument.partition("=")
    if name not in values:
        return None
    if equals:
        return value if value in values[name] else None
    return values[name][0]


def _path(kind: str) -> Callable[[str, World, dict[str, list[str]]], str | None]:
    return lambda argument, world, values: argument if world.exists(argument, kind) else None


def _matches_host(argument: str, world: World, values: dict[str, list[str]]) -> str | None:
    try:
        return argument if re.search(argument, world.hostname()) else None
    except (re.error, RecursionError) as problem:
        raise ValueError(f"expected a regular expression, got {argument!r}: {problem}") from None


CONDITIONS: Final[dict[str, Callable[[str, World, dict[str, list[str]]], str | None]]] = {
    "if-opt": _option,
    "if-env": lambda argument, world, values: world.variable(argument),
    "if-reload": lambda argument, world, values: "%(_)" if world.reloaded() else None,
    "if-hostname": lambda text, world, values: text if text == world.hostname() else None,
    "if-hostname-match": _matches_host,
    "if-plugin": lambda argument, world, values: argument if argument in PLUGINS else None,
    "if-exists": _path("any"),
    "if-file": _path("file"),
    "if-dir": _path("directory"),
}
for _alias, _name in (
    ("ifenv", "if-env"),
    ("ifexists", "if-exists"),
    ("ifplugin", "if-plugin"),
    ("ifdir", "if-dir"),
    ("if-directory", "if-dir"),
):
    CONDITIONS[_alias] = CONDITIONS[_name]
