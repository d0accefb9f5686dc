"""What the operator writes about caches, and the calls of applications."""

import zlib
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import api
from refuwsgi.cache import api as cache_api
from refuwsgi.cache import options, stages
from refuwsgi.cache.options import Caches
from refuwsgi.options import Config, Option, OptionError, Setting, build


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("refuwsgi.log.line", lines.append)
    return lines


def config_of(*pairs: tuple[str, str | None]) -> Config:
    known = [each for module in (options, stages) for each in vars(module).values()]
    settings = [Setting(name, value, "x.ini:1") for name, value in pairs]
    return build(settings, [each for each in known if isinstance(each, Option)])


def made(*pairs: tuple[str, str | None]) -> Caches:
    return options.configured(config_of(*pairs))


def test_a_cache_is_made_and_announced(said: list[str]) -> None:
    (cache,) = made(("cache2", "name=c1,items=20,blocksize=300000")).values()
    assert cache.name == "c1"
    assert cache.shape[:5] == (20, 20, 300000, 2048, 65536)
    assert said[0].startswith('*** Cache "c1" initialized: 5MB (key: 2136 bytes, keys: 42720')
    assert "data: 6000000 bytes, bitmap: 0 bytes) preallocated ***" in said[0]


def test_the_first_is_the_default() -> None:
    found = made(("cache2", "name=a,items=2"), ("cache", "10"), ("cache2", "name=b,items=2"))
    assert list(found) == ["default", "a", "b"]
    assert found.named("") is found["default"]
    assert found.named("nope") is None


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("items=10", "you have to specify a cache name"),
        ("name=c", "you have to specify the maximum number of cache items"),
        ("name=c,items=0", "you have to specify the maximum number of cache items"),
        ("name=c,items=abc", "you have to specify the maximum number of cache items"),
        ("name=c,items=2,blocksize=0", "invalid cache blocksize"),
        ("name=c,items=2,blocks=1", "invalid number of cache blocks"),
        ("name=c,items=2,keysize=0", "invalid cache keysize"),
        ("name=c,items=2,keysize=65536", "invalid cache keysize"),
        ("name=c,items=2,hashsize=0", "invalid cache hashsize"),
        ("name=c,items=2,hash=md5", "invalid cache hash"),
        ("name=c,items=2,lazy=maybe", "lazy"),
    ],
)
def test_mistakes_say_where_they_are(words: str, reason: str) -> None:
    with pytest.raises(OptionError, match=reason) as caught:
        made(("cache2", words))
    assert str(caught.value).startswith("x.ini:1: cache2: ")


def test_two_of_a_name_are_refused() -> None:
    with pytest.raises(OptionError, match="already"):
        made(("cache2", "name=c,items=2"), ("cache2", "name=c,items=2"))


def test_strange_words_are_told(said: list[str]) -> None:
    made(("cache2", "name=c,items=2,itmes=3"))
    assert any("'itmes'" in line for line in said)


def test_a_cache_of_no_items_is_none(said: list[str]) -> None:
    assert not made(("cache", "true"))
    assert "makes no cache" in said[0]


def test_items_are_there_from_the_start(tmp_path: Path, said: list[str]) -> None:
    page = tmp_path / "page"
    page.write_bytes(b"a page" * 100)
    found = made(
        ("cache2", "name=a,items=10"),
        ("cache2", "name=b,items=10"),
        ("add-cache-item", "k=v w"),
        ("add-cache-item", "b k=other"),
        ("load-file-in-cache", str(page)),
        ("load-file-in-cache-gzip", f"b {page}"),
    )
    key = str(page).encode()
    assert value(found, "a", b"k") == b"v w"
    assert value(found, "b", b"k") == b"other"
    assert value(found, "a", key) == b"a page" * 100
    assert zlib.decompress(value(found, "b", key), 31) == b"a page" * 100
    assert '[cache] stored "k" in "a"' in said


def value(caches: Caches, name: str, key: bytes) -> bytes:
    item = caches[name].look_up(key)
    assert item is not None
    return item.value


@pytest.mark.parametrize(
    "pair",
    [
        ("add-cache-item", "no equals"),
        ("add-cache-item", "nowhere k=v"),
        ("add-cache-item", "k="),
        ("load-file-in-cache", "/nonexistent"),
    ],
)
def test_items_that_cannot_be_are_mistakes(pair: tuple[str, str]) -> None:
    with pytest.raises(OptionError, match=pair[0]):
        made(("cache2", "name=c,items=10"), pair)


