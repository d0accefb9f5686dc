"""A node: it says for which host it was asked."""


def application(environ, start_response):
    """Answer with one line."""
    body = f"the node answers for {environ['HTTP_HOST']}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
