"""The pictures of recorded runs."""

import json
from xml.etree import ElementTree

import pytest

from docs._ext import sequence

RECORDS = sorted(sequence.TRACES.glob("*.json"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_record_can_be_drawn(path: object) -> None:
    record = json.loads(path.read_text("utf-8"))  # type: ignore[attr-defined]
    svg, _, words = sequence.drawn(record).partition("</svg>")
    drawing = ElementTree.fromstring(svg + "</svg>")
    assert sum(each.tag.endswith("text") for each in drawing) == len(record["events"]) + len(
        record["parties"]
    )
    assert words.count("\n") >= len(record["events"]) - 1


def test_a_long_label_is_cut_and_a_word_to_oneself_is_a_point() -> None:
    assert sequence.arrow(0, 250, 9, "x" * 99)[-1].count("x" * 37 + "...") == 1
    assert sequence.arrow(0, 0, 9, "hm")[0].startswith("<circle")


def test_there_are_records() -> None:
    names = {path.stem for path in RECORDS}
    assert names >= {"way-4", "a-node-dies", "cheap-mode", "post-buffering"}
