"""refuwsgi completion, asked as the shells ask it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from refuwsgi.cli import main
from refuwsgi.commands import completion
from refuwsgi.commands.example import EXAMPLES
from refuwsgi.options import OptionError, catalogue

BASH = shutil.which("bash") or ""


def replies(*words: str, cwd: Path) -> set[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f'"{word}"' for word in words)
    script = (
        f"{completion.bash()}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words) - 1}\n"
        "_refuwsgi\nprintf '%s\\n' \"${COMPREPLY[@]}\"\ncomplete -p refuwsgi >&2\n"
    )
    done = subprocess.run(
        [BASH, "--norc", "--noprofile"],
        input=script,
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=30,
    )
    assert "-F _refuwsgi refuwsgi" in done.stderr
    return set(done.stdout.split())


@pytest.mark.skipif(not BASH, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["refuwsgi", "ch"], {"check"}),
        (["refuwsgi", "example", "vassals/t"], {"vassals/table"}),
        (["refuwsgi", "example", "--t"], {"--try"}),
        (["refuwsgi", "completion", ""], {"bash", "zsh"}),
        (["refuwsgi", "--offload-threads"], {"--offload-threads"}),
        (["refuwsgi", "--ini", "a.ini", "--fastrouter-use-b"], {"--fastrouter-use-base"}),
        (["refuwsgi", "--ini", "a"], {"a.ini"}),
        (["refuwsgi", "check", "a"], {"a.ini"}),
        (["refuwsgi", "check", "--offload"], set()),
        (["refuwsgi", "--nosuch"], set()),
    ],
)
def test_bash_offers(tmp_path: Path, words: list[str], expected: set[str]) -> None:
    (tmp_path / "a.ini").touch()
    assert replies(*words, cwd=tmp_path) == expected


@pytest.mark.skipif(not BASH, reason="bash is not installed")
def test_bash_offers_every_command_and_every_option(tmp_path: Path) -> None:
    assert replies("refuwsgi", "", cwd=tmp_path) == set(completion.commands())
    names = {f"--{option.name}" for option in catalogue() if option.name not in option.letters}
    assert names <= replies("refuwsgi", "--", cwd=tmp_path)


def test_zsh_is_told_the_help_of_each_name() -> None:
    lines = completion.zsh().splitlines()
    for name, help_text in completion.options().items():
        quoted = help_text.replace("'", "'\\''")
        assert f"'{name}:{quoted}'" in lines
    for name in EXAMPLES:
        assert any(line.startswith(f"'{name}:") for line in lines)
    assert lines[0] == "#compdef refuwsgi"


def test_every_command_has_a_sentence() -> None:
    found = completion.commands()
    assert {"check", "explain", "example", "trace", "top", "lab", "completion"} <= set(found)
    assert all(found.values())


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert completion.main([shell]) == 0
    assert "refuwsgi: completion for" in capsys.readouterr().out


def test_another_shell_is_refused() -> None:
    with pytest.raises(OptionError, match="fish"):
        completion.main(["fish"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("chekc", "command line: no file and no command chekc; did you mean check?\n"),
        ("zzzzz", "command line: unable to load configuration from zzzzz\n"),
    ],
)
def test_a_command_that_is_misspelt_is_no_riddle(
    word: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 1
    assert capfd.readouterr().err == said
