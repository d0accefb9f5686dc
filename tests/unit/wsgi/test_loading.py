"""Applications are found, or the log says why not."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.options import Config, Option, OptionError, Setting, build
from refuwsgi.wsgi import interpreter, loading
from refuwsgi.wsgi.loading import App, Apps

OPTIONS = [
    option
    for module in (loading, interpreter)
    for option in vars(module).values()
    if isinstance(option, Option)
]
CODE = """
def application(environ, start_response):
    pass
app = application
def make():
    return application
def broken():
    raise ValueError("broken factory")
number = 3
class inner:
    deep = application
"""


def config_of(*settings: tuple[str, str]) -> Config:
    return build([Setting(name, value, "test.ini:1") for name, value in settings], OPTIONS)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with an application, in which we stand; the interpreter is put back."""
    (tmp_path / "some_application.py").write_text(CODE)
    (tmp_path / "broken_application.py").write_text("1 +")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("option", "source"),
    [
        ("module", "some_application"),
        ("wsgi", "some_application:app"),
        ("module", "some_application:make()"),
        ("module", "some_application:inner.deep"),
        ("wsgi-file", "some_application.py"),
        ("file", "some_application.py:app"),
    ],
)
def test_an_application_is_found(
    place: Path, capfd: pytest.CaptureFixture[str], option: str, source: str
) -> None:
    apps = loading.load(config_of((option, source)))
    assert apps.loaded
    found = apps.app_for({"PATH_INFO": "/"})
    assert found is not None
    assert found[0].call.__name__ == "application"
    log = capfd.readouterr().err
    assert log.startswith("WSGI app 0 (mountpoint='') ready in 0 seconds on interpreter 0x")
    assert log.endswith(f" pid: {os.getpid()} (default app)\n")


@pytest.mark.parametrize(
    ("option", "source", "reason"),
    [
        ("module", "no_such_module", "ModuleNotFoundError"),
        ("module", "broken_application", "SyntaxError"),
        ("module", "some_application:broken()", "broken factory"),
        ("module", "some_application:nope", 'unable to find "nope" callable in file'),
        ("module", "some_application:number", '"number" must be a callable object in file'),
        ("wsgi-file", "nope.py", "failed to open python file nope.py"),
        ("wsgi-file", "broken_application.py", "SyntaxError"),
    ],
)
def test_the_log_says_why_there_is_none(
    place: Path, capfd: pytest.CaptureFixture[str], option: str, source: str, reason: str
) -> None:
    assert not loading.load(config_of((option, source))).loaded
    log = capfd.readouterr().err
    assert reason in log
    assert "unable to load app 0 (mountpoint='') (callable not found or import error)" in log


def test_the_callable_may_have_another_name(place: Path) -> None:
    settings = [("module", "some_application"), ("callable", "app")]
    assert loading.load(config_of(*settings)).loaded
    assert loading.wanted(config_of(*settings))
    assert not loading.wanted(config_of())


