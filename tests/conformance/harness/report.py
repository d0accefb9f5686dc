"""What a reader of a failure is told: clause, requirement, what uWSGI does, how to repeat it.

What: the lines of the section "what was asked" of a report.  The clause of a document is named by
      its heading and address, and said in the requirement's own sentence.
"""

import shlex
from collections.abc import Iterable

from . import binary
from .changes import recorded, told
from .requirements import difference, known, requirements, text_of

ORIGINAL = "uwsgi-2.0.31"
PAGES = {
    "offloading": "OffloadSubsystem.html",
    "scaling": "WSGIquickstart.html",
    "fastrouter": "Fastrouter.html",
    "vassals": "OnDemandVassals.html",
}
SITE = "https://uwsgi-docs.readthedocs.io/en/latest/"
LINES_OF_A_LOG = 60


def clause(requirement: str) -> str:
    """Where a requirement stands: the document's heading and the address of its page."""
    section = str(requirements().get(requirement, {}).get("section", ""))
    document, _, heading = section.partition(" / ")
    if document not in PAGES:
        return f"what the documents stand on: {heading or section}"
    return f"{document}, section {heading!r}, {SITE}{PAGES[document]}"


def original(case: str, requirement: str) -> str:
    """What the original does: the known difference of this case, or the recorded result."""
    if entry := difference(known(ORIGINAL), case):
        return f"differs here: {entry.reason}"
    result = recorded(ORIGINAL).get(requirement)
    return "was not asked" if result is None else told(result)


def asked(case: str, claim: str, covered: Iterable[tuple[str, str]], kind: str) -> str:
    """Everything about a case that did not hold, but what happened."""
    lines = [f"claim:        {' '.join(claim.split())}"] if claim else []
    for name, of_kind in covered:
        lines.append(f"requirement:  {name} ({of_kind}): {text_of(name)}")
        lines.append(f"clause:       {clause(name)}")
        lines.append(f"uWSGI 2.0.31: {original(case, name)}")
    lines.append(f"result:       {kind}")
    lines.append(f"again:        {again(case)}")
    return "\n".join(lines)


def again(case: str) -> str:
    """The command that repeats a case alone."""
    subject = shlex.quote(" ".join(binary.command()))
    return f"refuwsgi-conformance --sut {subject} {shlex.quote(case)}"
