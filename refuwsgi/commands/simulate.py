"""refuwsgi simulate: replay a load through the algorithms of cheaper, in no time.

Section: ground / the command; simulate
What: requests come as the load says, wait in a queue, and are taken by workers; once a second the
      algorithm sees what the master would see and starts or stops workers.  The classes are those
      of the server, and so is the way a Python file of one's own is loaded.
          refuwsgi simulate --algo spare,busyness,mine.py --load burst --svg burst.svg
      Time is counted, not waited for: the same words always give the same picture.
Units: seconds; a load is requests a second, one number for each second.
Errors: OptionError for what cannot be read.
"""

import math
from collections.abc import Sequence
from typing import Final

from refuwsgi.commands.simulate_model import Setup, Trace, simulate
from refuwsgi.commands.simulate_picture import drawn, in_words, svg
from refuwsgi.commands.the_words import Words
from refuwsgi.options import OptionError, Setting, build
from refuwsgi.scaling.cheaper import algorithm
from refuwsgi.scaling.cheaper_options import CHEAPER_INITIAL

LONGEST: Final = 100_000  # seconds
MOST: Final = 10_000  # requests a second


def wave() -> list[float]:
    """Five minutes: two slow waves."""
    return [round(5 - 4.5 * math.cos(second * math.pi / 75), 2) for second in range(300)]


def burst() -> list[float]:
    """Three minutes: quiet, a minute of many, quiet again."""
    return [12.0 if 40 <= second < 100 else 0.5 for second in range(180)]


LOADS: Final = {"wave": wave, "burst": burst}


def main(argv: list[str]) -> int:
    """Simulate and draw."""
    words = Words("simulate", "replay a load through the algorithms of cheaper")
    words.add_argument("--algo", default="spare,busyness", help="names or Python files, by commas")
    words.add_argument("--load", default="burst", help="wave, burst, or a file: a number a line")
    words.add_argument("--processes", type=int, default=8, help="most workers")
    words.add_argument("--cheaper", type=int, default=1, help="least workers")
    words.add_argument("--threads", type=int, default=1, help="cores of each worker")
    words.add_argument("--service", type=float, default=0.5, help="seconds that a request takes")
    words.add_argument("--set", action="append", default=[], help="cheaper-step=2 and the like")
    words.add_argument("--svg", help="draw it into this file, too")
    given = words.parse_args(argv)
    load = load_of(given.load)
    if not 1 <= given.cheaper < given.processes or given.threads < 1 or given.service <= 0:
        raise OptionError("refuwsgi simulate: expected 1 <= cheaper < processes, and work to do")
    setup = Setup(given.processes, given.cheaper, given.threads, given.service)
    traces = {name: run(name, load, setup, given.set) for name in given.algo.split(",") if name}
    for name, trace in traces.items():
        print(in_words(name, trace, setup))
        print(drawn(trace, load, setup))
    if given.svg:
        save(given.svg, svg(traces, load, setup))
    return 0


def run(name: str, load: Sequence[float], setup: Setup, more: Sequence[str] = ()) -> Trace:
    """Simulate one algorithm, with the options that it is given."""
    settings = [Setting("cheaper-algo", name, "--algo")]
    settings += [Setting("processes", str(setup.most), "--processes")]
    settings += [Setting("cheaper", str(setup.least), "--cheaper")]
    for each in more:
        key, _, value = each.partition("=")
        if not key.startswith("cheaper-"):
            raise OptionError(f"--set: {each}: expected an option of cheaper")
        settings.append(Setting(key, value, "--set"))
    config = build(settings)
    first = min(setup.most, max(setup.least, config[CHEAPER_INITIAL]))
    return simulate(algorithm(config), load, setup, first)


def load_of(text: str) -> list[float]:
    """Make a load by its name, or read it from a file."""
    if text in LOADS:
        return LOADS[text]()
    try:
        with open(text, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as problem:
        raise OptionError(f"{text}: {problem.strerror} (or one of {', '.join(LOADS)})") from None
    found = []
    for place, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        try:
            found += [float(word) for word in words]
        except ValueError:
            raise OptionError(f"{text}:{place}: expected numbers, got {line!r}") from None
    if not found or len(found) > LONGEST or not all(0 <= each <= MOST for each in found):
        raise OptionError(f"{text}: expected 1 to {LONGEST} numbers from 0 to {MOST}")
    return found


def save(path: str, text: str) -> None:
    """Write a picture."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise OptionError(f"{path}: {problem.strerror}") from None
