"""The text that names an on-demand socket, as a file or a command gives it.

Section: vassals / On demand vassals (socket activation); the text that names a socket
What: takes the name out of what was read.
Errors: none; no name is None.
"""

from __future__ import annotations

import os
import re

LIMIT = 4096  # bytes; no address is longer
CONTROL = re.compile(rb"[\x00-\x1f]")


def socket_name(read: bytes) -> str | None:
    """Take what stands before the first control character; None if that is nothing."""
    # Departure: C ends the name at the first byte above 127, too, and so cannot be given UTF-8.
    name = CONTROL.split(read, maxsplit=1)[0]
    return os.fsdecode(name) if name else None
