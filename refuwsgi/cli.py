"""The command refuwsgi: words, environment and files become a Config, and the server runs.

Section: ground / the command
What: `main` runs a command such as `refuwsgi check`, or else reads a configuration and hands it to
      the server.  Order: the environment (UWSGI_PROCESSES=4), then the command line from left to
      right, each file where it stands.
Errors: one line on standard error and status 1, before any process starts.
"""

import gc
import os
import sys
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from refuwsgi.options import (
    COMMAND_LINE,
    JOIN,
    Config,
    Option,
    OptionError,
    Setting,
    build,
    flag,
    number,
    texts,
)

STRICT = Option("strict", flag, default=False, help="refuse names that are no options")
PRINT = Option("print", texts, default=(), help="print a text", repeat=JOIN)
IPRINT = Option("iprint", texts, default=(), help="print a text", repeat=JOIN)
EXIT = Option("exit", number, default=0, help="end with this status", bare="0")
GET = Option("get", texts, default=(), help="print the value of an option and end", repeat=JOIN)
SHOW_CONFIG = Option("show-config", flag, default=False, help="show what was read, as ini")
HELP = Option("help", flag, default=False, help="show the options", aliases=("usage", "h"))
VERSION = Option("version", flag, default=False, help="show the version")

# What the emperor and a reload tell a process about itself is no option.
MESSAGES: Final = ("EMPEROR_", "BROODLORD_", "RELOADS", "ORIGINAL_PROC_NAME", "VASSAL_")
DOCUMENTS: Final = ("offloading", "scaling", "fastrouter", "vassals")


class Read(NamedTuple):
    """A configuration as it was read, before its values are looked at."""

    settings: list[Setting]
    own: set[str]
    used: set[str]
    warnings: list[str]


def main(argv: list[str] | None = None) -> int:
    """Run the command with the words behind its name; the result is its exit status."""
    words = sys.argv[1:] if argv is None else argv
    try:
        if words and _is_command(words[0]):
            return _run_command(words[0], words[1:])
        if words and words[0].isalpha() and not os.path.exists(words[0]):
            _not_a_command(words[0])
        return _serve(words)
    except OptionError as problem:
        _say(str(problem))
        return 1


def _say(line: str) -> None:
    text = " ".join(line.splitlines()) + "\n"
    sys.stderr.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stderr.buffer.flush()


def _is_command(word: str) -> bool:
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "commands")
    return word.isalpha() and os.path.isfile(os.path.join(folder, f"{word}.py"))


def _not_a_command(word: str) -> None:
    """Say so when a word that is no file is nearly the name of a command."""
    from difflib import get_close_matches

    from refuwsgi.commands.completion import commands

    if near := get_close_matches(word, commands(), n=1):
        raise OptionError(f"{COMMAND_LINE}: no file and no command {word}; did you mean {near[0]}?")


def _run_command(name: str, words: list[str]) -> int:
    from importlib import import_module

    command = import_module(f"refuwsgi.commands.{name}")
    gc.enable()
    try:
        status: int = command.main(words)
        sys.stdout.flush()
    except BrokenPipeError:  # a pager that ends early is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _serve(words: list[str]) -> int:
    if words[:1] in (["--version"], ["--help"], ["-h"], ["--usage"]):
        return show_help() if words[0] != "--version" else show_version()
    result = read(words)
    status = _effects(result)
    if status is not None:
        return status
    config = judged(result)
    from refuwsgi.server import run

    return run(config)


def read(words: list[str]) -> Read:
    """Read environment, command line and files."""
    from refuwsgi.cli_words import Names, parse
    from refuwsgi.ini import Reading
    from refuwsgi.known import LETTERS
    from refuwsgi.sources import Machine

    arguments, letters = _arguments(words), dict(LETTERS)
    reading = Reading(Machine(set(arguments)))
    for name, given in _from_environment():
        reading.add(name, given, "environment")
    # Departure: uWSGI reads files without dashes behind everything else.
    for name, value in parse(words, Names(arguments, letters)):
        reading.add(name, value, COMMAND_LINE)
    return Read(reading.finish(), reading.own, reading.used, reading.warnings)


