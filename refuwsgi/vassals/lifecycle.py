"""The states of a vassal, and what each event does in each of them.

Section: vassals / On demand vassals (socket activation); the states of a vassal
What: a table and the function that reads it, without any I/O: the emperor feeds it events and
      carries out what it answers.

                    WAKE                LOYAL
          ASLEEP ----------> STARTING ----------> SERVING
           ^ ^ ^                | |                | |
           | | | HOLD_OVER  DIED| |GOODBYE  GOODBYE| | DIED
           | | +------- HELD <--+ |                | +--------> ASLEEP
           | |                    +-> RETURNING <--+
           | +---------- DIED -----------+
           |
       a vassal is added; REMOVED leads from every state to LEAVING or GONE

      A vassal on demand and a plain one share the table.  What differs is who says WAKE: for the
      one its socket, when somebody connects; for the other the scan that finds its file.
Errors: a pair that the table lacks cannot happen; `Impossible` names it if it does.
"""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """What a vassal is doing."""

    ASLEEP = auto()  # no process; on demand: its socket is watched
    STARTING = auto()  # a process that has not served yet
    SERVING = auto()  # a process that is loyal: it has served
    RETURNING = auto()  # it said goodbye, its process is on its way out, it will be ASLEEP
    LEAVING = auto()  # its config is gone, its process is on its way out
    HELD = auto()  # it died before it was loyal, and waits for its next chance
    GONE = auto()  # forgotten


class Event(Enum):
    """What can happen to a vassal."""

    WAKE = auto()  # a connection waits in its socket; or, if it has none, the scan found it
    CHANGED = auto()  # its config has a later time
    REMOVED = auto()  # its config is gone, or the emperor ends
    LOYAL = auto()  # it said that it has served
    GOODBYE = auto()  # it asks to be stopped: it was idle for long enough
    DIED = auto()  # its process has ended, whatever for
    HOLD_OVER = auto()  # it has been held back for long enough


class Do(Enum):
    """What the emperor does about it."""

    NOTHING = auto()
    SPAWN = auto()  # start a process, with the socket as descriptor 0
    NOTE = auto()  # say that the new config will be read at the next start
    RELOAD = auto()  # tell the process to reload
    RETURN = auto()  # tell the process to end, for it will be started again
    STOP = auto()  # tell the process to end, for good
    FORGET_IT = auto()  # the process that was ending for another reason ends for good
    REST = auto()  # watch the socket again
    HOLD = auto()  # keep it away for a while; its socket stays open, clients wait in its queue
    DROP = auto()  # close the socket and forget the vassal


class Impossible(RuntimeError):
    """An event came in a state in which it cannot come."""


S, E = State, Event

STEPS: dict[tuple[State, Event], tuple[State, Do]] = {
    (S.ASLEEP, E.WAKE): (S.STARTING, Do.SPAWN),
    (S.ASLEEP, E.CHANGED): (S.ASLEEP, Do.NOTE),
    (S.ASLEEP, E.REMOVED): (S.GONE, Do.DROP),
    (S.STARTING, E.CHANGED): (S.STARTING, Do.RELOAD),
    (S.STARTING, E.REMOVED): (S.LEAVING, Do.STOP),
    (S.STARTING, E.LOYAL): (S.SERVING, Do.NOTHING),
    (S.STARTING, E.GOODBYE): (S.RETURNING, Do.RETURN),
    (S.STARTING, E.DIED): (S.HELD, Do.HOLD),
    (S.SERVING, E.CHANGED): (S.SERVING, Do.RELOAD),
    (S.SERVING, E.REMOVED): (S.LEAVING, Do.STOP),
    (S.SERVING, E.LOYAL): (S.SERVING, Do.NOTHING),  # each of its workers says so once
    (S.SERVING, E.GOODBYE): (S.RETURNING, Do.RETURN),
    # Departure: C closes the socket of a vassal that crashed, resets the clients in its queue and
    # binds anew at a later scan.  Here the socket stays, and the clients are served after the wake.
    (S.SERVING, E.DIED): (S.ASLEEP, Do.REST),
    (S.RETURNING, E.CHANGED): (S.RETURNING, Do.NOTE),
    (S.RETURNING, E.REMOVED): (S.LEAVING, Do.FORGET_IT),
    (S.RETURNING, E.LOYAL): (S.RETURNING, Do.NOTHING),  # its last request was its first
    (S.RETURNING, E.GOODBYE): (S.RETURNING, Do.NOTHING),
    (S.RETURNING, E.DIED): (S.ASLEEP, Do.REST),
    (S.LEAVING, E.CHANGED): (S.LEAVING, Do.NOTHING),
    (S.LEAVING, E.REMOVED): (S.LEAVING, Do.NOTHING),
    (S.LEAVING, E.LOYAL): (S.LEAVING, Do.NOTHING),
    (S.LEAVING, E.GOODBYE): (S.LEAVING, Do.NOTHING),
    (S.LEAVING, E.DIED): (S.GONE, Do.DROP),
    # Beyond: touching the config of a vassal that is held back gives it its next chance at once.
    (S.HELD, E.CHANGED): (S.ASLEEP, Do.REST),
    (S.HELD, E.REMOVED): (S.GONE, Do.DROP),
    (S.HELD, E.HOLD_OVER): (S.ASLEEP, Do.REST),
}

WITHOUT_PROCESS = frozenset({S.ASLEEP, S.HELD, S.GONE})


def step(state: State, event: Event) -> tuple[State, Do]:
    """Look up which state follows, and what is to be done."""
    try:
        return STEPS[state, event]
    except KeyError:
        raise Impossible(f"{event.name} came to a vassal that is {state.name}") from None
