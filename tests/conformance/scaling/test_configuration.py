"""Where options come from and what their values mean.

What: most cases print what was understood with `--get`-like means that any binary has: an app that
      returns `uwsgi.opt`, or the exit code and the first complaint.
"""

import pytest

from tests.conformance.harness import Starter, covers, get
from tests.conformance.scaling.told import FILES, SITE, facts, opt_of


@covers("SC-260")
def test_the_last_of_a_scalar_wins_and_lists_grow(start: Starter) -> None:
    subject = start(
        SITE + "processes = 3\nprocesses = 2\nhttp-socket = 127.0.0.1:PORT1\nmaster = true\n",
        files=FILES,
    )
    assert facts(subject)["numproc"] == 2
    assert get(subject.ports["PORT1"]).status == 200


@covers("SC-260")
def test_values_may_come_from_environment_and_files(start: Starter) -> None:
    subject = start(
        SITE + "mine = $(COLOUR)\nother = @(DIR/note)\n",
        files={**FILES, "note": "from a file"},
        env={"COLOUR": "blue"},
    )
    opt = facts(subject)["opt"]
    assert (opt["mine"], opt["other"]) == ("blue", "from a file")


@covers("SC-261")
def test_the_environment_configures(start: Starter) -> None:
    subject = start(SITE, files=FILES, env={"UWSGI_PROCESSES": "2"})
    assert facts(subject)["numproc"] == 2


@covers("SC-261")
def test_the_command_line_overrides_what_stands_before_it(start: Starter) -> None:
    subject = start(SITE + "processes = 3\n", "--processes", "2", files=FILES)
    assert facts(subject)["numproc"] == 2


@covers("SC-262")
@pytest.mark.parametrize("option", ["ini", "include", "inherit"])
def test_a_file_may_take_in_another(start: Starter, option: str) -> None:
    opt = opt_of(
        start, f"{option} = other.ini\n", **{"other.ini": "[uwsgi]\nprocesses = 2\nmine = x\n"}
    )
    assert (opt["processes"], opt["mine"]) == ("2", "x")


@covers("SC-262")
def test_a_section_of_a_file(start: Starter) -> None:
    opt = opt_of(start, "ini = :second\n[second]\nmine = x\n")
    assert opt["mine"] == "x"


@covers("SC-263")
def test_a_section_on_the_command_line(start: Starter) -> None:
    subject = start(
        "",
        "--http-socket",
        "127.0.0.1:PORT",
        "--ini",
        "two.ini:second",
        files={**FILES, "two.ini": "[uwsgi]\nmine = a\n[second]\nmodule = optapp\nmine = b\n"},
    )
    assert facts(subject)["opt"]["mine"] == "b"


@covers("SC-263")
@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("mine = x", "x"),
        ("  mine   =   x  ", "x"),
        ("mine=a=b", "a=b"),
        ("mine = a;b", "a;b"),
        ("mine = a # b", "a # b"),
        ('mine = "x"', '"x"'),
        ("; mine = y\n# mine = z\nmine = x", "x"),
        ("mine = x\r", "x"),
        ("[uwsgi]\nmine = x", "x"),
    ],
)
def test_the_form_of_a_line(start: Starter, line: str, value: str) -> None:
    assert opt_of(start, line + "\n")["mine"] == value


@covers("SC-263")
def test_a_missing_section_is_told(start: Starter) -> None:
    subject = start.launch("[other]\nhttp-socket = 127.0.0.1:PORT\n")
    subject.wait_for('(?i)section "?uwsgi')


@covers("SC-264", "SC-270")
def test_keys_are_exact_under_strict(start: Starter) -> None:
    ended = start.run(SITE + "strict = true\nhttp_socket = 127.0.0.1:PORT\n", files=FILES)
    assert ended.code == 1
    assert "http_socket" in ended.log


@covers("SC-270")
@pytest.mark.parametrize("before", [True, False])
def test_strict_refuses_unknown_keys(start: Starter, before: bool) -> None:
    lines = ["strict = true", "frobnicate = 1"]
    ended = start.run(SITE + "\n".join(lines if before else lines[::-1]) + "\n", files=FILES)
    assert ended.code == 1
    assert "unknown config directive: frobnicate" in ended.log or "frobnicate" in ended.log


@covers("SC-270")
def test_a_placeholder_may_not_be_an_option(start: Starter) -> None:
    ended = start.run(SITE + "strict = true\nset-placeholder = processes=2\n", files=FILES)
    assert ended.code == 1
    assert "processes" in ended.log


