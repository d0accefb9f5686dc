"""A site that tells what the server has made of its configuration."""

from typing import Any

from tests.conformance.harness import Starter, Subject, get

OPT = """
import json, uwsgi
def application(environ, start_response):
    opt = {k: v if v is True else v.decode() for k, v in uwsgi.opt.items()}
    facts = {"opt": opt, "numproc": uwsgi.numproc, "cores": uwsgi.cores,
             "env": environ.get("HTTP_X"), "master": uwsgi.masterpid()}
    start_response("200 OK", [])
    return [json.dumps(facts).encode()]
"""
SITE = "http-socket = 127.0.0.1:PORT\nmodule = optapp\n"
FILES: dict[str, str | bytes] = {"optapp.py": OPT}


def facts(subject: Subject) -> Any:
    return get(subject.port).json()


def opt_of(start: Starter, lines: str, **more: str) -> Any:
    """Serve with these lines; what uwsgi.opt says."""
    return facts(start(SITE + lines, files={**FILES, **more}))["opt"]
