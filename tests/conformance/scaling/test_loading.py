"""How the application is found, loaded, and what becomes of one that is not."""

import json

import pytest

from tests.conformance.harness import (
    WORKER,
    Starter,
    covers,
    get,
)

HELLO = """
def {name}(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{name} of " + __name__.encode()]
"""
FACTORY = """
def make(answer="made"):
    def app(environ, start_response):
        start_response("200 OK", [])
        return [answer.encode()]
    return app
"""
FILES = {
    "pkg/__init__.py": "",
    "pkg/mod.py": HELLO.format(name="application") + HELLO.format(name="other"),
    "factory.py": FACTORY,
    "single.py": HELLO.format(name="application"),
}


@covers("SC-195")
@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ("module = pkg.mod", "application of pkg.mod"),
        ("wsgi = pkg.mod", "application of pkg.mod"),
        ("module = pkg.mod:other", "other of pkg.mod"),
        ("module = pkg.mod\ncallable = other", "other of pkg.mod"),
        ("module = factory:make()", "made"),
        ("wsgi-file = single.py", "application of uwsgi_file_single"),
        ("wsgi-file = pkg/mod.py\ncallable = other", "other of uwsgi_file_pkg_mod"),
    ],
)
def test_an_app_is_found(start: Starter, lines: str, answer: str) -> None:
    subject = start(f"http-socket = 127.0.0.1:PORT\n{lines}", files=FILES)
    text = get(subject.port).text
    assert text == answer or (answer.endswith("pkg_mod") and text.startswith("other of uwsgi_file"))


@covers("SC-195")
def test_minus_w_on_the_command_line(start: Starter) -> None:
    subject = start("", "--http-socket", "127.0.0.1:PORT", "-w", "pkg.mod", files=FILES)
    assert get(subject.port).text == "application of pkg.mod"


@covers("SC-196")
def test_lazy_apps_are_loaded_by_each_worker(start: Starter) -> None:
    app = 'import os\nprint("imported by", os.getpid(), flush=True)\n' + FILES["single.py"]
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        processes = 2
        lazy-apps = true
        module = app
        """,
        files={"app.py": app},
        until=WORKER,
    )
    for number in (1, 2):
        subject.wait_for(rf"^imported by {subject.worker(number)}$")
    assert f"imported by {subject.pid}\n" not in subject.log


BROKEN = {
    "missing": ("module = nowhere", "ModuleNotFoundError|ImportError|No module named"),
    "syntax": ("module = bad_syntax", "SyntaxError"),
    "exception": ("module = raising", "RuntimeError: at import"),
    "no callable": ("wsgi-file = empty_module.py", 'unable to find "application" callable in file'),
    "not callable": ("wsgi-file = number.py", '"application" must be a callable object in file'),
    "no file": ("wsgi-file = nope.py", "failed to open python file nope.py"),
}
BROKEN_FILES = {
    "bad_syntax.py": "def (:\n",
    "raising.py": 'raise RuntimeError("at import")\n',
    "empty_module.py": "x = 1\n",
    "number.py": "application = 7\n",
}


@covers("SC-197", "SC-199")
@pytest.mark.parametrize("name", list(BROKEN))
def test_without_an_app_the_answer_is_500(start: Starter, name: str) -> None:
    """The reason is logged, the instance runs, every request is answered with 500."""
    lines, reason = BROKEN[name]
    subject = start(
        f"http-socket = 127.0.0.1:PORT\n{lines}", files=BROKEN_FILES, tracebacks=True, until=WORKER
    )
    subject.wait_for(reason)
    subject.wait_for(r"^\*\*\* no app loaded\. going in full dynamic mode \*\*\*$")
    answer = get(subject.port, "/x")
    assert answer.status_line == "HTTP/1.1 500 Internal Server Error"
    assert answer.body == b"Internal Server Error"
    subject.wait_for("no python application found, check your startup logs for errors")
    subject.wait_for(r"\|app: -1\|req: -1/1\] .* GET /x ")


@covers("SC-198")
@pytest.mark.parametrize("lazy", ["", "lazy-apps = true"])
def test_need_app_ends_the_start_with_22(start: Starter, lazy: str) -> None:
    subject = start.launch(
        f"""
        http-socket = 127.0.0.1:PORT
        master = true
        module = nowhere
        need-app = true
        {lazy}
        """,
        tracebacks=True,
    )
    assert subject.ended() == 22
    if not lazy:
        assert "*** no app loaded. GAME OVER ***" in subject.log


MOUNTED = """
import json
def application(environ, start_response):
    start_response("200 OK", [])
    name = __file__.rpartition("/")[2]
    found = [name, environ.get("SCRIPT_NAME"), environ["PATH_INFO"]]
    return [json.dumps(found).encode()]
