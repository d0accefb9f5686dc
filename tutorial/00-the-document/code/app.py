"""The application of `make run`: it says who answered."""

import os
import threading


def application(environ, start_response):
    """Answer every path with one line."""
    core = threading.current_thread().name
    body = f"hello from {environ['PATH_INFO']}: process {os.getpid()}, {core}\n".encode()
    head = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", head)
    return [body]
