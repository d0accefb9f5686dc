"""The examples of the document about the fastrouter.

Section: ground / the command; the examples about the fastrouter
What: a table; see the shape of an example.
"""

from typing import Final

from refuwsgi.commands.example_text import APP, Example, Try

ROUTER: Final = "--master --fastrouter 127.0.0.1:PORT"
NODE: Final = "--master --wsgi-file app.py --socket"
WATCH: Final = "the key and its node in the log: tail -f DIR/router.log"
ASK: Final = "refuwsgi ask 127.0.0.1:PORT / --host"
SERVER: Final = f"{ROUTER} --fastrouter-subscription-server 127.0.0.1:PORT1"
TO: Final = "--subscribe-to 127.0.0.1:PORT1:"
NODES: Final = "refuwsgi top 127.0.0.1:PORT9"
STATS: Final = "--fastrouter-stats 127.0.0.1:PORT9"

FILL: Final = """import uwsgi

# Requests for example.com on port 8000 will go to this node
uwsgi.cache_set("example.com:8000", "127.0.0.1:PORT2")
# The modifier1 of these is 5 (perl/PSGI), which our node refuses
uwsgi.cache_set("unbit.it", "127.0.0.1:PORT2,5")
"""
MAPPER: Final = """def get(key):
    return "127.0.0.1:PORT2"
"""
MEGAMAPPER: Final = """from itertools import cycle

domains = {
    "example.com": cycle(("127.0.0.1:PORT2", "127.0.0.1:PORT3")),
    "unbit.it": cycle(("127.0.0.1:PORT3",)),
}
DEFAULT_NODE = "127.0.0.1:PORT4"


def get(key):
    return next(domains[key]) if key in domains else DEFAULT_NODE
"""
SHARED: Final = """[uwsgi]
;create a shared socket (the webserver will connect to it)
shared-socket = 127.0.0.1:PORT
; bind the fastrouter and an instance to it
fastrouter = =0
socket = =0
master = true
fastrouter-subscription-server = 127.0.0.1:PORT1
wsgi-file = app.py
processes = 4
fastrouter-cheap = true
"""
BUFFERED: Final = """[uwsgi]
fastrouter = 127.0.0.1:PORT
fastrouter-to = DIR/app.socket
fastrouter-post-buffering = 8192
master = true
"""


def _router(name: str, section: str, what: str, router: str, node: str, key: str) -> Example:
    """A router with one node, and one key that leads there."""
    tries = (Try(f"{ASK} {key}", f"answers {key}"),)
    servers = {"node": f"{NODE} {node}", "router": f"{ROUTER} {router}"}
    files = {"app.py": APP, "sockets/example.org/README": "a place for sockets\n"}
    return Example(name, f"fastrouter / {section}", what, files, servers, tries, WATCH)


def _with(example: Example, **files: str) -> Example:
    added = {name.replace("_", "."): text for name, text in files.items()}
    return example._replace(files={**example.files, **added})


