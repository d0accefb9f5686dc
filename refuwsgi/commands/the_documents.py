"""Where an option is written about: the section of its module and the address of the document.

Section: ground / the command; sections and their addresses
What: reads the `Section:` line of a module that is loaded.  `url_of` gives the page, and the place
      on it where the heading has one of its own.
"""

import re
import sys
from typing import Final

SITE: Final = "https://uwsgi-docs.readthedocs.io/en/latest/"
PAGES: Final = {
    "offloading": "OffloadSubsystem.html",
    "scaling": "WSGIquickstart.html",
    "fastrouter": "Fastrouter.html",
    "vassals": "OnDemandVassals.html",
}
# The page about scaling has one heading; those of the introductions are the pages themselves.
WITHOUT_PLACE: Final = ("scaling / ", "vassals / --", "vassals / On demand vassals (")
TITLES: Final = ("offloading / The uWSGI offloading subsystem", "fastrouter / The uWSGI FastRouter")


def section_of(module: str) -> str:
    """The section that a module belongs to, with its part of it."""
    found: list[str] = []
    for line in (getattr(sys.modules.get(module), "__doc__", "") or "").splitlines():
        if line.startswith("Section:"):
            found = [line.removeprefix("Section:").strip()]
        elif found and line.startswith(" "):
            found.append(line.strip())
        elif found:
            break
    return " ".join(found)


def url_of(section: str) -> str:
    """Where the document says it; nothing for what no document speaks of."""
    heading = section.partition(";")[0].strip()
    page = PAGES.get(heading.partition(" / ")[0])
    if page is None:
        return ""
    if heading in TITLES or heading.startswith(WITHOUT_PLACE):
        return SITE + page
    words = re.findall(r"[a-z0-9]+", heading.partition(" / ")[2].lower())
    return f"{SITE}{page}#{'-'.join(words)}"
