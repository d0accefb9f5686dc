"""refuwsgi top: watch the stats of an instance, a router or an emperor.

Section: ground / the command; top
What: asks a stats address once a second and draws a table; rates are what came since the last
      look.  `--once` prints one table, `--json` what the table is made of, one object to a line.
Errors: an address where nobody answers, or what is no stats, is one line and status 1.
"""

import json
import time
from typing import Any, Final

from refuwsgi.commands.ask import all_of, connect
from refuwsgi.commands.the_words import Words, address_of, stopping
from refuwsgi.commands.top_tables import tables_of, text_of
from refuwsgi.options import OptionError

CLEAR: Final = "\x1b[H\x1b[J"
REQUEST: Final = b"GET / HTTP/1.0\r\n\r\n"
PATIENCE: Final = 1.0  # seconds after which a silent server is asked over HTTP


def main(argv: list[str]) -> int:
    """Watch."""
    words = Words("top", "watch the stats of an instance, a router or an emperor")
    words.add_argument("address", help="what --stats says; http://... for --stats-http")
    words.add_argument("--once", action="store_true", help="print one table and end")
    words.add_argument("--json", action="store_true", help="print objects instead of tables")
    words.add_argument("--every", type=float, default=1.0, help="seconds between two looks")
    given = words.parse_args(argv)
    with stopping():
        before: dict[str, Any] = {}
        while True:
            now = {"time": time.time(), **fetch(given.address)}
            tables = tables_of(now, before)
            if given.json:
                print(json.dumps({"time": now["time"], **tables}), flush=True)
            else:
                print(("" if given.once else CLEAR) + text_of(now, tables), flush=True)
            if given.once:
                return 0
            before = now
            time.sleep(max(0.05, given.every))
    return 0


def fetch(text: str) -> dict[str, Any]:
    """Ask a stats address."""
    over_http = text.startswith("http://")
    address = address_of(text.removeprefix("http://").rstrip("/") if over_http else text)
    try:
        with connect(address) as sock:
            first = b""
            if not over_http:
                sock.settimeout(PATIENCE)
                try:
                    first = sock.recv(65536)
                except TimeoutError:
                    over_http = True
            sock.settimeout(10)
            if over_http:
                sock.sendall(REQUEST)
            received = first + all_of(sock)
    except OSError as problem:
        raise OptionError(f"{text}: {problem.strerror or problem}") from None
    return fields_of(text, received)


def fields_of(text: str, received: bytes) -> dict[str, Any]:
    """The fields of an answer."""
    if received.startswith(b"HTTP/"):
        received = received.partition(b"\r\n\r\n")[2]
    try:
        found = json.loads(received)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OptionError(f"{text}: these are no stats: {received[:40]!r}")
    return found
