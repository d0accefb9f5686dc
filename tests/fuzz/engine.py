"""Runs one target: guided by coverage where atheris is installed, else by chance.

    python -m tests.fuzz.engine TARGET SECONDS INPUTS SEED DIRECTORY

What: reads the kept corpus, tries inputs for so many seconds or until there were so many (0: no
      limit), puts what led to new code into DIRECTORY and the input of a find into a file named
      crash-...; prints a line that begins with "inputs: ".
Errors: a find ends the run with its traceback and a status that is not 0.
"""

import hashlib
import importlib.util
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.integration.mutations import CHANGES

CORPUS = Path(__file__).parent / "corpus"
PATIENCE = 200  # seconds of the clock for one input: the process may be stopped for a while
Feed = Callable[[bytes], None]


def kept(name: str) -> list[Path]:
    """The kept inputs of a target."""
    return sorted((CORPUS / name).iterdir())


class Limits(NamedTuple):
    """When a run ends: after so many seconds or inputs."""

    seconds: float
    inputs: int = 0


def by_chance(feed: Feed, longest: int, seeds: list[bytes], limits: Limits, seed: int) -> int:
    """Change the kept inputs at random; how many were tried."""
    dice = random.Random(seed)
    end = time.monotonic() + limits.seconds
    tried = 0
    while time.monotonic() < end and not 0 < limits.inputs <= tried:
        for _ in range(min(100, limits.inputs - tried) if limits.inputs else 100):
            tried += 1
            attempt(feed, mutated(dice, dice.choice(seeds))[:longest])
    return tried


def mutated(dice: random.Random, data: bytes) -> bytes:
    """Change an input once or a few times."""
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        data = dice.choice(CHANGES)(dice, data or b"\0")
    return data


def attempt(feed: Feed, data: bytes) -> None:
    """Feed one input; keep it when it is a find."""
    try:
        feed(data)
    except BaseException:
        Path(f"crash-{hashlib.sha1(data).hexdigest()}").write_bytes(data)
        raise


def guided(name: str, limits: Limits, seed: int, directory: str) -> None:
    """Let atheris choose the inputs; it ends the process itself and tells the count."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["refuwsgi"]):
        from tests.fuzz.targets import TARGETS
    feed, longest = TARGETS[name]
    words = [f"-max_total_time={limits.seconds:.0f}", f"-runs={limits.inputs or -1}"]
    words += [f"-seed={seed}", f"-max_len={longest}", "-print_final_stats=1", "-verbosity=0"]
    words += [f"-timeout={PATIENCE}", "-rss_limit_mb=1024"]
    places = [directory, str(CORPUS / name)]
    atheris.Setup([sys.argv[0], *words, *places], feed)
    atheris.Fuzz()


def has_atheris() -> bool:
    """Whether inputs can be guided."""
    return importlib.util.find_spec("atheris") is not None


def main(name: str, seconds: str, inputs: str, seed: str, directory: str) -> int:
    """Run a target; its status."""
    limits = Limits(float(seconds), int(inputs))
    if has_atheris():
        guided(name, limits, int(seed), directory)
    from tests.fuzz.targets import TARGETS

    feed, longest = TARGETS[name]
    seeds = [path.read_bytes() for path in kept(name)]
    print("inputs:", by_chance(feed, longest, seeds, limits, int(seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
