"""The catalogue: which options there are, found where they are declared.

Section: ground / options; the catalogue
What: `everything` imports the whole package and collects its options, for `--help`, the manual and
      the tests.  `declaring` imports only the modules of the few that a configuration sets, which
      `refuwsgi.declared` names: a server with ten options starts in a third of the time.
Units: none.
Errors: none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from refuwsgi.declared import MODULES
from refuwsgi.options import Option

ASIDE = ("commands", "known", "__pycache__")
DECLARED = {name: module for module, names in MODULES.items() for name in names.split()}

_all: list[tuple[Option[Any], ...]] = []
_found: dict[str, tuple[Option[Any], ...]] = {}


def everything() -> tuple[Option[Any], ...]:
    """Every option that is declared in the package."""
    if not _all:
        found = {option: None for module in _modules() for option in _options_of(module)}
        _all.append(tuple(found))
    return _all[0]


def declaring(names: Iterable[str]) -> tuple[Option[Any], ...]:
    """The options of all modules that declare one of these names."""
    if _all:
        return _all[0]
    modules = dict.fromkeys(DECLARED[name] for name in names if name in DECLARED)
    return tuple({option: None for module in modules for option in _options_of(module)})


def _options_of(module: str) -> tuple[Option[Any], ...]:
    if module not in _found:
        values = vars(import_module(module)).values()
        _found[module] = tuple(value for value in values if isinstance(value, Option))
    return _found[module]


def _modules() -> list[str]:
    root = os.path.dirname(os.path.abspath(__file__))
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - set(ASIDE))
        package = ".".join(["refuwsgi", *os.path.relpath(folder, root).split(os.sep)]).rstrip(".")
        for file in sorted(files):
            if file.endswith(".py") and file not in ("__main__.py", "__init__.py"):
                found.append(f"{package}.{file[:-3]}")
    return found
