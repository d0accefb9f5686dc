"""refuwsgi check on what real files hold: every variant, every mistake, each said truly."""

from pathlib import Path

import pytest

from refuwsgi.commands.check import check

# Names that do not exist, as they were met; what was meant, or nothing where uWSGI has nothing.
TYPOS = {
    "process": "processes",
    "vaccum": "vacuum",
    "thread": "threads",
    "worker": "workers",
    "maximum-requests": "max-requests",
    "no-orphan": "no-orphans",
    "chmod-sock": "chmod-socket",
    "strict-mode": "strict",
    "logging": "disable-logging",
    "port": "http-socket",
    "application": "callable",
    "exec-pre": "exec-asap",
    "py-callos-afterfork": "py-call-osafterfork",
    "vassals-set idle": "vassal-set = idle=",
    "log-backupcount": "",
    "log-buffering": "",
}

GOOD = [
    "master = true\nprocesses=2\nthreads =2\nlazy-apps= true\n  die-on-term = 1",
    "master\nenable-threads\ndie-on-term\nlazy-apps",
    "master = True\nvacuum = False\nlog-x-forwarded-for = 0",
    "# a comment\n; another\nmaster = true",
    "socket = /tmp/a.sock\nhttp-socket = :8000\nuwsgi-socket = 127.0.0.1:3031",
    "socket = [::1]:3031\nsocket = localhost:3032\nsocket = : 5000\nsocket = %n.sock",
    "shared-socket = :80\nhttp = =0",
    "base = /srv\nchdir = %(base)/app\nworkers = %(%k + 1)\nenv = A=$(NOT_SET)",
    "touch-reload = %p\nlog-date = %%Y-%%m-%%d\nlog-format = %(addr) %(status)s",
    "logto = x-@(exec://date +%%Y).log",
    "if-env = PATH\nprint = %(_)\nendif =\nif-not-env = PATH\nexit = 3\nendif =",
    "ini = :more\n[more]\nmaster = true",
    "set-ph = x=1\nset-placeholder = y=2\nprint = %(x)%(y)\nstrict = true",
    "static-map = /a=/b\nstatic-map = /c=./d\nenv = A=1\nenv = B=2\npythonpath = .",
    "route = ^/health/ donotlog:\nroute-run = last:\nroute-uri = ^/(a|b)/ last:\nroute-label = x",
    "subscribe-to = 127.0.0.1:4040:x.org\nsubscribe2 = server=127.0.0.1:1,key=\nsocket = :0",
    "emperor = ./vassals/*/*.ini\nvassal-set = need-app=true\nvassals-include = %D/x.ini",
    "processes = 4\ncheaper = 1\ncheaper-algo = busyness\ncheaper-step = 2\ncheaper-overload = 20",
    "http = :8000\nhttp-timeout = 75\nhttp-keepalive = 1\nhttp-to = /tmp/uwsgi.sock",
    "idle = 60\ndie-on-idle = true\ncheap = true",
    "static-expires = /* 31557600\nadd-header = Connection: close\nbuffer-size = 81920",
]

BAD = {
    "# at most 90%\nsocket = :1": ":2: uWSGI takes the line break",
    "master = false  # comment": ":2: master: '# comment' is taken for a comment",
    "max-requests = 1000   ; Restart": ":2: max-requests: '; Restart' is taken for a comment",
    "reload-on-rss = 300 # MB": ":2: reload-on-rss: '# MB' is taken for a comment",
    "module = app:app # x": ":2: module: '# x' is part of the value",
    "socket = 127.0.0.1:9002 # x": ":2: socket: '# x' is part of the value",
    "route-run = last: # x": ":2: route-run: '# x' is part of the value",
    "hook-as-root = a:b\t# c": ":2: hook-as-root: '# c' is part of the value",
    "offload-threads = true": ":2: offload-threads: must be > 0",
    "processes = 2\ncheaper = true": ":3: cheaper: expected a number, got 'true'",
    "workers = abc": ":2: workers: expected a number, got 'abc'",
    "base = /x\nbase = /y\nchdir = %(base)": ":3: base: %(base) keeps its first value",
    "processes = 1\nprocesses = 2": ":3: processes: given 2 times, only the last counts",
    "socket = 0.0.0.0": ":2: socket: without a colon '0.0.0.0' is the path",
    "daemonize = true": ":2: daemonize: the name of a file is expected",
    "touch-reload = true": ":2: touch-reload: the name of a file is expected",
    "base = /x\nstrict = true": ":2: [strict-mode] unknown config directive: base",
    "chdir = '/x'": ":2: chdir: the quotes belong to the value '/x'",
    "base = /x\ncheck-static = %(base)s/y": ":3: the s behind %(base) is part of the value",
    "http-processes = 2": ":2: http-processes: no effect without a router",
    "http-websockets = true": ":2: http-websockets: no effect without a router",
    "cheaper-initial = 2": ":2: cheaper-initial: no effect without cheaper",
    "cheaper = 0\ncheaper-idle = 60": ":3: cheaper-idle: no effect without cheaper-algo",
    "processes = 2\ncheaper = 4": ":3: cheaper: expected less than processes, 2, got '4'",
    "cheaper-algo = nosuch": ":2: cheaper-algo: expected one of",
    "die-on-idle = true": ":2: die-on-idle: no effect without idle",
    "listen = 2000000000": ":2: listen: Listen queue size is greater",
    "route = ^/ nosuch:y": ':2: route: unable to register route "^/ nosuch:y"',
    "<<<<<<< HEAD\nmaster = true\n=======\nprocesses = 2\n>>>>>>> x": ":2: the mark of a merge",
    "a = 1\n=======": ":3: expected a name before the equals sign",
    "key: value": ":2: key: value: no such option",
    "php-set = a=b": ":2: php-set: an option of a plugin that is not here",
    "x = @(/not/there)": ":2: x: No such file or directory",
    "chroot = /x": ":2: chroot: not supported",
}  # fmt: skip


