"""A stage that serves a site, and somebody who asks it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from refuwsgi.offloading import static_files
from refuwsgi.offloading.static_files import StaticFiles
from refuwsgi.request import NEXT, Request
from tests.unit.offloading.stand import Answer, close, config_of, parse, read_all, request_of


def stage_of(www: Path, **values: str | list[str] | bool) -> StaticFiles:
    stage = static_files.configured(config_of(check_static=str(www), **values))
    assert stage is not None
    return stage


def ask(stage: StaticFiles, path: str, **environ: Any) -> Answer | None:
    """Let the stage answer; None when it does not want to."""
    with request_of({"PATH_INFO": path, **environ}) as (request, client):
        if stage(request) == NEXT:
            assert request.core.static == 0
            return None
        assert request.core.static == 1
        answer = parse_counted(request, client)
        assert request.core.offloaded == 0
        return answer


def parse_counted(request: Request, client: socket.socket) -> Answer:
    close(request)
    data = read_all(client)
    answer = parse(data)
    assert request.head_size == len(data) - len(answer.body)
    assert request.headers == len(answer.headers)
    assert request.status == int(answer.status.split()[1])
    return answer
