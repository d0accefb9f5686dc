"""What an instance says of itself while it starts.

Section:  ground / the server; the lines of a start
What:     the lines that uWSGI prints, for those who read logs with programs.
Units:    sizes are bytes, mercy is seconds.
Errors:   none.
"""

from __future__ import annotations

import sys
import time

from refuwsgi import __version__, log, sockets
from refuwsgi.options import Config
from refuwsgi.scaling.cores import THREADS
from refuwsgi.scaling.workers import PROCESSES, WORKER_RELOAD_MERCY
from refuwsgi.scoreboard import Scoreboard

STARTING = "*** Starting refuwsgi {} (the options of uWSGI 2.0.31, CPython {}) on [{}] ***"
THREADS_RUN = "python threads support enabled"
BACKLOG = "your server socket listen backlog is limited to {} connections"
MERCY = "your mercy for graceful operations on workers is {} seconds"
MAPPED = "mapped {} bytes ({} KB) for {} cores"
MODE = "*** Operational MODE: {} ***"


def start() -> None:
    """Say that it begins."""
    log.line(STARTING.format(__version__, sys.version.split()[0], time.ctime()))


def limits(config: Config, board: Scoreboard) -> None:
    """Say what there is room for."""
    cores = len(board.workers) * len(board.cores[0])
    log.line(f"Python version: {sys.version}".replace("\n", " "))
    log.line(THREADS_RUN)
    log.line(BACKLOG.format(config[sockets.LISTEN]))
    log.line(MERCY.format(config[WORKER_RELOAD_MERCY]))
    log.line(MAPPED.format(board.size, board.size >> 10, cores))


def mode(config: Config, *, served: bool) -> None:
    """Say how it works; `served`: the workers have sockets."""
    workers, threads = config[PROCESSES], config[THREADS]
    words = [word for word, it in (("preforking", workers > 1), ("threaded", threads > 1)) if it]
    found = "+".join(words) or "single process"
    log.line(MODE.format(found if served else "no-workers"))
