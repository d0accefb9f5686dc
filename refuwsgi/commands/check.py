"""refuwsgi check: read a configuration and say what is wrong or odd, without starting anything.

Section: ground / the command; check
What: everything that a start would say, and besides what a start obeys although it is probably not
      meant: comments inside of values, quotes, a file called true, names given twice, options
      that need another one.
      The status is 1 if there is an error or a warning, else 0; what is only said is a note.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from refuwsgi.cli import Read, read
from refuwsgi.cli_judge import Finding, Names, is_strict, judge
from refuwsgi.commands.check_together import text_of_files, together
from refuwsgi.options import OptionError, Setting, build, catalogue
from refuwsgi.readers import NUMERIC, without_comment

USAGE: Final = "Usage: refuwsgi check FILE..."
WORDS: Final = ("true", "false", "yes", "no", "on", "off")
PATHS: Final = ("daemonize", "daemonize2", "logto", "logto2", "touch-reload", "pidfile")
SOCKETS: Final = ("socket", "uwsgi-socket", "http-socket", "http", "fastrouter")


def main(argv: list[str]) -> int:
    """Check the files of a command line."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if argv else 1
    findings = list(check(argv))
    for finding in sorted(findings, key=_place):
        print(f"{finding.kind}: {finding.text}", file=sys.stderr)
    return 1 if any(finding.kind != "note" for finding in findings) else 0


def _place(finding: Finding) -> tuple[str, int]:
    """File and line, so that findings come in the order in which a reader meets them."""
    file, _, rest = finding.text.partition(":")
    line = rest.partition(":")[0]
    return (file, int(line)) if line.isdigit() else ("", 0)


def check(words: list[str]) -> Iterator[Finding]:
    """Find what is to be said about the configuration that a command line names."""
    try:
        result = read(words)
    except OptionError as problem:
        yield Finding("error", str(problem))
        yield from text_of_files(words)
        return
    yield from text_of_files(words)
    yield from (Finding("warning", line) for line in result.warnings)
    yield from names(result)
    yield from values(result.settings)
    yield from oddities(result.settings)


def names(result: Read) -> list[Finding]:
    """Find unknown names, names without effect and names that are refused."""
    strict = is_strict(result.settings)
    return judge(result.settings, catalogue(), Names(result.own, result.used), strict)


def values(settings: Iterable[Setting]) -> Iterator[Finding]:
    """Find values that their option cannot read, all of them."""
    settings = list(settings)
    known = {name for option in catalogue() for name in option.names}
    wrong = set()
    for setting in settings:
        if setting.name in known:
            try:
                build([setting])
            except OptionError as problem:
                wrong.add(setting)
                yield Finding("error", str(problem))
    right = [setting for setting in settings if setting not in wrong]
    config = build(right)
    yield from (Finding("warning", line) for line in config.warnings)
    yield from together(right, config)


def oddities(settings: Iterable[Setting]) -> Iterator[Finding]:
    """Find values that are obeyed although they are probably not meant."""
    settings = list(settings)
    readers = {name: option.read for option in catalogue() for name in option.names}
    for setting in settings:
        name, value = setting.name, setting.value or ""
        if readers.get(name) not in NUMERIC and (problem := _oddity(name, value)):
            yield Finding("warning", f"{setting.where}: {name}: {problem}")
    yield from _repeated(settings)


def _oddity(name: str, value: str) -> str:
    if name.startswith(("if-", "for", "print")):
        return ""
    if (bare := without_comment(value)) != value:
        return f"{value[len(bare) :].strip()!r} is part of the value, not a comment"
    if name in PATHS and value.lower() in WORDS:
        return f"the name of a file is expected; {value!r} is taken for one"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return f"the quotes belong to the value {value}"
    if name in SOCKETS and value.replace(".", "").isdigit():
        return f"without a colon {value!r} is the path of a UNIX socket"
    return ""


def _repeated(settings: list[Setting]) -> Iterator[Finding]:
    """Find options that are given several times although only the last counts."""
    once = {name for option in catalogue() if option.repeat is None for name in option.names}
    places = {(each.name, each.where) for each in settings if each.name in once}
    counts = Counter(name for name, _ in places)
    last = {each.name: each for each in settings}
    for name, count in counts.items():
        if count > 1:
            yield Finding(
                "warning",
                f"{last[name].where}: {name}: given {count} times, only the last counts",
            )