def test_a_store_is_found_again(tmp_path: Path, said: list[str]) -> None:
    store = tmp_path / "store"
    words = ("cache2", f"name=c,items=10,blocksize=100,store={store}")
    made(words)["c"].set(b"k", b"v", 1000)
    again = made(words)["c"]
    assert again.keys() == [b"k"]
    assert "[uwsgi-cache] restored 1 items" in said
    without = options.configured(config_of(words), stored=False)["c"]
    assert without.keys() == []


@pytest.mark.parametrize("content", [b"too short", bytes(range(256)) * 4])
def test_a_store_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    store = tmp_path / "store"
    store.write_bytes(content)
    words = f"name=c,items=10,blocksize=100,store={store}"
    with pytest.raises(OptionError, match="invalid cache store file"):
        made(("cache2", words))
    assert made(("cache2", words + ",store_delete=1"))["c"].set(b"a", b"b")


def test_the_sweeper_leaves_lazy_ones_alone(tmp_path: Path) -> None:
    config = config_of(
        ("cache2", "name=a,items=10"),
        ("cache2", "name=b,items=10,lazy=1"),
        ("cache2", f"name=s,items=10,blocksize=100,store={tmp_path}/s,store_sync=1"),
    )
    caches = options.configured(config)
    for cache in caches.values():
        cache.set(b"k", b"v", 1)
        cache._clock = lambda: 1e10
    stages.sweeper(config, caches).look()
    assert [len(cache) for cache in caches.values()] == [0, 1, 0]
    caches["s"].flush()


@pytest.mark.parametrize("name", ["", "b"])
def test_check_cache_names_a_cache(name: str) -> None:
    pairs = [("cache2", "name=a,items=10"), ("cache2", "name=b,items=10"), ("check-cache", name)]
    config = config_of(*pairs)
    caches = options.configured(config)
    assert len(stages.stages(config, caches)) == 2
    with pytest.raises(OptionError, match="check-cache"):
        stages.stages(config_of(("check-cache", "nope")), caches)


class TestCalls:
    @pytest.fixture
    def calls(self) -> Any:
        cache_api.install(made(("cache2", "name=a,items=10,blocksize=100")))
        return api.module

    def test_text_and_bytes_are_the_same(self, calls: Any) -> None:
        assert calls.cache_set("kä", "vü") is True
        assert calls.cache_get("kä".encode()) == "vü".encode()
        assert calls.cache_set("kä", "again") is None
        assert calls.cache_update("kä", b"again") is True
        assert calls.cache_exists("kä") is True
        assert calls.cache_del("kä") is True
        assert [calls.cache_get("kä"), calls.cache_exists("kä"), calls.cache_del("kä")] == [
            None
        ] * 3

    @pytest.mark.parametrize("wrong", [5, None, bytearray(b"x")])
    def test_other_types_are_refused(self, calls: Any, wrong: Any) -> None:
        with pytest.raises(TypeError):
            calls.cache_set("k", wrong)
        with pytest.raises(TypeError):
            calls.cache_get(wrong)

    def test_numbers(self, calls: Any) -> None:
        assert calls.cache_inc("n", 7) is True
        assert calls.cache_mul("n") is True
        assert calls.cache_dec("n") is True
        assert calls.cache_num("n") == 13
        assert calls.cache_dec("n", 20) is True
        assert calls.cache_div("n") is True
        assert calls.cache_num("n") == -3
        assert calls.cache_div("n", 0) is None
        with pytest.raises(TypeError):
            calls.cache_inc("n", "1")

    def test_keys_and_clear(self, calls: Any) -> None:
        calls.cache_set("k", "v")
        assert calls.cache_keys() == [b"k"]
        assert calls.cache_clear() is True
        assert calls.cache_keys() == []

    def test_a_cache_that_is_none(self, calls: Any) -> None:
        found = [calls.cache_get("k", "no"), calls.cache_set("k", "v", 0, "no")]
        found += [calls.cache_clear("no"), calls.cache_inc("k", 1, 0, "no")]
        assert found == [None] * 4
        assert calls.cache_num("k", "no") == 0
        with pytest.raises(ValueError, match="cache"):
            calls.cache_keys("no")

    def test_an_address_that_is_none(self, calls: Any) -> None:
        assert calls.cache_get("k", "c@") is None


def test_a_store_on_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hole in its file would end the worker that writes there."""

    def full(fd: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(OptionError, match="No space left on device"):
        made(("cache2", f"name=a,items=10,store={tmp_path / 'a'}"))
