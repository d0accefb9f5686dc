"""Which part of a file a client asks for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refuwsgi.offloading.static_ranges import Range, still_valid, wanted

CONTENT = bytes(range(10))


@pytest.mark.parametrize(
    ("field", "part"),
    [
        ("bytes=2-4", b"\2\3\4"),
        ("bytes=7-", b"\7\10\11"),
        ("bytes=-3", b"\7\10\11"),
        ("bytes=0-0", b"\0"),
        ("bytes=8-100", b"\10\11"),
        ("Bytes = 2 - 4", b"\2\3\4"),
        ("bytes=1-2,5-6", b"\1\2"),
        ("bytes=9-9", b"\11"),
    ],
)
def test_a_range_names_its_bytes(field: str, part: bytes) -> None:
    found = wanted(field, len(CONTENT))
    assert found is not None
    assert CONTENT[found.first : found.last + 1] == part
    assert found.length == len(part)


@pytest.mark.parametrize("field", ["bytes=0-", "bytes=0-9", "bytes=-10", "bytes=-100"])
def test_a_range_that_is_the_whole_file_is_no_range(field: str) -> None:
    assert wanted(field, 10) is None


@pytest.mark.parametrize(
    "field",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes=1_0-",
        "bytes=²-",
        "lines=1-2",
        "bytes=--1",
        "bytes=1-2-3",
        "bytes=" + "9" * 20 + "-",
    ],
)
def test_what_is_no_range_is_ignored(field: str) -> None:
    assert wanted(field, 10) is None


@pytest.mark.parametrize("field", ["bytes=10-", "bytes=11-12", "bytes=4-2", "bytes=-0"])
def test_a_range_that_is_not_there_has_no_bytes(field: str) -> None:
    found = wanted(field, 10)
    assert found is not None
    assert found.length == 0


def test_an_empty_file_has_no_ranges() -> None:
    found = wanted("bytes=0-", 0)
    assert found is not None
    assert found.length == 0


@settings(deadline=None)
@given(st.text("bytes=-0123456789, ", max_size=30), st.integers(0, 2**40))
def test_a_range_never_leaves_the_file(field: str, size: int) -> None:
    inside(wanted(field, size), size)
    inside(wanted("bytes=" + field, size), size)


@settings(deadline=None)
@given(st.integers(0, 2**62), st.integers(0, 2**62), st.integers(1, 2**40))
def test_numbers_of_any_size_stay_inside(first: int, last: int, size: int) -> None:
    for field in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}"):
        inside(wanted(field, size), size)


def inside(part: Range | None, size: int) -> None:
    if part is not None and part.length:
        assert 0 <= part.first <= part.last < size
        assert part.length < size


def test_if_range_wants_the_same_file() -> None:
    assert still_valid(None, "then", None)
    assert still_valid("then", "then", None)
    assert not still_valid("earlier", "then", None)
    assert still_valid('"a"', "then", '"a"')
    assert not still_valid('W/"a"', "then", '"a"')
    assert not still_valid('"b"', "then", '"a"')
