"""What another server hears first: the head of a request, or its packet.

Section:  offloading / Offloading internal routing; requests for other servers
What:     writes the vars of a request as HTTP again, in the order in which they came, or as a
          uwsgi packet.

              GET /foo?a=b HTTP/1.0, the client's headers, Connection: close, X-Forwarded-For

Units:    sizes are bytes.
Errors:   PacketError when the vars do not fit into a packet.
"""

from __future__ import annotations

from refuwsgi.protocol.uwsgi import encode
from refuwsgi.request import Request

DROPPED = {
    "HTTP_CONNECTION",
    "HTTP_KEEP_ALIVE",
    "HTTP_TE",
    "HTTP_TRAILER",
    "HTTP_X_FORWARDED_FOR",
}


def http_head(
    request: Request, host: str | None, uri: str | None, length: int | None, *, dumb: bool
) -> bytes:
    """Write the head; `length` None leaves what the client has said of its body."""
    environ = request.environ
    target = environ.get("REQUEST_URI", "") if uri is None else uri
    version = request.protocol if dumb else "HTTP/1.0"
    target = _clean(target).replace(" ", "%20") or "/"
    lines = [f"{environ.get('REQUEST_METHOD', 'GET')} {target} {version}"]
    coded = length is not None and "HTTP_TRANSFER_ENCODING" in environ
    for name, value in environ.items():
        if not name.startswith("HTTP_") or not isinstance(value, str):
            continue
        if (not dumb and name in DROPPED) or (host is not None and name == "HTTP_HOST"):
            continue
        if coded and name == "HTTP_TRANSFER_ENCODING":
            continue
        lines.append(f"{_title(name[5:])}: {_clean(value)}")
    if host is not None:
        lines.append(f"Host: {_clean(host)}")
    if environ.get("CONTENT_TYPE"):
        lines.append(f"Content-Type: {_clean(environ['CONTENT_TYPE'])}")
    size = str(length) if length is not None else environ.get("CONTENT_LENGTH", "")
    if size not in ("", "0"):
        lines.append(f"Content-Length: {size}")
    if not dumb:
        lines.append("Connection: close")
        came = environ.get("HTTP_X_FORWARDED_FOR")
        peer = environ.get("REMOTE_ADDR", "")
        lines.append(f"X-Forwarded-For: {came}, {peer}" if came else f"X-Forwarded-For: {peer}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _title(name: str) -> str:
    return name.replace("_", "-").title()


def _clean(value: str) -> str:
    """Leave out what would end a line: a rule may have put there what a client has sent."""
    if value.isprintable():
        return value
    return "".join(each for each in value if each >= " " or each == "\t")


def uwsgi_packet(
    request: Request, modifiers: tuple[int, int], app: str | None, length: int | None
) -> bytes:
    """Write the packet; `length` None leaves what the client has said of its body."""
    vars = {name: value for name, value in request.environ.items() if isinstance(value, str)}
    if length is not None and "HTTP_TRANSFER_ENCODING" in vars:
        del vars["HTTP_TRANSFER_ENCODING"]
    if length is not None:
        vars["CONTENT_LENGTH"] = str(length) if length or vars.get("CONTENT_LENGTH") else ""
    if app is not None:
        vars["UWSGI_APPID"] = app
    pairs = [
        (key.encode("latin-1"), value.encode("latin-1", "replace")) for key, value in vars.items()
    ]
    return encode(pairs, *modifiers)


def connected_head(request: Request) -> bytes:
    """Tell the client that it may speak with the other server now."""
    return request.head("200 Connection established", [])
