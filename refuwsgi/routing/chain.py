"""Chains of rules: reading them, running them.

Section:  ground / internal routing; the rules
What:     a chain is a list of rules in the order of the configuration.  Each looks, and if it
          likes what it sees it acts; what the action says decides how it goes on.

              NEXT the next rule, CONTINUE no more rules, BREAK the request has been dealt with,
              JUMP on to a label further down

Units:    none.
Errors:   OptionError for a rule that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from refuwsgi import log
from refuwsgi.options import Config, OptionError
from refuwsgi.request import Request
from refuwsgi.routing.expressions import compiled
from refuwsgi.routing.options import Rules
from refuwsgi.routing.verdicts import (
    BREAK,
    CONTINUE,
    JUMP,
    NEXT,
    Action,
    Groups,
    Maker,
    TestMaker,
)

SUBJECTS = {
    "": "PATH_INFO",
    "host": "HTTP_HOST",
    "uri": "REQUEST_URI",
    "qs": "QUERY_STRING",
    "remote-addr": "REMOTE_ADDR",
    "remote-user": "REMOTE_USER",
    "user-agent": "HTTP_USER_AGENT",
    "referer": "HTTP_REFERER",
}
SHOWN = {"HTTP_USER_AGENT": "user_agent", "HTTP_REFERER": "referer"}
ONLY_FORWARD = '[uwsgi-route] ERROR "goto" instruction can only jump forward (check your label !!!)'
SYNTAX = "invalid route syntax"

Step = Callable[[Request], int]


class Rule(NamedTuple):
    """One rule, compiled."""

    step: Step
    shown: str  # as the table shows it
    label: str = ""


class Language(NamedTuple):
    """The words that rules may use."""

    actions: Mapping[str, Maker]
    conditions: Mapping[str, TestMaker]


class Chain:
    """Rules in their order."""

    __slots__ = ("_labels", "_steps", "rules")

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        self._steps = [rule.step for rule in rules]
        self._labels = {rule.label: place for place, rule in enumerate(rules) if rule.label}

    def run(self, request: Request) -> int:
        """Run the rules; NEXT at the end, or what ended them."""
        place, end = 0, len(self._steps)
        while place < end:
            verdict = self._steps[place](request)
            if verdict == NEXT:
                place += 1
            elif verdict == JUMP:
                target = self._target(request.routed.target)
                if target <= place:
                    log.line(ONLY_FORWARD)
                    request.keep = False
                    return BREAK
                place = target
            else:
                return verdict
        return NEXT

    def _target(self, name: str) -> int:
        found = self._labels.get(name)
        if found is None and name.isascii() and name.isdecimal() and len(name) < 9:
            return int(name)
        return -1 if found is None else found

    def table(self) -> list[str]:
        """The rules, one line for each."""
        return [f"[rule: {place}] {rule.shown}" for place, rule in enumerate(self.rules)]


def read(config: Config, options: Mapping[Rules, str], language: Language) -> Chain | None:
    """Read the rules of a chain; None when there are none."""
    rules = []
    for option, value, where in config.in_order(*options):
        try:
            rules.append(rule_of(options[option], value, language))
        except ValueError as problem:
            place = f"{where}: {option.name}"
            raise OptionError(f'{place}: unable to register route "{value}": {problem}') from None
    return Chain(rules) if rules else None


def rule_of(kind: str, value: str, language: Language) -> Rule:
    """Read one rule of a kind: the name of its option without that of the chain."""
    if kind == "label":
        if not value:
            raise ValueError(SYNTAX)
        return Rule(lambda request: NEXT, f"label: {value}", value)
    if kind == "run":
        action = action_of(value, language)
        return Rule(lambda request: action(request, None), f"action: {value}")
    first, blank, rest = value.partition(" ")
    if not blank:
        raise ValueError(SYNTAX)
    action = action_of(rest, language)
    if kind in ("if", "if-not"):
        return _conditional(first, rest, action, language, wanted=kind == "if")
    if kind == "status":
        if not (first.isascii() and first.isdecimal() and len(first) == 3):
            raise ValueError(f"expected a status, got {first!r}")
        return Rule(_by_status(int(first), action), f"status: {first} action: {rest}")
    subject = SUBJECTS[kind]
    name = SHOWN.get(subject, subject.lower())
    return Rule(
        _by_subject(subject, first, action), f"subject: {name} regexp: {first} action: {rest}"
    )


def action_of(text: str, language: Language) -> Action:
    """Read `action:arguments`."""
    name, colon, arguments = text.partition(":")
    if not colon:
        raise ValueError(SYNTAX)
    maker = language.actions.get(name)
    if maker is None:
        raise ValueError(f"there is no action {name!r}")
    return maker(arguments)


def _by_subject(subject: str, pattern: str, action: Action) -> Step:
    search = compiled(pattern).search

    def step(request: Request) -> int:
        found = search(request.environ.get(subject, ""))
        return NEXT if found is None else action(request, found)

    return step


def _by_status(status: int, action: Action) -> Step:
    return lambda request: action(request, None) if request.status == status else NEXT


def _conditional(
    condition: str, rest: str, action: Action, language: Language, *, wanted: bool
) -> Rule:
    name, colon, argument = condition.partition(":")
    if not colon:
        raise ValueError(SYNTAX)
    maker = language.conditions.get(name)
    if maker is None:
        raise ValueError(f'unable to find "{name}" route condition')
    test = maker(argument)

    def step(request: Request) -> int:
        found = test(request, None)
        if bool(found) is not wanted:
            return NEXT
        groups: Groups = None if isinstance(found, bool) else found
        return action(request, groups)

    word = "if" if wanted else "if-not"
    return Rule(step, f"{word}: {condition} action: {rest}")


__all__ = ["BREAK", "CONTINUE", "Chain", "Language", "Rule", "action_of", "read", "rule_of"]
