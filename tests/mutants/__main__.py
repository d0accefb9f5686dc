"""Run a mutant as a server, list them all, or look which cases catch them.

python tests/mutants                                  the list
python tests/mutants drops-the-tail --ini x.ini       a wrong server: what SUT may be
python -m tests.mutants --all [NAME...] [-- PATH...]  which cases catch them (minutes each)
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def serve(name: str, words: list[str]) -> int:
    """Be the server with that wrongness."""
    from tests.mutants import shelf

    mutant = shelf.called(name)
    if mutant is None:
        print(f"there is no mutant {name!r}", file=sys.stderr)
        return 2
    # A reload runs this command line again, from whatever directory.
    again = [str(shelf.HERE), name]
    sys.argv = ["refuwsgi", *words]
    sys.orig_argv[:] = [sys.executable, *again, *words]
    shelf.load(mutant).apply()
    if mutant.document == "vassals":
        from refuwsgi.vassals import spawn

        spawn.Binary.command = lambda self, found: [  # type: ignore[method-assign]
            *([self.wrapper] if self.wrapper else [sys.executable, "-P", *again]),
            *self.words(found),
        ]
    sys.path.remove(str(ROOT))
    from refuwsgi.__main__ import main as server

    return server()


def main() -> int:
    """Do what the words ask for."""
    sys.path[0] = str(ROOT)  # it was this directory, or where we were called
    words = sys.argv[1:]
    if words and not words[0].startswith("-"):
        return serve(words[0], words[1:])
    from tests.mutants import hunt, shelf

    if words[:1] == ["--all"]:
        return hunt.main(words[1:])
    for each in shelf.mutants():
        print(f"{each.document:11} {each.name:40} {each.wrongness}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
