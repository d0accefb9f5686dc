"""What `refuwsgi/declared.py` has to say; `python -m tests.house.declared` writes it anew."""

from __future__ import annotations

import textwrap
from pathlib import Path

import refuwsgi.declared
from refuwsgi.options import catalogue

FILE = Path(refuwsgi.declared.__file__)
BEGIN = "MODULES = {\n"


def text() -> str:
    """What the file has to say."""
    names: dict[str, list[str]] = {}
    for option in catalogue():
        names.setdefault(option.module, []).extend(option.names)
    entries = [_entry(module, " ".join(sorted(names[module]))) for module in sorted(names)]
    head = FILE.read_text("utf-8").partition(BEGIN)[0]
    return f"{head}{BEGIN}{''.join(entries)}}}\n"


def _entry(module: str, names: str) -> str:
    short = f'    "{module}": "{names}",\n'
    if len(short) <= 101:
        return short
    width = 90 if len(names) <= 90 else 88
    *lines, last = textwrap.wrap(names, width, break_long_words=False, break_on_hyphens=False)
    text = "".join(f'        "{line} "\n' for line in lines) + f'        "{last}"\n'
    return f'    "{module}": (\n{text}    ),\n'


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
