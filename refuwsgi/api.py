"""The module `uwsgi`, which applications import.

Section:  ground / the module uwsgi
What:     the names of uWSGI's Python module.  Parts of the server that know an answer give it
          here (`provide`), so that this file knows none of them.
Units:    as uWSGI has them: bytes where it says bytes, seconds, microseconds in `micros`.
Errors:   a name that uWSGI has and nobody provides raises NotImplementedError when it is called,
          and says where it would belong; any other name is an AttributeError.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from refuwsgi import log
from refuwsgi.options import Config
from refuwsgi.protocol.uwsgi import BUFFER_SIZE, MAX_BLOCK
from refuwsgi.scoreboard import CoreRow

VERSION = b"2.0.31"  # the uWSGI that we stand in for: applications compare it
VERSION_INFO = (2, 0, 31, 0, b"")

UNBUILT = {
    "the option mule": "mule_msg mule_get_msg farm_msg farm_get_msg install_mule_msg_hook",
    "the signal framework": "signal register_signal signal_registered signal_wait signal_received "
    "add_timer add_rb_timer add_cron add_file_monitor add_ms_timer alarm",
    "the RPC subsystem": "register_rpc rpc call rpc_list",
    "the options async and ugreen": "async_sleep async_connect suspend green_schedule "
    "wait_fd_read wait_fd_write ready_fd",
    "websockets": "websocket_handshake websocket_recv websocket_recv_nb websocket_send "
    "websocket_send_binary websocket_send_from_sharedarea",
    "the option cache": "cache_get cache_set cache_update cache_del cache_exists cache_clear "
    "cache_inc cache_dec cache_mul cache_div cache_num cache_keys cache_magic_table",
    "the option metric": "metric_get metric_set metric_inc metric_dec metric_mul metric_div "
    "metric_set_max metric_set_min",
    "the option locks": "lock unlock is_locked",
    "the transformations of responses": "add_transformation chunked_read_nb",
    "the master": "reload stop workers total_requests request_id listen_queue log_this_request "
    "accepting set_user_harakiri setprocname i_am_the_spooler i_am_the_lord lord_scroll scrolls "
    "get_option",
}
PLACE_OF = {name: place for place, names in UNBUILT.items() for name in names.split()}


class Running(threading.local):
    """The core that this thread runs, if it runs one."""

    core: CoreRow | None = None

    @property
    def answer(self) -> Any:
        """The answer that this thread is giving, if any: it knows request and environ."""
        return self.core and self.core.answer


running = Running()


class UwsgiModule(ModuleType):
    """The module; what nobody has provided is looked up here."""

    def __getattr__(self, name: str) -> Any:
        if name == "env":
            return running.answer and running.answer.environ
        if name == "start_response":
            return running.answer and running.answer.start_response
        place = PLACE_OF.get(name)
        if place is None:
            raise AttributeError(f"module 'uwsgi' has no attribute {name!r}")

        def unbuilt(*_: Any, **__: Any) -> Any:
            raise NotImplementedError(f"uwsgi.{name} belongs to {place}; refuwsgi has not built it")

        return unbuilt


module = UwsgiModule("uwsgi", "The server, as the application sees it.")


def provide(name: str, value: Any) -> None:
    """Give the application an attribute: a value, or a function it may call."""
    setattr(module, name, value)


def install(config: Config) -> None:
    """Make `import uwsgi` work, before the application is loaded."""
    provide("opt", _options_of(config))
    provide("started_on", int(time.time()))
    provide("buffer_size", min(config[BUFFER_SIZE], MAX_BLOCK))
    sys.modules["uwsgi"] = module


def forked() -> None:
    """Run what uwsgidecorators.postfork has registered: called in each worker."""
    hook: Callable[[], Any] | None = module.__dict__.get("post_fork_hook")
    if hook is not None:
        hook()


def _options_of(config: Config) -> dict[str, bytes | bool]:
    """Every setting as an application may ask for it; of a repeated one the last."""
    return {
        setting.name: True if setting.value is None else setting.value.encode()
        for setting in config.settings
    }


def _current() -> Any:
    if running.answer is None:
        raise RuntimeError("there is no request in this thread")
    return running.answer.request


def _log(text: str) -> bool:
    if not isinstance(text, str):
        raise TypeError("uwsgi.log() wants a string")
    log.line(text)
    return True


def _set_logvar(name: str, value: str) -> None:
    request = _current()
    if request.logvars is None:
        request.logvars = {}
    request.logvars[name] = value.decode("latin-1") if isinstance(value, bytes) else value


def _get_logvar(name: str) -> bytes | None:
    value: str | None = (_current().logvars or {}).get(name)
    return None if value is None else value.encode()


def _add_var(name: str, value: str) -> bool:
    _current().environ[name] = value
    return True


def _disconnect() -> None:
    """Say goodbye to the client; the application goes on."""
    import socket

    request = _current()
    request.keep = False
    with socket.socket(fileno=os.dup(request.fd)) as client:
        client.shutdown(socket.SHUT_RDWR)


def _content_length() -> int:
    value = str(_current().environ.get("CONTENT_LENGTH", ""))
    return int(value) if value.isascii() and value.isdecimal() else 0


def _sendfile(what: Any, chunk: int = 0, position: int = 0, size: int = 0) -> bool | None:
    """Answer with a file, which goes out when the application has returned."""
    from refuwsgi.wsgi.files import Extent, extent_of

    _current()
    named = isinstance(what, str | bytes)
    try:
        file = open(what, "rb") if named else what  # noqa: SIM115  # closed when it has been sent
    except OSError:
        return None
    extent = extent_of(file)
    if extent is None:
        return None
    rest = max(0, extent.position + extent.length - position)
    wanted = Extent(extent.fd, position, min(size or rest, rest))
    running.answer.send_later(wanted, file, close=named)
    return True


def _chunked_read(timeout: int = 0) -> bytes:
    """Return the next piece of the body; b"" at its end."""
    body = _current().body
    chunk: Callable[[], bytes] = getattr(body, "chunk", lambda: body.receive(65536))
    return chunk()


def _memory() -> tuple[int, int]:
    """Resident and virtual memory of this process, in bytes."""
    with open("/proc/self/statm", "rb") as file:
        virtual, resident = file.read().split()[:2]
    page = os.sysconf("SC_PAGE_SIZE")
    return int(resident) * page, int(virtual) * page


for _name, _value in {
    "version": VERSION,
    "version_info": VERSION_INFO,
    "hostname": os.uname().nodename.encode(),
    "numproc": 1,
    "cores": 1,
    "opt": {},
    "magic_table": {},
    "buffer_size": 4096,
    "has_threads": 1,
    "is_a_reload": False,
    "sockets": [],
    "loop": None,
    "unbit": False,
    "applications": None,
    "started_on": 0,
    "SPOOL_OK": -2,
    "SPOOL_RETRY": -1,
    "SPOOL_IGNORE": 0,
    "worker_id": lambda: 0,
    "masterpid": lambda: 0,
    "mule_id": lambda: 0,
    "log": _log,
    "set_logvar": _set_logvar,
    "get_logvar": _get_logvar,
    "add_var": _add_var,
    "disconnect": _disconnect,
    "connection_fd": lambda: _current().fd,
    "cl": _content_length,
    "sendfile": _sendfile,
    "offload": lambda *_: b"",
    "chunked_read": _chunked_read,
    "micros": lambda: time.time_ns() // 1000,
    "mem": _memory,
    "logsize": lambda: 0,
    "ready": lambda: None,
    "set_warning_message": lambda text: None,
}.items():
    provide(_name, _value)
