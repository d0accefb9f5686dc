"""Answers every request with its environ and its body as JSON."""

import json
from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Dump strings as they are and everything else as repr; the body is under "body"."""
    shown = {k: v if type(v) is str else repr(v) for k, v in environ.items()}
    try:
        shown["body"] = environ["wsgi.input"].read().decode("latin-1")
    except OSError as error:
        shown["error"] = str(error)
    body = json.dumps(shown).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
