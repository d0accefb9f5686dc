"""A small site in the manner of Pyramid's own tutorial; it knows nothing of its server."""

from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound
from pyramid.request import Request
from pyramid.response import FileResponse, Response

HERE = Path(__file__).parent


def hello(request: Request) -> dict[str, Any]:
    """Answer with JSON."""
    return {
        "name": request.matchdict["name"],
        "scheme": request.scheme,
        "args": dict(request.params),
    }


def upload(request: Request) -> Response:
    """Say how much has come."""
    return Response(str(len(request.POST["file"].file.read())))


def moved(request: Request) -> Response:
    """Send the client elsewhere."""
    return HTTPFound(location=request.route_url("hello", name="moved"))


def own_file(request: Request) -> Response:
    """Send a file, by the server's own means."""
    return FileResponse(str(HERE / "page.bin"), request=request)


def stream(request: Request) -> Response:
    """Answer bit by bit."""
    return Response(app_iter=(b"%d\n" % number for number in range(1000)))


def oops(request: Request) -> Response:
    """Fail."""
    raise RuntimeError("oops")


def made() -> Any:
    """Build the application."""
    with Configurator() as config:
        for name, path, view in (
            ("upload", "/upload", upload),
            ("moved", "/moved", moved),
            ("file", "/file", own_file),
            ("stream", "/stream", stream),
            ("oops", "/oops", oops),
        ):
            config.add_route(name, path)
            config.add_view(view, route_name=name)
        config.add_route("hello", "/hello/{name}")
        config.add_view(hello, route_name="hello", renderer="json")
        return config.make_wsgi_app()


app = made()
