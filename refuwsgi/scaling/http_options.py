"""What an operator may say about the HTTP router's sessions.

Section:  scaling / http; the options of its sessions
What:     the times, sizes and switches that a session obeys, read once into `Rules`.
Units:    seconds; sizes in bytes.
Errors:   OptionError for an http-var that is no ``name=value``.
"""

from __future__ import annotations

from typing import NamedTuple

from refuwsgi.options import JOIN, Config, Option, flag, number, octets, seconds, text, texts


def switch(value: str) -> bool:
    """Read true or false; unlike a flag's, the value must be there."""
    return flag(value)


def keep(value: str) -> int:
    """Read a switch or a number of seconds: 0 is off, 1 on."""
    # Departure: in uWSGI `true` is 0, off.
    return number(value) if value.isdigit() else int(flag(value))


TIMEOUT = Option(
    "http-timeout",
    seconds,
    default=60.0,
    help="end a session in which nothing happened for this many seconds",
)
HEADERS_TIMEOUT = Option(
    "http-headers-timeout",
    seconds,
    default=0.0,
    help="seconds that a client has for the whole head of a request (0: http-timeout)",
)
CONNECT_TIMEOUT = Option(
    "http-connect-timeout",
    seconds,
    default=0.0,
    help="seconds that a node has to take a connection (0: http-timeout)",
)
KEEPALIVE = Option(
    "http-keepalive",
    keep,
    default=0,
    help="keep the connections of clients; a number above 1 is how many seconds they may be idle",
    bare="1",
)
AUTO_CHUNKED = Option(
    "http-auto-chunked",
    flag,
    default=False,
    help="send answers without a length in chunks, so that the connection can be kept",
    bare="true",
)
CHUNKED_INPUT = Option(
    "http-chunked-input",
    flag,
    default=False,
    help="pass bodies that come in chunks on as they are, for uwsgi.chunked_read()",
    bare="true",
)
RAW_BODY = Option(
    "http-raw-body",
    flag,
    default=False,
    help="pass on whatever comes behind the head, for as long as the session lasts",
    bare="true",
)
MANAGE_EXPECT = Option(
    "http-manage-expect",
    keep,
    default=0,
    help="answer Expect: 100-continue; with a number refuse bodies that are larger",
    bare="1",
)
VAR: Option[tuple[str, ...]] = Option(
    "http-var", texts, default=(), help="add this name=value to the vars", repeat=JOIN
)
MODIFIER1 = Option("http-modifier1", number, default=0, help="the first modifier of the packets")
MODIFIER2 = Option("http-modifier2", number, default=0, help="the second modifier of the packets")
SERVER_NAME_AS_HOST = Option(
    "http-server-name-as-http-host",
    switch,
    default=False,
    help="SERVER_NAME is what the client has sent as Host",
)
PROXY_PROTOCOL = Option(
    "http-enable-proxy-protocol",
    flag,
    default=False,
    help="take the client's address from a PROXY line in front of the request",
    bare="true",
)
QUIET = Option(
    "http-quiet", switch, default=False, help="do not log each connection that a node does not take"
)
# What needs no switch here, or has no meaning.
WEBSOCKETS = Option(
    "http-websockets",
    flag,
    default=True,
    help="nothing: what is upgraded to another protocol is always passed on",
    bare="true",
)
AUTO_GZIP = Option(
    "http-auto-gzip",
    flag,
    default=False,
    help="accepted for the sake of old files; answers are not compressed",
    bare="true",
)
BUFFER_SIZE = Option(
    "http-buffer-size",
    octets,
    default=0,
    help="accepted for the sake of old files; the buffers have the size that is fastest",
)
EVENTS = Option(
    "http-events",
    number,
    default=64,
    help="how many events are taken from the kernel at once; no limit on the clients",
)
HARAKIRI = Option(
    "http-harakiri",
    number,
    default=0,
    help="accepted for the sake of old files; a session cannot hold up the others",
)
STATS: Option[str | None] = Option(
    "http-stats",
    text,
    default=None,
    help="tell everybody who connects to this address how the router is doing",
    aliases=("http-stats-server", "http-ss"),
)
UID: Option[str | None] = Option(
    "http-uid", text, default=None, help="the user of the router's processes"
)
GID: Option[str | None] = Option(
    "http-gid", text, default=None, help="the group of the router's processes"
)


class Rules(NamedTuple):
    """How the sessions go."""

    timeout: float = 60.0
    headers_timeout: float = 60.0
    connect_timeout: float = 60.0
    idle: float = 0.0  # how long a kept connection may wait; 0: none is kept
    auto_chunked: bool = False
    chunked_input: bool = False
    raw_body: bool = False
    largest_expected: int = 0  # body that is asked for with 100 Continue; 0: any
    proxy_protocol: bool = False
    quiet: bool = False
    largest_packet: int = 0xFFFF


def rules(config: Config, largest_packet: int) -> Rules:
    """Read how the sessions go."""
    # uWSGI: 0 is the default, not "for ever".
    timeout = config[TIMEOUT] or TIMEOUT.default
    kept = config[KEEPALIVE]
    expected = config[MANAGE_EXPECT]
    return Rules(
        timeout,
        config[HEADERS_TIMEOUT] or timeout,
        config[CONNECT_TIMEOUT] or timeout,
        float(kept) if kept > 1 else timeout * kept,
        config[AUTO_CHUNKED],
        config[CHUNKED_INPUT],
        config[RAW_BODY],
        expected if expected > 1 else 0,
        config[PROXY_PROTOCOL],
        config[QUIET],
        largest_packet,
    )


def variables(config: Config) -> list[tuple[str, str]]:
    """The vars that the operator adds to each packet, one character for each byte."""
    found = []
    lines: tuple[str, ...] = config[VAR]
    for line in lines:
        octets_ = line.encode("utf-8", "surrogateescape")
        name, equals, value = octets_.decode("latin-1").partition("=")
        if not name or not equals:
            raise config.error(VAR, "name=value")
        found.append((name, value))
    return found
