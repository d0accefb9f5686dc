"""Static files: the worker finds them, a thread sends them.

Section:  offloading / Offloading static files
What:     the stage of a request that asks whether it is for a file.

              [uwsgi]
              socket = :3031
              check-static = /var/www
              offload-threads = 4

          With the document's example a request for /logo.png is opened by the worker, its
          head is made, and both go to one of four threads: the worker accepts the next client.
          Where no file is, the routes are asked, and then the application.
Errors:   `OSError` from the client's socket goes to the core.
"""

from __future__ import annotations

import os

from refuwsgi import log
from refuwsgi.offloading import mime, static_expires, static_twins
from refuwsgi.offloading.static_answer import ETAG, FILE_SERVE_MODE, Answers
from refuwsgi.offloading.static_hot import InMemory, Where
from refuwsgi.offloading.static_paths import Found, Mount, Places, Remembered, Root
from refuwsgi.offloading.static_ranges import HONOUR_RANGE
from refuwsgi.options import JOIN, Config, Option, OptionError, flag, seconds, text, texts
from refuwsgi.request import DONE, NEXT, Request, Stage

Texts = tuple[str, ...]
Pairs = tuple[tuple[str, str], ...]


def _mount(value: str) -> Pairs:
    prefix, equals, root = value.partition("=")
    if not equals or not root:
        raise ValueError("invalid document root in static map, syntax mountpoint=docroot")
    return ((prefix, root),)


CHECK_STATIC: Option[Texts] = Option(
    "check-static",
    texts,
    default=(),
    help="look for each requested path below this directory first",
    aliases=("static-check",),
    repeat=JOIN,
)
CHECK_STATIC_DOCROOT = Option(
    "check-static-docroot",
    flag,
    default=False,
    help="look for each requested path below the DOCUMENT_ROOT of its request",
    bare="true",
)
STATIC_MAP: Option[Pairs] = Option(
    "static-map",
    _mount,
    default=(),
    help="PREFIX=DIRECTORY: answer what follows the prefix from the directory, or one file",
    repeat=JOIN,
)
STATIC_MAP2: Option[Pairs] = Option(
    "static-map2",
    _mount,
    default=(),
    help="PREFIX=DIRECTORY: as static-map, with the prefix as a part of the path",
    repeat=JOIN,
)
STATIC_INDEX: Option[Texts] = Option(
    "static-index",
    texts,
    default=(),
    help="the file that stands for its directory",
    repeat=JOIN,
)
STATIC_SKIP_EXT: Option[Texts] = Option(
    "static-skip-ext",
    texts,
    default=(),
    help="leave paths that end so to the application",
    repeat=JOIN,
)
STATIC_SAFE: Option[Texts] = Option(
    "static-safe",
    texts,
    default=(),
    help="links may lead into this directory",
    repeat=JOIN,
)
STATIC_CACHE_PATHS = Option(
    "static-cache-paths",
    seconds,
    default=0.0,
    help="remember for so many seconds where a path was found",
    implies=("master",),
)
# Departure: uWSGI keeps them in its first cache, or one of this name; here each worker has a
# memory of its own.  A cache must be configured all the same: what runs here shall run there.
STATIC_CACHE_PATHS_NAME: Option[str | None] = Option(
    "static-cache-paths-name",
    text,
    default=None,
    help="accepted for files that name a cache; each worker remembers its own paths",
)

CACHES = ("cache", "cache2")
WITHOUT_CACHE = "caching of static paths requires uWSGI caching !!!"
ADDED = "[uwsgi-static] added check for {}"


