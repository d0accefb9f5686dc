import itertools

import pytest

from refuwsgi.vassals.lifecycle import STEPS, WITHOUT_PROCESS, Do, Event, Impossible, State, step

S, E = State, Event
PAIRS = list(itertools.product(State, Event))
# What cannot happen: nobody without a process says anything, nobody with one is woken, and so on.
IMPOSSIBLE = (
    {(S.GONE, event) for event in Event}
    | {(S.ASLEEP, event) for event in (E.LOYAL, E.GOODBYE, E.DIED, E.HOLD_OVER)}
    | {(S.HELD, event) for event in (E.WAKE, E.LOYAL, E.GOODBYE, E.DIED)}
    | {
        (state, event)
        for state in (S.STARTING, S.SERVING, S.RETURNING, S.LEAVING)
        for event in (E.WAKE, E.HOLD_OVER)
    }
)


def names(pair: tuple[State, Event]) -> str:
    return f"{pair[0].name}-{pair[1].name}"


@pytest.mark.parametrize("pair", PAIRS, ids=names)
def test_every_pair_has_a_step_or_is_impossible(pair: tuple[State, Event]) -> None:
    if pair in IMPOSSIBLE:
        with pytest.raises(Impossible, match=f"{pair[1].name} came to .* {pair[0].name}"):
            step(*pair)
    else:
        assert step(*pair) == STEPS[pair]


@pytest.mark.parametrize("pair", list(STEPS), ids=names)
def test_a_process_is_started_and_ended_only_where_there_is_none_or_one(
    pair: tuple[State, Event],
) -> None:
    state, event = pair
    after, do = STEPS[pair]
    starts = state in WITHOUT_PROCESS and after not in WITHOUT_PROCESS
    ends = state not in WITHOUT_PROCESS and after in WITHOUT_PROCESS
    assert (do is Do.SPAWN) == starts
    assert (event is E.DIED) == ends


@pytest.mark.parametrize("pair", list(STEPS), ids=names)
def test_the_socket_is_closed_only_when_the_vassal_is_forgotten(pair: tuple[State, Event]) -> None:
    after, do = STEPS[pair]
    assert (do is Do.DROP) == (after is S.GONE)


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_a_removed_vassal_comes_to_nothing_else_than_its_end(state: State) -> None:
    if state is S.GONE:
        return
    after, _ = step(state, E.REMOVED)
    assert after is (S.GONE if state in WITHOUT_PROCESS else S.LEAVING)
    if after is S.LEAVING:
        assert {STEPS[after, event][0] for event in Event if (after, event) in STEPS} == {
            S.LEAVING,
            S.GONE,
        }


@pytest.mark.parametrize("state", [S.SERVING, S.RETURNING], ids=lambda state: state.name)
def test_a_loyal_vassal_whose_process_ends_sleeps_again(state: State) -> None:
    assert step(state, E.DIED) == (S.ASLEEP, Do.REST)


def test_a_vassal_that_dies_before_it_served_is_held_back() -> None:
    assert step(S.STARTING, E.DIED) == (S.HELD, Do.HOLD)
    assert step(S.HELD, E.HOLD_OVER) == (S.ASLEEP, Do.REST)


def test_touching_a_sleeping_vassal_does_not_start_it() -> None:
    assert step(S.ASLEEP, E.CHANGED) == (S.ASLEEP, Do.NOTE)
