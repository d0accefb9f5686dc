"""The examples of the document about scaling.

Section: ground / the command; the examples about scaling
What: a table; see the shape of an example.
"""

from typing import Final

from refuwsgi.commands.example_text import APP, Example, Try

INI: Final = """[uwsgi]
strict = true
master = true

{front} = 127.0.0.1:PORT
{more}processes = 4
cheaper = 1
threads = 2

pythonpath = code/
module = app

check-static = static/
offload-threads = 1

stats = 127.0.0.1:PORT1
stats-http = true
"""
TRIES: Final = (
    Try("curl -i http://127.0.0.1:PORT/", "200 OK(.|\n)*answers .* / "),
    Try("curl -i http://127.0.0.1:PORT/style.css", "200 OK(.|\n)*color: black"),
    Try("curl -s http://127.0.0.1:PORT1/", '"status": "cheap"'),
)


def _files(front: str, more: str = "") -> dict[str, str]:
    return {
        "code/app.py": APP,
        "static/style.css": "body { color: black }\n",
        "uwsgi.ini": INI.format(front=front, more=more),
    }


EXAMPLES: Final = (
    Example(
        name="scaling/first",
        section="scaling / http-socket",
        what="One to four processes with two threads each, and a thread for the static files.",
        files=_files("http-socket"),
        servers={"uwsgi": "--ini uwsgi.ini"},
        tries=TRIES,
        watch="the workers that come with load: refuwsgi top http://127.0.0.1:PORT1\n"
        "and for load: ab -c 20 -n 20000 http://127.0.0.1:PORT/",
        also=(
            "scaling / Scaling",
            "scaling / master",
            "scaling / processes",
            "scaling / cheaper",
            "scaling / threads",
        ),
    ),
    Example(
        name="scaling/http",
        section="scaling / http",
        what="The same behind a router of its own, which waits for slow clients.",
        files=_files("http"),
        servers={"uwsgi": "--ini uwsgi.ini"},
        tries=(*TRIES, Try("grep 'spawned uWSGI http 1' uwsgi.log", "spawned uWSGI http 1")),
        watch="the lines at the end of the start: cat DIR/uwsgi.log",
    ),
    Example(
        name="scaling/http-processes",
        section="scaling / http-processes",
        what="Two router processes share the address.",
        files=_files("http", "http-processes = 2\n"),
        servers={"uwsgi": "--ini uwsgi.ini"},
        tries=(*TRIES, Try("grep 'spawned uWSGI http 2' uwsgi.log", "spawned uWSGI http 2")),
        watch="the two routers among the processes: cat DIR/uwsgi.log",
    ),
)
