"""A machine that exists only in memory, for tests of configurations."""

from pathlib import PurePosixPath

from refuwsgi.ini import Reading, Source
from refuwsgi.options import Setting

OPTIONS = {"socket", "processes", "workers", "master", "module", "set-placeholder"}


class Made:
    """A World whose files, variables and options a test names."""

    def __init__(self, files: dict[str, str], variables: dict[str, str] | None = None) -> None:
        self.files = files
        self.variables = variables or {}

    def fetch(self, name: str) -> Source:
        if name not in self.files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return Source(name, f"/etc/made/{name}", self.files[name])

    def contents(self, name: str) -> str:
        if name.startswith("exec://echo "):
            return name.removeprefix("exec://echo ") + "\n"
        return self.fetch(name).text

    def environment(self) -> dict[str, str]:
        return self.variables

    def variable(self, name: str) -> str | None:
        return self.variables.get(name)

    def is_option(self, name: str) -> bool:
        return name in OPTIONS

    def exists(self, path: str, kind: str) -> bool:
        if kind == "directory":
            return path == "/etc/made"
        return path in self.files or (kind == "any" and path == "/etc/made")

    def matching(self, pattern: str) -> list[str]:
        return sorted(name for name in self.files if PurePosixPath(name).match(pattern))

    def lines(self, path: str) -> list[str]:
        return self.fetch(path).text.rstrip("\n").splitlines()

    def hostname(self) -> str:
        return "made.example"

    def reloaded(self) -> bool:
        return "RELOADED" in self.variables

    def code(self, letter: str, source: Source, section: str) -> str | None:
        path = PurePosixPath(source.path)
        known = {
            "d": f"{path.parent}/",
            "D": f"{path.parent}/",
            "n": path.stem,
            "N": path.stem,
            "k": "2",
            "p": source.path,
            "x": section,
        }
        return known.get(letter)


def settings_of(
    text: str,
    variables: dict[str, str] | None = None,
    name: str = "a.ini",
    section: str = "",
    **files: str,
) -> list[Setting]:
    """The settings of one file, without the one that names it."""
    named = {key.replace("_", "."): value for key, value in files.items()}
    reading = Reading(Made({name: text, **named}, variables))
    reading.add("config", name + section, "test")
    return reading.finish()[1:]


def pairs_of(
    text: str,
    variables: dict[str, str] | None = None,
    name: str = "a.ini",
    section: str = "",
    **files: str,
) -> list[tuple[str, str | None]]:
    """The same without the places."""
    found = settings_of(text, variables, name, section, **files)
    return [(setting.name, setting.value) for setting in found]
