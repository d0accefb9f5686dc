"""Which caches there are: cache, cache2, and what is in them from the start.

Section:  ground / the cache; what the operator asks for
What:     reads the options, makes the caches before the first fork, and fills them.

              cache = 100                                  a cache named `default`
              cache2 = name=pages,items=1000,blocksize=8192,purge_lru=1

Units:    sizes are bytes, times seconds.
Errors:   OptionError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from refuwsgi import log
from refuwsgi.cache import files, replicas
from refuwsgi.cache.layout import ROW, WORD, Shape
from refuwsgi.cache.store import Cache, Manners
from refuwsgi.options import JOIN, Config, Option, OptionError, flag, number, octets, text, texts
from refuwsgi.options import pairs as read_pairs

BLOCK_SIZE = 65536
KEY_SIZE = 2048
SLOTS = 65536
SWEEP = 3  # seconds
HASHES = ("djb33x", "murmur2")
ON = ("1", "true", "yes", "on")


def _items(value: str) -> int:
    # uWSGI: files in the wild say `cache = true`, which it reads as 0: no cache.
    return 0 if value.lower() in ("true", "false") else number(value)


CACHE = Option("cache", _items, default=0, help="keep a shared cache of so many items")
CACHE2: Option[tuple[str, ...]] = Option(
    "cache2",
    texts,
    default=(),
    help="keep a shared cache: name=NAME,items=N and more",
    repeat=JOIN,
)
CACHE_BLOCKSIZE = Option(
    "cache-blocksize", octets, default=BLOCK_SIZE, help="the largest value of the cache"
)
CACHE_STORE: Option[str | None] = Option(
    "cache-store",
    text,
    default=None,
    help="keep the cache in this file",
    implies=("master",),
)
CACHE_STORE_SYNC = Option(
    "cache-store-sync", number, default=0, help="write the file of the cache every so many seconds"
)
CACHE_NO_EXPIRE = Option(
    "cache-no-expire", flag, default=False, help="let no item of a cache expire", bare="true"
)
CACHE_EXPIRE_FREQ = Option(
    "cache-expire-freq", number, default=SWEEP, help="look for expired items every so many seconds"
)
CACHE_REPORT = Option(
    "cache-report-freed-items",
    flag,
    default=False,
    help="log how many items have expired",
    bare="true",
)
CACHE_LAST_MODIFIED = Option(
    "cache-use-last-modified",
    flag,
    default=False,
    help="note when a cache was changed",
    bare="true",
)
ADD_ITEM: Option[tuple[str, ...]] = Option(
    "add-cache-item",
    texts,
    default=(),
    help="[CACHE ]KEY=VALUE: put an item into a cache",
    repeat=JOIN,
)
LOAD_FILE: Option[tuple[str, ...]] = Option(
    "load-file-in-cache",
    texts,
    default=(),
    help="[CACHE ]FILE: put a file into a cache, under its name",
    repeat=JOIN,
)
LOAD_FILE_GZIP: Option[tuple[str, ...]] = Option(
    "load-file-in-cache-gzip",
    texts,
    default=(),
    help="[CACHE ]FILE: put a file into a cache, compressed",
    repeat=JOIN,
)

INITIALIZED = (
    '*** Cache "{}" initialized: {}MB (key: {} bytes, keys: {} bytes, data: {} bytes, '
    "bitmap: {} bytes) preallocated ***"
)
STORED = '[cache] stored "{}" in "{}"'
NONE = "{}: cache: this makes no cache; its value is the number of items"
NO_WORD = '{}: {}: cache "{}": nobody knows the word {!r}'
UNBUILT = ("sync", "sync_nodes")
WORDS = {
    "name", "items", "maxitems", "max_items", "blocksize", "blocks", "bitmap", "hash", "hashsize",
    "hash_size", "keysize", "key_size", "store", "store_sync", "storesync", "store_delete", "lru",
    "purge_lru", "lazy", "ignore_full", "sweep_on_full", "clear_on_full", "no_expire",
    "math_initial", "lastmod", "nodes", "udp_nodes", "udp", "udp_servers",
}  # fmt: skip


class Caches(dict[str, Cache]):
    """The caches of an instance, by name, in their order."""

    def __hash__(self) -> int:  # type: ignore[override]  # there is one of them
        return id(self)

    def named(self, name: str) -> Cache | None:
        """Find a cache; without a name it is the first."""
        return self.get(name) if name else next(iter(self.values()), None)


def wanted(config: Config) -> bool:
    """Say whether there is any cache."""
    return bool(config[CACHE] or config[CACHE2])


def configured(config: Config, *, stored: bool = True) -> Caches:
    """Make the caches, and put into them what shall be there from the start."""
    found = Caches()
    if config[CACHE]:
        found["default"] = _old(config, stored)
    elif config.given(CACHE):
        log.line(NONE.format(config.where(CACHE)))
    for option, value, where in config.in_order(CACHE2):
        place = f"{where}: {option.name}"
        cache = _made(config, read_pairs(value), place, stored)
        if cache.name in found:
            raise OptionError(f"{place}: there is a cache {cache.name!r} already")
        found[cache.name] = cache
    for cache in found.values():
        _say(cache.name, cache.shape)
    _fill(config, found)
    return found


def _old(config: Config, stored: bool) -> Cache:
    words = {
        "name": "default",
        "items": str(config[CACHE]),
        "blocksize": str(config[CACHE_BLOCKSIZE]),
        "store": config[CACHE_STORE] or "",
        "store_sync": str(config[CACHE_STORE_SYNC]),
        **replicas.of_default(config),
    }
    return _made(config, words, f"{config.where(CACHE)}: {CACHE.name}", stored)


def _made(config: Config, words: Mapping[str, str], place: str, stored: bool) -> Cache:
    try:
        shape = shape_of(words)
        name = words.get("name", "")
        initial = _number(words, "math_initial", default=0)
        manners = Manners(
            lru=shape.lru,
            lazy=_on(words, "lazy"),
            ignore_full=_on(words, "ignore_full"),
            sweep_on_full=_on(words, "sweep_on_full"),
            clear_on_full=_on(words, "clear_on_full"),
            no_expire=_on(words, "no_expire") or config[CACHE_NO_EXPIRE],
            first=initial,
            last_modified=_on(words, "lastmod") or config[CACHE_LAST_MODIFIED],
            report=config[CACHE_REPORT],
        )
        path = words.get("store", "") if stored else ""
        area = files.opened(path, shape, delete=_on(words, "store_delete")) if path else None
    except ValueError as problem:
        raise OptionError(f"{place}: {problem}") from None
    for word in words:
        if word not in WORDS:
            log.line(NO_WORD.format(place, "warning", name, word))
    cache = Cache(name, shape, manners, area=area, hash_name=words.get("hash") or HASHES[0])
    cache.sync = _number(words, "store_sync", "storesync", default=0) if area is not None else 0
    try:
        replicas.attach(cache, words, bind=stored)
    except ValueError as problem:
        raise OptionError(f"{place}: {problem}") from None
    if area is not None:
        log.line(files.RESTORED.format(len(cache)))
    return cache


def shape_of(words: Mapping[str, str]) -> Shape:
    """Say how much room the words of a cache2 ask for."""
    name = words.get("name", "")
    if not name:
        raise ValueError("you have to specify a cache name")
    for word in UNBUILT:
        if word in words:
            raise ValueError(f"cache {name!r}: {word} is not supported")
    items = _number(words, "items", "maxitems", "max_items", default=0)
    if not items:
        raise ValueError("you have to specify the maximum number of cache items")
    block_size = _number(words, "blocksize", default=BLOCK_SIZE)
    if not block_size:
        raise ValueError(f'invalid cache blocksize for "{name}"')
    bitmap = _on(words, "bitmap")
    blocks = _number(words, "blocks", default=items)
    if not blocks or (blocks < items and not bitmap):
        raise ValueError(f'invalid number of cache blocks for "{name}": not fewer than items')
    key_size = _number(words, "keysize", "key_size", default=KEY_SIZE)
    if not 0 < key_size < 1 << 16:
        raise ValueError(f'invalid cache keysize for "{name}"')
    slots = _number(words, "hashsize", "hash_size", default=SLOTS)
    if not slots:
        raise ValueError(f'invalid cache hashsize for "{name}"')
    if (words.get("hash") or HASHES[0]) not in HASHES:
        raise ValueError(f'invalid cache hash for "{name}": djb33x or murmur2')
    # uWSGI: the names of its hashes are taken; Python's own, which nobody can foresee, is used.
    lru = _on(words, "lru", "purge_lru")
    return Shape(items, blocks if bitmap else items, block_size, key_size, slots, bitmap, lru)


def _number(words: Mapping[str, str], *names: str, default: int) -> int:
    for name in names:
        if words.get(name):
            try:
                return octets(words[name])
            except ValueError as problem:
                hint = "you have to specify the maximum number of cache items: "
                which = hint if "items" in names else ""
                raise ValueError(f"{which}{name}: {problem}, got {words[name]!r}") from None
    return 0 if any(name in words for name in names) and default else default


def _on(words: Mapping[str, str], *names: str) -> bool:
    found = [words[name] for name in names if name in words]
    try:
        return any(each == "" or flag(each) for each in found)
    except ValueError as problem:
        raise ValueError(f"{'/'.join(names)}: {problem}") from None


def _say(name: str, shape: Shape) -> None:
    key = ROW * WORD + WORD + shape.key_size
    data = shape.blocks * shape.block_size
    bits = -(-shape.blocks // 8) if shape.bitmap else 0
    keys = key * shape.items
    log.line(INITIALIZED.format(name, (keys + data) >> 20, key, keys, data, bits))


def _fill(config: Config, caches: Caches) -> None:
    for option, value, where in config.in_order(ADD_ITEM, LOAD_FILE, LOAD_FILE_GZIP):
        place = f"{where}: {option.name}"
        try:
            for cache, key, content in _wanted_items(option, value, caches):
                if not cache.set(key, content, update=True):
                    raise ValueError(f"{key.decode('utf-8', 'replace')!r} does not fit")
                shown = key.decode("utf-8", "replace")
                log.line(STORED.format(shown, cache.name))
        except (ValueError, OSError) as problem:
            raise OptionError(f"{place}: {problem}") from None


def _wanted_items(
    option: Option[tuple[str, ...]], value: str, caches: Caches
) -> Iterator[tuple[Cache, bytes, bytes]]:
    name, blank, rest = value.partition(" ")
    if not blank or (option is ADD_ITEM and "=" in name):
        name, rest = "", value
    cache = caches.named(name)
    if cache is None:
        raise ValueError(f"there is no cache {name!r}" if name else "there is no cache")
    if option is not ADD_ITEM:
        yield cache, rest.encode(), files.content_of(rest, gzip=option is LOAD_FILE_GZIP)
        return
    key, equals, content = rest.partition("=")
    if not equals:
        raise ValueError("expected [CACHE ]KEY=VALUE")
    yield cache, key.encode(), content.encode()
