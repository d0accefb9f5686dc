"""Slots: the keys that nodes have subscribed to, and which of these nodes live.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the table of keys and nodes
What:     announcements and failures go in; `choose` names the node for a request.

    announced ----> living ----- withdrawn, connect failed, silent too long ----> dead
                      ^                                                            |
                      +---------------------- announced again --------------------+
                                                     dead and no request runs on it: removed
                                                     last node of a slot removed: slot removed

          A node that fell silent is found out when its key is looked up, or by `sweep`.
Units:    `now` is monotonic, in seconds; cores, load, weight and requests are counts.
Errors:   none.  In a full table who has been silent longest makes room; this is said once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from refuwsgi.fastrouter.balancing import NAMES, choose
from refuwsgi.fastrouter.crowding import Crowd, longest_silent
from refuwsgi.fastrouter.subscribed import LOOK, NOBODY, Sender, Slot, Subscribed
from refuwsgi.gateway_rules import Asked, shown
from refuwsgi.protocol.subscription import Announcement, hash_of

MOST_SLOTS = 1 << 17  # some 100 MB
MOST_NODES = 4096  # of one key
SHARED = 512  # addresses, beside two for each key
MOST_CUTS = 5  # lookups for one key with --subscription-dotsplit, as uWSGI


class Table:
    """All slots of one router process."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        name: str = "uWSGI fastrouter",
        tolerance: float = 17,
        algorithm: str = "wrr",
        dotsplit: bool = False,
        fallback_key: bytes = b"",
    ) -> None:
        self.slots: dict[bytes, Slot] = {}
        self.living = 0
        self.say = say
        self.changed: list[Callable[[], None]] = []  # to be called when `living` was changed
        self.ears: list[Callable[[], int]] = []  # take announcements that wait, and count them
        self.streams = 0  # ears that let announcements wait
        self._name = name
        self._speaker = f"[uwsgi-subscription for pid {os.getpid()}]"
        self._tolerance = tolerance
        self._algorithm = algorithm
        self._dotsplit = dotsplit
        self._fallback_key = fallback_key
        self._full = False
        self._crowd: Crowd[Subscribed] = Crowd(self.slots)
        self._addresses: dict[str, tuple[str, str]] = {}

    # -- announcements

    def announce(
        self, said: Announcement, address: str, now: float, sender: Sender = NOBODY
    ) -> bool:
        """Take an announcement; say whether its node is new."""
        slot = self.slots.get(said.key)
        if slot is None:
            return self._begin(said, address, now, sender)
        for node in slot.nodes:
            if node.address == address:
                if node.dead:
                    self._living_changed(1)
                before = node.weight
                node.renew(said, now)
                if node.weight != before or node.backup or slot.oldest == LOOK:
                    slot.consist_of(slot.nodes)
                return False
        if len(slot.nodes) >= MOST_NODES and not self._make_room(longest_silent(slot.nodes)):
            return False
        shared, told = self._shared(address)
        slot.consist_of((*slot.nodes, Subscribed(said, shared, sender, now)))
        self.say(f"{self._speaker} {shown(said.key)} => new node: {told}")
        self._living_changed(1)
        return True

    def _begin(self, said: Announcement, address: str, now: float, sender: Sender) -> bool:
        """Take the first announcement of a key."""
        if len(self.slots) >= MOST_SLOTS and not self._make_room(self._crowd.silent()):
            return False
        key = said.key
        name = shown(key)
        shared, told = self._shared(address)
        # Beyond: a key may choose its own algorithm; uWSGI 2.0 does not read the field.
        algorithm = said.algorithm and _algorithm_of(said) or self._algorithm
        self.slots[key] = Slot(algorithm, (Subscribed(said, shared, sender, now),))
        self.say(f"{self._speaker} new pool: {name} (hash key: {hash_of(key)})")
        self.say(f"{self._speaker} {name} => new node: {told}")
        self._living_changed(1)
        return True

    def withdraw(self, key: bytes, address: str) -> None:
        """Let a node leave; what runs on it may end."""
        slot = self.slots.get(key)
        for node in slot.nodes if slot is not None else ():
            if node.address == address:
                self.failed(node)

    def failed(self, node: Subscribed) -> None:
        """Mark a node as dead: it left, or did not take a connection."""
        node.failures += 1
        if not node.dead:
            self.say(
                f"[{self._name} pid {os.getpid()}] {shown(node.key)} => "
                f"marking {shown(node.address)} as failed"
            )
            self._died(node)
        self._remove_if_idle(node)

    def ended(self, node: Subscribed) -> None:
        """Count a request of a node as over."""
        node.running -= 1
        if node.dead:
            self._remove_if_idle(node)

    # -- requests

    def choose(self, asked: Asked, now: float, key: bytes = b"") -> Subscribed | None:
        """Name the node that is to answer a request for its key, or `key`, and count it."""
        if self.streams:
            self.hear()
        slot = self.slots.get(key or asked.key)
        if slot is not None and now - slot.oldest <= self._tolerance:
            slot.hits += 1
            if slot.left:  # they live, and are equal, as nearly always
                node = slot.left.pop()
                node.turns -= 1
            else:
                node = slot.next(slot.nodes, asked.client)
        else:
            key, client = key or asked.key, asked.client
            found = self._of_any(key, client, now)
            if found is None and self.hear():
                found = self._of_any(key, client, now)
            if found is None:
                return None
            node = found
        node.running += 1
        node.requests += 1
        return node

    def hear(self) -> bool:
        """Hear who announced himself just now; say whether anybody did."""
        return sum([hear() for hear in self.ears]) > 0

    def _of_any(self, key: bytes, client: bytes, now: float) -> Subscribed | None:
        node = self._of_slot(key, client, now)
        if node is None and self._dotsplit:
            node = self._of_parents(key, client, now)
        if node is None and self._fallback_key:
            node = self._of_slot(self._fallback_key, client, now)
        return node

    def _of_slot(self, key: bytes, client: bytes, now: float) -> Subscribed | None:
        slot = self.slots.get(key)
        if slot is None:
            return None
        slot.hits += 1
        for node in slot.nodes:
            if node.dead or now - node.last_check > self._tolerance:
                break
        else:
            slot.consist_of(slot.nodes)
            return choose(slot.algorithm, slot.nodes, client)
        self._expire(slot, now)
        living = [node for node in slot.nodes if not node.dead]
        return choose(slot.algorithm, living, client) if living else None

    def _of_parents(self, key: bytes, client: bytes, now: float) -> Subscribed | None:
        """Cut the key at its dots: a.b.example.com, .b.example.com, .example.com, .com."""
        for _ in range(MOST_CUTS - 1):
            dot = key.find(b".", 1)
            if dot < 0:
                return None
            key = key[dot:]
            node = self._of_slot(key, client, now)
            if node is not None:
                return node
        return None

    # -- life and death

    def sweep(self, now: float, keys: Iterable[bytes]) -> None:
        """Find out who fell silent under these keys, without waiting for a request to do so."""
        for key in keys:
            if (slot := self.slots.get(key)) is not None:
                self._expire(slot, now)

    def _expire(self, slot: Slot, now: float) -> None:
        for node in slot.nodes:
            if not node.dead and now - node.last_check > self._tolerance:
                node.failures += 1
                self.say(
                    f"{self._speaker} {shown(node.key)} => marking {shown(node.address)} as failed "
                    f"(no announce received in {self._tolerance:g} seconds)"
                )
                self._died(node)
            if node.dead:
                self._remove_if_idle(node)

    def _died(self, node: Subscribed) -> None:
        node.dead = True
        if (slot := self.slots.get(node.key)) is not None:
            slot.oldest = LOOK
        self._living_changed(-1)

    def _remove_if_idle(self, node: Subscribed) -> None:
        slot = self.slots.get(node.key)
        if node.running > 0 or slot is None or node not in slot.nodes:
            return
        slot.consist_of(tuple([other for other in slot.nodes if other is not node]))
        if not slot.nodes:
            del self.slots[node.key]

    def _living_changed(self, by: int) -> None:
        self.living += by
        for call in self.changed:
            call()

    # -- finding and making

    def nodes(self) -> Iterator[Subscribed]:
        """Every node of every slot."""
        for slot in self.slots.values():
            yield from slot.nodes

    def _make_room(self, nodes: list[Subscribed]) -> bool:
        """Let these go; False when there are none."""
        if not self._full:
            self._full = True
            self.say(f"[{self._name} pid {os.getpid()}] no room for more subscriptions, "
                      "the longest silent ones go")  # fmt: skip
        for node in nodes:
            if not node.dead:
                self._died(node)
            self._remove_if_idle(node)
        return bool(nodes)

    def _shared(self, address: str) -> tuple[str, str]:
        """One string for all keys of an address, as it is and as it is shown."""
        # Most instances subscribe to many keys.
        known = self._addresses.get(address)
        if known is None:
            # Nodes come and go: what is kept here must not outgrow what is in the table.
            if len(self._addresses) > SHARED + 2 * len(self.slots):
                self._addresses.clear()
            known = self._addresses[address] = address, shown(address)
        return known


def _algorithm_of(said: Announcement) -> str:
    name = said.algorithm.decode("latin-1")
    return name if name in NAMES else ""
