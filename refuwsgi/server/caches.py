"""The caches of this instance, made once, before the first fork.

Section:  ground / the server; its caches
What:     workers, routers, the stats server and the master's sweeper are given the same ones.
Units:    none.
Errors:   OptionError.
"""

from __future__ import annotations

import os
from functools import lru_cache

from refuwsgi.cache import options
from refuwsgi.cache.options import Caches
from refuwsgi.options import Config
from refuwsgi.server import reload


@lru_cache(maxsize=1)
def caches_of(config: Config) -> Caches:
    """The caches that a configuration asks for."""
    # A reload asks a process of its own whether it may: that one leaves files alone.
    return options.configured(config, stored=reload.TRYING not in os.environ)
