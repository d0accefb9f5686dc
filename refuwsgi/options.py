"""An option is a constant of the module that obeys it; a Config holds what the operator set.

Section: ground / options
What: `Option` declares a name, how its text is read and what it stands for when nobody sets it.
      `build` turns settings, read from the command line and from files in their order, into a
      `Config`, which `config[PROCESSES]` asks.
Units: seconds for times, bytes for sizes.
Errors: a value that cannot be read is an OptionError: one line with file and line number, and
      what was expected.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, NamedTuple, TypeVar, overload

from refuwsgi.readers import NUMERIC as NUMERIC
from refuwsgi.readers import flag as flag
from refuwsgi.readers import how_many as how_many
from refuwsgi.readers import integer as integer
from refuwsgi.readers import megabytes as megabytes
from refuwsgi.readers import mode as mode
from refuwsgi.readers import number as number
from refuwsgi.readers import octets as octets
from refuwsgi.readers import pairs as pairs
from refuwsgi.readers import seconds as seconds
from refuwsgi.readers import text as text
from refuwsgi.readers import texts as texts
from refuwsgi.readers import without_comment as without_comment

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)  # an option of tuples is one of iterables, too
U = TypeVar("U")

COMMAND_LINE: Final = "command line"


class OptionError(ValueError):
    """A mistake of the operator; its text is the whole line that is shown."""


def join(first: tuple[U, ...], second: tuple[U, ...]) -> tuple[U, ...]:
    """Put tuples one behind the other: what repeat is for options that may be given often."""
    return first + second


JOIN: Final = join


class Setting(NamedTuple):
    """One name and value as read, in order; without a value it is a bare flag."""

    name: str
    value: str | None
    where: str  # "file.ini:3", "command line", "environment"


class Option(Generic[T_co]):
    """What an operator may set; the constant is also the key to its value in a Config."""

    __slots__ = (
        "aliases",
        "bare",
        "default",
        "help",
        "implies",
        "module",
        "name",
        "read",
        "repeat",
    )

    @overload
    def __init__(
        self: "Option[tuple[U, ...]]",  # an empty default does not say of what it is empty
        name: str,
        read: Callable[[str], tuple[U, ...]],
        default: tuple[()],
        help: str,
        aliases: tuple[str, ...] = (),
        bare: str | None = None,
        repeat: Callable[[tuple[U, ...], tuple[U, ...]], tuple[U, ...]] | None = None,
        implies: tuple[str, ...] = (),
    ) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        read: Callable[[str], T_co],
        default: T_co,
        help: str,
        aliases: tuple[str, ...] = (),
        bare: str | None = None,
        repeat: Callable[[T_co, T_co], T_co] | None = None,
        implies: tuple[str, ...] = (),
    ) -> None: ...
    def __init__(
        self,
        name: str,
        read: Callable[[str], Any],
        default: Any,
        help: str,
        aliases: tuple[str, ...] = (),
        bare: str | None = None,
        repeat: Callable[[Any, Any], Any] | None = None,
        implies: tuple[str, ...] = (),
    ) -> None:
        self.name: Final = name
        self.read: Final[Callable[[str], T_co]] = read
        self.default: Final[T_co] = default
        self.help: Final = help
        self.aliases: Final = aliases  # a single letter is a short option of the command line
        self.bare: Final = bare  # the text that a name without a value stands for
        self.repeat: Final[Callable[[T_co, T_co], T_co] | None] = (
            repeat  # joins the values of an option that may be given several times
        )
        self.implies: Final = implies  # names of flags that are set, too, unless they are given
        self.module: Final = _declaring_module()

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a file may use."""
        return (self.name, *(alias for alias in self.aliases if len(alias) > 1))

    @property
    def letters(self) -> tuple[str, ...]:
        """The short forms, for the command line only."""
        return tuple(alias for alias in self.aliases if len(alias) == 1)

    @property
    def argument(self) -> str:
        """Say whether a value must follow on the command line: none, optional, required."""
        if self.read is flag:
            return "none"
        return "required" if self.bare is None else "optional"

    def __repr__(self) -> str:
        return f"Option({self.name!r})"


def _declaring_module() -> str:
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__") == "typing":  # Option[int](...)
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", ""))


