"""A node that says how large the body was."""


def application(environ, start_response):
    """Read the whole body, then answer."""
    size = len(environ["wsgi.input"].read())
    body = f"{environ['PATH_INFO']}: {size} bytes\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
