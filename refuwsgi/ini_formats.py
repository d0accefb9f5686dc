"""The formats of a configuration file: ini, yaml, xml, json and toml turned into names and values.

Section: ground / configuration; the formats
What: `parse` takes the text of a file and the section that is wanted and returns its entries in
      their order, each with its line.  None means that the text has no such section.
Errors: OptionError with file and line for text that is not in the format.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from refuwsgi.options import OptionError

EXTENSIONS: Final = {
    "ini": "ini",
    "yaml": "yaml",
    "yml": "yaml",
    "xml": "xml",
    "json": "json",
    "js": "json",
    "toml": "toml",
}
HEADER: Final = re.compile(r"\[([^\[\]]*)\][ \t]*(?:[;#].*)?")
BEYOND_SIMPLE: Final = r"(?m)^[ \t]+(?:[\w.-]+:|-)[ \t]+([|>][+-]?[ \t]*$|[&*]\w)"


class Entry(NamedTuple):
    """One line of a configuration; a name alone has no value."""

    name: str
    value: str | None
    line: int


def parse(
    kind: str, text: str, section: str, file: str, decode: Callable[[str], str]
) -> list[Entry] | None:
    """Read the entries of a section; decode replaces the percent codes of one piece of text."""
    # Departure: uWSGI does not find the section of a file that starts with a byte order mark.
    text = text.removeprefix("\ufeff")
    if kind == "ini":
        return _ini(text, section, file, decode)
    if kind == "yaml" and not re.search(BEYOND_SIMPLE, text):
        return _yaml(text, section, file, decode)
    entries = {"xml": _xml, "json": _json, "toml": _toml, "yaml": _full_yaml}[kind](
        text, section, file
    )
    return entries and [
        Entry(decode(name), value and decode(value), line) for name, value, line in entries
    ]


def _ini(text: str, section: str, file: str, decode: Callable[[str], str]) -> list[Entry] | None:
    entries, inside, found = [], False, False
    # Departure: uWSGI replaces the codes in the whole text, so that a % at the end of a line,
    # even of a comment, swallows the line break and with it the next line.
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if not line or line[0] in "#;":
            continue
        line = decode(line).strip(" \t\r")
        # Departure: `[ uwsgi ]` and `[uwsgi] ; text` are headers, too.
        if header := HEADER.fullmatch(line):
            inside = header[1].strip() == section
            found = found or inside
        elif inside:
            name, equals, value = line.partition("=")
            if not name.strip():
                raise OptionError(f"{file}:{number}: expected a name before the equals sign")
            entries.append(
                Entry(name.strip(" \t\r"), value.strip(" \t\r") if equals else None, number)
            )
    return entries if found else None


def _yaml(text: str, section: str, file: str, decode: Callable[[str], str]) -> list[Entry] | None:
    """Read `uwsgi:` and one level below it, where names may repeat and lists repeat a name."""
    # uWSGI: this is no YAML; real files rely on unquoted % and : and on repeated names.
    entries: list[Entry] = []
    inside, found, listed = False, False, ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = decode(_without_yaml_comment(raw.rstrip(" \t\r")))
        content = line.strip(" \t\r")
        if not content or content in ("---", "..."):
            continue
        # Departure: uWSGI passes over lists.
        item = content[1:].strip() if content == "-" or content.startswith("- ") else None
        if line[0] not in " \t" and item is None:
            inside = content.partition(":")[0].rstrip() == section
            found, listed = found or inside, ""
        elif inside and item is not None and listed:
            if entries and entries[-1].name == listed and entries[-1].value is None:
                entries.pop()
            entries.append(Entry(listed, _yaml_scalar(item), number))
        elif inside:
            name, colon, value = content.partition(":")
            if not colon or not name.strip():
                raise OptionError(f"{file}:{number}: expected `name: value`, got {content!r}")
            listed = name.rstrip() if not value.strip() else ""
            entries += _yaml_values(name.rstrip(), value.strip(" \t"), number)
    return entries if found else None


def _yaml_values(name: str, value: str, number: int) -> list[Entry]:
    if not value:
        return [Entry(name, None, number)]
    if value[0] == "[" and value[-1] == "]":
        items = [item.strip() for item in value[1:-1].split(",")]
        return [Entry(name, _yaml_scalar(item), number) for item in items if item]
    return [Entry(name, _yaml_scalar(value), number)]


def _yaml_scalar(value: str) -> str:
    # Departure: uWSGI keeps the quotes.
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _without_yaml_comment(line: str) -> str:
    """Cut a comment off."""
    # Departure: only behind a blank and outside of quotes; uWSGI cuts at every #.
    quote = ""
    for place, char in enumerate(line):
        before = line[place - 1] if place else " "
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and before in " \t":
            quote = char if char in line[place + 1 :] else ""
        elif char == "#" and before in " \t":
            return line[:place]
    return line


def _full_yaml(text: str, section: str, file: str) -> list[Entry] | None:
    """Read what the simple reader cannot, with the parser of the yaml extra."""
    try:
        import yaml
    except ImportError:
        found = re.search(BEYOND_SIMPLE, text)
        line = text.count("\n", 0, found.start(1)) + 1 if found else 1
        raise OptionError(
            f"{file}:{line}: text over several lines and anchors need `pip install refuwsgi[yaml]`"
        ) from None
    try:
        table = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise OptionError(f"{file}: not YAML: {' '.join(str(problem).split())}") from None
    pairs = list(table.items()) if isinstance(table, dict) else table
    return _from_table(_nested(pairs), section, file, _Lines(text, r"(?m)^\s*{}\s*:"))


def _xml(text: str, section: str, file: str) -> list[Entry] | None:
    from xml.parsers import expat

    parser = expat.ParserCreate()
    reader = _XmlReader(section, parser)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(text.encode(errors="surrogateescape"), True)
    except expat.ExpatError as problem:
        raise OptionError(f"{file}:{problem.lineno}: not XML: {problem}") from None
    except OptionError as problem:
        raise OptionError(f"{file}:{parser.CurrentLineNumber}: {problem}") from None
    return reader.entries if reader.found else None


class _XmlReader:
    def __init__(self, section: str, parser: Any) -> None:
        self.section, self.parser = section, parser
        self.entries: list[Entry] = []
        self.found = False
        self.root = -1  # the depth of the <uwsgi> that is wanted
        self.depth = 0
        self.text = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open the wanted section, or an entry of it."""
        self.depth += 1
        wanted = "uwsgi" if self.section == "uwsgi" else attributes.get("id")
        # uWSGI: of several only the first counts.
        if tag == "uwsgi" and not self.found and wanted == self.section:
            self.root, self.found = self.depth, True
        elif self.depth == self.root + 1:
            self.text = ""
            self.entries.append(Entry(tag, None, self.parser.CurrentLineNumber))

    def characters(self, text: str) -> None:
        """Collect the value."""
        self.text += text

    def end(self, tag: str) -> None:
        """Close an entry, or the section."""
        if self.root > 0 and self.depth == self.root + 1 and self.text.strip():
            self.entries[-1] = self.entries[-1]._replace(value=self.text.strip())
        if self.depth == self.root:
            self.root = -1
        self.depth -= 1

    def refuse(self, *_: object) -> None:
        """Refuse entities of the file's own: they can grow without limit."""
        raise OptionError("entity declarations are not supported")


