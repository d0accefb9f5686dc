"""The catalogue: which options there are, found where they are declared.

Section: ground / options; the catalogue
What: `everything` imports the whole package and collects its options, for `--help`, the manual and
      the tests.  `declaring` finds the few that a configuration sets: it looks for their names in
      the text of the modules, each of which writes the names of its options out, and imports only
      those.  A server with ten options starts in a third of the time.  `prepare` does the looking
      beforehand, for processes that will be forked from this one.
Units: none.
Errors: none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from refuwsgi.options import Option

ASIDE = ("commands", "known", "__pycache__")
MARK = re.compile(rb"Option(?:\[.*\])?\(")  # in every module that declares one
IMPLIED = b"implies=("
DECLARED = re.compile(MARK.pattern + rb'\s*"([\w-]+)"|aliases=\(([^)]*)\)')
QUOTED = re.compile(rb'"([^"]+)"')
WORD = re.compile(rb'"([A-Za-z][\w-]*)"')

_all: list[tuple[Option[Any], ...]] = []
_texts: dict[str, bytes] = {}
_index: dict[str, list[str]] = {}  # the name of an option -> its module, or where it may be
_found: dict[str, tuple[Option[Any], ...]] = {}


def everything() -> tuple[Option[Any], ...]:
    """Every option that is declared in the package."""
    if not _all:
        found = {option: None for module in _modules() for option in _options_of(module)}
        _all.append(tuple(found))
        _texts.clear()
    return _all[0]


def declaring(names: Iterable[str]) -> tuple[Option[Any], ...]:
    """The options of all modules that declare one of these names."""
    if _all:
        return _all[0]
    names = list(dict.fromkeys(names))
    if _index:
        modules = [module for name in names for module in _index.get(name, ())]
    else:
        modules = _searched(names)
    return tuple({option: None for module in modules for option in _options_of(module)})


def prepare() -> None:
    """Learn by heart which module declares which option.

    An option that a module makes in a way of its own is in one of those that name it.
    """
    named: dict[bytes, list[str]] = {}
    for module, text in _sources().items():
        for one, several in DECLARED.findall(text):
            for name in (one, *QUOTED.findall(several)):
                if name:
                    _index[name.decode()] = [module]
        for name in set(WORD.findall(text)):
            named.setdefault(name, []).append(module)
    for name, modules in named.items():
        _index.setdefault(name.decode(), modules)
    _texts.clear()


def forget() -> None:
    """Give back the text of the modules: what is served from now on does not need it."""
    _texts.clear()


def _searched(names: list[str]) -> list[str]:
    if not names:
        return []
    wanted = [b'"' + name.encode("utf-8", "surrogateescape") + b'"' for name in names]
    return [module for module, text in _sources().items() if any(name in text for name in wanted)]


def _options_of(module: str) -> tuple[Option[Any], ...]:
    if module not in _found:
        values = vars(import_module(module)).values()
        _found[module] = tuple(value for value in values if isinstance(value, Option))
    return _found[module]


def _modules() -> list[str]:
    return list(_paths())


def _sources() -> dict[str, bytes]:
    """The text of every module that declares options."""
    if not _texts:
        for module, path in _paths().items():
            with open(path, "rb", buffering=0) as file:
                text = file.read()
            if MARK.search(text):
                _texts[module] = _without_implied(text)
    return _texts


def _without_implied(text: bytes) -> bytes:
    """Leave out the names of options that only follow from another: many imply the master."""
    first, *others = text.split(IMPLIED)
    return first + b"".join([other.partition(b")")[2] for other in others])


def _paths() -> dict[str, str]:
    root = os.path.dirname(os.path.abspath(__file__))
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - set(ASIDE))
        package = ".".join(["refuwsgi", *os.path.relpath(folder, root).split(os.sep)]).rstrip(".")
        for file in sorted(files):
            if file.endswith(".py") and file not in ("__main__.py", "__init__.py"):
                found[f"{package}.{file[:-3]}"] = os.path.join(folder, file)
    return found
