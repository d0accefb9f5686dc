"""What a tap has heard, in order.

Section: ground / the command; the events of trace
What: each event is kept for the picture and printed as it comes.
Units: seconds since the start of the tap.
"""

import time
from typing import Final, NamedTuple

MOST: Final = 5000  # events that are kept; the others are only printed


class Event(NamedTuple):
    """One thing that was said."""

    at: float
    number: int  # of the conversation
    upwards: bool  # by the client
    what: str


class Events:
    """All that was said between two parties."""

    def __init__(self, client: str, node: str) -> None:
        self.client = client
        self.node = node
        self.kept: list[Event] = []
        self._began = time.monotonic()

    def add(self, number: int, upwards: bool, what: str) -> None:
        """Print an event, and keep it."""
        event = Event(time.monotonic() - self._began, number, upwards, what)
        if len(self.kept) < MOST:
            self.kept.append(event)
        print(self.line(event), flush=True)

    def line(self, event: Event) -> str:
        """An event in one line."""
        arrow = (
            f"{self.client} -> {self.node}" if event.upwards else f"{self.node} -> {self.client}"
        )
        return f"{event.at:8.3f}  #{event.number} {arrow}  {event.what}"