"""


@covers("SC-200", "SC-141")
def test_mounted_apps(start: Starter) -> None:
    """The longest matching mountpoint goes to SCRIPT_NAME, the rest to PATH_INFO."""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        wsgi-file = root.py
        mount = /a=one.py
        mount = /a/b=two.py
        manage-script-name = true
        """,
        files=dict.fromkeys(("root.py", "one.py", "two.py"), MOUNTED),
    )
    wanted = {
        "/a/x": ["one.py", "/a", "/x"],
        "/a": ["one.py", "/a", ""],
        "/a/b/c": ["two.py", "/a/b", "/c"],
        "/ab": ["root.py", "", "/ab"],
        "/": ["root.py", "", "/"],
    }
    found = {path: json.loads(get(subject.port, path).body) for path in wanted}
    assert found == wanted


FACTS = """
import json, os, sys
FACTS = [os.getcwd(), sys.path[:4], sys.argv, os.environ.get("COLOUR")]
def application(environ, start_response):
    start_response("200 OK", [])
    return [json.dumps(FACTS).encode()]
"""


@covers("SC-201")
def test_where_python_looks_and_what_it_sees(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        chdir = inner
        pythonpath = lib
        module = facts
        pyargv = one two
        env = COLOUR=blue
        """,
        files={"inner/lib/facts.py": FACTS},
    )
    where, path, argv, colour = json.loads(get(subject.port).body)
    assert where == subject.path("inner")
    assert path[0] in ("lib", subject.path("inner/lib"))
    assert argv[1:] == ["one", "two"]
    assert colour == "blue"


@covers("SC-201")
def test_pythonpath_may_be_repeated(start: Starter) -> None:
    subject = start(
        "http-socket = 127.0.0.1:PORT\npythonpath = one\npythonpath = two\nmodule = facts",
        files={"one/x.py": "", "two/facts.py": "import x\n" + FACTS},
    )
    assert get(subject.port).status == 200


MODULE = """
import json, uwsgi
IMPORTED_BY = uwsgi.worker_id()
def application(environ, start_response):
    opt = {k: v if v is True else v.decode() for k, v in uwsgi.opt.items()}
    facts = {
        "version": type(uwsgi.version).__name__, "hostname": type(uwsgi.hostname).__name__,
        "numproc": uwsgi.numproc, "cores": uwsgi.cores, "worker": uwsgi.worker_id(),
        "imported by": IMPORTED_BY, "master": uwsgi.masterpid(), "opt": opt,
        "info": list(uwsgi.version_info)[:2], "buffer": uwsgi.buffer_size,
        "threads": uwsgi.has_threads,
    }
    start_response("200 OK", [])
    return [json.dumps(facts).encode()]
"""


@covers("SC-203", "OF-160")
def test_the_uwsgi_module(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        processes = 2
        threads = 2
        module = app
        env = A=1
        env = B=2
        my-own = thing
        """,
        files={"app.py": MODULE},
    )
    facts = get(subject.port).json()
    opt = facts.pop("opt")
    assert facts.pop("worker") in (1, 2)
    assert facts == {
        "version": "bytes",
        "hostname": "bytes",
        "numproc": 2,
        "cores": 2,
        "imported by": 0,
        "master": subject.pid,
        "info": [2, 0],
        "buffer": 4096,
        "threads": 1,
    }
    assert (opt["module"], opt["processes"], opt["env"]) == ("app", "2", "B=2")
    assert opt["my-own"] == "thing"


@covers("SC-202")
def test_a_virtual_environment_is_used(start: Starter) -> None:
    """Its site-packages are on the path, whichever of the option's names is used."""
    import sys

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    app = "import from_the_venv\n" + FILES["single.py"]
    for option in ("virtualenv", "home"):
        subject = start(
            f"http-socket = 127.0.0.1:PORT\n{option} = DIR/venv\nmodule = app",
            files={
                "app.py": app,
                "venv/pyvenv.cfg": f"home = {sys.base_prefix}/bin\n",
                f"venv/lib/python{version}/site-packages/from_the_venv.py": "",
            },
        )
        assert get(subject.port).status == 200, option


@covers("SC-205")
def test_a_plugin_that_is_built_in_is_no_error(start: Starter) -> None:
    subject = start(
        "http-socket = 127.0.0.1:PORT\nplugins = python3,http\nmodule = single", files=FILES
    )
    assert get(subject.port).status == 200


@covers("SC-204")
def test_of_two_apps_at_one_mountpoint_one_is_used(start: Starter) -> None:
    subject = start(
        "http-socket = 127.0.0.1:PORT\nmodule = pkg.mod\nwsgi-file = single.py", files=FILES
    )
    assert get(subject.port).text == "application of pkg.mod"
