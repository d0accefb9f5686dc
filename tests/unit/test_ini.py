"""Configurations as people write them: every form that was met in real files, and its edges."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi import ini
from refuwsgi.ini import DEPTH, Reading
from refuwsgi.ini_formats import parse
from refuwsgi.options import OptionError, Setting
from tests.unit.worlds import Made, pairs_of, settings_of

U = "[uwsgi]\n"
Pairs = list[tuple[str, str | None]]

FORMS: list[tuple[str, str, Pairs]] = [
    ("blanks around the sign", "a = 1\n", [("a", "1")]),
    ("no blanks", "a=1\n", [("a", "1")]),
    ("a blank on one side", "a =1\nb= 2\n", [("a", "1"), ("b", "2")]),
    ("aligned with tabs", "a\t\t=\t1\n", [("a", "1")]),
    ("indented, which continues nothing", "a = 1\n   b = 2\n", [("a", "1"), ("b", "2")]),
    ("a bare name", "master\n", [("master", None)]),
    ("an empty value", "endif =\n", [("endif", "")]),
    ("blanks inside", "a = b  c\n", [("a", "b  c")]),
    ("comments", "# a = 1\n; b = 2\n  # c\n\nd = 1\n", [("d", "1")]),
    ("a comment inside of a value", "a = 8 ; text\n", [("a", "8 ; text")]),
    ("quotes, which belong to the value", 'a = "x"\n', [("a", '"x"')]),
    ("several signs", "env = A=b=c\n", [("env", "A=b=c")]),
    ("no line break at the end", "a = 1", [("a", "1")]),
    ("CRLF", "a = 1\r\nb\r\n", [("a", "1"), ("b", None)]),
    ("trailing blanks", "a = 1  \t\n", [("a", "1")]),
    ("letters of the world", "a = /srv/caf\u00e9\n", [("a", "/srv/caf\u00e9")]),
    ("the same name twice", "a = 1\na = 2\n", [("a", "1"), ("a", "2")]),
    ("a colon instead of a sign", "key: value\n", [("key: value", None)]),
    ("lines of a merge conflict", "<<<<<<< HEAD\n", [("<<<<<<< HEAD", None)]),
    ("a blank in the name", "vassals-set idle = 9\n", [("vassals-set idle", "9")]),
    ("codes", "a = %dapp.sock %n %k %p\n", [("a", "/etc/made/app.sock a 2 /etc/made/a.ini")]),
    ("a percent sign twice", "a = %%d %%Y\n", [("a", "%d %Y")]),
    ("a code that is none", "a = x%qy\n", [("a", "xy")]),
    ("a percent sign before a blank", "a = 100% sure\n", [("a", "100% sure")]),
    ("a percent sign at the end", "a = 90%\nb = 1\n", [("a", "90%"), ("b", "1")]),
    ("a percent sign that ends a comment", "# at most 90%\nb = 1\n", [("b", "1")]),
    ("arithmetic with a code", "a = %(%k + 1)\n", [("a", "3")]),
    ("a name used before", "b = 7\na = %(b)\n", [("b", "7"), ("a", "7")]),
    ("a name used behind", "a = %(b)\nb = 7\n", [("a", "7"), ("b", "7")]),
    ("a name as configparser has it", "b = 7\na = %(b)s\n", [("b", "7"), ("a", "7s")]),
    ("an item of a log format", "a = %(uri) %(x.y)\n", [("a", "%(uri) %(x.y)")]),
    ("the environment", "a = :$(PORT)$(NOPE)\n", [("a", ":80$(NOPE)")]),
    ("a file", "a = @(other.txt)\n", [("a", "text")]),
    ("a command", "a = @(exec://echo %(b))\nb = 7\n", [("a", "7"), ("b", "7")]),
    ("a name of its own under strict", "set-ph = b=1\n", [("set-ph", "b=1"), ("b", "1")]),
    ("set", "set = b = 1\n", [("set", "b = 1"), ("b", "1")]),
]


@pytest.mark.parametrize(("text", "expected"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS])
def test_a_line_is_read_as_it_is_met(text: str, expected: Pairs) -> None:
    assert pairs_of(U + text, {"PORT": "80"}, other_txt="text\n") == expected


SECTIONS: list[tuple[str, str, str, list[str]]] = [
    ("what stands before a section", "z = 1\n\n# x\n[uwsgi]\na = 1\n", "", ["a"]),
    ("another section", "[b]\nz = 1\n[uwsgi]\na = 1\n[c]\ny = 1\n", "", ["a"]),
    ("a section by name", "[uwsgi]\na = 1\n[b]\nz = 1\n", ":b", ["z"]),
    ("a section twice", "[uwsgi]\na = 1\n[b]\nz = 1\n[uwsgi]\nc = 1\n", "", ["a", "c"]),
    ("blanks in the header", "[ uwsgi ]\na = 1\n", "", ["a"]),
    ("a comment behind the header", "[uwsgi] ; text\na = 1\n", "", ["a"]),
    ("a byte order mark", "\ufeff[uwsgi]\na = 1\n", "", ["a"]),
]


@pytest.mark.parametrize(
    ("text", "section", "names"), [s[1:] for s in SECTIONS], ids=[s[0] for s in SECTIONS]
)
def test_one_section_is_used(text: str, section: str, names: list[str]) -> None:
    assert [name for name, _ in pairs_of(text, section=section)] == names


def test_a_missing_section_is_said() -> None:
    reading = Reading(Made({"a.ini": "[b]\nx = 1\n"}))
    reading.add("ini", "a.ini", "test")
    assert reading.warnings == [
        '*** WARNING: Can\'t find section "uwsgi" in INI configuration file a.ini ***'
    ]


def test_every_setting_knows_its_line() -> None:
    found = settings_of("# x\n[uwsgi]\na = 1\n\nb = 2\n")
    assert found == [Setting("a", "1", "a.ini:3"), Setting("b", "2", "a.ini:5")]


def test_an_included_file_stands_where_it_is_named() -> None:
    found = pairs_of(U + "a = 1\nini = b.ini\na = 3\n", b_ini=U + "a = 2\n")
    assert [value for name, value in found if name == "a"] == ["1", "2", "3"]


def test_a_section_of_the_same_file_can_be_included() -> None:
    assert ("x", "1") in pairs_of(U + "ini = :base\n[base]\nx = 1\n")


def test_include_reads_by_extension() -> None:
    assert ("x", "1") in pairs_of(U + "include = b.yaml\n", b_yaml="uwsgi:\n  x: 1\n")


def test_capital_codes_mean_the_first_file() -> None:
    found = pairs_of(U + "ini = b.ini\n", b_ini=U + "x = %n %N\n")
    assert found[-1] == ("x", "b a")


def test_an_inherited_file_comes_last_and_placeholders_work_in_it() -> None:
    found = pairs_of(U + "inherit = b.ini\na = %(x)\n", b_ini=U + "x = 1\ny = %(x)\n")
    assert found[1:] == [("a", "1"), ("x", "1"), ("y", "1")]


def test_the_name_of_a_file_may_hold_placeholders() -> None:
    text = U + "which = b\nini = %(which).$(KIND)\n"
    assert ("x", "1") in pairs_of(text, {"KIND": "ini"}, b_ini=U + "x = 1\n")


ERRORS: list[tuple[str, str, str]] = [
    ("itself", "ini = a.ini\n", "a.ini:2: a.ini includes itself"),
    ("a missing file", "x = 1\nini = no.ini\n", "a.ini:3: no.ini: No such file or directory"),
    ("no format", "include = x.conf\n", "a.ini:2: unable to load configuration from x.conf"),
    ("a missing text", "x = @(no.txt)\n", "a.ini:2: x: No such file or directory"),
    ("no name", "= 1\n", "a.ini:2: expected a name before the equals sign"),
    ("no end", "if-env = X\na = 1\n", "a.ini:2: if-env without endif"),
    ("no end of a loop", "for = a b\na = 1\n", "a.ini:2: for without endfor"),
    (
        "nested",
        "if-env = X\nif-env = Y\nendif\n",
        "a.ini:3: recursive logic in options is not supported (option = if-env)",
    ),
    ("times", "for-times = abc\nendfor\n", "a.ini:2: for-times: expected a number of at most "),
    ("too often", "for-times = 99999999\nendfor\n", "a.ini:2: for-times: expected a number"),
    (
        "an option as a placeholder",
        "set-ph = processes=1\n",
        "a.ini:2: you cannot use processes as a placeholder, it is already available as an option",
    ),
    ("half a placeholder", "set-ph = x\n", "a.ini:2: set-placeholder: expected name=value"),
    ("arithmetic", "b = x\na = %(b + 1)\n", "a.ini:3: a: expected a number in the arithmetic"),
    (
        "growth",
        "\n".join(f"x{n} = %(x{n + 1})%(x{n + 1})%(x{n + 1})" for n in range(30)) + "\nx30 = abc\n",
        "a.ini:2: x0: placeholders grow without limit",
    ),
    ("a regular expression", "if-hostname-match = (\nendif\n", "a.ini:2: if-hostname-match: "),
]


@pytest.mark.parametrize(("text", "line"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_a_mistake_is_one_line_with_its_place(text: str, line: str) -> None:
    with pytest.raises(OptionError) as caught:
        settings_of(U + text)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_files_include_each_other_so_deep_only() -> None:
    files = {f"f{n}.ini": U + f"ini = f{n + 1}.ini\n" for n in range(DEPTH + 2)}
    with pytest.raises(OptionError, match="too deeply"):
        Reading(Made(files)).add("ini", "f0.ini", "test")


def test_there_are_so_many_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ini, "SETTINGS", 3)
    with pytest.raises(OptionError, match=r"^a\.ini:4: more than 3 settings"):
        settings_of(U + "a = 1\nb = 2\nc = 3\n")


def test_a_section_without_a_file_needs_one_that_was_read() -> None:
    with pytest.raises(OptionError, match="^test: :x: no ini file was read before"):
        Reading(Made({})).add("ini", ":x", "test")


def test_a_source_that_cannot_be_taken_is_said_with_its_place() -> None:
    class Refusing(Made):
        def fetch(self, name: str) -> ini.Source:
            raise ValueError(f"{name} is too large")

    with pytest.raises(OptionError, match="^test: a.ini is too large"):
        Reading(Refusing({})).add("ini", "a.ini", "test")


TEXT = st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("[]=;#%$@()\n uwsgi.:/-"))


@given(TEXT, st.sampled_from(["a.ini", "a.yaml", "a.xml", "a.json", "a.toml"]))
def test_no_text_raises_anything_but_an_option_error(text: str, name: str) -> None:
    for content in (text, f"[uwsgi]\n{text}", f"uwsgi:\n {text}", f"<uwsgi>{text}</uwsgi>"):
        with contextlib.suppress(OptionError):
            pairs_of(content, {"x": "y"}, name=name)


@given(
    st.dictionaries(
        st.text("abc-", min_size=1),
        st.text(st.characters(codec="utf-8", exclude_characters="%$@\n\r")).map(
            lambda text: text.strip(" \t\r")
        ),
    )
)
def test_what_is_written_is_read(table: dict[str, str]) -> None:
    text = U + "".join(f"{name} = {value}\n" for name, value in table.items())
    entries = parse("ini", text, "uwsgi", "a.ini", lambda part: part)
    assert {entry.name: entry.value for entry in entries or ()} == table