def _json(text: str, section: str, file: str) -> list[Entry] | None:
    import json

    try:
        table = json.loads(text, object_pairs_hook=list)
    except json.JSONDecodeError as problem:
        raise OptionError(f"{file}:{problem.lineno}: not JSON: {problem.msg}") from None
    except (RecursionError, ValueError) as problem:
        raise OptionError(f"{file}: not JSON: {problem}") from None
    return _from_table(table, section, file, _Lines(text, r'"{}"\s*:'))


def _toml(text: str, section: str, file: str) -> list[Entry] | None:
    import tomllib

    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except (RecursionError, ValueError) as problem:
        raise OptionError(f"{file}: not TOML: {problem}") from None
    return _from_table(
        _nested(list(table.items())), section, file, _Lines(text, r'(?m)^\s*"?{}"?\s*=')
    )


def _nested(pairs: Any) -> Any:
    """The tables inside of a table as pairs, too."""
    if not _is_table(pairs):
        return None
    return [(str(name), list(v.items()) if isinstance(v, dict) else v) for name, v in pairs]


class _Lines:
    """Find the line of a name: parsers of nested formats do not say it."""

    def __init__(self, text: str, pattern: str) -> None:
        self.text, self.pattern = text, pattern
        self.seen: dict[str, int] = {}

    def line(self, name: str) -> int:
        """The line where the name stands next."""
        pattern = re.compile(self.pattern.replace("{}", re.escape(name)))
        match = pattern.search(self.text, self.seen.get(name, 0))
        self.seen[name] = match.end() if match else 0
        return self.text.count("\n", 0, match.end()) + 1 if match else 1


def _from_table(table: Any, section: str, file: str, lines: _Lines) -> list[Entry] | None:
    if not _is_table(table):
        raise OptionError(f"{file}: expected a table of sections")
    found = [value for name, value in table if name == section]
    entries = []
    for name, value in (pair for each in found if _is_table(each) for pair in each):
        line = lines.line(name)
        for item in value if isinstance(value, list) else [value]:
            entries.append(Entry(name, _scalar(item, f"{file}:{line}: {name}"), line))
    return entries if found else None


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, tuple) for each in value)


def _scalar(value: Any, where: str) -> str | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise OptionError(f"{where}: expected a text, a number, true, false or a list of them")
