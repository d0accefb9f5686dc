"""Which monitor an address of the emperor means.

Section: vassals / On demand vassals (socket activation); the choice of a monitor
What: the scheme chooses.  Without one it is a path: a directory is listed, anything else is a
      pattern, which a single file is, too.
Errors: `OptionError` for a scheme that nobody knows, or a monitor that cannot be built.
"""

from __future__ import annotations

from importlib import import_module

from refuwsgi.options import OptionError
from refuwsgi.vassals.monitors.monitor import Monitor, Wishes

SCHEMES = ("dir", "glob", "pg", "mongodb", "zmq", "amqp")
FILES = {"": ("directory", "glob"), "dir": ("directory",)}  # the others have a module of their name


def monitor_for(address: str, wishes: Wishes) -> Monitor:
    """Build the monitor that an address means."""
    scheme = address.partition("://")[0] if "://" in address else ""
    # Only what is asked for is loaded: an emperor of files needs no database.
    for name in FILES.get(scheme, (scheme,) if scheme in SCHEMES else ()):
        module = import_module(f"refuwsgi.vassals.monitors.{name}")
        found: Monitor | None = module.configured(address, wishes)
        if found is not None:
            return found
    schemes = ", ".join(f"{scheme}://" for scheme in SCHEMES)
    raise OptionError(f"--emperor {address}: expected a path or one of {schemes}")
