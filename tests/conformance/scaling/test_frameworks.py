"""Real frameworks behind the document's set-ups: Flask and Django, if this Python has them."""

import importlib.util
from pathlib import Path

import pytest

from tests.conformance.harness import Starter, Subject, covers, exchange, get, post, request, stats

FLASK = """
import io, logging
from flask import Flask, Response, jsonify, redirect, request
from flask import send_file, session, stream_with_context
app = Flask(__name__)
app.secret_key = "for the case only"

@app.route("/json/<int:n>")
def as_json(n): return jsonify(n=n, scheme=request.scheme, args=request.args)

@app.route("/form", methods=["POST"])
def form(): return request.form["name"]

@app.route("/upload", methods=["POST"])
def upload(): return str(len(request.files["file"].read()))

@app.route("/stream")
def stream():
    return Response(stream_with_context(f"{n} {request.path}|" for n in range(3)))

@app.route("/login")
def login():
    session["user"] = "me"
    return redirect("/me")

@app.route("/me")
def me(): return session.get("user", "nobody")

@app.route("/file")
def file(): return send_file("page.txt")

@app.route("/memory")
def memory(): return send_file(io.BytesIO(b"in memory"), mimetype="text/plain")

@app.route("/raise")
def fail(): raise RuntimeError("as wanted")

@app.route("/log")
def log():
    app.logger.warning("a warning of flask")
    return "x"

application = app
"""

DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path
if not settings.configured:
    settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
                       SECRET_KEY="for the case only", MIDDLEWARE=[])
def hello(request): return HttpResponse(f"hello from {request.method} {request.scheme}")
def stream(request): return StreamingHttpResponse(f"{n}|" for n in range(3))
def file(request): return FileResponse(open("page.txt", "rb"))
def upload(request): return HttpResponse(str(len(request.FILES["file"].read())))
urlpatterns = [path("", hello), path("stream", stream), path("file", file), path("upload", upload)]
application = get_wsgi_application()
"""


def site_packages(name: str) -> str:
    """The directory that holds a package, or skip."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        pytest.skip(f"absent: this Python has no {name}")
    return str(Path(spec.origin).parent.parent)


def serve(start: Starter, front: str, package: str, text: str) -> Subject:
    return start(
        f"""
        {front} = 127.0.0.1:PORT
        stats = 127.0.0.1:PORT1
        master = true
        processes = 2
        threads = 2
        offload-threads = 1
        pythonpath = {site_packages(package)}
        module = site_app
        """,
        files={"site_app.py": text, "page.txt": "a page of text"},
        tracebacks=True,
    )


@pytest.fixture(scope="module", params=["http-socket", "http"])
def flask(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    return serve(start_module, request.param, "flask", FLASK)


@pytest.fixture(scope="module", params=["http-socket", "http"])
def django(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    return serve(start_module, request.param, "django", DJANGO)


def multipart(size: int) -> tuple[bytes, tuple[str, str]]:
    body = (
        b"--edge\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n"
        + b"x" * size
        + b"\r\n--edge--\r\n"
    )
    return body, ("Content-Type", "multipart/form-data; boundary=edge")


@covers("SC-330", "SC-331", "SC-333")
def test_flask_routes_and_schemes(flask: Subject) -> None:
    answer = get(flask.port, "/json/7?a=b", ("X-Forwarded-Proto", "https"))
    assert answer.json() == {"n": 7, "scheme": "https", "args": {"a": "b"}}
    assert get(flask.port, "/nowhere").status == 404
    assert get(flask.port, "/raise").status == 500


@covers("SC-330")
def test_flask_reads_forms_and_uploads(flask: Subject) -> None:
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    assert post(flask.port, "/form", b"name=value", kind).text == "value"
    body, kind = multipart(100_000)
    assert post(flask.port, "/upload", body, kind).text == "100000"


@covers("SC-330")
def test_flask_streams_with_context(flask: Subject) -> None:
    assert get(flask.port, "/stream").text == "0 /stream|1 /stream|2 /stream|"


@covers("SC-330")
def test_flask_keeps_a_session(flask: Subject) -> None:
    answer = get(flask.port, "/login")
    assert (answer.status, answer.get("location")) == (302, "/me")
    cookie = (answer.get("set-cookie") or "").partition(";")[0]
    assert get(flask.port, "/me", ("Cookie", cookie)).text == "me"


@covers("SC-330")
def test_flask_sends_files(flask: Subject) -> None:
    """One on disk by an offload thread, one in memory by the worker."""
    assert get(flask.port, "/file").text == "a page of text"
    assert get(flask.port, "/memory").text == "in memory"
    workers = stats(flask.ports["PORT1"])["workers"]
    counts = [core["offloaded_requests"] for worker in workers for core in worker["cores"]]
    assert sum(counts) >= 1


@covers("SC-330")
def test_flask_logs(flask: Subject) -> None:
    get(flask.port, "/log")
    flask.wait_for("a warning of flask")


@covers("SC-332", "SC-333")
def test_django_answers(django: Subject) -> None:
    assert get(django.port, "/").text == "hello from GET http"
    assert get(django.port, "/", ("X-Forwarded-Proto", "https")).text == "hello from GET https"
    assert get(django.port, "/nowhere").status == 404
    assert get(django.port, "/stream").text == "0|1|2|"
    assert get(django.port, "/file").text == "a page of text"


@covers("SC-332")
def test_django_takes_uploads(django: Subject) -> None:
    body, kind = multipart(100_000)
    assert post(django.port, "/upload", body, kind).text == "100000"


@covers("SC-332", "SC-178")
def test_the_body_of_djangos_answer_to_head_is_dropped(django: Subject) -> None:
    assert exchange(django.port, request("/", "HEAD")).body == b""
