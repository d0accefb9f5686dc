"""The targets for what is remembered bite: inputs are recalled, and a wrong memory shows."""

import pytest

from refuwsgi.protocol import http, http_alike, subscription_alike
from refuwsgi.scaling import http_answer
from tests.fuzz.engine import kept
from tests.fuzz.targets import TARGETS


def fed(name: str) -> None:
    for path in kept(name):
        TARGETS[name].feed(path.read_bytes())


def test_kept_heads_are_recalled(monkeypatch: pytest.MonkeyPatch) -> None:
    recalled = 0
    recall = http.recall_head

    def counted(data: bytes, most: int = http.MAX_HEADERS) -> http.Head | bytes:
        nonlocal recalled
        found = recall(data, most)
        recalled += isinstance(found, http.Head)
        return found

    monkeypatch.setattr(http, "recall_head", counted)
    fed("alike-heads")
    assert recalled >= 8


def test_a_head_of_two_lines_of_cookies_must_not_be_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_alike, "_can_be_told", lambda key: True)
    with pytest.raises(AssertionError, match="recalled wrongly"):
        fed("alike-heads")


def test_an_answer_must_not_be_learnt_by_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_answer, "_remember", lambda key, low: http_answer._alike.add(key))
    with pytest.raises(AssertionError, match="an answer"):
        fed("alike-answers")


def test_a_broken_pair_must_not_be_known_by_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (0, 0, 1, 0, 9, 0, b"", b"", b"")
    monkeypatch.setattr(subscription_alike, "_said", lambda rest: wrong)
    with pytest.raises(AssertionError, match="misunderstood"):
        fed("alike-announcements")
