"""refuwsgi example: run an example of one of the four documents, here and now.

Section: ground / the command; example
What: without a name, the list.  With one, the example runs on free ports in a directory of its own;
      its files, what to type and what to watch are printed, and Ctrl-C ends it and removes it all.
      With `--try` the requests are made at once and their answers printed; the status says whether
      they were as they should be.
Errors: OptionError for a name that is no example; what goes wrong with a server is shown from its
        log, with status 1.
"""

import sys
from typing import Final

from refuwsgi.commands.example_fastrouter import EXAMPLES as FASTROUTER
from refuwsgi.commands.example_offloading import EXAMPLES as OFFLOADING
from refuwsgi.commands.example_running import Failed, Running
from refuwsgi.commands.example_scaling import EXAMPLES as SCALING
from refuwsgi.commands.example_text import Example
from refuwsgi.commands.example_vassals import EXAMPLES as VASSALS
from refuwsgi.commands.the_documents import url_of
from refuwsgi.commands.the_words import Words, stopping
from refuwsgi.options import OptionError

EXAMPLES: Final = {each.name: each for each in (*OFFLOADING, *SCALING, *FASTROUTER, *VASSALS)}
LONG: Final = 40  # lines of a file that are shown


def main(argv: list[str]) -> int:
    """List the examples, or run one."""
    words = Words("example", "run an example of one of the four documents")
    words.add_argument("name", nargs="?", help="as in the list that comes without one")
    words.add_argument("--try", dest="tries", action="store_true", help="make the requests, end")
    given = words.parse_args(argv)
    if given.name is None:
        print("\n".join(listed()))
        return 0
    example = named(given.name)
    with stopping():
        return run(example, given.tries)
    return 0


def listed() -> list[str]:
    """The list of all examples."""
    wide = max(map(len, EXAMPLES))
    return [f"{name.ljust(wide)}  {example.what}" for name, example in EXAMPLES.items()]


def named(name: str) -> Example:
    """Find an example."""
    if name not in EXAMPLES:
        from difflib import get_close_matches

        near = get_close_matches(name, EXAMPLES, n=1)
        hint = f"did you mean {near[0]}?" if near else "`refuwsgi example` lists them"
        raise OptionError(f"refuwsgi example: there is no {name}; {hint}")
    return EXAMPLES[name]


def run(example: Example, tries: bool) -> int:
    """Start an example; try it, or let the reader try it; tidy up."""
    with Running(example) as running:
        print("\n".join(shown(running)), flush=True)
        try:
            running.start()
            if not tries:
                print("\n".join(to_try(running)), flush=True)
                running.watch()
            for line in running.all_tries():
                print(line, flush=True)
        except Failed as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


def shown(running: Running) -> list[str]:
    """What the example is made of."""
    example = running.example
    lines = [f"{example.name}: {example.what}", f"{example.section}", url_of(example.section), ""]
    lines.append(f"in {running.directory}:")
    for name, text in running.files.items():
        content = text.splitlines()
        lines += [f"--- {name}", *content[:LONG]]
        if len(content) > LONG:
            lines.append(f"... ({len(content)} lines)")
    lines += ["", "started:"]
    lines += [f"    refuwsgi {words}   > {name}.log" for name, words in running.servers.items()]
    return lines


def to_try(running: Running) -> list[str]:
    """What the reader may type."""
    lines = ["", "try:"]
    for each in running.tries:
        lines.append(f"    {each.line}{' &' if each.behind else ''}")
    lines += ["", "watch:", *(f"    {line}" for line in running.watched.splitlines())]
    return [*lines, "", "Ctrl-C stops it and removes the directory."]
