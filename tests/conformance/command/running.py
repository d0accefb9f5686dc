"""`run`: judge a binary, case by case; what fails is run once more alone, then told in full.

What: the cases go through pytest; failures, counts and files are the command's own.
"""

import argparse
import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.harness import HarnessFailed, binary
from tests.conformance.harness.requirements import listed
from tests.conformance.harness.results import FAULTS

from . import suite, telling, writing
from .status import DIFFERS, HELD, NOTHING, Trouble

INTERRUPTED = 2
"""What a run ends with when somebody has stopped it; what it had judged is told and written."""

MOST = 4
"""So many cases side by side without being asked: each has a server with its workers."""

MANY = 20
"""So many failures are no accident of a busy machine: they are not run again."""


def run(chosen: argparse.Namespace) -> int:
    """Judge the binary that was named."""
    if chosen.sut is not None:
        os.environ["SUT"] = chosen.sut
    if chosen.name:
        os.environ["SUT_NAME"] = chosen.name
    _check_files(chosen)
    _check_binary()
    profile = chosen.profile or ("beyond" if binary.is_refuwsgi() else "observed")
    words = _words(chosen, profile)
    if chosen.selection and not suite.collected(chosen.selection, profile):
        raise Trouble(f"nothing of {' '.join(chosen.selection)} is in the profile {profile}")
    teller = telling.Teller(chosen.quiet)
    teller.begin(binary.name(), binary.command(), profile)
    status = suite.call([*words, *_parallel(chosen), *_junit(chosen)], chosen.selection, teller)
    unsteady = [] if chosen.once or status > 1 else _again(teller, words)
    teller.end(unsteady)
    _write(chosen, teller)
    if status == INTERRUPTED:
        raise KeyboardInterrupt
    if teller.broken:
        raise Trouble("the suite broke: " + "; ".join(dict.fromkeys(teller.broken)), NOTHING)
    return _verdict(teller, status)


def _check_files(chosen: argparse.Namespace) -> None:
    """Find out now, and not after minutes, what cannot be read or written."""
    if chosen.xfail and chosen.xfail != "none":
        try:
            listed(Path(chosen.xfail))
        except (OSError, ValueError) as error:
            raise Trouble(f"{chosen.xfail}: {error}") from error
    for path in (chosen.write_xfail, chosen.json, chosen.junit):
        if path is not None and not os.access(path.absolute().parent, os.W_OK):
            raise Trouble(f"{path}: the directory cannot be written to")


def _check_binary() -> None:
    """The binary has to be there and to tell its version."""
    try:
        called = [_from_anywhere(word) for word in binary.command()]
    except ValueError as error:
        raise Trouble(f"--sut: {error}") from error
    os.environ["SUT"] = shlex.join(called)
    if shutil.which(called[0]) is None:
        raise Trouble(f"{called[0]}: no such program", NOTHING)
    try:
        if not binary.version():
            raise Trouble(f"{shlex.join(called)} --version says nothing", NOTHING)
    except HarnessFailed as error:
        raise Trouble(str(error), NOTHING) from error


def _from_anywhere(word: str) -> str:
    """A relative path made absolute: each case runs in a directory of its own."""
    return os.path.abspath(word) if "/" in word and os.path.exists(word) else word


def _words(chosen: argparse.Namespace, profile: str) -> list[str]:
    words = [f"--profile={profile}"]
    if chosen.xfail:
        path = chosen.xfail if chosen.xfail == "none" else os.path.abspath(chosen.xfail)
        words.append(f"--xfail={path}")
    return words


def _parallel(chosen: argparse.Namespace) -> list[str]:
    """How many processes judge: as asked; else one for each processor, unless it is a part."""
    usual = 1 if chosen.selection else min(MOST, len(os.sched_getaffinity(0)))
    count = chosen.n or usual
    return ["-n", str(count)] if count > 1 else []


def _junit(chosen: argparse.Namespace) -> list[str]:
    return [f"--junit-xml={chosen.junit.absolute()}"] if chosen.junit else []


def _again(teller: telling.Teller, words: Sequence[str]) -> list[str]:
    """Run what failed once more, alone; the cases that held then."""
    failed = [case for case, (kind, _) in teller.record.cases.items() if kind in FAULTS]
    if not failed or len(failed) > MANY:
        return []
    second = telling.Teller(quiet=True)
    suite.call(words, failed, second)
    steady = []
    for case in failed:
        outcome = second.record.cases.get(case)
        if outcome is not None and outcome[0] not in FAULTS:
            teller.record.again(case, *outcome)
            steady.append(case)
        elif case in second.texts:
            teller.texts[case] = second.texts[case]
    return steady


def _write(chosen: argparse.Namespace, teller: telling.Teller) -> None:
    """Write the files that were asked for."""
    if chosen.json:
        teller.record.write(chosen.json)
    if chosen.write_xfail:
        named = Path(chosen.xfail) if chosen.xfail not in (None, "none") else None
        text = writing.known_list(teller.record.cases, binary.name(), named)
        chosen.write_xfail.write_text(text, "utf-8")


def _verdict(teller: telling.Teller, status: int) -> int:
    counts = teller.record.counts()
    if status > 1 or counts.get("harness"):
        return NOTHING
    if any(counts.get(kind) for kind in FAULTS):
        return DIFFERS
    return HELD if counts.get("holds") or counts.get("differs") else NOTHING