EXAMPLES: Final = (
    Example(
        name="fastrouter/useless",
        section="fastrouter / Getting started",
        what="Three addresses and no way to find a node: the most useless setup in the world.",
        files={},
        servers={"router": f"{ROUTER} --fastrouter DIR/uwsgi.sock --fastrouter @foobar-PORT"},
        tries=(
            Try(f"{ASK} example.com", "^closed without a byte"),
            Try("refuwsgi ask DIR/uwsgi.sock", "^closed without a byte"),
            Try("refuwsgi ask @foobar-PORT", "^closed without a byte"),
        ),
        watch=WATCH,
    ),
    _router(
        "fastrouter/base", "Way 1: --fastrouter-use-base",
        "The node is the socket that is named like the host.",
        "--fastrouter-use-base DIR/sockets/", "DIR/sockets/example.com", "example.com",
    ),
    _router(
        "fastrouter/pattern", "Way 2: --fastrouter-use-pattern",
        "The host takes the place of %s in a path.",
        "--fastrouter-use-pattern DIR/sockets/%s/uwsgi.sock",
        "DIR/sockets/example.org/uwsgi.sock", "example.org",
    ),
    _with(
        _router(
            "fastrouter/cache", "Way 3: --fastrouter-use-cache",
            "A script fills the cache with keys and nodes.",
            "--fastrouter-use-cache --cache 100 --file foobar.py",
            "127.0.0.1:PORT2", "example.com:8000",
        ),
        foobar_py=FILL,
    ),
    Example(
        name="fastrouter/subscription",
        section="fastrouter / Way 4: --fastrouter-subscription-server",
        what="Nodes announce themselves; one of them does not even choose its port.",
        files={"app.py": APP},
        servers={
            "router": f"{SERVER} {STATS}",
            "node1": f"{NODE} 127.0.0.1:PORT2 {TO}example.com",
            "node2": f"{NODE} 127.0.0.1:PORT3 {TO}unbit.it,5 {TO}uwsgi.it",
            "node3": f"{NODE} 127.0.0.1:0 {TO}example.com",
        },
        tries=(
            Try(f"{ASK} example.com", "answers example.com"),
            Try(f"{ASK} example.com", "answers example.com"),
            Try(f"{ASK} uwsgi.it", "answers uwsgi.it"),
            Try("refuwsgi ask 127.0.0.1:PORT9", '"key": "unbit.it"(.|\n)*"modifier1": 5'),
        ),
        watch=f"the nodes of each key: {NODES}\nstop one (its pid is in DIR/node1.log) and look",
        also=("fastrouter / The uWSGI FastRouter",),
    ),
    Example(
        name="fastrouter/mapping-file",
        section="fastrouter / Mapping files",
        what="One node announces itself under every key of a file.",
        files={
            "app.py": APP,
            "mappings.txt": "unbit.it\nunbit.it:8000,5\nuwsgi.it\nprojects.unbit.it\n",
        },
        servers={
            "router": f"{SERVER} {STATS}",
            "node": f"{NODE} 127.0.0.1:PORT2 {TO}@mappings.txt",
        },
        tries=tuple(
            Try(f"{ASK} {key}", f"answers {key}")
            for key in ("unbit.it", "uwsgi.it", "projects.unbit.it")
        ),
        watch=f"the keys: {NODES}",
    ),
    _with(
        _router(
            "fastrouter/code-string", "Way 5: --fastrouter-use-code-string",
            "A function of yours names the node.",
            "--fastrouter-use-code-string 0:mapper.py:get", "127.0.0.1:PORT2", "example.com",
        ),
        mapper_py=MAPPER,
    ),
    Example(
        name="fastrouter/megamapper",
        section="fastrouter / Way 5: --fastrouter-use-code-string",
        what="Nodes in turn, and a fallback, in ten lines of Python.",
        files={"app.py": APP, "megamapper.py": MEGAMAPPER},
        servers={
            **{f"node{n}": f"{NODE} 127.0.0.1:PORT{n}" for n in (2, 3, 4)},
            "router": f"{ROUTER} --fastrouter-use-code-string 0:megamapper.py:get",
        },
        tries=(
            Try(f"{ASK} example.com", "answers example.com"),
            Try(f"{ASK} example.com", "answers example.com"),
            Try(f"{ASK} nobody.example", "answers nobody.example"),
        ),
        watch=f"the process that answers changes: {ASK} example.com",
    ),
    Example(
        name="fastrouter/shared-socket",
        section="fastrouter / Cheap mode and shared sockets",
        what="The router and the local application share an address.",
        files={"app.py": APP, "uwsgi.ini": SHARED},
        servers={"uwsgi": "--ini uwsgi.ini"},
        tries=(Try(f"{ASK} example.com", "answers example.com"),),
        watch="with no node the application answers; give the router one, and both do:\n"
        f"refuwsgi {NODE} 127.0.0.1:PORT2 {TO}example.com",
    ),
    Example(
        name="fastrouter/post-buffering",
        section="fastrouter / Post-buffering mode (uWSGI >= 2.0.9)",
        what="A slow upload waits in the router and leaves the only worker free.",
        files={"app.py": APP, "router.ini": BUFFERED},
        servers={"node": f"{NODE} DIR/app.socket", "router": "--ini router.ini"},
        tries=(
            Try("refuwsgi ask 127.0.0.1:PORT /upload --size 20000 --slow 10",
                "/upload with 20000 bytes", behind=True),
            Try("refuwsgi ask 127.0.0.1:PORT /quick", "answers .* /quick"),
        ),
        watch="without fastrouter-post-buffering the quick one waits for the slow one",
    ),
    _with(
        _router(
            "fastrouter/key", "Notes",
            "The web server may name the key itself, whatever the host is.",
            "--fastrouter-use-code-string 0:mapper.py:get",
            "127.0.0.1:PORT2", "other.example --var UWSGI_FASTROUTER_KEY=example.com",
        )._replace(tries=(
            Try(f"{ASK} other.example --var UWSGI_FASTROUTER_KEY=example.com",
                "answers other.example"),
        )),
        mapper_py='def get(key):\n    return "127.0.0.1:PORT2" if key == "example.com" else None\n',
    ),
)  # fmt: skip
