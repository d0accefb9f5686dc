"""The frame of the conformance suite: what a case imports.

What: start a subject (`Starter`, by the fixtures `start` and `start_module`), talk to it, watch it.
      A case names the requirement it checks with `@covers("SC-21")`, its docstring is the claim,
      and it waits with `eventually` and `wait_for`, never with sleep.
"""

import pytest

from . import wire
from .awake import awake
from .binary import is_refuwsgi
from .client import Answer, Client, ask, exchange, get, post, request, stats
from .errors import HarnessFailed, Late, SetupFailed
from .fake import OK, Backend, Received
from .fifo import write_fifo
from .packet import Packet, block, packet, receive_packet, request_vars
from .ports import free_port
from .proc import alive, children, descriptors, eventually, listening, threads, title, tree
from .subject import WORKER, Finished, Starter, Subject, host_name, touch

covers = pytest.mark.covers
"""The requirement that a case checks: `@covers("SC-21")`, `@covers("SC-21", kind="beyond")`."""

needs = pytest.mark.needs
"""Options without which a case cannot run: skipped, with that reason, where --help lacks them."""

__all__ = [
    "OK",
    "WORKER",
    "Answer",
    "Backend",
    "Client",
    "Finished",
    "HarnessFailed",
    "Late",
    "Packet",
    "Received",
    "SetupFailed",
    "Starter",
    "Subject",
    "alive",
    "ask",
    "awake",
    "block",
    "children",
    "covers",
    "descriptors",
    "eventually",
    "exchange",
    "free_port",
    "get",
    "host_name",
    "is_refuwsgi",
    "listening",
    "needs",
    "packet",
    "post",
    "receive_packet",
    "request",
    "request_vars",
    "stats",
    "threads",
    "title",
    "touch",
    "tree",
    "wire",
    "write_fifo",
]
