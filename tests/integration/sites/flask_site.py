"""A small site in the manner of Flask's own tutorial; it knows nothing of its server."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from flask import (
    Flask,
    flash,
    get_flashed_messages,
    redirect,
    render_template_string,
    request,
    session,
    stream_with_context,
    url_for,
)
from flask import send_file as send
from flask.typing import ResponseReturnValue

HERE = Path(__file__).parent
app = Flask(__name__, static_folder=None)
app.secret_key = "for the tests only"

PAGE = "<title>{{ title }}</title>{% for m in messages %}<p>{{ m }}</p>{% endfor %}"


@app.get("/")
def index() -> ResponseReturnValue:
    """Render a page."""
    title = f"Posts of {session.get('user', '<nobody>')}"
    return render_template_string(PAGE, title=title, messages=get_flashed_messages())


@app.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Log in by a form."""
    if request.method == "GET":
        return "<form method=post><input name=username></form>"
    session.clear()
    session["user"] = request.form["username"]
    flash("welcome")
    return redirect(url_for("index"))


@app.get("/logout")
def logout() -> ResponseReturnValue:
    """Forget who it is."""
    session.clear()
    return redirect(url_for("index"))


@app.post("/upload")
def upload() -> ResponseReturnValue:
    """Take a file; answer its checksum and the field that came with it."""
    digest = hashlib.file_digest(request.files["file"].stream, "sha256")  # type: ignore[arg-type]
    return {"sha256": digest.hexdigest(), "note": request.form["note"]}


@app.get("/file")
def file() -> ResponseReturnValue:
    """Send a file of the disk."""
    return send(HERE / "page.bin", mimetype="application/octet-stream")


@app.get("/memory")
def memory() -> ResponseReturnValue:
    """Send what only memory holds."""
    data = io.BytesIO((HERE / "page.bin").read_bytes())
    return send(data, as_attachment=True, download_name="memory.bin")


@app.get("/stream")
def stream() -> ResponseReturnValue:
    """Send lines as they are made."""

    def lines() -> Iterator[str]:
        for number in range(50):
            yield f"{number} of {request.path}\n"

    return app.response_class(stream_with_context(lines()), mimetype="text/plain")


@app.get("/fail")
def fail() -> ResponseReturnValue:
    """Fail."""
    raise RuntimeError("as the test wants it")


@app.get("/where/<path:rest>")
def where(rest: str) -> ResponseReturnValue:
    """Say what the framework knows of the request."""
    return {"rest": rest, "url": request.url, "args": request.args, "ip": request.remote_addr}
