"""Way 5: a function names the node.

Section:  fastrouter / Way 5: --fastrouter-use-code-string
What:     calls a Python function with the key; what it returns is the node.
Value:    ``0:mapper.py:get``: the number of the language's plugin (0 is Python, the only one
          here), the file, the function.  The function gets text and returns ``address`` or
          ``address,modifier1``, as text or as bytes.
Errors:   `OptionError` for a value of another form.  What the script raises, or the lack of it,
          ends the session that asked: a traceback in the log, and the next request tries again.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

from refuwsgi.nodes import Node
from refuwsgi.options import Config, Option, text

USE_CODE_STRING: Option[str | None] = Option(
    "fastrouter-use-code-string",
    text,
    default=None,
    help="find the node of a request with a function: 0:FILE:FUNCTION",
)

MODULE = "uwsgi_fastrouter"  # the name under which the file is imported, as in uWSGI


class UseCodeString:
    """The way of mapping that asks a function."""

    def __init__(self, path: str, function: str) -> None:
        self._path = os.path.abspath(path)
        self._function = function
        self._module: Any = None

    def node_for(self, key: bytes) -> Node | None:
        """Name the node that the function returns for `key`."""
        # This blocks the router for as long as the function takes: the document warns.
        try:
            # Departure: uWSGI passes bytes on Python 3, with which the document's mappers fail.
            answer = self._loaded()(key.decode("latin-1"))
        except SystemExit as left:
            # A mapper may end its own session, as any exception does, but not the router.
            raise RuntimeError(f"{self._path} called exit({left.code})") from left
        if isinstance(answer, str):
            answer = answer.encode("latin-1", "replace")
        return Node.parse(answer) if isinstance(answer, bytes) else None

    def _loaded(self) -> Callable[[str], object]:
        """The function, from the file that is imported once and keeps its state."""
        if self._module is None:
            self._module = _import(self._path)
        function: Callable[[str], object] = getattr(self._module, self._function)
        return function


def _import(path: str) -> Any:
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"not a Python file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module


def configured(config: Config) -> UseCodeString | None:
    """Build the way that the operator asked for, if it is this one."""
    value = config[USE_CODE_STRING]
    if value is None:
        return None
    plugin, _, rest = value.partition(":")
    path, _, function = rest.rpartition(":")
    if not path or not function:
        raise config.error(USE_CODE_STRING, "0:FILE:FUNCTION")
    if plugin != "0":
        raise config.error(USE_CODE_STRING, "plugin 0, which is Python, the only one here")
    return UseCodeString(path, function)
