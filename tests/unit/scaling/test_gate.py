"""What cores look at between two requests."""

import threading

from refuwsgi.scaling.gate import Gate


def test_a_gate_is_open_until_it_is_closed_or_left() -> None:
    gate = Gate()
    assert gate.open
    gate.pause()
    assert not gate.open
    gate.resume()
    assert gate.open
    assert gate.stay()
    gate.leave()
    assert not gate.open
    assert not gate.stay()


def test_who_waits_at_a_closed_gate_is_told_to_go() -> None:
    gate, told = Gate(), []
    gate.pause()
    core = threading.Thread(target=lambda: told.append(gate.stay()))
    core.start()
    gate.leave()
    core.join(20)
    gate.resume()
    assert (told, gate.open) == ([False], False)
