"""The mutation run itself: what it changes, and that its record and the reasons fit together."""

import ast
import platform

import pytest

from tests.mutants import mutation
from tests.mutants.changes import changes

TEXT = '''
def f(a: int) -> int:
    """Say something."""
    if a < 2 and not a:
        raise HeadError("spoken")
    return a + 1
'''


def test_every_place_is_changed_once() -> None:
    found = list(changes(TEXT))
    assert [each.name for each in found] == [
        "f: if a < 2 and (not a) -> if False",
        "f: if a < 2 and (not a) -> if True",
        "f: a < 2 and (not a) -> a < 2 or not a",
        "f: a < 2 -> a <= 2",
        "f: 2 -> 3",
        "f: not a -> not not a",
        "f: raise HeadError('spoken') -> pass",
        "f: a + 1 -> a - 1",
        "f: 1 -> 2",
    ]
    texts = {each.text for each in found}
    assert len(texts) == len(found)
    assert ast.unparse(ast.parse(TEXT)) not in texts
    assert all("Say something." in text for text in texts)


def test_every_protocol_module_is_changed() -> None:
    there = {path.stem for path in mutation.SOURCE.glob("*.py")} - {"__init__"}
    assert set(mutation.MODULES) == there
    assert set(mutation.recorded()["modules"]) == there


def test_nothing_survives_without_a_reason() -> None:
    reasons = mutation.reasons()
    assert set(reasons) <= set(mutation.MODULES)
    for module, found in mutation.recorded()["modules"].items():
        assert sorted(reasons.get(module, {})) == sorted(found["survivors"]), module


@pytest.mark.skipif(
    mutation.recorded()["python"].split(".")[:2] != [*platform.python_version_tuple()[:2]],
    reason="the record: another Python made it, and may see other places in a module",
)
def test_the_record_is_of_the_modules_as_they_are() -> None:
    for module, found in mutation.recorded()["modules"].items():
        names = [each.name for each in changes(mutation.source_of(module))]
        assert found["changes"] == len(names), module
        assert set(found["survivors"]) <= set(names), module
