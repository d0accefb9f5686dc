"""A visit to a gateway that speaks uwsgi: what is known of it, and how it ends.

Section:  ground / gateways; a visit
What:     who asked for what, which targets are to be tried, what was opened; the line in the log
          when it fails.  How a visit goes is told by `gateway_sessions`.
Units:    seconds, bytes.
Errors:   `Failure` when there is nobody to answer.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from socket import SocketType
from typing import Any, Final

from refuwsgi.gateway_reach import Begun, Unreached
from refuwsgi.gateway_relay import Relay
from refuwsgi.gateway_rules import (
    BAD,
    NOTHING_ASKED,
    UNAVAILABLE,
    Asked,
    Failure,
    Kept,
    Rules,
    shown,
)
from refuwsgi.nodes import Node
from refuwsgi.waiting import NOW

ATTEMPTS: Final = 4  # the first and three more, as uWSGI


class Visit:
    """One client, and what was opened for it."""

    __slots__ = (
        "_address", "_asked", "_begun", "_body", "_chosen", "_client", "_data", "_expected",
        "_given", "_node", "_relay", "_rules", "_target", "since",
    )  # fmt: skip

    def __init__(self, rules: Rules, client: SocketType, since: float) -> None:
        self.since = since
        self._rules = rules
        self._client = client
        self._data = b""  # what has come of the client
        self._asked = NOTHING_ASKED
        self._chosen = False  # was the first target named
        self._target: Any = None
        self._address = ""
        self._begun: Begun | None = None
        self._node: SocketType | None = None
        self._given = False  # the node has the client's descriptor
        self._expected = 0  # bytes of the body that the client has still to send
        self._body: Kept | None = None
        self._relay: Relay | None = None

    def resume(
        self, data: bytes, asked: Asked, target: Any, begun: Begun | None, *, chosen: bool
    ) -> None:
        """Go on where somebody else has begun; `chosen` if a target was asked for."""
        self._data, self._asked, self._begun = data, asked, begun
        self._target, self._chosen = target, chosen
        if target is not None:
            self._address = target.address

    def carry_on(self, node: SocketType, relay: Relay) -> None:
        """Go on with an answer."""
        self._node, self._relay, self._given = node, relay, relay.given

    # -- who is to answer

    def _first(self) -> Any:
        """The target that is to be tried first; None when it is one of the fallback."""
        chooser = self._rules.chooser
        if chooser is None:
            raise Failure(UNAVAILABLE, "no way of mapping is configured")
        if not self._asked.key:
            raise Failure(BAD, "no key")
        if not self._chosen:
            self._target, self._chosen = chooser.choose(self._asked, self.since), True
        if self._target is None and not (self._rules.fallback_on_no_key and self._rules.fallback):
            raise Failure(UNAVAILABLE, "no node")
        return self._target

    def _others(self, first: Any) -> Iterator[Any]:
        """Every other target that is to be tried, in order, until one takes the connection."""
        chooser, fallback = self._rules.chooser, self._rules.fallback
        assert chooser is not None
        tried = [] if first is None else [first.address]
        while tried and len(tried) < ATTEMPTS and chooser.again:
            target = chooser.choose(self._asked, time.monotonic())
            if target is None:
                break
            if fallback and target.address in tried:
                chooser.ended(target, 0, 0)
                break
            self._target = target
            yield target
            tried.append(target.address)
        modifiers = (first.modifier1, first.modifier2) if first is not None else (0, 0)
        for node in fallback[: ATTEMPTS - 1]:
            yield Node(node, *modifiers)

    def _unreached(self, target: Any, problem: Unreached, retries: int) -> None:
        rules = self._rules
        if not rules.quiet:
            rules.say(
                f'[{rules.name}] unable to connect() to node "{shown(target.address)}" '
                f"({retries} retries): {problem}"
            )
        if target is self._target and rules.chooser is not None:
            self._target = None
            if problem.busy:  # it lives, and has too much to do
                rules.chooser.ended(target, 0, 0)
            else:
                rules.chooser.failed(target, self._asked, time.monotonic())

    # -- the end

    def fail(self, status: str, reason: str) -> None:
        """Say why the session failed, to the log and, if wanted, to the client."""
        rules, asked = self._rules, self._asked
        took = time.monotonic() - self.since
        node = f" node: {shown(self._address)}" if self._address else ""
        rules.say(
            f"[{rules.name} key: {shown(asked.key)} client_addr: {shown(asked.client)} "
            f"client_port: {shown(asked.port)}] {reason}{node} ({took:.3f} s)"
        )
        moved = self._relay
        begun = moved.received or moved.given if moved else self._given
        if rules.answers and not begun:
            # Beyond: uWSGI closes without a byte, and leaves the web server to guess.
            text = f"{reason}\n".encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            with contextlib.suppress(OSError):
                answer = head.encode() + b"Content-Length: %d\r\n\r\n" % len(text) + text
                self._client.send(answer, NOW)

    def close(self) -> None:
        """Close what the session opened, and have it put into the books."""
        self._client.close()
        moved = self._relay
        if self._node is not None:
            self._node.close()
        if self._begun is not None:
            self._begun[0].close()
        if self._body is not None:
            self._body.release()
        if self._target is not None and self._rules.chooser is not None:
            received, sent = (moved.received, moved.sent) if moved else (0, 0)
            self._rules.chooser.ended(self._target, received, sent)
