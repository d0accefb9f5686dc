"""A site whose rules lead to other servers, and what it counts."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.harness import WORKER, Starter, Subject, stats

Closing = Callable[[Any], Any]
THREADS = pytest.mark.parametrize("threads", [0, 1])


def site(start: Starter, lines: str, threads: int = 1) -> Subject:
    return start(
        f"""
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
module = case_app
offload-threads = {threads}
{lines}
""",
        until=WORKER,
    )


def core(subject: Subject) -> Any:
    return stats(subject.ports["PORT1"])["workers"][0]["cores"][0]