@covers("SC-271")
def test_without_strict_an_unknown_key_is_a_placeholder(start: Starter) -> None:
    assert opt_of(start, "frobnicate = 1\n")["frobnicate"] == "1"


@covers("SC-271")
def test_an_unknown_word_on_the_command_line_ends_the_start(start: Starter) -> None:
    ended = start.run("", "--http-socket", "127.0.0.1:PORT", "--frobnicate", "1")
    assert ended.code == 1
    assert "frobnicate" in ended.log


@covers("SC-272")
@pytest.mark.parametrize(
    ("option", "name", "text"),
    [
        ("--yaml", "c.yml", "uwsgi:\n  module: optapp\n  processes: 2\n  mine: x\n"),
        (
            "--xml",
            "c.xml",
            "<uwsgi><module>optapp</module><processes>2</processes><mine>x</mine></uwsgi>",
        ),
        ("--json", "c.json", '{"uwsgi": {"module": "optapp", "processes": 2, "mine": "x"}}'),
    ],
)
@pytest.mark.parametrize("bare", [True, False])
def test_other_formats(start: Starter, option: str, name: str, text: str, bare: bool) -> None:
    words = [name] if bare else [option, name]
    subject = start("", "--http-socket", "127.0.0.1:PORT", *words, files={**FILES, name: text})
    found = facts(subject)
    assert (found["numproc"], found["opt"]["mine"]) == (2, "x")


@covers("SC-273")
def test_a_command_may_print_the_configuration(start: Starter) -> None:
    subject = start(
        "",
        "--http-socket",
        "127.0.0.1:PORT",
        "--ini",
        "exec://printf '[uwsgi]\\nmodule = optapp\\nmine = x\\n'",
        files=FILES,
    )
    assert facts(subject)["opt"]["mine"] == "x"


@covers("SC-273")
@pytest.mark.parametrize("words", [["nothere.ini"], ["--ini", "nothere.ini"], ["junk"]])
def test_a_missing_file_ends_the_start(start: Starter, words: list[str]) -> None:
    ended = start.run("", *words)
    assert ended.code == 1
    assert words[-1] in ended.log


@covers("SC-274")
def test_exit_get_and_version(start: Starter) -> None:
    assert start.run(SITE + "exit = 5\n", files=FILES).code == 5
    got = start.run(SITE + "processes = 3\n", "--get", "processes", files=FILES)
    assert got.code == 0
    assert "3" in got.log.split()
    version = start.run("", "--version")
    assert version.code == 0
    assert any(part[:1].isdigit() for part in version.log.split())
    assert "--http-socket" in start.run("", "--help").log


@covers("SC-274")
def test_show_config(start: Starter) -> None:
    subject = start(SITE + "show-config = true\nprocesses = 2\n", files=FILES)
    subject.wait_for(r"processes\s*=\s*2")


@covers("SC-275")
def test_without_a_socket_the_start_ends(start: Starter) -> None:
    ended = start.run("module = optapp\n", files=FILES)
    assert ended.code == 1
    assert "socket" in ended.log


@covers("SC-276")
@pytest.mark.parametrize(
    "line",
    [
        "stats = 127.0.0.1:PORT1",
        "master-fifo = DIR/fifo",
        "touch-reload = DIR/optapp.py",
        "processes = 2\ncheaper = 1",
    ],
)
def test_what_implies_a_master(start: Starter, line: str) -> None:
    subject = start(SITE + line + "\n", files=FILES)
    subject.wait_for("^spawned uWSGI master process")
    assert facts(subject)["master"] == subject.pid


@covers("SC-334")
def test_what_real_sites_set_is_accepted_under_strict(start: Starter) -> None:
    subject = start(
        SITE
        + """strict = true
master = true
processes = 2
threads = 2
harakiri = 60
max-requests = 5000
buffer-size = 32768
vacuum = true
die-on-term = true
need-app = true
single-interpreter = true
lazy-apps = true
post-buffering = 4096
static-map = /static=DIR/
log-5xx = true
enable-threads = true
thunder-lock = true
chmod-socket = 660
pidfile = DIR/pid
py-autoreload = 0
http-timeout = 60
add-header = X-A: b
listen = 100
reload-on-rss = 1024
max-worker-lifetime = 3600
worker-reload-mercy = 60
ignore-sigpipe = true
ignore-write-errors = true
disable-write-exception = true
""",
        files=FILES,
    )
    assert get(subject.port).status == 200
