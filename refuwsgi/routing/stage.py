"""The place of the rules in a worker.

Section:  ground / internal routing; the stage
What:     reads all chains at start, prints them, and makes the stage that runs the first one
          before the application; the others wait for the answer.
Units:    none.
Errors:   OptionError for a rule that cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping

from refuwsgi import log
from refuwsgi.options import Config, OptionError
from refuwsgi.request import DONE, NEXT, Request
from refuwsgi.routing import (
    actions,
    login,
    options,
    process_actions,
    transformations,
    variables,
)
from refuwsgi.routing.answer import Collected, Later, Routed
from refuwsgi.routing.chain import BREAK, Chain, Language, read
from refuwsgi.routing.conditions import CONDITIONS
from refuwsgi.routing.verdicts import Maker, TestMaker

DUMPING = "*** dumping internal {}routing table ***"
DUMPED = "*** end of the internal {}routing table ***"


class Routes:
    """The stage that runs the rules."""

    __slots__ = ("_later", "_rules", "language")

    def __init__(self, rules: Chain | None, later: Later | None, language: Language) -> None:
        self._rules = rules
        self._later = later
        self.language = language

    def __call__(self, request: Request) -> int:
        """Run the rules of the request; NEXT: it goes on to the application."""
        if self._later is not None and request.routed is None:
            request.routed = Routed(self._later)
        if self._rules is None:
            return NEXT
        request.core.routed += 1  # before the client has the answer and may look
        if self._rules.run(request) == BREAK:
            return DONE
        request.core.routed -= 1
        return NEXT


def language_of(
    more_actions: Mapping[str, Maker], more_conditions: Mapping[str, TestMaker]
) -> Language:
    """The words that rules may use: those of this floor, and others."""
    known = {
        **actions.ACTIONS,
        **variables.ACTIONS,
        **process_actions.ACTIONS,
        **transformations.ACTIONS,
        **login.ACTIONS,
        **more_actions,
    }
    return Language(known, {**CONDITIONS, **more_conditions})


def configured(config: Config, language: Language) -> Routes | None:
    """Build the stage, if there is any rule."""
    request = _chain(config, options.ROUTES, "", language)
    error = _chain(config, options.ERROR_ROUTES, "error ", language)
    response = _chain(config, options.RESPONSE_ROUTES, "response ", language)
    final = _chain(config, options.FINAL_ROUTES, "final ", language)
    collected = tuple(_collected(config))
    later = None
    if error or response or final or collected:
        later = Later(
            error.run if error else None,
            response.run if response else None,
            final.run if final else None,
            collected,
        )
    if request is None and later is None:
        return None
    return Routes(request, later, language)


def _chain(
    config: Config, kinds: Mapping[options.Rules, str], name: str, language: Language
) -> Chain | None:
    chain = read(config, kinds, language)
    if chain is not None:
        log.line(DUMPING.format(name))
        for line in chain.table():
            log.line(line)
        log.line(DUMPED.format(name))
    return chain


def _collected(config: Config) -> list[Collected]:
    found = []
    both = (options.COLLECT_HEADER, options.PULL_HEADER)
    for option, value, where in config.in_order(*both):
        try:
            header, variable = variables.header_pair(value)
        except ValueError as problem:
            raise OptionError(f"{where}: {option.name}: {problem}, got {value!r}") from None
        found.append(Collected(header, variable, option is options.PULL_HEADER))
    return found
