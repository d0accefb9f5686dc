"""The application is found and imported.

Section:  ground / the application; loading
What:     prepares the interpreter (paths, virtual environment, arguments), imports what
          ``module``, ``wsgi-file`` and ``mount`` name, and picks the application of a request
          by its mountpoint.
              module = pkg.mod            the callable `application` of pkg.mod
              module = pkg.mod:app        its callable `app`
              module = pkg.mod:make()     what its function `make` returns
              wsgi-file = site/app.py     the callable of a file
              mount = /blog=blog.py       one of several, by the first part of the path
Units:    seconds.
Errors:   an application that cannot be loaded is a traceback in the log; what that means for the
          instance is the server's decision.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, NamedTuple

from refuwsgi import api, log
from refuwsgi.options import JOIN, Config, Option, flag, text, texts
from refuwsgi.wsgi import interpreter
from refuwsgi.wsgi.environ import Application, Environ

MODULE: Option[str | None] = Option(
    "module",
    text,
    default=None,
    help="import this module and take its application: pkg.mod, pkg.mod:name or pkg.mod:factory()",
    aliases=("wsgi", "w"),
)
WSGI_FILE: Option[str | None] = Option(
    "wsgi-file", text, default=None, help="load the application of this file", aliases=("file",)
)
CALLABLE = Option(
    "callable", text, default="application", help="name of the application's callable"
)
MOUNT: Option[tuple[str, ...]] = Option(
    "mount",
    texts,
    default=(),
    help="load an application for a mountpoint: /path=module or /path=file.py",
    repeat=JOIN,
)
MANAGE_SCRIPT_NAME = Option(
    "manage-script-name",
    flag,
    default=False,
    help="move the mountpoint from PATH_INFO to SCRIPT_NAME",
    bare="true",
)
NO_DEFAULT_APP = Option(
    "no-default-app",
    flag,
    default=False,
    help="answer 500 where no mountpoint fits, instead of asking the first application",
    bare="true",
)


class App(NamedTuple):
    """A loaded application."""

    number: int
    mountpoint: str
    call: Application
    startup: int  # seconds that loading it took


class Apps:
    """The applications of an instance, by mountpoint."""

    def __init__(self, *, manage_script_name: bool = False, default: bool = True) -> None:
        self._by_mountpoint: dict[str, App] = {}
        self._manage = manage_script_name
        self._may_default = default
        self._default: App | None = None
        self.only: App | None = None  # whoever asks, for whatever path, gets this one

    @property
    def loaded(self) -> bool:
        """Say whether there is any application."""
        return bool(self._by_mountpoint)

    def __len__(self) -> int:
        return len(self._by_mountpoint)

    def __contains__(self, mountpoint: str) -> bool:
        return mountpoint in self._by_mountpoint

    def add(self, app: App) -> None:
        """Take another application; the first one is the default."""
        self._by_mountpoint[app.mountpoint] = app
        if self._default is None and (self._may_default or not app.mountpoint):
            self._default = app
        alone = len(self._by_mountpoint) == 1 and not self._manage
        self.only = self._default if alone else None

    def described(self) -> list[dict[str, Any]]:
        """Tell the statistics which applications there are, in the order of loading."""
        return [
            {
                "id": app.number,
                "modifier1": 0,
                "mountpoint": app.mountpoint,
                "startup_time": app.startup,
                "requests": 0,
                "exceptions": 0,
                "chdir": "",
            }
            for app in self._by_mountpoint.values()
        ]

    def app_for(self, given: Environ) -> tuple[App, tuple[str, str] | None] | None:
        """Pick the application of a request, and say how its path is to be split, if it is."""
        if self._manage:
            path = given.get("PATH_INFO", "")
            mountpoint = path.rstrip("/") if path.endswith("/") else path
            while mountpoint:
                app = self._by_mountpoint.get(mountpoint)
                if app is not None:
                    return app, (mountpoint, path[len(mountpoint) :])
                mountpoint = mountpoint.rpartition("/")[0]
            # Departure: uWSGI leaves SCRIPT_NAME out for `/`.
            app = self._by_mountpoint.get("") or self._default
            return None if app is None else (app, ("", path))
        app = self._by_mountpoint.get(given.get("SCRIPT_NAME", "")) or self._default
        return None if app is None else (app, None)


def wanted(config: Config) -> bool:
    """Say whether the operator named anything to load."""
    return any(config.given(option) for option in (MODULE, WSGI_FILE, MOUNT))


def prepare(config: Config) -> None:
    """Make the interpreter ready for the application, and import what every process shares."""
    interpreter.set_environment(config)
    interpreter.set_paths(config)
    api.install(config)
    interpreter.import_all(config[interpreter.SHARED_IMPORT])


def start_worker(config: Config) -> None:
    """Do what the application wants done in each worker, before its first request."""
    interpreter.import_all(config[interpreter.IMPORT])
    api.forked()


def load(config: Config) -> Apps:
    """Load everything that the operator named; what fails is missing from the answer."""
    mounts = [_mount_of(config, mount) for mount in config[MOUNT]]
    loader = Loader(config)
    module, file = config[MODULE], config[WSGI_FILE]
    if module is not None:
        loader.load("", module, is_file=False)
    if file is not None:
        loader.load("", file, is_file=True)
    for mountpoint, source in mounts:
        loader.load(mountpoint, source, is_file=_is_file(source))
    return loader.apps


class Loader:
    """Loads one application after the other."""

    def __init__(self, config: Config) -> None:
        self._callable = config[CALLABLE]
        self.apps = Apps(
            manage_script_name=config[MANAGE_SCRIPT_NAME], default=not config[NO_DEFAULT_APP]
        )

    def load(self, mountpoint: str, source: str, *, is_file: bool) -> None:
        """Load an application for a mountpoint."""
        if mountpoint in self.apps:
            log.line(f"mountpoint {mountpoint} already configured. skip.")
            return
        number = len(self.apps)
        began = time.monotonic()
        call = self._found(source, is_file=is_file)
        if call is None:
            name = f"app {number} (mountpoint={mountpoint!r})"
            log.line(f"unable to load {name} (callable not found or import error)")
            return
        took = int(time.monotonic() - began)
        self.apps.add(App(number, mountpoint, call, took))
        default = " (default app)" if number == 0 else ""
        log.line(
            f"WSGI app {number} (mountpoint='{mountpoint}') ready in {took} seconds on "
            f"interpreter 0x{id(sys.modules):x} pid: {os.getpid()}{default}"
        )

    def _found(self, source: str, *, is_file: bool) -> Application | None:
        """Import the callable that a source names; None, with the reason in the log."""
        try:
            return self._file_app(source) if is_file else self._module_app(source)
        except Exception:  # an application may raise anything while it is imported
            log.exception(f"{source} cannot be loaded")
            return None

    def _module_app(self, source: str) -> Application | None:
        from importlib import import_module

        name, colon, attribute = source.partition(":")
        module = import_module(name)
        return _callable_of(module, attribute if colon else self._callable, f"file {name}")

    def _file_app(self, source: str) -> Application | None:
        path, attribute = source, self._callable
        if not os.path.exists(path) and ":" in path:
            path, _, attribute = path.rpartition(":")
        try:
            with open(path, "rb") as file:
                code = compile(file.read(), path, "exec", dont_inherit=True)
        except OSError as problem:
            log.line(f"failed to open python file {path}: {problem.strerror}")
            return None
        return _callable_of(_module_from(path, code), attribute, f"file {path}")


def _module_from(path: str, code: Any) -> Any:
    from types import ModuleType

    stem = path.removesuffix(".py").replace("/", "_").replace(".", "_")
    module = ModuleType(f"uwsgi_file_{stem}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # so that what the file defines can be pickled
    exec(code, module.__dict__)
    return module


def _callable_of(module: Any, name: str, where: str) -> Application | None:
    factory = name.endswith("()")
    found = module
    for part in name.removesuffix("()").split("."):
        found = getattr(found, part, None)
    if found is None:
        log.line(f'unable to find "{name}" callable in {where}')
        return None
    if factory and callable(found):
        found = found()
    if not callable(found):
        log.line(f'"{name}" must be a callable object in {where}')
        return None
    application: Application = found
    return application


def _is_file(source: str) -> bool:
    path = source.partition(":")[0]
    return "/" in path or path.endswith((".py", ".wsgi"))


def _mount_of(config: Config, mount: str) -> tuple[str, str]:
    mountpoint, equals, source = mount.partition("=")
    if not equals or not source or not mountpoint.startswith("/"):
        raise config.error(MOUNT, "/path=module or /path=file.py")
    return mountpoint.rstrip("/"), source
