"""Which cases catch a mutant: every case of its document is run on it.

This takes minutes for each and is done by hand, to find the names that a mutant's CASES get.
"""

import sys

from tests.mutants import run, shelf

PATIENCE = 8.0  # seconds for what a wrong server never does
LIMIT = 900.0  # seconds for one file of cases: what it has found until then is shown


def main(words: list[str]) -> int:
    """Hunt for the named mutants, or for all; behind `--` stand files of the suite to look in."""
    at = words.index("--") if "--" in words else len(words)
    names, paths = words[:at], [each.removeprefix(shelf.SUITE) for each in words[at + 1 :]]
    if unknown := [name for name in names if shelf.called(name) is None]:
        print(f"there is no mutant {', '.join(unknown)}", file=sys.stderr)
        return 2
    status = 0
    for mutant in shelf.mutants():
        if not names or mutant.name in names:
            print(f"{mutant.name}:", flush=True)
            status |= not _caught(mutant, paths or _files(mutant.document))
    return status


def _files(document: str) -> list[str]:
    suite = shelf.ROOT / shelf.SUITE
    return [str(path.relative_to(suite)) for path in sorted((suite / document).glob("test_*.py"))]


def _caught(mutant: shelf.Mutant, files: list[str]) -> bool:
    """Print the cases that catch a mutant, file by file."""
    caught, count = 0, 0
    for file in files:
        found, printed = run.outcomes(mutant, [file], PATIENCE, LIMIT)
        for case, verdict in found.items():
            if verdict != "holds":
                print(f"    {case}" + (f" ({verdict})" if verdict != "fails" else ""), flush=True)
        if not found:
            print(f"    nothing ran in {file}:\n{printed}", file=sys.stderr)
        caught += list(found.values()).count("fails")
        count += len(found)
    print(f"    caught by {caught} of {count}", flush=True)
    return caught > 0
