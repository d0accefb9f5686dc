"""Regular expressions, as the files of uWSGI have them.

Section:  ground / internal routing; expressions
What:     PCRE and Python differ in spellings; those that files use are translated.
Units:    one character stands for one byte, and only ASCII letters are letters.
Errors:   ValueError with the place of the mistake.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from refuwsgi.routing.text import octets

SPELLINGS = re.compile(r"\\.|\(\?<(?![=!])|\[:\w+:\]", re.DOTALL)
CLASSES = {
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:alnum:]": "A-Za-z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:xdigit:]": "0-9A-Fa-f",
    "[:space:]": r"\s",
    "[:word:]": r"\w",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:blank:]": r" \t",
}
ESCAPES = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\h": r"[ \t]", r"\e": r"\x1b"}


def _translated(found: re.Match[str]) -> str:
    text = found[0]
    if text == "(?<":
        return "(?P<"
    return ESCAPES.get(text, text) if text[0] == "\\" else CLASSES.get(text, text)


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile an expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of sets that Python may have one day
            return re.compile(SPELLINGS.sub(_translated, octets(pattern)), re.ASCII)
    except (re.error, OverflowError, RecursionError) as problem:
        raise ValueError(f"{pattern!r} is no regular expression: {problem}") from None
