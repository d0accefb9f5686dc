"""Where configurations come from: files, standard input, descriptors, commands, the emperor.

Section: ground / configuration; the sources
What: `Machine` answers what a Reading asks: texts by name, percent codes, paths, the environment.
Errors: OSError for what cannot be read, ValueError for a name or an answer that makes no sense.
"""

import os
from typing import Final

from refuwsgi import imperial_config
from refuwsgi.ini import Source

LIMIT: Final = 4 << 20  # bytes of one source: a configuration, not a log or a device
PATIENCE: Final = 60.0  # seconds for a command or a web server to give its text


class Machine:
    """The machine as a Reading sees it."""

    def __init__(self, options: set[str]) -> None:
        self._options: Final = options
        self._environment: Final = dict(os.environ)

    def environment(self) -> dict[str, str]:
        """All variables."""
        return self._environment

    def variable(self, name: str) -> str | None:
        """One variable."""
        return self._environment.get(name)

    def is_option(self, name: str) -> bool:
        """Say whether the name is an option."""
        return name in self._options

    def exists(self, path: str, kind: str) -> bool:
        """Say whether there is such a path: kind is any, file or directory."""
        asked = {"file": os.path.isfile, "directory": os.path.isdir}.get(kind, os.path.exists)
        return asked(path)

    def matching(self, pattern: str) -> list[str]:
        """The paths of a pattern, sorted."""
        from glob import glob

        return sorted(glob(pattern))

    def lines(self, path: str) -> list[str]:
        """The lines of a file, those at its end that are empty left out."""
        return _text(_file(path)).rstrip("\r\n").splitlines()

    def hostname(self) -> str:
        """The name of this machine."""
        return os.uname().nodename

    def reloaded(self) -> bool:
        """Say whether this is not the first start."""
        return self._environment.get("UWSGI_RELOADS", "0") not in ("", "0")

    def contents(self, name: str) -> str:
        """The text that @(name) stands for."""
        return _text(_bytes(name))

    def fetch(self, name: str) -> Source:
        """Read the source of this name."""
        path = name if "://" in name or name == "-" else os.path.realpath(name)
        return Source(name, path, _text(_bytes(name)))

    def code(self, letter: str, source: Source, section: str) -> str | None:
        """What a percent code stands for; None if for nothing."""
        name = source.path.rpartition("/")[2]
        folder = source.path[: len(source.path) - len(name)]
        parts = [part for part in folder.split("/") if part]
        if letter.isascii() and letter.isdigit():
            return parts[int(letter)] if int(letter) < len(parts) else ""
        lowered = letter.lower()
        if letter in "oOpPsSdDeEnNcCxXjJiI":
            stem, dot, extension = name.rpartition(".")
            return {
                "o": lambda: source.given,
                "p": lambda: source.path,
                "s": lambda: name,
                "d": lambda: folder,
                "e": lambda: extension if dot else "",
                "n": lambda: stem if dot else name,
                "c": lambda: parts[-1] if parts else "",
                "x": lambda: section,
                "j": lambda: f"{_hash(source.path):X}",
                "i": lambda: _inode(source.path),
            }[lowered]()
        return _fact(letter)


def _fact(letter: str) -> str | None:
    """What a percent code says that is not about a file."""
    if letter == "v":
        return os.getcwd()
    if letter == "h":
        return os.uname().nodename
    if letter == "k":
        return str(os.cpu_count() or 1)
    if letter == "V":
        return "2.0.31"  # uWSGI: configurations test for features with it
    if letter == "[":
        return "\033"
    if letter in "tT":
        import time

        return str(int(time.time()) if letter == "t" else time.time_ns() // 1000)
    if letter in "uUgG":
        return _identity(letter)
    if letter == "b":
        import sys

        return os.path.abspath(sys.argv[0])
    return None


def _identity(letter: str) -> str:
    if letter in "ug":
        return str(os.getuid() if letter == "u" else os.getgid())
    import grp
    import pwd

    try:
        return pwd.getpwuid(os.getuid())[0] if letter == "U" else grp.getgrgid(os.getgid())[0]
    except KeyError:
        return str(os.getuid() if letter == "U" else os.getgid())


def _hash(text: str) -> int:
    """The 32 bit hash that uWSGI uses everywhere (Bernstein's, with xor)."""
    result = 5381
    for byte in os.fsencode(text):
        result = (result * 33 & 0xFFFFFFFF) ^ byte
    return result


def _inode(path: str) -> str:
    try:
        return str(os.stat(path).st_ino)
    except OSError:
        return "0"


def _bytes(name: str) -> bytes:
    scheme, mark, rest = name.partition("://")
    if not mark and name != "-":
        return _file(name)
    if name == "-":
        return _descriptor(0, close=False)
    if scheme == "fd":
        if not (rest.isascii() and rest.isdigit() and len(rest) < 7):
            raise ValueError(f"expected the number of a descriptor, got {name!r}")
        return _descriptor(int(rest), close=True)
    if scheme == "file":
        return _file(rest)
    if scheme == "exec":
        return _output(rest)
    if scheme in ("http", "https"):
        return _fetched(name)
    if scheme == "emperor":
        return imperial_config.receive()
    raise ValueError(f"unable to load configuration from {name}")


def _file(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    # A FIFO or a terminal is waited for; the flag only keeps open() from waiting.
    os.set_blocking(fd, True)
    return _descriptor(fd, close=True)


def _descriptor(fd: int, close: bool) -> bytes:
    with open(fd, "rb", closefd=close) as file:
        return _limited(file.read(LIMIT + 1))


def _limited(content: bytes) -> bytes:
    if len(content) > LIMIT:
        raise ValueError(f"a configuration has at most {LIMIT} bytes")
    return content


def _output(command: str) -> bytes:
    import subprocess

    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command], stdout=subprocess.PIPE, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"exec://{command} gave no text within {PATIENCE:.0f} s") from None
    if done.returncode:
        # Departure: uWSGI goes on with what the command wrote before it failed.
        raise ValueError(f"exec://{command} ended with status {done.returncode}")
    return _limited(done.stdout)


def _fetched(url: str) -> bytes:
    from urllib.request import urlopen

    with urlopen(url, timeout=PATIENCE) as answer:
        content: bytes = answer.read(LIMIT + 1)
    return _limited(content)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
