"""The interpreter as the operator wants the application to find it.

Section:  ground / the application; the interpreter
What:     environment variables, the path on which modules are found, the virtual environment,
          sys.argv, and modules that are imported beside the application.
Units:    none.
Errors:   `OptionError` for a virtual environment that is none, or of another Python.
"""

from __future__ import annotations

import os
import sys

from refuwsgi import log
from refuwsgi.options import JOIN, Config, Option, text, texts

PYTHONPATH: Option[tuple[str, ...]] = Option(
    "pythonpath",
    texts,
    default=(),
    help="look for modules in this directory, too (globs are expanded)",
    aliases=("python-path", "pp"),
    repeat=JOIN,
)
VIRTUALENV: Option[str | None] = Option(
    "virtualenv",
    text,
    default=None,
    help="use the packages of this virtual environment",
    aliases=("home", "venv", "pyhome", "H"),
)
ENV: Option[tuple[str, ...]] = Option(
    "env", texts, default=(), help="set an environment variable: NAME=value", repeat=JOIN
)
UNENV: Option[tuple[str, ...]] = Option(
    "unenv", texts, default=(), help="remove an environment variable", repeat=JOIN
)
PYARGV: Option[str | None] = Option(
    "pyargv", text, default=None, help="the arguments that the application finds in sys.argv"
)
IMPORT: Option[tuple[str, ...]] = Option(
    "import",
    texts,
    default=(),
    help="import this module in each worker",
    aliases=("pyimport", "py-import", "python-import"),
    repeat=JOIN,
)
SHARED_IMPORT: Option[tuple[str, ...]] = Option(
    "shared-import",
    texts,
    default=(),
    help="import this module in every process, before the fork",
    aliases=("shared-pyimport", "shared-py-import", "shared-python-import"),
    repeat=JOIN,
)


def set_environment(config: Config) -> None:
    """Set and remove the environment variables that the operator named."""
    for option, raw, _ in config.in_order(ENV, UNENV):
        name, equals, value = raw.partition("=")
        if not name or "\0" in raw:
            raise config.error(option, "NAME=value")
        if option is ENV and equals:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def set_paths(config: Config) -> None:
    """Make the interpreter ready for the application; the working directory is already right."""
    if config[VIRTUALENV] is not None:
        _use_environment(config, config[VIRTUALENV] or "")
    sys.path[:0] = [*_pythonpath(config), ".", ""]
    sys.argv = ["uwsgi", *_arguments(config)]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)  # what an application prints is for the log


def import_all(names: tuple[str, ...]) -> None:
    """Import modules beside the application; one that fails is a traceback in the log."""
    from importlib import import_module

    for name in names:
        try:
            import_module(name)
        except Exception:  # a module may raise anything
            log.exception(f"{name} cannot be imported")


def _pythonpath(config: Config) -> list[str]:
    found = []
    for pattern in config[PYTHONPATH]:
        matches = [pattern]
        if any(mark in pattern for mark in "*?["):
            from glob import glob

            matches = sorted(glob(pattern)) or [pattern]
        found += matches
    for path in found:
        log.line(f"added {path} to pythonpath.")
    return found


def _arguments(config: Config) -> list[str]:
    raw = config[PYARGV]
    if raw is None:
        return []
    from shlex import split

    try:
        return split(raw)
    except ValueError as problem:
        raise config.error(PYARGV, f"words ({problem})") from None


def _use_environment(config: Config, home: str) -> None:
    home = os.path.abspath(home)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = os.path.join(home, "lib", version, "site-packages")
    if not os.path.isdir(packages):
        raise config.error(VIRTUALENV, f"a virtual environment of {version}")
    log.line(f"Set PythonHome to {home}")
    if os.path.realpath(home) == os.path.realpath(sys.prefix):
        return
    import site

    before = len(sys.path)
    site.addsitedir(packages)
    # Its packages come first, also those that its .pth files name.
    sys.path[:] = sys.path[before:] + sys.path[:before]
    sys.prefix = sys.exec_prefix = home
