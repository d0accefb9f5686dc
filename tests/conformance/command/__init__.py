"""The command `refuwsgi-conformance`: run the suite on a binary, list it, compare results.

What: arguments in, lines and files out; whoever uses it need not know pytest, which runs below.

Exit status
    0  everything that was judged held (or differed as the list of known differences says)
    1  something did not: a case failed, or a known difference is none any more
    2  the arguments are wrong
    3  nothing could be said: the binary does not start, no case was left to judge, the suite broke
       or was interrupted
"""

import sys
from collections.abc import Sequence

from .arguments import parser
from .status import HELD, NOTHING, USAGE, Trouble


def main(words: Sequence[str]) -> int:
    """Do what the words say; the exit status."""
    known = parser()
    if not words or words[0] not in ("run", "list", "compare", "-h", "--help", "--version"):
        words = ["run", *words]  # judging a binary is what it is for
    try:
        chosen = known.parse_args(list(words))
        return int(chosen.action(chosen))
    except Trouble as trouble:
        print(f"refuwsgi-conformance: {trouble}", file=sys.stderr)
        return trouble.status
    except KeyboardInterrupt:
        print("refuwsgi-conformance: interrupted", file=sys.stderr)
        return NOTHING
    except BrokenPipeError:
        return HELD  # the reader had enough
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
