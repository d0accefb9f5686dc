"""The arguments of the command, and which function does what they ask for."""

import argparse
from pathlib import Path
from typing import NoReturn

from refuwsgi import __version__

from .comparing import compare
from .listing import show
from .running import run
from .status import Trouble

ABOUT = """\
Judge a server that takes uWSGI's options by the documents on offloading, scaling, the FastRouter
and on-demand vassals: black box, over sockets, signals, logs and processes.

  refuwsgi-conformance --sut uwsgi                      everything that another binary promises
  refuwsgi-conformance --sut "uwsgi --plugin python3"   a binary with arguments
  refuwsgi-conformance --sut uwsgi fastrouter FR-14 'SC-2*'
  refuwsgi-conformance list vassals
  refuwsgi-conformance compare a.json b.json --html grid.html
  refuwsgi-conformance run --help                       files to write, lists of known differences
"""
EXITS = """\
exit status: 0 everything judged held, or differed as listed; 1 something did not; 2 wrong
arguments; 3 nothing could be said (the binary does not start, no case was left, the suite broke
or was interrupted)
"""
SELECTION = """\
a document (scaling), a section ("fastrouter / Notes"), a requirement (FR-14), a file or a case
(scaling/test_log.py::test_...); * stands for anything; without any: everything"""
PROFILE = """\
required: what the documents say; observed: also what uWSGI 2.0.31 was seen to do (the default
for every other binary); beyond: also what only refuwsgi promises (the default for refuwsgi)"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong."""
        raise Trouble(f"{message} (--help tells what there is)")


def parser() -> Parser:
    """The whole command line."""
    whole = Parser(
        prog="refuwsgi-conformance",
        description=ABOUT,
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    actions = whole.add_subparsers(metavar="ACTION", required=True)
    _run(actions.add_parser("run", help="judge a binary (what happens without an action)"))
    _list(actions.add_parser("list", help="show the cases and requirements, run nothing"))
    _compare(actions.add_parser("compare", help="put the results of several binaries in a grid"))
    return whole


def _run(sub: argparse.ArgumentParser) -> None:
    sub.epilog = EXITS
    sub.add_argument("selection", nargs="*", metavar="WHAT", help=SELECTION)
    sub.add_argument("--sut", metavar="COMMAND", help="the binary, with arguments (default: $SUT)")
    sub.add_argument("--name", help="the name in results and lists (default: from --version)")
    sub.add_argument("--profile", choices=("required", "observed", "beyond"), help=PROFILE)
    beside = "so many cases side by side (default: one for each processor, at most 4; 1 for a part)"
    sub.add_argument("-n", type=_count, default=0, metavar="N", help=beside)
    known = "the differences that are expected, and must show themselves (default: the list that"
    known += " comes with the suite for this binary, if there is one); none: expect none"
    sub.add_argument("--xfail", metavar="FILE", help=known)
    written = "write every case that did not hold to FILE, with what is known of the reason"
    sub.add_argument("--write-xfail", type=Path, metavar="FILE", help=written)
    sub.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    sub.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit's XML")
    once = "do not run what failed once more, alone (a busy machine makes cases fail)"
    sub.add_argument("--once", action="store_true", help=once)
    sub.add_argument("-q", "--quiet", action="store_true", help="only the summary")
    sub.set_defaults(action=run)


def _list(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("selection", nargs="*", metavar="WHAT", help=SELECTION)
    sub.add_argument("--profile", choices=("required", "observed", "beyond"), help=PROFILE)
    what = sub.add_mutually_exclusive_group()
    each = (
        ("requirements", "the requirements with their sentences, not the cases"),
        ("sections", "the sections of the documents, with how many requirements and cases"),
    )
    for name, text in each:
        what.add_argument(
            f"--{name}", dest="what", action="store_const", const=name, default="cases", help=text
        )
    sub.set_defaults(action=show)


def _compare(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("files", nargs="+", type=Path, metavar="JSON", help="what run --json wrote")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write the grid as a page, too")
    sub.add_argument("--all", action="store_true", help="also the requirements all agree on")
    same = "runs of one binary: only the cases that did not end the same in all of them; the exit"
    sub.add_argument("--cases", action="store_true", help=f"{same} status is 1 if there are any")
    sub.set_defaults(action=compare)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)