class Config:
    """What the operator set, read-only and typed, the same object in every process."""

    def __init__(self, settings: Iterable[Setting]) -> None:
        self.settings: Final = tuple(settings)
        self.warnings: Final[list[str]] = []  # one line each, for whoever shows them
        self._places: dict[str, list[int]] = {}
        self._values: dict[Option[Any], Any] = {}
        for place, setting in enumerate(self.settings):
            self._places.setdefault(setting.name, []).append(place)

    def __getitem__(self, option: Option[T]) -> T:
        if option in self._values:
            value: T = self._values[option]
            return value
        value = self._values[option] = self._read(option)
        return value

    def given(self, option: Option[Any]) -> bool:
        """Say whether the option was set at all."""
        return any(name in self._places for name in option.names)

    def asks_for(self, *beginnings: str) -> bool:
        """Say whether a name that begins so was set: whether a part need be imported at all."""
        return any(name.startswith(beginnings) for name in self._places)

    def where(self, option: Option[Any]) -> str:
        """The file and line, or the command line, that set it last."""
        found = self._found(option)
        return found[-1].where if found else ""

    def in_order(self, *options: Option[Any]) -> list[tuple[Option[Any], str, str]]:
        """Every (option, text, where) of these options, in the order in which they were read."""
        owner = {name: option for option in options for name in option.names}
        return [
            (owner[each.name], _text_of(owner[each.name], each), each.where)
            for each in self.settings
            if each.name in owner
        ]

    def error(self, option: Option[Any], expected: str) -> OptionError:
        """The error that says where the option was set and what was expected there."""
        found = self._found(option)
        if not found:
            return OptionError(f"{option.name}: expected {expected}")
        return _error(found[-1], f"expected {expected}", found[-1].value or "")

    def _found(self, option: Option[Any]) -> list[Setting]:
        places = [place for name in option.names for place in self._places.get(name, ())]
        return [self.settings[place] for place in sorted(places)]

    def _read(self, option: Option[T]) -> T:
        found = self._found(option)
        if not found:
            return option.default
        values = [self._value(option, setting) for setting in found]
        if option.repeat is None:
            return values[-1]
        result = values[0]
        for value in values[1:]:
            result = option.repeat(result, value)
        return result

    def _value(self, option: Option[T], setting: Setting) -> T:
        raw = _text_of(option, setting)
        if setting.value is None and option.bare is None and option.read is not flag:
            raise OptionError(f"{setting.where}: {setting.name}: expected a value")
        if option.read in NUMERIC and (bare := without_comment(raw)) != raw:
            # uWSGI: files rely on it that leading digits count, so `8 ; cores` is 8.
            # Departure: `false ; comment` is false here and true there.
            self.warnings.append(
                f"{setting.where}: {setting.name}: {raw[len(bare) :].strip()!r} is taken for "
                f"a comment; a comment must have a line of its own"
            )
            raw = bare
        try:
            return option.read(raw)
        except OptionError:
            raise
        except ValueError as problem:
            raise _error(setting, str(problem), raw) from None


def _text_of(option: Option[Any], setting: Setting) -> str:
    return setting.value or (setting.value if option.bare is None else option.bare) or ""


def _error(setting: Setting, problem: str, raw: str) -> OptionError:
    got = f", got {raw!r}" if problem.startswith("expected") and ", got " not in problem else ""
    return OptionError(f"{setting.where}: {setting.name}: {problem}{got}")


def catalogue() -> tuple[Option[Any], ...]:
    """Every option that is declared in the package."""
    from refuwsgi.catalogue import everything

    return everything()


def build(settings: Iterable[Setting], options: Iterable[Option[Any]] | None = None) -> Config:
    """Read every option that is set, so that a mistake shows before any process starts."""
    first = Config(settings)
    if options is None:
        from refuwsgi.catalogue import declaring

        options = declaring(each.name for each in first.settings)
    known = tuple(options)
    implied = [
        Setting(name, None, first.where(option))
        for option in known
        if option.implies and first.given(option) and first[option] != option.default
        for name in option.implies
        if not any(each.name == name for each in first.settings)
    ]
    config = Config((*first.settings, *implied)) if implied else first
    for option in known:
        if config.given(option):
            config[option]
    return config


def config_of(**values: str | list[str] | bool) -> Config:
    """A Config for a test: `config_of(http_socket=":0", processes="4")`."""
    settings = []
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            shown = str(each).lower() if isinstance(each, bool) else each
            settings.append(Setting(name.replace("_", "-"), shown, "test"))
    known = {name for option in catalogue() for name in option.names}
    for setting in settings:
        if setting.name not in known:
            raise OptionError(f"{setting.where}: {setting.name}: no such option")
    return build(settings)