class StaticFiles:
    """The stage that answers with files."""

    __slots__ = ("_answers", "_before", "_files_only", "_skip", "_where")

    def __init__(
        self,
        where: Where,
        answers: Answers,
        skip: tuple[bytes, ...] = (),
        before: Stage | None = None,
    ) -> None:
        places = answers.places
        # A path that ends with a slash is none of a file then, and most of applications do.
        self._files_only = not (places.index or places.maps or places.maps2 or places.docroot)
        self._where = where
        self._answers = answers
        self._skip = skip
        self._before = before

    def __call__(self, request: Request) -> int:
        """Answer a request that is for a file; NEXT: it is not."""
        environ = request.environ
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return NEXT
        path = environ.get("PATH_INFO", "")
        if self._files_only and path[-1:] == "/":
            return NEXT
        path_info = path.encode("latin-1")
        if self._skip and path_info.endswith(self._skip):
            return NEXT
        found = self._where.find(path_info, environ.get("DOCUMENT_ROOT"))
        if found is None:
            return NEXT
        if self._skip and found.path.endswith(self._skip):
            found.close()
            return NEXT
        if found.index:
            name = found.index.decode("latin-1")
            environ["PATH_INFO"] = environ.get("PATH_INFO", "").rstrip("/") + "/" + name
        if self._before is not None:
            taken = self._routed(self._before, request, found)
            if taken != NEXT:
                return taken
        request.core.words[1] += 1  # static
        return self._answers.answer(request, found)

    def _routed(self, before: Stage, request: Request, found: Found) -> int:
        """Let the routes have a look; the file stays open only if they pass."""
        taken = DONE
        try:
            taken = before(request)
            return taken
        finally:
            if taken != NEXT:
                found.close()


WORTH_A_TABLE = (
    CHECK_STATIC,
    CHECK_STATIC_DOCROOT,
    STATIC_MAP,
    STATIC_MAP2,
    STATIC_INDEX,
    STATIC_SKIP_EXT,
    STATIC_SAFE,
    STATIC_CACHE_PATHS,
    mime.MIME_FILE,
)


def types(config: Config) -> mime.Types:
    """Read the table of types, if there is something in the configuration that needs it."""
    wanted = any(config.given(option) for option in WORTH_A_TABLE)
    return mime.read(config[mime.MIME_FILE]) if wanted else mime.Types()


def answers(config: Config, table: mime.Types | None = None) -> Answers:
    """Build what sends a file, for this stage and for routes such as `static:`."""
    return Answers(
        _places(config),
        types(config) if table is None else table,
        expires=static_expires.configured(config),
        twins=static_twins.configured(config),
        honour_range=config[HONOUR_RANGE],
        mode=config[FILE_SERVE_MODE],
        etag=config[ETAG],
    )


def _places(config: Config) -> Places:
    return Places(
        tuple(map(Root, config[CHECK_STATIC])),
        _mounts(config[STATIC_MAP]),
        _mounts(config[STATIC_MAP2]),
        docroot=config[CHECK_STATIC_DOCROOT],
        index=tuple(map(os.fsencode, config[STATIC_INDEX])),
        safe=tuple(map(Root, config[STATIC_SAFE])),
    )


def _mounts(pairs: Pairs) -> tuple[Mount, ...]:
    return tuple(Mount(os.fsencode(prefix), Root(root)) for prefix, root in pairs)


def configured(
    config: Config, *, prepared: Answers | None = None, before: Stage | None = None
) -> StaticFiles | None:
    """Build the stage if a place for files is configured; `before` are the routes.

    The routes run when a file was found, before it is sent, and may answer in its stead.
    """
    for root in config[CHECK_STATIC]:
        log.line(ADDED.format(root))
    if prepared is None:
        prepared = answers(config)
    places = prepared.places
    if not (places.roots or places.maps or places.maps2 or places.docroot):
        return None
    remember = config[STATIC_CACHE_PATHS]
    if remember and not any(each.name in CACHES for each in config.settings):
        place = config.where(STATIC_CACHE_PATHS)
        raise OptionError(f"{place}: {STATIC_CACHE_PATHS.name}: {WITHOUT_CACHE}")
    where = Remembered(places, remember) if remember else places
    return StaticFiles(
        InMemory(where), prepared, tuple(map(os.fsencode, config[STATIC_SKIP_EXT])), before
    )
