"""Commands that are run when a vassal starts and when it has gone.

Section: vassals / On demand vassals (socket activation); the hooks of vassals
What: each gets the name of the vassal as its only argument, runs in the vassal's directory, and is
      waited for.

          vassals-start-hook   in the new process, before it becomes the vassal: descriptor 0 is
                               the on-demand socket already; at every start, so at every wake
          vassals-stop-hook    in the emperor, when the vassal is removed or the emperor ends;
                               not when it only goes back to sleep

      ``UWSGI_VASSALS_DIR`` names the directory.
Units: seconds.
Errors: none.  What a hook returns, or that it cannot be run, is said in the log and changes
      nothing.
"""

from __future__ import annotations

import os

from refuwsgi import log
from refuwsgi.options import Option, text
from refuwsgi.vassals.scan import Found

START_HOOK: Option[str | None] = Option(
    "vassals-start-hook",
    text,
    default=None,
    help="run this program with the name of each vassal that is being started",
)
STOP_HOOK: Option[str | None] = Option(
    "vassals-stop-hook",
    text,
    default=None,
    help="run this program with the name of each vassal that has been removed",
)

PATIENCE = 30.0  # Beyond: C waits for ever, and so does everybody else.
CANNOT_RUN = 1  # uWSGI: what a hook that is not there returns


def run(kind: str, program: str | None, found: Found) -> None:
    """Run the hook of this kind, if there is one, and wait for it."""
    if program is None:
        return
    import subprocess

    log.line(f"[emperor] running vassal {kind}-hook: {program} {found.name}")
    try:
        # uWSGI: no shell looks at it; a program and its argument.
        status = subprocess.run(
            [program, found.name],
            stdin=None if kind == "start" else subprocess.DEVNULL,
            cwd=found.folder,
            env={**os.environ, "UWSGI_VASSALS_DIR": os.path.abspath(found.folder)},
            timeout=PATIENCE,
            check=False,
            restore_signals=True,
        ).returncode
    except subprocess.TimeoutExpired:
        log.line(f"[emperor] {found.name} {kind}-hook has not ended within {PATIENCE:.0f} seconds")
        return
    except OSError as problem:
        log.line(f"[emperor] {program}: {problem.strerror}")
        status = CANNOT_RUN
    log.line(f"[emperor] {found.name} {kind}-hook returned {status}")
