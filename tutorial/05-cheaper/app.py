"""An application that can be slow: /slow is answered when the file `release` exists."""

import os
import time


def application(environ, start_response):
    """Say which process answers; hold /slow until it is released."""
    if environ["PATH_INFO"] == "/slow":
        open("begun", "w").close()
        while not os.path.exists("release"):
            time.sleep(0.02)
    body = f"{environ['PATH_INFO']} from process {os.getpid()}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
