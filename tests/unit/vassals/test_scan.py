from refuwsgi.vassals.scan import Changes, Found, changes

A, B = Found("a.ini", 10), Found("b.ini", 20)


def known(*found: Found) -> dict[str, Found]:
    return {each.name: each for each in found}


def test_nothing_changes() -> None:
    assert changes(known(A, B), [A, B]) == Changes([], [], [], [])


def test_what_appears_is_added() -> None:
    assert changes(known(A), [A, B]).added == [B]


def test_what_vanishes_is_gone() -> None:
    assert changes(known(A, B), [B]).gone == ["a.ini"]


def test_a_rename_is_both() -> None:
    seen = changes(known(A), [B])
    assert (seen.added, seen.gone) == ([B], ["a.ini"])


def test_a_later_time_is_a_touch_and_an_earlier_is_none() -> None:
    later = A._replace(modified=11)
    assert changes(known(A), [later]).touched == [later]
    assert changes(known(A), [A._replace(modified=9)]) == Changes([], [], [], [])


def test_a_touch_that_names_another_socket_moves_a_vassal() -> None:
    moved = A._replace(modified=11, socket="/run/a.sock")
    assert changes(known(A), [moved]).moved == [moved]
    assert changes(known(A), [A._replace(socket="/run/a.sock")]) == Changes([], [], [], [])


def test_another_owner_matters_to_a_tyrant() -> None:
    other = A._replace(uid=7)
    assert changes(known(A), [other], tyrant=True).moved == [other]
    assert changes(known(A), [other]) == Changes([], [], [], [])


def test_of_two_with_one_name_none_is_gone() -> None:
    assert changes(known(A), [A, A]).gone == []
