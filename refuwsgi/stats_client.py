"""connect-and-read: show what an address says to whoever connects.

Section:  ground / the stats server; its simplest client
What:     `refuwsgi --connect-and-read 127.0.0.1:1717` prints what comes until the other side ends.
Units:    timeouts are seconds.
Errors:   an address that is none, or where nobody answers, is one line and exit status 1.
"""

from __future__ import annotations

import sys

from refuwsgi import address
from refuwsgi.loop import Loop
from refuwsgi.options import Option, text
from refuwsgi.streams import connect, receive

CONNECT_AND_READ: Option[str | None] = Option(
    "connect-and-read", text, default=None, help="print what this address says, and end"
)
TIMEOUT = 10.0


def read(where: str) -> int:
    """Print what comes; return the exit status."""
    loop = Loop()
    failures: list[str] = []

    async def show() -> None:
        try:
            client = await connect(address.parse(where), TIMEOUT)
            with client:
                while part := await receive(client, timeout=TIMEOUT):
                    sys.stderr.buffer.write(part)  # uWSGI: not to the standard output
                    sys.stderr.buffer.flush()
        except (OSError, ValueError) as problem:
            failures.append(f"connect-and-read: {where}: {problem}\n")
        loop.stop()

    loop.spawn(show())
    loop.run()
    sys.stderr.write("".join(failures))
    return 1 if failures else 0
