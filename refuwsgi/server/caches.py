"""The caches of this instance, made once, before the first fork.

Section:  ground / the server; its caches
What:     workers, routers, the stats server and the master's sweeper are given the same ones.
          What they are made of is imported only where somebody wants one.
Units:    none.
Errors:   OptionError.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from refuwsgi import api
from refuwsgi.options import Config
from refuwsgi.server import reload

if TYPE_CHECKING:
    from refuwsgi.cache.options import Caches

NAMES = ("cache", "add-cache-item", "load-file-in-cache", "check-cache")
CALLS = [
    "get",
    "set",
    "update",
    "exists",
    "del",
    "clear",
    "keys",
    "num",
    "inc",
    "dec",
    "mul",
    "div",
]


def wanted(config: Config) -> bool:
    """Say whether the configuration speaks of caches."""
    return config.asks_for(*NAMES)


@lru_cache(maxsize=1)
def caches_of(config: Config) -> Caches:
    """The caches that a configuration asks for."""
    from refuwsgi.cache import options

    # A reload asks a process of its own whether it may: that one leaves files alone.
    return options.configured(config, stored=reload.TRYING not in os.environ)


def install(config: Config) -> None:
    """Make the caches, and give applications their calls."""
    if wanted(config):
        _install(config)
        return
    for name in CALLS:
        api.provide(f"cache_{name}", _late(config, f"cache_{name}"))


def _install(config: Config) -> None:
    from refuwsgi.cache import api as calls

    calls.install(caches_of(config))


def _late(config: Config, name: str) -> Callable[..., Any]:
    """A call that looks for itself when it is first made."""

    def call(*arguments: Any, **named: Any) -> Any:
        _install(config)
        return getattr(api.module, name)(*arguments, **named)

    return call
