"""An application that can be slow: /slow is answered when the file `release` exists."""

import os
import threading
import time

answered_by = set()


def application(environ, start_response):
    """Say how many threads have answered so far; hold /slow until it is released."""
    answered_by.add(threading.get_ident())
    if environ["PATH_INFO"] == "/slow":
        open("begun", "w").close()
        while not os.path.exists("release"):
            time.sleep(0.02)
    if environ["PATH_INFO"] == "/sum":
        body = f"one process, {len(answered_by)} threads\n".encode()
    else:
        body = f"{environ['PATH_INFO']} from process {os.getpid()}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
