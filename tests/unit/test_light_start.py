"""What a small server imports: each module is paid for at every start, by every process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HELLO = [
    "--http-socket",
    "127.0.0.1:0",
    "--master",
    "--processes",
    "4",
    "--module",
    "app",
    "--pythonpath",
    ".",
    "-L",
]
CODE = """
import sys
from refuwsgi import cli
from refuwsgi.binding import bind
from refuwsgi.address import parse
config = cli.judged(cli.read(sys.argv[1:]))
import refuwsgi.server.instance
bind(parse("127.0.0.1:0"), backlog=1).close()
print(*sys.modules)
"""


def imported(*words: str) -> set[str]:
    # Without the site packages: some of those import a good deal for themselves.
    path = f"import sys; sys.path[:0] = {sys.path!r}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{path}\n{CODE}", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def hello() -> set[str]:
    return imported(*HELLO)


@pytest.mark.parametrize(
    "heavy",
    [
        "argparse",
        "asyncio",
        "dataclasses",
        "encodings.idna",
        "inspect",
        "json",
        "logging",
        "pickle",
        "platform",
        "ssl",
        "string",
        "subprocess",
        "tempfile",
        "traceback",
        "unicodedata",
        "urllib.parse",
    ],
)
def test_a_hello_needs_nothing_heavy_of_the_standard_library(hello: set[str], heavy: str) -> None:
    assert heavy not in hello


@pytest.mark.parametrize(
    "part",
    [
        "cache.store",
        "fastrouter",
        "log_master",
        "offloading.static_files",
        "routing",
        "scaling.cheaper",
        "scaling.http_router",
        "scaling.https",
        "scaling.sleeping",
        "stats_text",
        "vassals.emperor",
        "vassals.own_socket",
    ],
)
def test_a_hello_needs_no_part_that_it_does_not_use(hello: set[str], part: str) -> None:
    assert f"refuwsgi.{part}" not in hello


def test_a_part_that_is_used_is_imported() -> None:
    assert "refuwsgi.scaling.http_router" in imported("--http", "127.0.0.1:0", "--module", "app")
