"""The examples of the document about offloading.

Section: ground / the command; the examples about offloading
What: a table; see the shape of an example.
"""

from typing import Final

from refuwsgi.commands.example_text import APP, Example, Try

STATS: Final = Try("curl -s http://127.0.0.1:PORT1/", '"offloaded_requests": [1-9]')
WATCH: Final = "offloaded_requests in the stats; or: refuwsgi top http://127.0.0.1:PORT1"
MORE: Final = "stats = 127.0.0.1:PORT1\nstats-http = true\n"

CACHED: Final = '''"""Make a page the first time; the cache has it from then on."""

import uwsgi


def application(environ, start_response):
    uwsgi.cache_update(environ["REQUEST_URI"], b"out of the cache\\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"made by the application, and kept\\n"]
'''

PROGRAMMED: Final = '''"""Say what a thread shall send, and be free."""

from refuwsgi.offloading.the_future import chain, file, memory, program


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    program(chain(memory(b"a line from memory\\n"), file("text.txt")))
    return []
'''

EXAMPLES: Final = (
    Example(
        name="offloading/static",
        section="offloading / Offloading static files",
        what="A thread sends the file; the worker is free at once.",
        files={
            "www/big.txt": "every line of this file is sent by a thread\n" * 20_000,
            "uwsgi.ini": "[uwsgi]\nsocket = 127.0.0.1:PORT\ncheck-static = DIR/www\n"
            "offload-threads = 4\n" + MORE,
        },
        servers={"uwsgi": "--ini uwsgi.ini"},
        tries=(Try("refuwsgi ask 127.0.0.1:PORT /big.txt", "sent by a thread"), STATS),
        watch=WATCH,
        also=("offloading / The uWSGI offloading subsystem",),
    ),
    Example(
        name="offloading/routes",
        section="offloading / Offloading internal routing",
        what="A route hands the request to another server; a thread carries the answer.",
        files={
            "app.py": APP,
            "uwsgi.ini": "[uwsgi]\nsocket = 127.0.0.1:PORT\noffload-threads = 8\n"
            "route = ^/foo http:127.0.0.1:PORT2\nroute = ^/bar http:127.0.0.1:PORT3\n"
            "route = ^/node http:127.0.0.1:PORT4\n" + MORE,
        },
        servers={
            "backends": "--http-socket 127.0.0.1:PORT2 --http-socket 127.0.0.1:PORT3"
            " --http-socket 127.0.0.1:PORT4 --wsgi-file app.py --master",
            "uwsgi": "--ini uwsgi.ini",
        },
        tries=(
            Try("refuwsgi ask 127.0.0.1:PORT /foo/1", "answers .* /foo/1"),
            Try("refuwsgi ask 127.0.0.1:PORT /bar/2", "answers .* /bar/2"),
            Try("refuwsgi ask 127.0.0.1:PORT /node/3", "answers .* /node/3"),
            STATS,
        ),
        watch=WATCH,
    ),
    Example(
        name="offloading/cache",
        section="offloading / Offloading internal routing",
        what="What the cache holds is sent by a thread; the application makes it once.",
        files={
            "app.py": CACHED,
            "uwsgi.ini": "[uwsgi]\nsocket = 127.0.0.1:PORT\noffload-threads = 8\n"
            "route-run = cache:key=${REQUEST_URI}\ncache = 100\nwsgi-file = app.py\n" + MORE,
        },
        servers={"uwsgi": "--ini uwsgi.ini"},
        tries=(
            Try("refuwsgi ask 127.0.0.1:PORT /page", "made by the application"),
            Try("refuwsgi ask 127.0.0.1:PORT /page", "out of the cache"),
            STATS,
        ),
        watch=WATCH,
    ),
    Example(
        name="offloading/future",
        section="offloading / The Future",
        what="The application programs the thread: bytes from memory, then a file.",
        files={
            "app.py": PROGRAMMED,
            "text.txt": "a line from a file\n",
            "uwsgi.ini": "[uwsgi]\nhttp-socket = 127.0.0.1:PORT\noffload-threads = 1\n"
            "wsgi-file = app.py\n" + MORE,
        },
        servers={"uwsgi": "--ini uwsgi.ini"},
        tries=(
            Try("curl -i http://127.0.0.1:PORT/", "from memory\na line from a file"),
            STATS,
        ),
        watch=WATCH,
    ),
)
