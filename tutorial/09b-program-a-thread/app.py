"""An application that programs a thread: /events/CHANNEL is a stream that ends when it likes."""

from events import Events

from refuwsgi.offloading.the_future import program


def application(environ, start_response):
    """Answer with one line, or leave the client to a thread."""
    path = environ["PATH_INFO"]
    if path.startswith("/events/"):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        program(Events(path.removeprefix("/events/")))
        return []
    body = f"hello from {path}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
