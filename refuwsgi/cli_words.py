"""The words of a command line become names and values, by the rules of getopt_long.

Section: ground / configuration; the command line
What: `parse` yields (name, value) in the order of the words; a word without dashes is a file,
      thus ("config", word).  Names come out in full, letters as the name that they stand for.
Errors: OptionError for unknown and ambiguous names, for a value too many and for one too few.

    --processes 4   --processes=4   --proces 4   -p 4   -p4   -M -T   -MT   file.ini   file.ini:name
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from refuwsgi.options import COMMAND_LINE, OptionError


class Names(NamedTuple):
    """The names that may stand on a command line."""

    arguments: Mapping[str, str]  # name: none, optional or required
    letters: Mapping[str, str]  # letter: name


def parse(words: list[str], names: Names) -> Iterator[tuple[str, str | None]]:
    """Yield the options and files of a command line."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        if word.startswith("--"):
            yield _long(word[2:], rest, names)
        elif word.startswith("-") and len(word) > 1:
            yield from _letters(word[1:], rest, names)
        else:
            yield "config", word
    for word in rest:
        yield "config", word


def _long(text: str, rest: Iterator[str], names: Names) -> tuple[str, str | None]:
    written, equals, value = text.partition("=")
    name = _full(written, names)
    kind = names.arguments[name]
    if equals:
        if kind == "none":
            raise _error(f"option '--{name}' doesn't allow an argument")
        return name, value
    if kind == "required":
        return name, _next(rest, f"option '--{name}'")
    return name, "true" if kind == "none" else None


def _full(written: str, names: Names) -> str:
    if written in names.arguments:
        return written
    found = [name for name in names.arguments if written and name.startswith(written)]
    if len(found) == 1:
        return found[0]
    if found:
        possible = " ".join(f"'--{name}'" for name in found)
        raise _error(f"option '--{written}' is ambiguous; possibilities: {possible}")
    from refuwsgi.known import similar

    meant = similar(written, set(names.arguments))
    raise _error(
        f"unrecognized option '--{written}'" + (f"; did you mean '--{meant}'?" if meant else "")
    )


def _letters(text: str, rest: Iterator[str], names: Names) -> Iterator[tuple[str, str | None]]:
    """Read letters that stand together; the first that takes a value takes what follows."""
    for place, letter in enumerate(text):
        name = names.letters.get(letter)
        if name is None:
            raise _error(f"invalid option -- '{letter}'")
        kind, attached = names.arguments[name], text[place + 1 :]
        if kind == "none":
            yield name, "true"
            continue
        if kind == "required" and not attached:
            attached = _next(rest, f"option -- '{letter}'")
        yield name, attached or None
        return


def _next(rest: Iterator[str], what: str) -> str:
    for word in rest:
        return word
    raise _error(f"{what} requires an argument")


def _error(problem: str) -> OptionError:
    return OptionError(f"{COMMAND_LINE}: {problem}")
