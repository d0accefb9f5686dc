"""Configuration files become one list of settings: sections, includes, conditions, placeholders.

Section: ground / configuration
What: a `Reading` takes options one by one in the order of the command line.  One that names a file
      is replaced by the lines of that file where it stands.  `finish` replaces the placeholders and
      returns the settings.  Files come from a `World`, which tests replace.
Errors: OptionError with file and line.
"""

from typing import Any, Final, NamedTuple, Protocol

from refuwsgi import ini_logic as logic
from refuwsgi.ini_formats import EXTENSIONS, parse
from refuwsgi.ini_placeholders import Placeholders, decode
from refuwsgi.options import JOIN, Option, OptionError, Setting, texts

DEPTH: Final = 16  # files inside of files
FILES: Final = 1000  # files of one reading
SETTINGS: Final = 100_000  # settings of one reading


def _file(name: str, help: str, *aliases: str) -> Option[Any]:
    return Option(name, texts, default=(), help=help, aliases=tuple(aliases), repeat=JOIN)


INI = _file("ini", "read an ini file; :name is a section of the same file")
YAML = _file("yaml", "read a yaml file", "yml", "y")
XML = _file("xml", "read an xml file", "xmlconfig", "x")
JSON = _file("json", "read a json file", "js")
TOML = _file("toml", "read a toml file")
CONFIG = _file("config", "read a file in the format that its extension names")
INCLUDE = _file("include", "read a file in the format that its extension names, here")
INHERIT = _file("inherit", "read a file behind everything else, as a template")
SET = _file("set", "set an option or a placeholder: name=value", "S")
SET_PLACEHOLDER = _file("set-placeholder", "set a placeholder: name=value", "set-ph")

FORMATS: Final = {
    name: "ini" if option is INI else option.name
    for option in (INI, YAML, XML, JSON, TOML)
    for name in option.names
}


class Source(NamedTuple):
    """The text of a configuration and where it is from."""

    given: str  # as the operator wrote it, without the section
    path: str  # absolute, or the same text where it is no file
    text: str


class World(logic.World, Protocol):
    """What a reading asks the machine."""

    def fetch(self, name: str) -> Source:
        """Read a file, standard input (-), fd://, exec://, http:// or emperor://."""

    def contents(self, name: str) -> str:
        """The text that @(name) stands for."""

    def environment(self) -> dict[str, str]:
        """All variables."""

    def code(self, letter: str, source: Source, section: str) -> str | None:
        """What a percent code in a file stands for."""

    def is_option(self, name: str) -> bool:
        """Say whether this is an option rather than a name of the operator's own."""


class _Block(NamedTuple):
    name: str
    where: str
    repetitions: list[str | None]


