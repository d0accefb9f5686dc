"""The side that announces itself: an instance tells routers which keys it serves.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the announcing side
What:     sends each key to each server once the instance serves, a second later, and then whenever
          `subscribe-freq` seconds have passed.  The master runs it.

          event                     what is sent
          stop, brutal reload       a goodbye
          graceful reload           nothing, or a goodbye with unsubscribe-on-graceful-reload
          pause, resume             a goodbye and no more; an announcement

          subscribe-to = [ADDR=]SERVER:KEY[,MODIFIER1[,DIGEST:KEYFILE]]   or   SERVER:@FILE
          subscribe2   = server=...,key=...,weight=...                    any order

Units:    seconds; weight and cores are counts.
Errors:   `OptionError` for a value of another form.  A server that does not listen is no error: it
          may come later, and the instance serves meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence

from refuwsgi.fastrouter import mapping_files, notify_socket
from refuwsgi.fastrouter.notify_socket import LetterBox
from refuwsgi.fastrouter.resubscribe import Sending
from refuwsgi.fastrouter.subscribe_options import (
    AUTO_WEIGHT,
    START_UNSUBSCRIBED,
    SUBSCRIBE2,
    SUBSCRIBE_FREQ,
    SUBSCRIBE_TO,
    SUBSCRIBE_WITH_MODIFIER1,
    UNSUBSCRIBE_ON_GRACEFUL_RELOAD,
    WEIGHT,
    Entry,
    entry_of,
    fields_of,
)
from refuwsgi.loop import readable, sleep
from refuwsgi.options import Config
from refuwsgi.protocol.subscription import Announcement, encode, signed_with

SECOND_TIME = 1.0  # after the first announcement, which may have come too early for the router


class Subscriber:
    """What an instance announces, where, and when."""

    def __init__(
        self,
        entries: Sequence[Entry],
        say: Callable[[str], None],
        *,
        frequency: float = 10,
        weight: int = 0,
        auto_weight: bool = False,
        modifier1: int | None = None,
        letters: LetterBox | None = None,
        blocked: bool = False,
        on_graceful_reload: bool = False,
    ) -> None:
        self.sockets: Sequence[str] = ()  # as bound, the first is announced
        self.shared: Sequence[str] = ()  # the shared sockets, for ``=N``
        self.cores = 1  # processes times threads
        self.load: Callable[[], int] = lambda: 0  # requests that wait in the sockets' queues
        self.withdraws_on_graceful_reload = on_graceful_reload
        self._entries = entries
        self._ways = {each.server: Sending(each.server) for each in entries}
        self._say = say
        self._frequency = frequency
        self._weight = weight
        self._auto_weight = auto_weight
        self._modifier1 = modifier1
        self._letters = letters
        self._blocked = blocked
        self._paused = False
        self._told: set[str] = set()
        self._complained: set[str] = set()

    async def run(self) -> None:
        """Announce, now and again, for as long as the instance serves."""
        self.announce()
        await self._rest(min(SECOND_TIME, self._frequency))
        start = time.monotonic()
        while True:
            self.announce()
            passed = time.monotonic() - start
            await self._rest(self._frequency - passed % self._frequency)

    async def _rest(self, seconds: float) -> None:
        """Let the time pass, and meanwhile read what routers send."""
        if self._letters is None:
            return await sleep(seconds)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await readable(self._letters.sock, left)
                self._letters.empty()
        return None

    def announce(self, sockets: Sequence[str] | None = None) -> None:
        """Tell every server every key, unless we are to be silent."""
        if sockets is not None:
            self.sockets = sockets
        if not self._blocked and not self._paused:
            for entry in self._entries:
                if entry.value not in self._told:
                    self._told.add(entry.value)
                    self._say(f"subscribing to {entry.value}")
                self._send(entry, withdraws=False)

    def withdraw(self) -> None:
        """Say goodbye to every server."""
        for entry in self._entries:
            self._say(f"unsubscribing from {entry.value}")
            self._send(entry, withdraws=True)

    def pause(self, paused: bool) -> None:
        """Say goodbye for the time of a pause, and announce again at its end."""
        self._paused = paused
        if paused:
            self.withdraw()
        else:
            self.announce()

    def toggle(self) -> None:
        """Stop announcing, or begin again."""
        self._blocked = not self._blocked
        self._say("subscriptions blocked" if self._blocked else "subscriptions re-enabled")

    def _send(self, entry: Entry, *, withdraws: bool) -> None:
        # Departure: uWSGI sends if the file does NOT exist, the reverse of what is documented.
        if entry.check and not os.path.exists(entry.check):
            return None
        address = self._address_of(entry)
        if not address:
            return self._complain(entry, "there is no socket to announce")
        for key, modifier1 in self._keys_of(entry):
            datagram = self._datagram(entry, key, address, modifier1, withdraws)
            problem = self._ways[entry.server].send(datagram)
            if problem is not None:
                self._complain(entry, problem)
        return None

    def _complain(self, entry: Entry, problem: str) -> None:
        if (told := f"{entry.value}: {problem}") not in self._complained:
            self._complained.add(told)
            self._say(f"subscribing to {told}")

    def _keys_of(self, entry: Entry) -> list[tuple[str, int]]:
        if not entry.key.startswith("@"):
            return [(entry.key, entry.modifier1)]
        return [
            (each.key, entry.modifier1 if each.modifier1 is None else each.modifier1)
            for each in mapping_files.read(entry.key[1:])
        ]

    def _address_of(self, entry: Entry) -> str:
        if entry.socket is not None:
            return self.sockets[entry.socket] if entry.socket < len(self.sockets) else ""
        if entry.address.startswith("="):
            shared = int(entry.address[1:])
            return self.shared[shared] if shared < len(self.shared) else ""
        return entry.address or (self.sockets[0] if self.sockets else "")

    def _datagram(
        self, entry: Entry, key: str, address: str, modifier1: int, withdraws: bool
    ) -> bytes:
        weight = entry.weight if entry.weight is not None else self._weight
        said = Announcement(
            key.encode("latin-1", "replace"),
            address.encode("latin-1", "replace"),
            withdraws,
            modifier1 if self._modifier1 is None else self._modifier1,
            entry.modifier2,
            cores=self.cores,
            load=self.load(),
            weight=self.cores if self._auto_weight else weight,
            backup=entry.backup,
            algorithm=entry.algorithm.encode(),
            protocol=entry.protocol.encode(),
            sni=entry.sni,
            notify=self._letters.name.encode("latin-1", "replace") if self._letters else b"",
            # uWSGI: a goodbye is one second ahead, so that it is newer than the last hello.
            unix=int(time.time()) + withdraws if entry.signer else 0,
        )
        datagram = encode(said)
        return signed_with(datagram, entry.signer(datagram[4:])) if entry.signer else datagram


def configured(config: Config, say: Callable[[str], None]) -> Subscriber | None:
    """Build what announces this instance, if it is to be announced."""
    entries = [
        entry_of(text, where) if option is SUBSCRIBE_TO else fields_of(text, where)
        for option, text, where in config.in_order(SUBSCRIBE_TO, SUBSCRIBE2)
    ]
    if not entries:
        return None
    for entry in entries:
        try:
            Sending(entry.server)
        except ValueError as problem:
            raise config.error(SUBSCRIBE_TO, str(problem).removeprefix("expected ")) from None
    return Subscriber(
        entries,
        say,
        frequency=max(1.0, config[SUBSCRIBE_FREQ]),
        weight=config[WEIGHT],
        auto_weight=config[AUTO_WEIGHT],
        modifier1=config[SUBSCRIBE_WITH_MODIFIER1],
        letters=notify_socket.configured(config, say),
        blocked=config[START_UNSUBSCRIBED],
        on_graceful_reload=config[UNSUBSCRIBE_ON_GRACEFUL_RELOAD],
    )
