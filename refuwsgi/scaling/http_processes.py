"""http-processes: how many processes share the work of the HTTP router.

Section:  scaling / http-processes
What:     all of them accept from the same sockets; each has its own clients.  One can hold a
          great many of them, so that a second is needed only when the first uses up a processor.
Errors:   OptionError for more than an instance can have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from refuwsgi.gateway import GatewayProcess
from refuwsgi.options import Config, Option, OptionError, how_many

PROCESSES = Option(
    "http-processes",
    how_many,
    default=1,
    help="how many processes serve the HTTP router's addresses",
    aliases=("http-workers",),
)

MOST: Final = 64
TOO_MANY: Final = f"you can register max {MOST} gateways\nunable to register the uWSGI http gateway"


def processes(config: Config, run: Callable[[], int]) -> list[GatewayProcess]:
    """Say which processes there are to be."""
    count = max(1, config[PROCESSES])
    if count > MOST:
        raise OptionError(TOO_MANY)
    return [GatewayProcess(f"uWSGI http {place + 1}", run) for place in range(count)]
