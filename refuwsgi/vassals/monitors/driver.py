"""The drivers of databases and message brokers, imported only when a monitor needs one.

Section: vassals / Using on demand vassals with other imperial monitors; the drivers
What: each is an extra of the package: ``pip install 'refuwsgi[pg]'``.
Errors: `OptionError`, one line that names the extra, when it is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from refuwsgi.options import OptionError


def driver(module: str, extra: str, address: str) -> Any:
    """Import a driver."""
    try:
        return import_module(module)
    except ImportError:
        raise OptionError(
            f"--emperor {address}: needs {module}: pip install 'refuwsgi[{extra}]'"
        ) from None
