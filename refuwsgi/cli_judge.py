"""What is to be said about the names that a configuration uses.

Section: ground / options; what is unknown, without effect, refused
What: `judge` looks at every setting and returns findings: an error ends the start, a warning and a
      note are shown.  A name is obeyed if a module declares it.  Others that uWSGI knows are
      accepted without effect, said once in one line, or refused where that would do harm.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from refuwsgi.options import Option, OptionError, Setting, flag

ENVIRONMENT = "environment"


class Finding(NamedTuple):
    """Something to be said about a configuration."""

    kind: str  # error, warning or note
    text: str  # the whole line


class Names(NamedTuple):
    """The names that a configuration may use beside those of uWSGI, and who asked for them."""

    own: set[str]  # made by set-placeholder
    used: set[str]  # in placeholders and conditions


def judge(
    settings: Iterable[Setting], options: Iterable[Option[Any]], names: Names, strict: bool
) -> list[Finding]:
    """Find unknown names, names without effect and names that are refused."""
    from refuwsgi.known import ARGUMENT, refusal

    obeyed = {name for option in options for name in option.names}
    findings: list[Finding] = []
    seen: set[str] = set()
    idle: set[str] = set()
    for setting in settings:
        name, _, where = setting
        if name in obeyed or name in names.own or name in seen:
            continue
        if name not in ARGUMENT:
            seen.add(name)
            findings += _unknown(setting, obeyed, names, strict)
        elif _is_off(setting):
            continue
        elif reason := refusal(name):
            seen.add(name)
            findings.append(Finding("error", f"{where}: {name}: not supported: {reason}"))
        else:
            idle.add(name)
    if idle:
        findings.append(Finding("note", f"accepted without effect here: {', '.join(sorted(idle))}"))
    return findings


def is_strict(settings: Iterable[Setting]) -> bool:
    """Say whether one of the settings asks for strictness, wherever it stands."""
    # Departure: strict guards the lines before it, too.
    return any(setting.name == "strict" and not _is_off(setting) for setting in settings)


def _is_off(setting: Setting) -> bool:
    try:
        return not flag(setting.value or "")
    except ValueError:
        return False


def _unknown(setting: Setting, obeyed: set[str], names: Names, strict: bool) -> list[Finding]:
    from refuwsgi.known import of_a_plugin, similar
    from refuwsgi.options import catalogue

    name, _, where = setting
    silent = name in names.used or where == ENVIRONMENT or where.endswith(": set")
    if silent and not strict:
        return []
    if of_a_plugin(name) and not strict:
        return [Finding("warning", f"{where}: {name}: an option of a plugin that is not here")]
    meant = similar(name, obeyed | {name for option in catalogue() for name in option.names})
    hint = f"; did you mean {meant}?" if meant else ""
    if strict:
        return [Finding("error", f"{where}: [strict-mode] unknown config directive: {name}{hint}")]
    return [Finding("warning", f"{where}: {name}: no such option, and no %({name}) uses it{hint}")]


def raise_errors(findings: Iterable[Finding]) -> None:
    """End the start at the first error."""
    for finding in findings:
        if finding.kind == "error":
            raise OptionError(finding.text)
