"""The smallest application: it says which path was asked for."""


def application(environ, start_response):
    """Answer with one line."""
    body = f"hello from {environ['PATH_INFO']}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