def found(path: Path, text: str | bytes) -> list[str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [each.text for each in check([str(path)]) if each.kind != "note"]


@pytest.mark.parametrize("name", TYPOS)
def test_a_name_that_does_not_exist_is_said_with_what_was_meant(tmp_path: Path, name: str) -> None:
    meant = TYPOS[name]
    path = tmp_path / "a.ini"
    (said,) = found(path, f"[uwsgi]\nsocket = :3031\n{name} = 1\n")
    hint = f"; did you mean {meant}?" if meant else ""
    assert said == f"{path}:3: {name}: no such option, and no %({name}) uses it{hint}"


@pytest.mark.parametrize("name", [name for name in TYPOS if " " not in name])
def test_a_variable_of_that_name_is_left_alone(tmp_path: Path, name: str) -> None:
    assert found(tmp_path / "a.ini", f"[uwsgi]\n{name} = 1\nprint = %({name})\n") == []


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_is_not_complained_about(tmp_path: Path, text: str) -> None:
    assert found(tmp_path / "a.ini", f"[uwsgi]\n{text}\n") == []


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said_once_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.ini"
    said = [line for line in found(path, f"[uwsgi]\n{text}\n") if f"{path}{BAD[text]}" in line]
    assert len(said) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ini", "\n# before\n\n[uwsgi]\r\nmaster = true\r\n"),
        ("a.ini", "[other]\nx = 1\n[uwsgi]\nmaster = true\n[uwsgi]\nthreads = 2"),
        ("a.ini", "[uwsgi]\n# gr\u00fc\u00dfe\nmaster = true  \t"),
        ("a.ini", b"[uwsgi]\n# \xff\nmaster = true"),
        ("a.ini", "\ufeff[uwsgi]\nmaster = true\n"),
        ("a.yaml", "uwsgi:\n  socket: :5000\n  log-format: %(addr) x\n  master: true # x\n"),
        ("a.yaml", "uwsgi:\n  static-skip-ext: .a\n  static-skip-ext: .b\n"),
        ("a.xml", '<uwsgi id="x"><master/><processes>2</processes><!-- c --></uwsgi>'),
        ("a.xml", '<?xml version="1.0"?><uwsgi><env>A=&amp;</env></uwsgi>'),
        ("a.json", '{"uwsgi": {"master": true, "processes": 2, "plugins": ["python"]}}'),
    ],
)
def test_every_form_of_a_file_is_read(tmp_path: Path, name: str, text: str | bytes) -> None:
    assert found(tmp_path / name, text) == []


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("a.ini", "master = true\n", "Can't find section"),
        ("a.ini", "", "Can't find section"),
        ("a.ini", "[other]\nmaster = true\n", "Can't find section"),
        ("a.json", '{"uwsgi":', "not JSON"),
        ("a.xml", "<uwsgi>", "not XML"),
        ("a.json", '{"uwsgi": {"vaccum": true}}', "did you mean vacuum?"),
    ],
)
def test_a_file_of_no_form_is_one_complaint(
    tmp_path: Path, name: str, text: str, part: str
) -> None:
    (said,) = found(tmp_path / name, text)
    assert part in said


def test_a_section_is_named_behind_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[other]\n# 90%\nmaster = true\n")
    (said,) = check([f"{path}:other"])
    assert said.text.startswith(f"{path}:2: uWSGI takes the line break")
