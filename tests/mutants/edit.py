"""How a mutant changes the server: one function gets another text.

What: the function keeps its identity and gets the code of the changed text, so that whoever has
      imported it before has the changed one, too.
Errors: `Stale` when the text to be changed is not there exactly once: the server has moved on.
"""

import importlib
import inspect
import textwrap
from types import FunctionType
from typing import Any


class Stale(Exception):
    """A mutant does not fit the server any more."""


def edit(place: str, old: str, new: str) -> None:
    """Replace a piece of the source of `module:function` or `module:Class.method`."""
    module_name, _, path = place.partition(":")
    module = importlib.import_module(module_name)
    function = _function(module, path)
    source = _changed.get(place) or textwrap.dedent(inspect.getsource(function))
    if source.count(old) != 1:
        raise Stale(f"{place} has {source.count(old)} times {old!r}")
    made: dict[str, Any] = {}
    _changed[place] = source = source.replace(old, new)
    whole = f"from __future__ import annotations\n{source}"
    exec(compile(whole, f"<mutant of {place}>", "exec"), vars(module), made)
    twin = made[path.rpartition(".")[2]]
    function.__code__ = _plain(twin, path).__code__


_changed: dict[str, str] = {}  # a function may be changed more than once


def _function(module: Any, path: str) -> FunctionType:
    holder = module
    *classes, name = path.split(".")
    for each in classes:
        holder = getattr(holder, each)
    return _plain(vars(holder)[name], path)


def _plain(found: Any, path: str) -> FunctionType:
    """The function inside what a decorator may have made of it."""
    found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    found = inspect.unwrap(found)
    if not isinstance(found, FunctionType):
        raise Stale(f"{path} is no function any more")
    return found
