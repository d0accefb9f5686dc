"""The server: what a configuration asks for, put together.

Section:  ground / the server
What:     the only place where the four documents meet.  `instance` follows the life of an
          instance from its first log line to its last, `doors` binds its sockets, `service`
          says what a worker does with a request, `reload` starts the next generation.
Errors:   an operator's mistake is one line and exit status 1, before any process starts.
"""

from __future__ import annotations

import gc
import sys

from refuwsgi.options import Config, OptionError


def run(config: Config) -> int:
    """Run what the configuration asks for; return the exit status."""
    from refuwsgi.server.instance import Instance

    gc.enable()  # all that is not the application's is imported

    try:
        return Instance(config).run()
    except OptionError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
