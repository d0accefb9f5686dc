"""What the tests of document 1 share: the log, and a site to serve."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi import log
from refuwsgi.offloading import mime
from tests.unit.offloading.stand import descriptors, make


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(log, "line", found.append)
    return found


@pytest.fixture
def www(tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    table = tmp_path / "mime.types"
    table.write_text("text/plain txt\ntext/css css\n")
    monkeypatch.setattr(mime, "SYSTEM_FILE", str(table))
    www = tmp_path / "www"
    www.mkdir()
    make(www / "hello.txt", b"hello static\n")
    make(www / "ten", b"0123456789")
    make(www / "empty.txt", b"")
    make(www / "big", bytes(range(256)) * 400)
    before = descriptors()
    yield www
    assert descriptors() == before
