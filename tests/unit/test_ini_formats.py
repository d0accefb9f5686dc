"""The other formats, as real files use them."""

import sys

import pytest

from refuwsgi.options import OptionError
from tests.unit.worlds import pairs_of, settings_of

Pairs = list[tuple[str, str | None]]

YAML: list[tuple[str, str, Pairs]] = [
    ("one level", "uwsgi:\n  a: 1\n  b: x y\n", [("a", "1"), ("b", "x y")]),
    ("four blanks", "uwsgi:\n    a: 1\n", [("a", "1")]),
    ("a document mark", "---\nuwsgi:\n  a: 1\n", [("a", "1")]),
    ("names that repeat", "uwsgi:\n  a: 1\n  a: 2\n", [("a", "1"), ("a", "2")]),
    ("percent and colons without quotes", "uwsgi:\n  f: %(addr) a: b\n", [("f", "%(addr) a: b")]),
    ("an address", "uwsgi:\n  socket: :5000\n", [("socket", ":5000")]),
    ("a comment", "uwsgi:\n  # x\n  a: 1 # x\n  b: c#d\n", [("a", "1"), ("b", "c#d")]),
    ("quotes", "uwsgi:\n  a: \"x # y\"\n  b: 'z'\n", [("a", "x # y"), ("b", "z")]),
    ("an apostrophe", "uwsgi:\n  a: it's # x\n", [("a", "it's")]),
    ("a list", "uwsgi:\n  a:\n    - 1\n    - 2\n  b: 3\n", [("a", "1"), ("a", "2"), ("b", "3")]),
    ("a list in one line", "uwsgi:\n  a: [1, '2']\n", [("a", "1"), ("a", "2")]),
    ("an address in brackets", "uwsgi:\n  a: [::1]:80\n", [("a", "[::1]:80")]),
    ("no value", "uwsgi:\n  master:\n  a: 1\n", [("master", None), ("a", "1")]),
    ("another section", "other:\n  z: 1\nuwsgi:\n  a: 1\nlast:\n  y: 1\n", [("a", "1")]),
    ("CRLF", "uwsgi:\r\n  a: 1\r\n", [("a", "1")]),
]


@pytest.mark.parametrize(("text", "expected"), [y[1:] for y in YAML], ids=[y[0] for y in YAML])
def test_yaml(text: str, expected: Pairs) -> None:
    assert pairs_of(text, name="a.yaml") == expected
    assert pairs_of(text, name="a.yml") == expected


def test_yaml_beyond_the_simple_reader_needs_a_parser() -> None:
    pytest.importorskip("yaml")
    text = "uwsgi:\n  a: &x |\n    1\n    2\n  b: [3, 4]\n  c: *x\n"
    assert pairs_of(text, name="a.yaml") == [
        ("a", "1\n2\n"),
        ("b", "3"),
        ("b", "4"),
        ("c", "1\n2\n"),
    ]


def test_without_that_parser_the_line_and_the_remedy_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(OptionError, match=r"^a\.yaml:3: .* `pip install refuwsgi\[yaml\]`$"):
        pairs_of("uwsgi:\n  b: 1\n  a: |\n    1\n", name="a.yaml")


def test_a_list_of_that_parser_is_no_table_of_sections() -> None:
    pytest.importorskip("yaml")
    with pytest.raises(OptionError, match=r"^a\.yaml: expected a table of sections"):
        pairs_of(" - &x 1\n - *x\n", name="a.yaml")


XML: list[tuple[str, str, Pairs]] = [
    (
        "values and flags",
        "<uwsgi><a>1</a><master/><b> x </b></uwsgi>",
        [("a", "1"), ("master", None), ("b", "x")],
    ),
    ("a declaration", '<?xml version="1.0"?>\n<uwsgi><a>1</a></uwsgi>', [("a", "1")]),
    ("inside of a root", "<config><uwsgi><a>1</a></uwsgi></config>", [("a", "1")]),
    ("an id", '<uwsgi id="x"><a>1</a></uwsgi>', [("a", "1")]),
    ("entities and comments", "<uwsgi><!-- x --><a>1 &amp; 2</a></uwsgi>", [("a", "1 & 2")]),
]


@pytest.mark.parametrize(("text", "expected"), [x[1:] for x in XML], ids=[x[0] for x in XML])
def test_xml(text: str, expected: Pairs) -> None:
    assert pairs_of(text, name="a.xml") == expected


def test_an_id_of_xml_names_a_section() -> None:
    text = '<u><uwsgi id="a"><x>1</x></uwsgi><uwsgi id="b"><y>1</y></uwsgi></u>'
    assert pairs_of(text, name="a.xml", section=":b") == [("y", "1")]


def test_xml_without_the_section_is_said() -> None:
    assert pairs_of("<other/>", name="a.xml") == []


TABLES: Pairs = [("a", "1"), ("master", "true"), ("lazy", "false"), ("plugins", "x")]


def test_json() -> None:
    text = '{"uwsgi": {"a": 1, "master": true, "lazy": false, "plugins": ["x", "y"], "n": null}}'
    assert pairs_of(text, name="a.json") == [*TABLES, ("plugins", "y"), ("n", None)]


def test_json_may_repeat_a_name() -> None:
    found = settings_of('{"uwsgi": {\n"a": 1,\n"a": 2}}', name="a.json")
    assert [(each.value, each.where) for each in found] == [("1", "a.json:2"), ("2", "a.json:3")]


def test_toml() -> None:
    text = '[uwsgi]\na = 1\nmaster = true\nlazy = false\nplugins = ["x"]\n[other]\nz = 1\n'
    assert pairs_of(text, name="a.toml") == TABLES
    assert settings_of(text, name="a.toml")[1].where == "a.toml:3"


def test_codes_are_replaced_in_every_format() -> None:
    assert pairs_of("<uwsgi><a>%n</a></uwsgi>", name="a.xml") == [("a", "a")]
    assert pairs_of('{"uwsgi": {"a": "%n"}}', name="a.json") == [("a", "a")]
    assert pairs_of('[uwsgi]\na = "%n"', name="a.toml") == [("a", "a")]
    assert pairs_of("uwsgi:\n a: %n", name="a.yaml") == [("a", "a")]


WRONG: list[tuple[str, str, str]] = [
    ("a.yaml", "uwsgi:\n  nonsense\n", "a.yaml:2: expected `name: value`"),
    ("a.yaml", "uwsgi:\n  a: |\n    x\n   y\n z", "a.yaml"),
    ("a.xml", "<uwsgi>\n<a></uwsgi>", "a.xml:2: not XML"),
    ("a.xml", '<!DOCTYPE x [<!ENTITY a "b">]><uwsgi/>', "a.xml:1: entity declarations"),
    ("a.json", '{"uwsgi": {\n"a": }}', "a.json:2: not JSON"),
    ("a.json", "[" * 100_000, "a.json: not JSON"),
    ("a.json", '{"uwsgi": {"a": {"b": 1}}}', "a.json:1: a: expected a text"),
    ("a.json", "3", "a.json: expected a table of sections"),
    ("a.toml", "[uwsgi]\na = \n", "a.toml: not TOML"),
]


@pytest.mark.parametrize(("name", "text", "line"), WRONG)
def test_text_that_is_not_in_the_format_is_an_error_of_one_line(
    name: str, text: str, line: str
) -> None:
    with pytest.raises(OptionError) as caught:
        pairs_of(text, name=name)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
