"""The notes of routers: a client taken, the node chosen, the answer passed on, the client let go.

Section:  ground / the server; the trace of routers
What:     puts notes around the steps of both kinds of session.
          The HTTP router has its clients from their first byte; the fastrouter does not know whom
          it serves before it has read the packet, and notes then since when it has had it.
Units:    seconds, bytes.
Errors:   none.
"""

from __future__ import annotations

import time
from typing import Any

from refuwsgi.server.tracing import ANSWERS, CHOOSES, GIVES, LETS_GO, TAKES, Step, Trace


def join(trace: Trace, *, http: bool, fast: bool) -> None:
    """Put the notes around the sessions."""
    if http:
        from refuwsgi.scaling import http_plain
        from refuwsgi.scaling.http_straight import StraightSession as Http

        trace.around(http_plain, "serves", lambda step: _http_tasks)
        trace.around(Http, "_stays", lambda step: lambda session: False)
        trace.around(Http, "run", lambda step: _visit(trace, step))
        trace.around(Http, "_connect", lambda step: _chosen(trace, step))
        trace.around(Http, "_pass_on", lambda step: _passed_on(trace, step))
    if fast:
        from refuwsgi import gateway_plain
        from refuwsgi.gateway_sessions import Session as Fast

        trace.around(gateway_plain, "serves", lambda step: _fast_tasks)
        trace.around(Fast, "_first", lambda step: _asked(trace, step))
        trace.around(Fast, "_connect", lambda step: _connected(trace, step))
        trace.around(Fast, "close", lambda step: _closed(trace, step))


# Every session is a task: what a trace tells of is the same, and all of it is there.


def _http_tasks(door: Any) -> Step:
    from refuwsgi.handles import socket_of
    from refuwsgi.scaling.http_straight import StraightSession

    return lambda client, peer, straight: straight.turn(
        StraightSession(door, socket_of(client, peer), peer, straight)
    )


def _fast_tasks(rules: Any) -> Step:
    from refuwsgi.gateway_sessions import Session
    from refuwsgi.handles import socket_of

    return lambda client, peer, straight: straight.task(
        Session(rules, socket_of(client, peer), time.monotonic()).run()
    )


# -- the HTTP router


def _peer(session: Any) -> str:
    address, port = session._heads.peer
    return f"{address}:{port}"


def _visit(trace: Trace, step: Step) -> Step:
    async def run(session: Any) -> None:
        client = _peer(session)
        trace.note(trace.name, TAKES, client)
        try:
            await step(session)
        finally:
            trace.note(trace.name, LETS_GO, client)

    return run


def _chosen(trace: Trace, step: Step) -> Step:
    async def connect(session: Any, target: Any, *rest: Any) -> Any:
        # First noted, then done: a core may have the client before this has come back.
        trace.note(trace.name, CHOOSES, _peer(session), target.address)
        return await step(session, target, *rest)

    return connect


def _passed_on(trace: Trace, step: Step) -> Step:
    async def pass_on(session: Any, head: Any, *rest: Any) -> bool:
        # Kept now: the packet is made of these, and may take some out.
        asked = f"{head.environ['REQUEST_METHOD']} {head.environ['REQUEST_URI']}"
        again = bool(await step(session, head, *rest))
        trace.note(trace.name, ANSWERS, _peer(session), asked)
        return again

    return pass_on


# -- the fastrouter


def _client(asked: Any) -> str:
    return f"{asked.client.decode('latin-1')}:{asked.port.decode('latin-1')}"


def _asked(trace: Trace, step: Step) -> Step:
    def first(session: Any) -> Any:
        asked = session._asked
        told = f"key {asked.key.decode('latin-1')}"
        trace.note(trace.name, TAKES, _client(asked), told, session.since)
        return step(session)

    return first


def _connected(trace: Trace, step: Step) -> Step:
    async def connect(session: Any, target: Any, *rest: Any) -> Any:
        client = _client(session._asked)
        trace.note(trace.name, CHOOSES, client, target.address)
        moved = await step(session, target, *rest)
        if moved.given:
            trace.note(trace.name, GIVES, client, target.address)
        return moved

    return connect


def _closed(trace: Trace, step: Step) -> Step:
    def close(session: Any) -> None:
        asked, moved = session._asked, session._relay
        if moved is not None and moved.received:
            trace.note(trace.name, ANSWERS, _client(asked), f"{moved.received} bytes")
        step(session)
        if asked.key:
            trace.note(trace.name, LETS_GO, _client(asked))

    return close
