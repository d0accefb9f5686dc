"""What refuwsgi check says about settings that do not fit together, and about the text of a file.

Section: ground / the command; check: what fits together
What: `together` finds options that need another one, and what a start would refuse only when it
      looks at several settings: cheaper beside processes, the rules of the routes.
      `text_of_files` finds what is lost before there are settings: a `%` at the end of a line.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from refuwsgi.cli_judge import Finding
from refuwsgi.options import Config, OptionError, Setting

ROUTERS: Final = ("http", "https", "http-to-https")
ALGO: Final = "cheaper-algo"
# The options that do nothing unless one of others is there, by how they begin.
NEEDS: Final = (
    ("cheaper-idle", ALGO, "cheaper-algo = spare2; uWSGI 2.0 has no such option"),
    ("cheaper-", "cheaper", "cheaper = ..."),
    ("die-on-idle", "idle", "idle = ..."),
)
CONFLICT: Final = re.compile(r"<{7}|>{7}|={7}$")
AS_CONFIGPARSER: Final = re.compile(r"%\(([\w-]+)\)s(?![\w(])")
SWALLOWS: Final = re.compile(r"(?<!%)(?:%%)*%\r?$")
CACHES: Final = ("cache", "cache2")


def together(settings: list[Setting], config: Config) -> Iterator[Finding]:
    """Find settings that are without effect, or refused, because of others."""
    values = {each.name: each.value or "" for each in settings}
    for each in settings:
        if missing := _missing(each.name, values):
            text = f"{each.where}: {each.name}: no effect without {missing}"
            yield Finding("warning", text)
    yield from _variables(settings)
    if not values.keys() & set(CACHES):  # rules may name a cache, which only a start makes
        yield from _refused_rules(config)
    yield from _refused_limits(config)


def _missing(name: str, values: dict[str, str]) -> str:
    if name.startswith("http-") and not name.startswith("http-socket") and name not in ROUTERS:
        return "" if values.keys() & set(ROUTERS) else "a router (http = ...)"
    for begin, needed, words in NEEDS:
        if name.startswith(begin):
            enough = needed in values and (needed != ALGO or values[needed] == "spare2")
            return "" if enough else words
    return ""


def _variables(settings: list[Setting]) -> Iterator[Finding]:
    """Find variables with several values, of which placeholders see the first."""
    from refuwsgi.known import ARGUMENT
    from refuwsgi.options import catalogue

    known = {name for option in catalogue() for name in option.names} | set(ARGUMENT)
    first: dict[str, Setting] = {}
    for each in settings:
        before = first.setdefault(each.name, each)
        if before.value != each.value and each.name not in known:
            where = f"{each.where}: {each.name}"
            yield Finding("warning", f"{where}: %({each.name}) keeps its first value")


def _refused_rules(config: Config) -> Iterator[Finding]:
    from refuwsgi.cache.options import Caches
    from refuwsgi.server import routes

    try:
        routes.configured(config, Caches())
    except OptionError as problem:
        yield Finding("error", str(problem))


def _refused_limits(config: Config) -> Iterator[Finding]:
    from refuwsgi import binding, sockets
    from refuwsgi.scaling import cheaper
    from refuwsgi.scaling.cheaper_options import CHEAPER
    from refuwsgi.scaling.workers import PROCESSES

    try:
        if config.given(CHEAPER) and config[CHEAPER] >= config[PROCESSES]:
            raise config.error(CHEAPER, f"less than processes, {config[PROCESSES]}")
        cheaper.algorithm(config)
    except OptionError as problem:
        yield Finding("error", str(problem))
    try:
        binding.check_backlog(config[sockets.LISTEN])
    except OptionError as problem:
        yield Finding("error", f"{config.where(sockets.LISTEN)}: listen: {problem}")


def text_of_files(words: Iterable[str]) -> Iterator[Finding]:
    """Look at the lines of the ini files that a command line names."""
    for word in words:
        path = word if word.endswith(".ini") else word.rpartition(":")[0]
        if path.endswith(".ini"):
            try:
                with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
                    lines = file.read().split("\n")
            except OSError:
                continue  # said already
            for number, line in enumerate(lines, 1):
                if problem := _of_line(line, last=number == len(lines)):
                    yield Finding("warning", f"{path}:{number}: {problem}")


def _of_line(line: str, last: bool) -> str:
    if CONFLICT.match(line.strip()):
        return "the mark of a merge conflict"
    if SWALLOWS.search(line) and not last:
        return "uWSGI takes the line break with the % at the end, and the next line is lost"
    comment = line.lstrip()[:1] in ("#", ";")
    if not comment and "log" not in line and (found := AS_CONFIGPARSER.search(line)):
        return f"the s behind %({found[1]}) is part of the value"
    return ""
