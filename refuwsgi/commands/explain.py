"""refuwsgi explain: say what a configuration means, line by line, and where that is written.

Section: ground / the command; explain
What: each setting in the order in which it counts: file and line, name and value, what the option
      does, which document speaks of it.  Behind them what follows without having been set: options
      that others imply, and the defaults of those that belong to the ones that are set.
Errors: a file that cannot be read is one line and status 1; a value that cannot is said in its
        place, with status 1.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from refuwsgi.cli import Read, read
from refuwsgi.commands.the_documents import section_of, url_of
from refuwsgi.options import Config, Option, OptionError, Setting, build, catalogue
from refuwsgi.readers import flag, mode

USAGE: Final = "Usage: refuwsgi explain FILE..."
GROUND: Final = "ground"
FILES: Final = ("ini", "yaml", "xml", "json", "toml", "config", "include", "inherit")


class Entry(NamedTuple):
    """What there is to say about one setting."""

    setting: Setting
    means: str
    section: str = ""  # with the part that the module has in it
    notes: tuple[str, ...] = ()
    wrong: bool = False

    def lines(self) -> list[str]:
        """The entry as it is printed."""
        heading = self.section.partition(";")[0]
        document = [] if heading.startswith(GROUND) else [f"{heading}  {url_of(heading)}".strip()]
        said = [self.means, *self.notes, *document]
        head = f"{self.setting.where}: {_as_written(self.setting)}"
        return [head, *(f"    {line}" for line in said if line)]


def main(argv: list[str]) -> int:
    """Explain the files of a command line."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if argv else 1
    result = read(argv)
    found = list(entries(result))
    for entry in found:
        print(printable("\n".join(entry.lines())), end="\n\n")
    for title, lines in following(result, found):
        print(printable("\n".join([title, *(f"    {line}" for line in lines)])), end="\n\n")
    for line in result.warnings:
        print(printable(line), file=sys.stderr)
    return 1 if any(entry.wrong for entry in found) else 0


def entries(result: Read) -> Iterator[Entry]:
    """Explain every setting, in order."""
    owner = {name: option for option in catalogue() for name in option.names}
    last = {}
    for setting in result.settings:
        if setting.name in owner:
            last[owner[setting.name]] = setting
    for setting in result.settings:
        option = owner.get(setting.name)
        if option is None:
            yield _not_obeyed(setting, result)
        else:
            yield _obeyed(setting, option, last[option])


def _obeyed(setting: Setting, option: Option[Any], last: Setting) -> Entry:
    notes = []
    if setting.name != option.name:
        notes.append(f"another name of {option.name}")
    try:
        value = build([setting], [option])[option]
    except OptionError as problem:
        reason = str(problem).removeprefix(f"{setting.where}: {setting.name}: ")
        return Entry(setting, option.help, section_of(option.module), (f"error: {reason}",), True)
    if shown := _in_words(setting, option, value):
        notes.append(shown)
    if option.repeat is None and setting is not last:
        notes.append(f"does not count: {option.name} is set again at {last.where}")
    elif option.repeat is None and value == option.default and option.name not in FILES:
        notes.append("this is the default")
    return Entry(setting, option.help, section_of(option.module), tuple(notes))


def _in_words(setting: Setting, option: Option[Any], value: object) -> str:
    """Say how the text was understood, where that is not the text itself."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if setting.value is None and option.bare:
        return f"without a value it is {option.bare}"
    if option.read is mode:
        return ""  # octal digits say it better
    if isinstance(value, (int, float)) and str(setting.value) not in (str(value), f"{value:g}"):
        return f"understood as {value:g}" if isinstance(value, float) else f"understood as {value}"
    return ""


def _not_obeyed(setting: Setting, result: Read) -> Entry:
    """Explain a name that no module declares."""
    from refuwsgi.known import ARGUMENT, refusal, similar

    name = setting.name
    if name in result.own:
        return Entry(setting, f"a placeholder of this configuration: %({name})")
    if name not in ARGUMENT:
        if name in result.used:
            return Entry(setting, f"a name of this configuration: %({name}) uses it")
        meant = similar(name, {each for option in catalogue() for each in option.names})
        hint = f"; did you mean {meant}?" if meant else ""
        return Entry(setting, f"no such option{hint}", wrong=True)
    if _off(setting):
        return Entry(setting, "an option of uWSGI that is off, as it is here")
    if reason := refusal(name):
        return Entry(setting, f"refused, the start ends here: {reason}", wrong=True)
    return Entry(setting, "an option of uWSGI that has no effect here")


def _off(setting: Setting) -> bool:
    try:
        return not flag(setting.value or "")
    except ValueError:
        return False


def following(result: Read, found: Iterable[Entry]) -> Iterator[tuple[str, list[str]]]:
    """What is so without having been set."""
    wrong = {entry.setting for entry in found if entry.wrong}
    settings = [setting for setting in result.settings if setting not in wrong]
    config = build(settings)
    by_name = {name: option for option in catalogue() for name in option.names}
    implied = config.settings[len(settings) :]
    if implied:
        yield (
            "Follows from what is set:",
            [f"{each.name}: {by_name[each.name].help}  ({each.where})" for each in implied],
        )
    if defaults := _defaults(config, settings):
        yield "Not set, and therefore:", defaults


def _defaults(config: Config, settings: Iterable[Setting]) -> list[str]:
    """The options that belong to one that is set, by their names, and have a default."""
    beginnings = tuple(f"{each.name}-" for each in settings)
    return [
        f"{option.name} = {_plain(option.default)}: {option.help}"
        for option in sorted(catalogue(), key=lambda each: each.name)
        if option.name.startswith(beginnings)
        and not config.given(option)
        and option.default not in (None, (), False, "", {})
    ]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def printable(text: str) -> str:
    """Text that can be printed: bytes that were no UTF-8 become question marks."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _as_written(setting: Setting) -> str:
    return setting.name if setting.value is None else f"{setting.name} = {setting.value}"
