"""Which type a file has, by the last dot of its name.

Section:  offloading / Offloading static files; the Content-Type
What:     reads files in the form of ``/etc/mime.types``:

              text/html      html htm shtml
              # a line that does not begin with a letter or a digit is skipped

          The first entry of an extension counts; upper and lower case differ.
Errors:   none: a file that is missing is one line in the log.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from refuwsgi import log
from refuwsgi.options import JOIN, Option, texts

MIME_FILE: Option[tuple[str, ...]] = Option(
    "mime-file",
    texts,
    default=(),
    help="read the types of files from here, before those of the system",
    aliases=("mimefile",),
    repeat=JOIN,
)

SYSTEM_FILE = "/etc/mime.types"
READ = "building mime-types dictionary from file {}...{} entry found"
MISSING = "!!! no {} file found !!!"

# Beyond: what a site needs where the system has no table, as in slim containers.
DEFAULTS = """
application/gzip gz
application/javascript js mjs
application/json json map
application/manifest+json webmanifest
application/msword doc
application/pdf pdf
application/rss+xml rss
application/wasm wasm
application/xhtml+xml xhtml xht
application/xml xml xsl xsd
application/zip zip
audio/mpeg mpga mpega mp2 mp3 m4a
audio/ogg oga ogg opus spx
audio/x-wav wav
font/otf otf
font/ttf ttf ttc
font/woff woff
font/woff2 woff2
image/avif avif
image/bmp bmp
image/gif gif
image/jpeg jpeg jpg jpe
image/png png
image/svg+xml svg svgz
image/tiff tiff tif
image/vnd.microsoft.icon ico
image/webp webp
text/calendar ics icz
text/css css
text/csv csv
text/html html htm shtml
text/markdown md markdown
text/plain asc txt text pot brf srt
text/tab-separated-values tsv
text/x-c++src c++ cpp cxx cc
text/x-csrc c
video/mp4 mp4
video/mpeg mpeg mpg mpe
video/ogg ogv
video/quicktime qt mov
video/webm webm
video/x-msvideo avi
"""


class Types:
    """The types of files, by extension."""

    __slots__ = ("_by_extension",)

    def __init__(self) -> None:
        self._by_extension: dict[bytes, str] = {}

    def add(self, lines: Iterable[str]) -> int:
        """Take the entries of a table and count them; an extension that is known stays."""
        found = 0
        for line in lines:
            words = line.split()
            if words and line[0].isalnum():
                for extension in words[1:]:
                    self._by_extension.setdefault(os.fsencode(extension), words[0])
                found += len(words) - 1
        return found

    def type_of(self, path: bytes) -> str | None:
        """Name the type of a file; None when nobody knows it."""
        name = path[path.rfind(b"/") + 1 :]
        _, dot, extension = name.rpartition(b".")
        return self._by_extension.get(extension) if dot else None


def read(files: Iterable[str]) -> Types:
    """Read the operator's tables, then the system's."""
    # Departure: uWSGI leaves the system's table out when it is given another one.
    types = Types()
    for file in (*files, SYSTEM_FILE):
        try:
            with open(file, encoding="utf-8", errors="surrogateescape") as lines:
                log.line(READ.format(file, types.add(lines)))
        except OSError:
            log.line(MISSING.format(file))
            if file == SYSTEM_FILE:
                types.add(DEFAULTS.splitlines())
    return types
