"""What an application is told about a request.

Section:  ground / the application; environ
What:     the vars of the request, and the keys of PEP 3333, of which most are the same for every
          request of a worker.
Units:    none.
Errors:   none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from refuwsgi.request import Request
from refuwsgi.wsgi.body import NO_INPUT
from refuwsgi.wsgi.files import FileWrapper

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

VERSION = b"2.0.31"  # of the uWSGI that we can stand in for: applications look at it


class Teller:
    """Knows what a worker tells its application."""

    def __init__(
        self, *, multithread: bool = False, multiprocess: bool = False, wrapper: bool = True
    ) -> None:
        self._cores = multithread
        self._base: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.run_once": False,
            "wsgi.multithread": multithread,
            "wsgi.multiprocess": multiprocess,
            # Departure: uWSGI buffers what is written here, and loses it when it ends.
            "wsgi.errors": sys.stderr,
            "wsgi.input": NO_INPUT,
            "wsgi.input_terminated": True,
            "uwsgi.version": VERSION,
            "uwsgi.node": os.uname().nodename.encode(),
        }
        if wrapper:
            self._base["wsgi.file_wrapper"] = FileWrapper

    def environ_of(self, request: Request, body: Any = None) -> Environ:
        """Make the environ of one request; `body` is its wsgi.input, if there is anything in it."""
        given = request.environ
        environ = given | self._base
        if body is not None:
            environ["wsgi.input"] = body
        if not given.keys().isdisjoint(SCHEME_KEYS):
            environ["wsgi.url_scheme"] = scheme_of(given)
        if self._cores:
            environ["uwsgi.core"] = request.core_number
        # Departure: uWSGI leaves them out where a packet does, or a mountpoint takes the path.
        if "SCRIPT_NAME" not in given:
            environ["SCRIPT_NAME"] = ""
        if "PATH_INFO" not in given:
            environ["PATH_INFO"] = ""
        return environ


SCHEME_KEYS = frozenset(("UWSGI_SCHEME", "HTTP_X_FORWARDED_PROTO", "HTTPS", "HTTP_X_FORWARDED_SSL"))


def scheme_of(given: Environ) -> str:
    """Say whether the client came by http or https, as the front end reports it."""
    # uWSGI: from any client.  Departure: only these two words, and a bad one counts for nothing.
    for key in ("UWSGI_SCHEME", "HTTP_X_FORWARDED_PROTO"):
        if given.get(key) in ("http", "https"):
            return str(given[key])
    for key in ("HTTPS", "HTTP_X_FORWARDED_SSL"):
        value = given.get(key, "")
        if value[:1] == "1" or value[:2].lower() == "on":
            return "https"
    return "http"
