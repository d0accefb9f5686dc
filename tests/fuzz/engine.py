"""Runs one target: guided by coverage where atheris is installed, else by chance.

    python -m tests.fuzz.engine TARGET SECONDS SEED DIRECTORY

What: reads the kept corpus, tries inputs for so many seconds, puts what led to new code into
      DIRECTORY and the input of a find into a file named crash-...; prints a line that begins
      with "inputs: ".
Errors: a find ends the run with its traceback and a status that is not 0.
"""

import hashlib
import importlib.util
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.mutations import CHANGES

CORPUS = Path(__file__).parent / "corpus"
Feed = Callable[[bytes], None]


def kept(name: str) -> list[Path]:
    """The kept inputs of a target."""
    return sorted((CORPUS / name).iterdir())


def by_chance(feed: Feed, longest: int, seeds: list[bytes], seconds: float, seed: int) -> int:
    """Change the kept inputs at random; how many were tried."""
    dice = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        for _ in range(100):
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


def guided(name: str, seconds: int, seed: int, directory: str) -> None:
    """Let atheris choose the inputs; it ends the process itself and tells the count."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["refuwsgi"]):
        from tests.fuzz.targets import TARGETS
    feed, longest = TARGETS[name]
    words = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={longest}"]
    words += ["-print_final_stats=1", "-verbosity=0", "-timeout=20", "-rss_limit_mb=1024"]
    places = [directory, str(CORPUS / name)]
    atheris.Setup([sys.argv[0], *words, *places], feed)
    atheris.Fuzz()


def has_atheris() -> bool:
    """Whether inputs can be guided."""
    return importlib.util.find_spec("atheris") is not None


def main(name: str, seconds: str, seed: str, directory: str) -> int:
    """Run a target; its status."""
    if has_atheris():
        guided(name, int(seconds), int(seed), directory)
    from tests.fuzz.targets import TARGETS

    feed, longest = TARGETS[name]
    seeds = [path.read_bytes() for path in kept(name)]
    print("inputs:", by_chance(feed, longest, seeds, float(seconds), int(seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
