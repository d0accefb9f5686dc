"""The machine that a configuration asks: where texts come from, what percent codes say."""

import http.server
import os
import threading
import time
from pathlib import Path

import pytest

from refuwsgi import sources
from refuwsgi.ini import Source
from refuwsgi.sources import Machine

MACHINE = Machine({"socket"})
HERE = Source("conf/site.ini", "/srv/www/site.ini", "")


@pytest.mark.parametrize(
    ("letter", "meaning"),
    [
        *(("o", "conf/site.ini"), ("p", "/srv/www/site.ini"), ("s", "site.ini")),
        *(("d", "/srv/www/"), ("e", "ini"), ("n", "site"), ("c", "www"), ("x", "uwsgi")),
        *(("0", "srv"), ("1", "www"), ("2", ""), ("i", "0")),
        *(("h", os.uname().nodename), ("v", os.getcwd()), ("V", "2.0.31"), ("[", "\033")),
        *(("k", str(os.cpu_count())), ("u", str(os.getuid())), ("g", str(os.getgid()))),
        ("q", None),
    ],
)
def test_codes(letter: str, meaning: str | None) -> None:
    assert MACHINE.code(letter, HERE, "uwsgi") == meaning


def test_codes_of_a_file_without_folders_and_extension() -> None:
    bare = Source("site", "site", "")
    assert [MACHINE.code(letter, bare, "") for letter in "encd"] == ["", "site", "", ""]


def test_codes_that_change() -> None:
    before = time.time()
    seconds, micro = (int(MACHINE.code(letter, HERE, "") or 0) for letter in "tT")
    assert before - 1 <= seconds <= time.time()
    assert before * 1e6 - 1e6 <= micro <= time.time() * 1e6


def test_the_inode(tmp_path: Path) -> None:
    file = tmp_path / "a.ini"
    file.touch()
    assert MACHINE.code("i", Source("a.ini", str(file), ""), "") == str(file.stat().st_ino)


def test_the_hash_is_bernsteins() -> None:
    assert MACHINE.code("j", Source("a", "a", ""), "") == f"{5381 * 33 ^ ord('a'):X}"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987654321)
    monkeypatch.setattr(os, "getgid", lambda: 987654322)
    assert [MACHINE.code(letter, HERE, "") for letter in "UG"] == ["987654321", "987654322"]


def test_files_by_every_name_of_theirs(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one\ntwo\n\n")
    descriptor = os.open(file, os.O_RDONLY)
    names = [str(file), f"file://{file}", f"fd://{descriptor}", f"exec://cat {file}"]
    assert {MACHINE.contents(name) for name in names} == {"one\ntwo\n\n"}
    assert MACHINE.lines(str(file)) == ["one", "two"]
    assert MACHINE.fetch(str(file)).path == str(file)
    assert MACHINE.matching(f"{tmp_path}/*.txt") == [str(file)]
    kinds = {kind: MACHINE.exists(str(file), kind) for kind in ("file", "directory", "any")}
    assert kinds == {"file": True, "directory": False, "any": True}
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_web_server_is_asked() -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 (named by http.server)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[uwsgi]")

        def log_message(self, format: str, *words: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert MACHINE.contents(f"http://127.0.0.1:{server.server_port}/a.ini") == "[uwsgi]"
        thread.join()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fd://x", "expected the number of a descriptor, got 'fd://x'"),
        ("fd://12345678", "expected the number of a descriptor"),
        ("ftp://x", "unable to load configuration from ftp://x"),
        ("exec://exit 3", "exec://exit 3 ended with status 3"),
        ("/dev/zero", "a configuration has at most 4194304 bytes"),
        ("exec://yes | head -c 5000000", "a configuration has at most 4194304 bytes"),
    ],
)
def test_what_makes_no_sense_is_said(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match="^" + reason.replace("|", r"\|")):
        MACHINE.contents(name)


def test_a_command_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PATIENCE", 0.1)
    with pytest.raises(ValueError, match="gave no text"):
        MACHINE.contents("exec://exec sleep 30")
