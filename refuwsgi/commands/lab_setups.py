"""The set-ups that the slow clients meet.

Section: ground / the command; the rows of lab
What: one worker with one core each time; what stands before it, and who waits for it, differs.
"""

from typing import Final, NamedTuple

from refuwsgi.commands.example_running import REFUWSGI
from refuwsgi.commands.example_text import Example

APP: Final = '''"""A small page; two long answers; an upload."""


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/upload":
        open("DIR/reading", "w").close()
        environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if path == "/file":
        file = open("DIR/static/big", "rb")
        wrapper = environ.get("wsgi.file_wrapper")
        return wrapper(file) if wrapper else iter(lambda: file.read(65536), b"")
    return [bytes(16 << 20) if path == "/body" else b"ok"]
'''
INI: Final = """[uwsgi]
{front}wsgi-file = app.py
check-static = DIR/static
master = true
socket-timeout = 60
"""
ROUTER: Final = """[uwsgi]
master = true
fastrouter = 127.0.0.1:PORT
fastrouter-to = 127.0.0.1:PORT1
"""


class Setup(NamedTuple):
    """A row of the table."""

    name: str
    what: str
    front: str  # lines of the configuration
    router: str = ""  # a second configuration, in front of it
    http: bool = True
    address: str = "127.0.0.1:PORT"
    server: str = "refuwsgi"
    program: tuple[str, ...] = REFUWSGI
    words: str = ""  # behind the program, where there is no configuration
    lacks: tuple[str, ...] = ()  # columns that it has nothing for


HTTP_SOCKET: Final = "http-socket = 127.0.0.1:PORT\n"
HTTP: Final = "http = 127.0.0.1:PORT\n"
SOCKET: Final = "socket = 127.0.0.1:PORT1\n"
OFFLOAD: Final = "offload-threads = 1\n"
WHOLE: Final = f"{OFFLOAD}route-run = offload:\n"
BUFFERED: Final = f"{ROUTER}fastrouter-post-buffering = 8192\n"

SETUPS: Final = (
    Setup("http-socket", "http-socket", HTTP_SOCKET),
    Setup("offload", "http-socket + offload-threads", HTTP_SOCKET + OFFLOAD),
    Setup(
        "post-buffering",
        "http-socket + offload-threads + post-buffering",
        f"{HTTP_SOCKET}{OFFLOAD}post-buffering = 4096\n",
    ),
    Setup("offload-route", "http-socket + offload-threads + offload:", HTTP_SOCKET + WHOLE),
    Setup("http", "http", HTTP),
    Setup("http-offload", "http + offload-threads", HTTP + OFFLOAD),
    Setup("fastrouter", "fastrouter", SOCKET, ROUTER, http=False),
    Setup(
        "fastrouter-buffered",
        "fastrouter + fastrouter-post-buffering",
        SOCKET,
        BUFFERED,
        http=False,
    ),
    Setup(
        "everything",
        "the same + offload-threads + offload:",
        SOCKET + WHOLE,
        BUFFERED,
        http=False,
    ),
)


def example_of(row: Setup) -> Example:
    """The set-up as something that can be run."""
    files = {"app.py": APP, "uwsgi.ini": INI.format(front=row.front), "static/README": "big\n"}
    servers = {"uwsgi": row.words or "--ini uwsgi.ini"}
    if row.router:
        files["router.ini"] = row.router
        servers["router"] = "--ini router.ini"
    return Example(row.name, "", row.what, files, servers, (), "")