def test_of_module_and_file_the_first_counts(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = [("wsgi-file", "some_application.py"), ("module", "some_application")]
    assert len(loading.load(config_of(*settings))) == 1
    assert "mountpoint  already configured. skip." in capfd.readouterr().err


def test_what_a_file_defines_can_be_found_by_name(place: Path) -> None:
    loading.load(config_of(("wsgi-file", "some_application.py")))
    assert "uwsgi_file_some_application" in sys.modules


def test_mountpoints_have_applications(place: Path) -> None:
    apps = loading.load(
        config_of(("mount", "/a=some_application"), ("mount", "/=./some_application.py:app"))
    )
    assert [(app["id"], app["mountpoint"]) for app in apps.described()] == [(0, "/a"), (1, "")]


@pytest.mark.parametrize("mount", ["/a", "a=b", "/a="])
def test_a_mount_that_is_none_is_the_operators_mistake(mount: str) -> None:
    with pytest.raises(OptionError, match=r"^test.ini:1: mount: expected"):
        loading.load(config_of(("mount", mount)))


def apps_of(*mountpoints: str, **given: bool) -> Apps:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        return []

    apps = Apps(**given)
    for number, mountpoint in enumerate(mountpoints):
        apps.add(App(number, mountpoint, application, 0))
    return apps


@pytest.mark.parametrize(
    ("path", "number", "split"),
    [
        ("/a/x", 1, ("/a", "/x")),
        ("/a", 1, ("/a", "")),
        ("/a/", 1, ("/a", "/")),
        ("/a/b/x", 2, ("/a/b", "/x")),
        ("/ab", 0, ("", "/ab")),
        ("/", 0, ("", "/")),
        ("", 0, ("", "")),
    ],
)
def test_the_longest_mountpoint_takes_the_path(
    path: str, number: int, split: tuple[str, str]
) -> None:
    found = apps_of("", "/a", "/a/b", manage_script_name=True).app_for({"PATH_INFO": path})
    assert found is not None
    assert (found[0].number, found[1]) == (number, split)


def test_without_management_the_front_end_names_the_mountpoint() -> None:
    apps = apps_of("/a", "/b")
    found = apps.app_for({"PATH_INFO": "/b/x", "SCRIPT_NAME": "/b"})
    other = apps.app_for({"PATH_INFO": "/b/x"})
    assert found is not None
    assert other is not None
    assert (found[0].number, other[0].number) == (1, 0)


def test_there_may_be_no_default() -> None:
    apps = apps_of("/a", default=False, manage_script_name=True)
    assert apps.app_for({"PATH_INFO": "/x"}) is None
    assert apps.app_for({"PATH_INFO": "/a"}) is not None


def test_the_interpreter_is_prepared(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REFUWSGI_GONE", "1")
    monkeypatch.setenv("REFUWSGI_TEST", "old")
    (place / "one").mkdir()
    (place / "other").mkdir()
    loading.prepare(
        config_of(
            ("pythonpath", "code/"),
            ("pp", "o*"),
            ("env", "REFUWSGI_TEST=a=b"),
            ("unenv", "REFUWSGI_GONE"),
            ("pyargv", "a 'b c'"),
            ("shared-import", "no_such_module_at_all"),
        )
    )
    assert sys.path[:5] == ["code/", "one", "other", ".", ""]
    assert os.environ["REFUWSGI_TEST"] == "a=b"
    assert "REFUWSGI_GONE" not in os.environ
    assert sys.argv == ["uwsgi", "a", "b c"]
    log = capfd.readouterr().err
    assert "added code/ to pythonpath.\n" in log
    assert "no_such_module_at_all cannot be imported" in log


def test_a_virtual_environment_gives_its_packages(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", sys.prefix)
    monkeypatch.setattr(sys, "exec_prefix", sys.exec_prefix)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = place / "venv" / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    interpreter.set_paths(config_of(("virtualenv", "venv")))
    assert str(packages) in sys.path
    assert sys.prefix == str(place / "venv")
    with pytest.raises(OptionError, match="a virtual environment of python"):
        interpreter.set_paths(config_of(("home", "nothing")))


@pytest.mark.parametrize("setting", [("pyargv", "'"), ("env", "=x")])
def test_settings_that_make_no_sense_are_refused(place: Path, setting: tuple[str, str]) -> None:
    with pytest.raises(OptionError):
        loading.prepare(config_of(setting))


def test_the_only_application_is_known_as_such() -> None:
    def call(environ: Any, start_response: Any) -> Any:
        return []

    apps = Apps()
    assert apps.only is None
    first = App(0, "/a", call, 0)
    apps.add(first)
    assert apps.only is first  # the default for other paths, too
    apps.add(App(1, "/b", call, 0))
    assert apps.only is None
    for odd in (Apps(manage_script_name=True), Apps(default=False)):
        odd.add(first)
        assert odd.only is None
