"""A node: it says which of the nodes it is."""

import os


def application(environ, start_response):
    """Answer with one line."""
    body = f"{os.environ['NODE']} answers for {environ['HTTP_HOST']}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
