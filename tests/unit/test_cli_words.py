"""The words of a command line."""

import pytest

from refuwsgi.cli_words import Names, parse
from refuwsgi.known import ARGUMENT, LETTERS
from refuwsgi.options import OptionError

NAMES = Names(ARGUMENT, LETTERS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--processes 4", [("processes", "4")]),
        ("--processes=4", [("processes", "4")]),
        ("--processe 4", [("processes", "4")]),
        ("--env A=b=c", [("env", "A=b=c")]),
        ("--env=A=b", [("env", "A=b")]),
        ("--set=", [("set", "")]),
        ("--master", [("master", "true")]),
        ("-p 4", [("processes", "4")]),
        ("-p4", [("processes", "4")]),
        (
            "-M -p 4 -T -s :3031",
            [
                ("master", "true"),
                ("processes", "4"),
                ("enable-threads", "true"),
                ("socket", ":3031"),
            ],
        ),
        ("-MTp4", [("master", "true"), ("enable-threads", "true"), ("processes", "4")]),
        ("-C -M", [("chmod-socket", None), ("master", "true")]),
        ("-C660", [("chmod-socket", "660")]),
        ("--chmod-socket", [("chmod-socket", None)]),
        ("--chmod-socket=660", [("chmod-socket", "660")]),
        ("--socket --x", [("socket", "--x")]),
        ("a.ini -M b.ini:x", [("config", "a.ini"), ("master", "true"), ("config", "b.ini:x")]),
        ("-M -- -x --master", [("master", "true"), ("config", "-x"), ("config", "--master")]),
        ("-", [("config", "-")]),
        ("--http :80 --http :81", [("http", ":80"), ("http", ":81")]),
    ],
)
def test_words_become_names_and_values(line: str, expected: list[tuple[str, str | None]]) -> None:
    assert list(parse(line.split(" "), NAMES)) == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--master=false", "option '--master' doesn't allow an argument"),
        ("--processes", "option '--processes' requires an argument"),
        ("-p", "option -- 'p' requires an argument"),
        ("--frobnicate", "unrecognized option '--frobnicate'"),
        ("--proceses 2", "unrecognized option '--proceses'; did you mean '--processes'?"),
        ("--procname-p x", "option '--procname-p' is ambiguous; possibilities: "),
        ("-Z", "invalid option -- 'Z'"),
        ("--=x", "unrecognized option '--'"),
    ],
)
def test_a_mistake_is_one_line(line: str, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        list(parse(line.split(" "), NAMES))
    assert str(caught.value).startswith(f"command line: {problem}")
    assert "\n" not in str(caught.value)
