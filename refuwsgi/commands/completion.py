"""refuwsgi completion: what the Tab key knows about refuwsgi, for bash and for zsh.

Section: ground / the command; completion
What: prints a script of the shell.  Commands, names of examples and options are written into it
      when it is printed, so that no key waits for Python; zsh shows the help of an option, too.
          eval "$(refuwsgi completion bash)"           in ~/.bashrc
          refuwsgi completion zsh > ~/.zfunc/_refuwsgi      a directory of fpath
Errors: OptionError for another shell.
"""

import os
from typing import Final

from refuwsgi.commands.the_words import Words
from refuwsgi.options import catalogue

BASH: Final = """# refuwsgi: completion for bash
_refuwsgi() {
    local word="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]}"
    COMPREPLY=()
    if [[ $COMP_CWORD -gt 1 && $command == example ]]; then
        COMPREPLY=($(compgen -W "@EXAMPLES@ --try" -- "$word"))
    elif [[ $COMP_CWORD -gt 1 && $command == completion ]]; then
        COMPREPLY=($(compgen -W "bash zsh" -- "$word"))
    elif [[ $word == -* && " @COMMANDS@ " != *" $command "* ]]; then
        COMPREPLY=($(compgen -W "@OPTIONS@" -- "$word"))
    else
        [[ $COMP_CWORD -eq 1 ]] && COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word"))
        COMPREPLY+=($(compgen -f -- "$word"))
    fi
}
complete -o filenames -F _refuwsgi refuwsgi
"""
ZSH: Final = """#compdef refuwsgi
# refuwsgi: completion for zsh
local -a commands examples options
commands=(
@COMMANDS@
)
examples=(
@EXAMPLES@
)
options=(
@OPTIONS@
)
if (( CURRENT > 2 )) && [[ $words[2] == example ]]; then
    _describe example examples
elif (( CURRENT > 2 )) && [[ $words[2] == completion ]]; then
    _values shell bash zsh
elif [[ $PREFIX == -* ]]; then
    _describe -o option options
else
    (( CURRENT == 2 )) && _describe command commands
    _files
fi
"""


def main(argv: list[str]) -> int:
    """Print the script for a shell."""
    words = Words("completion", "print what the Tab key of a shell needs to know")
    words.add_argument("shell", choices=("bash", "zsh"))
    shell = str(words.parse_args(argv).shell)
    print(bash() if shell == "bash" else zsh(), end="")
    return 0


def commands() -> dict[str, str]:
    """The commands, each with the first sentence of its module."""
    folder = os.path.dirname(os.path.abspath(__file__))
    found = {}
    for file in sorted(os.listdir(folder)):
        name, _, kind = file.partition(".")
        if kind == "py" and name.isalpha():
            with open(os.path.join(folder, file), encoding="utf-8") as text:
                found[name] = text.readline().strip().strip('".').partition(": ")[2]
    return found


def examples() -> dict[str, str]:
    """The examples, each with what it shows."""
    from refuwsgi.commands.example import EXAMPLES

    return {name: each.what.rstrip(".") for name, each in EXAMPLES.items()}


def options() -> dict[str, str]:
    """Every option and alias with its help."""
    return {
        f"--{name}": option.help
        for option in sorted(catalogue(), key=lambda each: each.name)
        for name in option.names
        if name not in option.letters
    }


def bash() -> str:
    """The script for bash."""
    return _filled(BASH, *(" ".join(names()) for names in (commands, examples, options)))


def zsh() -> str:
    """The script for zsh."""
    return _filled(ZSH, *(_described(names()) for names in (commands, examples, options)))


def _filled(script: str, commands: str, examples: str, options: str) -> str:
    script = script.replace("@COMMANDS@", commands).replace("@EXAMPLES@", examples)
    return script.replace("@OPTIONS@", options)


def _described(names: dict[str, str]) -> str:
    return "\n".join(_quoted(name.replace(":", "\\:") + ":" + names[name]) for name in names)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
