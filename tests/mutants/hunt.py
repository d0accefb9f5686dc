"""Which cases catch a mutant: every case of its document is run on it.

This takes minutes for each and is done by hand, to find the names that a mutant's CASES get.
"""

import sys

from tests.mutants import run, shelf


def main(words: list[str]) -> int:
    """Hunt for the named mutants, or for all; behind `--` stand files of the suite to look in."""
    names, _, paths = " ".join(words).partition("-- ")
    status = 0
    for mutant in shelf.mutants():
        if names.split() and mutant.name not in names.split():
            continue
        places = paths.split() or [mutant.document]
        found, printed = run.outcomes(mutant, places, patience=8.0, limit=3600)
        caught = [case for case, verdict in found.items() if verdict == "fails"]
        print(f"{mutant.name}: caught by {len(caught)} of {len(found)}", flush=True)
        for case in caught:
            print(f"    {case}")
        if not found:
            print(printed, file=sys.stderr)
        status |= not caught
    return status