class Reading:
    """The settings that were read so far."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        self.settings: Final[list[Setting]] = []
        self.own: Final[set[str]] = set()  # names made by set-placeholder
        self.warnings: Final[list[str]] = []
        self.used: Final[set[str]] = set()  # names that placeholders and conditions asked for
        self._values: Final[dict[str, list[str]]] = {}
        self._block: _Block | None = None
        self._stack: Final[list[tuple[str, str]]] = []
        self._first: Source | None = None
        self._last: tuple[str, str] | None = None  # the ini file that `:section` means
        self._files = 0

    def add(self, name: str, value: str | None, where: str) -> None:
        """Take one option as it stands in its source."""
        if name in logic.ENDS:
            self._block = None
            self._keep(name, value, where)
        elif self._block is not None:
            self._repeat(self._block, name, value, where)
        elif logic.starts(name):
            self._open(name, value or "", where)
        else:
            self._take(name, value, where)

    def finish(self) -> list[Setting]:
        """Replace the placeholders; the files of `inherit` are read here, behind all others."""
        self._must_be_closed(None)
        for setting in [each for each in self.settings if each.name == "inherit"]:
            # Departure: placeholders work in these files, too.
            self._load("", self._now(setting.value or "", setting.where), setting.where)
        first = {name: values[0] for name, values in self._values.items()}
        placeholders = Placeholders(self.world.environment(), self.world.contents, first)
        result = [self._finished(each, placeholders) for each in self.settings]
        self.used.update(placeholders.used)
        return result

    def _finished(self, setting: Setting, placeholders: Placeholders) -> Setting:
        name, value, where = setting
        if not value or not any(start in value for start in ("$(", "@(", "%(")):
            return setting
        try:
            return Setting(name, placeholders.replace(value, name), where)
        except OSError as problem:
            raise OptionError(f"{where}: {name}: {problem.strerror or problem}") from None
        except ValueError as problem:
            raise OptionError(f"{where}: {name}: {problem}") from None

    def _open(self, name: str, argument: str, where: str) -> None:
        self._keep(name, argument, where)
        resolved = self._now(argument, where)
        self.used.add(resolved.partition("=")[0])
        try:
            found = logic.repetitions(name, resolved, self.world, self._values)
        except OSError as problem:
            raise OptionError(f"{where}: {name}: {problem.strerror}: {resolved}") from None
        except ValueError as problem:
            raise OptionError(f"{where}: {name}: {problem}") from None
        self._block = _Block(name, where, found)

    def _repeat(self, block: _Block, name: str, value: str | None, where: str) -> None:
        if logic.starts(name):
            raise OptionError(
                f"{where}: recursive logic in options is not supported (option = {name})"
            )
        for each in block.repetitions:
            changed = value if each is None or value is None else value.replace("%(_)", each)
            self._block = None
            self._take(name, changed, where)
        self._block = block

    def _take(self, name: str, value: str | None, where: str) -> None:
        """Keep a setting, and do at once what must not wait."""
        if name == "set-placeholder" or name == "set-ph":
            self._keep(name, value, where)
            self._set_placeholder(value or "", where)
        elif name == "set":
            self._keep(name, value, where)
            key, equals, text = (value or "").partition("=")
            self.add(key.strip(), text.strip() if equals else None, f"{where}: set")
        elif name in FORMATS or name in ("config", "include"):
            self._keep(name, value, where)
            self._load(FORMATS.get(name, ""), self._now(value or "", where), where)
        else:
            self._keep(name, value, where)

    def _set_placeholder(self, value: str, where: str) -> None:
        name, equals, text = value.partition("=")
        name = name.strip()
        if not equals or not name:
            raise OptionError(f"{where}: set-placeholder: expected name=value, got {value!r}")
        if self.world.is_option(name):
            raise OptionError(
                f"{where}: you cannot use {name} as a placeholder, "
                f"it is already available as an option"
            )
        self.own.add(name)
        self._keep(name, text.strip(), where)

    def _keep(self, name: str, value: str | None, where: str) -> None:
        if len(self.settings) >= SETTINGS:
            raise OptionError(f"{where}: more than {SETTINGS} settings")
        self.settings.append(Setting(name, value, where))
        self._values.setdefault(name, []).append(value or "")

    def _now(self, text: str, where: str) -> str:
        """A text with what is known already: it names a file or is tested by a condition."""
        # Departure: uWSGI takes such texts as they are written.
        if "$(" not in text and "%(" not in text:
            return text
        first = {name: values[0] for name, values in self._values.items()}
        placeholders = Placeholders(self.world.environment(), self.world.contents, first)
        try:
            return placeholders.replace(text, files=False)
        except ValueError as problem:
            raise OptionError(f"{where}: {problem}") from None
        finally:
            self.used.update(placeholders.used)

    def _load(self, kind: str, name: str, where: str) -> None:
        """Read a file in place of the option that names it."""
        path, section = self._split(name, where)
        kind = kind or EXTENSIONS.get(path.rpartition(".")[2].lower(), "")
        if not kind:
            raise OptionError(f"{where}: unable to load configuration from {name}")
        if len(self._stack) >= DEPTH or self._files >= FILES:
            raise OptionError(f"{where}: {name}: files include each other too deeply")
        source = self.world_source(path, where)
        if (source.path, section) in self._stack:
            raise OptionError(f"{where}: {name} includes itself")
        self._files += 1
        self._first = self._first or source
        if kind == "ini":
            self._last = (path, section)
        self._stack.append((source.path, section))
        self._read(kind, source, section)
        self._stack.pop()

    def _split(self, name: str, where: str) -> tuple[str, str]:
        if name.startswith(":"):
            if self._last is None:
                raise OptionError(f"{where}: {name}: no ini file was read before")
            return self._last[0], name[1:] or "uwsgi"
        scheme = name.find("://")
        path, colon, section = name[scheme + 3 if scheme > 0 else 0 :].rpartition(":")
        whole = scheme > 0 and name[:scheme] in ("exec", "http", "https")
        if not colon or not path or whole or "/" in section or self.world.exists(name, "file"):
            return name, "uwsgi"
        return name[: -len(section) - 1], section or "uwsgi"

    def world_source(self, path: str, where: str) -> Source:
        """Fetch a source; what goes wrong is said in one line."""
        try:
            return self.world.fetch(path)
        except OSError as problem:
            raise OptionError(f"{where}: {path}: {problem.strerror or problem}") from None
        except ValueError as problem:
            raise OptionError(f"{where}: {problem}") from None

    def _read(self, kind: str, source: Source, section: str) -> None:
        first = self._first or source

        def code(letter: str) -> str | None:
            # uWSGI: a capital letter means the first file, where there is such a letter.
            about = first if letter in "OPSDENCXJI" else source
            return self.world.code(letter, about, section if section != "uwsgi" else "")

        before = self._block
        entries = parse(kind, source.text, section, source.given, lambda text: decode(text, code))
        if entries is None:
            self.warnings.append(
                f'*** WARNING: Can\'t find section "{section}" in '
                f"{kind.upper()} configuration file {source.given} ***"
            )
        for name, value, line in entries or ():
            self.add(name, value, f"{source.given}:{line}")
        self._must_be_closed(before)

    def _must_be_closed(self, before: _Block | None) -> None:
        if self._block is not None and self._block is not before:
            # Departure: uWSGI lets such a block swallow everything behind it.
            end = "endfor" if self._block.name.startswith("for") else "endif"
            raise OptionError(f"{self._block.where}: {self._block.name} without {end}")
