"""What servers have traced, read again: who held which client when, and who had it from whom.

Section: ground / the command; the trace of servers
What: `trace = FILE` makes the file (server/tracing.py).  `Story` puts its lines in the order of
      their time, gives each client a number, and finds out from whom each client was taken: from
      whoever has given it away, else from whoever has it, else from the client itself.
Units: seconds since the first line.
Errors: OptionError for a file that cannot be read; a line that is no note is counted.
"""

import json
from typing import Any, Final, NamedTuple

from refuwsgi.commands.trace_speech import shown
from refuwsgi.options import OptionError
from refuwsgi.server.tracing import ANSWERS, GIVES, LETS_GO, TAKES

CLIENT: Final = "client"
MOST: Final = 20_000  # notes that are looked at
LANES: Final = 24  # parties that are drawn


class Note(NamedTuple):
    """One line of the file."""

    at: float
    who: str
    what: str
    client: str
    about: str


class Step(NamedTuple):
    """One row of the drawing."""

    at: float
    source: str
    target: str  # the same as the source: it says it of itself
    number: int  # of the client; 0: of none
    what: str
    holders: frozenset[str]  # who holds a client after it


class Hold(NamedTuple):
    """Somebody has held a client."""

    number: int
    who: str
    begin: float
    end: float
    over: bool  # False: it still does where the file ends


def read(path: str) -> tuple[list[Note], int]:
    """Read the notes of a file; the second is the number of lines that are none."""
    notes: list[Note] = []
    strange = 0
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                note = note_of(line)
                if note is None:
                    strange += 1
                elif len(notes) < MOST:
                    notes.append(note)
    except OSError as problem:
        raise OptionError(f"{path}: {problem.strerror}") from None
    return sorted(notes, key=lambda note: note.at), strange


def note_of(line: str) -> Note | None:
    """Read one line."""
    try:
        found: Any = json.loads(line)
        words = [shown(str(found.get(name, ""))) for name in ("who", "what", "client", "about")]
        note = Note(float(found["t"]), *words)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return note if note.who and note.what and abs(note.at) < float("inf") else None


class Story:
    """What has happened, as rows and as spans."""

    def __init__(self, notes: list[Note], only: str = "") -> None:
        self.parties = [CLIENT]
        self.clients: dict[str, int] = {}
        self.steps: list[Step] = []
        self.holds: list[Hold] = []
        self._began = notes[0].at if notes else 0.0
        self._holding: dict[tuple[int, str], float] = {}  # since when
        self._last: dict[int, list[str]] = {}  # who has a client, the first one first
        self._given: dict[int, str] = {}  # who has given a client away that nobody has yet
        for note in notes:
            if not only or note.client in ("", only):
                self._add(note, note.at - self._began)
        end = notes[-1].at - self._began if notes else 0.0
        for (number, who), since in self._holding.items():
            self.holds.append(Hold(number, who, since, end, over=False))

    def _add(self, note: Note, at: float) -> None:
        if note.who not in self.parties:
            if len(self.parties) > LANES:
                return
            self.parties.append(note.who)
        number = 0
        if note.client:
            number = self.clients.setdefault(note.client, len(self.clients) + 1)
        source, target = self._ends(note, number, at)
        words = f"{note.what} {note.about}".rstrip()
        holders = frozenset(who for _, who in self._holding)
        self.steps.append(Step(at, source, target, number, words, holders))

    def _ends(self, note: Note, number: int, at: float) -> tuple[str, str]:
        """Keep the books of who has the client; say between whom the note is."""
        who = note.who
        chain = self._last.setdefault(number, [])
        below = chain[chain.index(who) - 1] if chain and chain[0] != who and who in chain else ""
        if note.what == TAKES:
            source = self._given.pop(number, "") or (chain[-1] if chain else CLIENT)
            if who not in chain:
                chain.append(who)
                self._holding[number, who] = at
            return source, who
        if note.what == ANSWERS:
            return who, below or CLIENT
        if note.what in (GIVES, LETS_GO) and who in chain:
            if note.what == GIVES and chain[-1] == who:  # else it has been taken already
                self._given[number] = who
            chain.remove(who)
        if note.what == LETS_GO and (number, who) in self._holding:
            since = self._holding.pop((number, who))
            self.holds.append(Hold(number, who, since, at, over=True))
        return who, who
