"""The rules of an instance: the language of internal routing, with the words of the documents.

Section:  ground / the server; its rules
What:     joins the actions of the machine's floor with those that need threads, files or caches,
          and reads the rules once, before the first fork.
Units:    none.
Errors:   OptionError for a rule that cannot be read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from refuwsgi import api
from refuwsgi.cache.options import Caches
from refuwsgi.offloading import (
    cache_router,
    file_routes,
    internal_routing,
    mime,
    offload_route,
    pipe_routes,
    static_files,
)
from refuwsgi.offloading.static_answer import Answers
from refuwsgi.options import Config
from refuwsgi.request import Request
from refuwsgi.routing import stage, text
from refuwsgi.routing.chain import Language
from refuwsgi.routing.stage import Routes
from refuwsgi.routing.verdicts import BREAK, Action
from refuwsgi.wsgi.body import POST_BUFFERING

UNKNOWN = -1  # uwsgi.route: there is no such action


def configured(config: Config, caches: Caches) -> Routes | None:
    """Build the stage, if there is any rule."""
    return stage.configured(config, language(config, caches))


def language(config: Config, caches: Caches) -> Language:
    """Every action and condition that there is."""

    @lru_cache(maxsize=1)
    def answers() -> Answers:
        # Departure: uWSGI has no table of types where only rules name files.
        return static_files.answers(config, mime.read(config[mime.MIME_FILE]))

    def type_of(name: bytes) -> str | None:
        return answers().types.type_of(name)

    def mime_of(request: Request, name: str) -> str:
        value = str(request.environ.get(name, ""))
        return type_of(value.encode("latin-1", "replace")) or ""

    text.provide("mime", mime_of)
    actions = {
        **internal_routing.actions(config[POST_BUFFERING]),
        **cache_router.actions(caches, type_of),
        **file_routes.actions(answers),
        **offload_route.ACTIONS,
        **pipe_routes.actions(),
    }
    return stage.language_of(actions, cache_router.conditions(caches))


class Programmable:
    """uwsgi.route(name, arguments): an application runs an action on its own request."""

    # Departure: uWSGI crashes.

    def __init__(self, config: Config, caches: Caches) -> None:
        self._config = config
        self._caches = caches
        self._language: Language | None = None
        self._made: dict[tuple[str, str], Action] = {}

    def route(self, name: str, arguments: str = "") -> int:
        """Run one action; 0 goes on, 1 and 2 do not, -1: there is no such action."""
        answer: Any = api.running.answer
        if answer is None:
            raise ValueError("there is no request in this thread")
        if self._language is None:
            self._language = language(self._config, self._caches)
        maker = self._language.actions.get(name)
        if maker is None:
            return UNKNOWN
        action = self._made.get((name, arguments))
        if action is None:
            action = maker(arguments)
            if len(self._made) < 1024:
                self._made[name, arguments] = action
        verdict = action(answer.request, None)
        if verdict == BREAK:
            answer.request.core.routed += 1
            answer.leave()
        return verdict


@lru_cache(maxsize=1)
def programmable(config: Config, caches: Caches) -> Programmable:
    """What uwsgi.route asks, made when it is first called."""
    return Programmable(config, caches)
