"""Which monitor an address of the emperor means.

Section: vassals / On demand vassals (socket activation); the choice of a monitor
What: the scheme chooses.  Without one it is a path: a directory is listed, anything else is a
      pattern, which a single file is, too.
Errors: `OptionError` for a scheme that nobody knows, or a monitor that cannot be built.
"""

from __future__ import annotations

from refuwsgi.options import OptionError
from refuwsgi.vassals.monitors import amqp, directory, glob, mongodb, pg, zmq
from refuwsgi.vassals.monitors.monitor import Monitor, Wishes

SCHEMES = ("dir", "glob", "pg", "mongodb", "zmq", "amqp")


def monitor_for(address: str, wishes: Wishes) -> Monitor:
    """Build the monitor that an address means."""
    found = (
        directory.configured(address, wishes)
        or glob.configured(address, wishes)
        or pg.configured(address, wishes)
        or mongodb.configured(address, wishes)
        or zmq.configured(address, wishes)
        or amqp.configured(address, wishes)
    )
    if found is None:
        schemes = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise OptionError(f"--emperor {address}: expected a path or one of {schemes}")
    return found