def judged(result: Read) -> Config:
    """Look at names and values; what is wrong ends the start, what is odd is said."""
    from refuwsgi.catalogue import declaring
    from refuwsgi.cli_judge import Names, is_strict, judge, raise_errors

    names = Names(result.own, result.used)
    found = declaring(setting.name for setting in result.settings)
    findings = judge(result.settings, found, names, is_strict(result.settings))
    raise_errors(findings)
    config = build(result.settings)
    notes = [finding.text for finding in findings]
    for line in (*result.warnings, *notes, *config.warnings):
        _say(line)
    return config


def _options() -> tuple[Option[Any], ...]:
    from refuwsgi.options import catalogue

    return catalogue()


def _arguments(words: list[str]) -> dict[str, str]:
    """What follows each name on a command line."""
    from refuwsgi.known import ARGUMENT

    names = [word[2:].partition("=")[0] for word in words if word.startswith("--")]
    if all(name in ARGUMENT for name in names):
        return ARGUMENT  # uWSGI: what follows its own names is as there
    ours = {name: option.argument for option in _options() for name in option.names}
    return {**ours, **ARGUMENT}


def _from_environment() -> list[tuple[str, str]]:
    return [
        (name[6:].lower().replace("_", "-"), value)
        for name, value in os.environ.items()
        if name.startswith("UWSGI_") and not name[6:].startswith(MESSAGES)
    ]


def _effects(result: Read) -> int | None:
    """Do what settings ask for in their turn; a number is the status to end with."""
    for name, value, where in result.settings:
        if name in ("print", "iprint"):
            print(_printable(value or ""))
        elif name == "exit":
            return int(value) if value and value.isascii() and value.isdigit() else 0
        elif name == "get" and where == COMMAND_LINE:
            return _get(result.settings)
        elif name in ("stop", "reload") and where == COMMAND_LINE:
            from refuwsgi.pidfiles import command

            return command(name, value or "")
        elif name == "connect-and-read" and where == COMMAND_LINE:
            from refuwsgi.stats_client import read as show_address

            return show_address(value or "")
        elif name in HELP.names and where == COMMAND_LINE:
            return show_help()
        elif name in VERSION.names and where == COMMAND_LINE:
            return show_version()
    if any(setting.name == "show-config" for setting in result.settings):
        sys.stderr.write(_printable("\n".join([*shown(result.settings), ""])))
    sys.stdout.flush()
    return None


def _printable(text: str) -> str:
    """Text that can be printed: bytes that were no UTF-8 become question marks."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _get(settings: Iterable[Setting]) -> int:
    wanted = [setting.value for setting in settings if setting.name == "get"]
    for name, value, _ in settings:
        if name in wanted:
            print(_printable(value or ""))
    return 0


def shown(settings: Iterable[Setting]) -> list[str]:
    """The configuration as an ini file."""
    lines = [f"{name} = {value or ''}".rstrip() for name, value, _ in settings]
    return [";uWSGI instance configuration", "[uwsgi]", *lines, ";end of configuration"]


def show_version() -> int:
    """Print the version."""
    from refuwsgi import __version__

    print(f"refuwsgi {__version__}")
    return 0


def show_help() -> int:
    """Print the options, under the parts of the documents that they belong to."""
    import signal

    from refuwsgi.commands.completion import commands

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a pager that ends early is no error
    print("Usage: refuwsgi [options...] [file.ini|yaml|xml|json|toml[:section]]")
    print(f"       refuwsgi {'|'.join(commands())} ...")
    groups: dict[str, list[Option[Any]]] = {}
    for option in _options():
        groups.setdefault(_section(option), []).append(option)
    for section in sorted(groups, key=_rank):
        print(f"\n{section}")
        for option in sorted(groups[section], key=lambda each: each.name):
            letters = "".join(f"-{letter}|" for letter in option.letters)
            others = "|".join(f"--{name}" for name in option.names)
            print(f"    {letters + others:<39} {option.help}")
    return 0


def _rank(section: str) -> tuple[int, str]:
    """The documents in their order, then what is common to them."""
    document = section.partition(" / ")[0]
    return DOCUMENTS.index(document) if document in DOCUMENTS else len(DOCUMENTS), section


def _section(option: Option[Any]) -> str:
    document = sys.modules[option.module].__doc__ or ""
    line = next((each for each in document.splitlines() if each.startswith("Section:")), "")
    return line.removeprefix("Section:").strip() or option.module
