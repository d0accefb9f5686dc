"""A site with rules: an application that shows its request, and files beside it."""

from tests.conformance.harness import WORKER, Starter, Subject

APP = """
import json, os
CASE = os.environ["CASE_DIR"]
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/gone":
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"gone"]
    if path == "/sendfile":
        start_response("200 OK", [("X-Sendfile", CASE + "/static/f.txt")])
        return [b"replaced"]
    shown = {k: v for k, v in environ.items() if type(v) is str}
    body = json.dumps(shown).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("X-App", "yes")])
    return [body]
"""
FILES: dict[str, str | bytes] = {
    "app.py": APP,
    "static/f.txt": "the file",
    "static/page.html": "<p>",
}


def site(start: Starter, lines: str, more: str = "") -> Subject:
    return start(
        f"http-socket = 127.0.0.1:PORT\nmaster = true\nmodule = app\n{more}\n{lines}\n",
        files=FILES,
        until=WORKER,
    )
