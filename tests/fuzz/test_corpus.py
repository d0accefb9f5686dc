"""Every kept input, and changes of it by chance: no parser minds, with or without atheris."""

import json
import random
from pathlib import Path

import pytest

from tests.fuzz import reduce
from tests.fuzz.engine import CORPUS, Limits, attempt, by_chance, kept, mutated
from tests.fuzz.record import Run, merged, record, totals
from tests.fuzz.targets import TARGETS

EVERY = pytest.mark.parametrize("name", TARGETS)
CHANGED = 300


def test_every_target_has_a_corpus() -> None:
    assert sorted(TARGETS) == sorted(path.name for path in CORPUS.iterdir())


@EVERY
def test_kept_inputs_do_no_harm(name: str) -> None:
    for path in kept(name):
        TARGETS[name].feed(path.read_bytes())


@EVERY
def test_changed_inputs_do_no_harm(name: str) -> None:
    dice = random.Random(name)
    feed, longest = TARGETS[name]
    seeds = [path.read_bytes() for path in kept(name)]
    for _ in range(CHANGED):
        feed(mutated(dice, dice.choice(seeds))[:longest])


@EVERY
def test_nothing_and_noise_do_no_harm(name: str) -> None:
    for data in (b"", b"\0", b"\xff" * 40, b"\r\n" * 20, bytes(range(256))):
        TARGETS[name].feed(data)


@EVERY
def test_a_corpus_stays_small(name: str) -> None:
    sizes = [path.stat().st_size for path in kept(name)]
    assert len(sizes) <= reduce.MOST
    assert sum(sizes) <= 64_000


def test_inputs_by_chance_are_counted() -> None:
    seen: list[bytes] = []
    assert by_chance(seen.append, 10, [b"abc"], Limits(0.01), 1) == len(seen) > 0
    seen.clear()
    assert by_chance(seen.append, 10, [b"abc"], Limits(60.0, 250), 1) == len(seen) == 250


def test_a_find_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(data: bytes) -> None:
        raise ValueError("found")

    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="found"):
        attempt(feed, b"bad")
    (path,) = tmp_path.glob("crash-*")
    assert path.read_bytes() == b"bad"


def test_an_input_that_reaches_nothing_new_is_not_kept(tmp_path: Path) -> None:
    copy = kept("range")[0].read_bytes()
    (tmp_path / "again").write_bytes(copy)
    assert reduce.reduced("range", tmp_path) == len(kept("range"))


def test_runs_are_added_or_replace_those_of_before(tmp_path: Path) -> None:
    first, second = Run("head", 1, "e", 5, 2, 1, 0, 3), Run("head", 2, "e", 7, 4, 3, 1, 4)
    other = Run("ini", 1, "e", 9, 2, 1, 0, 3)
    path = tmp_path / "fuzz.json"
    record([first, other], False, path)
    added = merged(json.loads(path.read_text()), [second], True)["targets"]
    assert totals(added["head"]) == {"inputs": 12, "seconds": 6, "cpu": 4, "finds": 1}
    assert added["head"]["corpus"] == 4
    assert totals(added["ini"])["inputs"] == 9
    replaced = merged({"targets": added}, [second], False)["targets"]
    assert totals(replaced["head"])["inputs"] == 7
    assert totals(replaced["ini"])["inputs"] == 9
