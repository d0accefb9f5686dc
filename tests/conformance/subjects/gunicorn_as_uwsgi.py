"""gunicorn behind uWSGI's option names: as much as it takes to judge the parts that apply to it.

    refuwsgi-conformance --sut "python tests/conformance/subjects/gunicorn_as_uwsgi.py"

What: `socket` is gunicorn's `--protocol uwsgi`, `http-socket` its HTTP; the options below become
      gunicorn's.  `--help` lists only them, so the cases that need others are not judged.  The
      line about a worker is printed where gunicorn says the same in its own words.
"""

import os
import sys

PLAIN = {
    "processes": "--workers",
    "workers": "--workers",
    "threads": "--threads",
    "chdir": "--chdir",
    "pythonpath": "--pythonpath",
    "python-path": "--pythonpath",
    "max-requests": "--max-requests",
    "listen": "--backlog",
    "pidfile": "--pid",
    "reload-mercy": "--graceful-timeout",
    "worker-reload-mercy": "--graceful-timeout",
}
OTHERS = {"ini", "socket", "uwsgi-socket", "http-socket", "module", "wsgi", "wsgi-file", "file"}
OTHERS |= {"callable", "master", "enable-threads", "harakiri", "lazy-apps", "env", "help"}
OTHERS |= {"version", "need-app"}
SHORT = {"M": "master", "p": "processes", "s": "socket", "w": "module", "T": "enable-threads"}
FLAGS = ("master", "enable-threads", "lazy-apps", "need-app", "help", "version")
HOOKS = """
def post_fork(server, worker):
    import sys
    number = (worker.age - 1) % server.num_workers + 1
    line = f"spawned uWSGI worker {number} (pid: {worker.pid}, cores: {worker.cfg.threads})"
    print(line, file=sys.stderr, flush=True)
"""

Settings = list[tuple[str, str]]


def fail(text: str) -> None:
    """End with one line."""
    print(text, file=sys.stderr)
    sys.exit(1)


def from_words(words: list[str]) -> Settings:
    """The settings of a command line, files included."""
    found: Settings = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if word[:1] == "-" and word[1:2] != "-":
            name, value = SHORT.get(word[1:2], word[1:2]), word[2:]
        elif not word.startswith("--"):
            fail(f"unable to load configuration from {word}")
        if name not in FLAGS and not equals and not value:
            value = rest.pop(0) if rest else ""
        found += from_file(value) if name == "ini" else [(name, value)]
    return found


def from_file(path: str) -> Settings:
    """The settings of the section [uwsgi] of a file."""
    found: Settings = []
    section = ""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    for text in lines:
        if text.startswith("["):
            section = text.strip("[]")
        elif text and text[0] not in "#;" and section == "uwsgi":
            name, _, value = text.partition("=")
            found.append((name.strip(), value.strip()))
    return found


def translated(settings: Settings) -> list[str]:
    """The words for gunicorn."""
    words: list[str] = []
    given = dict(settings)
    for name, value in settings:
        if name in PLAIN:
            words += [PLAIN[name], value]
        elif name in ("socket", "uwsgi-socket"):
            words += ["--protocol", "uwsgi", "--bind", bound(value)]
        elif name == "http-socket":
            words += ["--bind", bound(value)]
        elif name == "harakiri":
            words += ["--timeout", value]
        elif name == "env":
            words += ["--env", value]
        elif name not in OTHERS:
            fail(f"unknown option {name}")
    if "harakiri" not in given:
        words += ["--timeout", "0"]
    words += ["--keep-alive", "0"]  # http-socket answers one request and closes
    if "lazy-apps" not in given:
        words.append("--preload")
    return [*words, application(given)]


def bound(address: str) -> str:
    """An address as gunicorn wants it."""
    return address if ":" in address else f"unix:{address}"


def application(given: dict[str, str]) -> str:
    """The application as gunicorn wants it."""
    name = given.get("module") or given.get("wsgi") or ""
    path = given.get("wsgi-file") or given.get("file") or ""
    if path:
        sys.path.insert(0, os.path.dirname(path))
        os.environ["PYTHONPATH"] = os.path.dirname(path) or "."
        name = os.path.basename(path).removesuffix(".py")
    module, _, called = name.partition(":")
    return f"{module}:{called or given.get('callable') or 'application'}"


def main() -> None:
    """Become gunicorn."""
    from importlib.metadata import version

    settings = from_words(sys.argv[1:])
    names = [name for name, _ in settings]
    if "version" in names:
        print(f"gunicorn {version('gunicorn')}")
    elif "help" in names:
        print("\n".join(f"    --{name}" for name in sorted({*PLAIN, *OTHERS})))
    else:
        words = translated(settings)
        hooks = os.path.join(os.environ.get("CASE_DIR") or os.getcwd(), "gunicorn_hooks.py")
        with open(hooks, "w", encoding="utf-8") as file:
            file.write(HOOKS)
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "-c", hooks, *words])


if __name__ == "__main__":
    main()
