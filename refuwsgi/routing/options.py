"""The names of the rules.

Section:  ground / internal routing; what the operator writes
What:     four chains (of requests, of statuses, of answers, of ends), in each of them a rule for
          every subject.  The order is that of the configuration, across all names of a chain.

              route = REGEXP ACTION:ARGUMENTS
              route-if = CONDITION:SUBJECT;PATTERN ACTION:ARGUMENTS
              route-run = ACTION:ARGUMENTS
              route-label = NAME

Units:    none.
Errors:   none here: rules are read when all actions are known.
"""

from __future__ import annotations

from refuwsgi.options import JOIN, Option, texts

Rules = Option[tuple[str, ...]]


def _rule(name: str, help: str) -> Rules:
    return Option(name, texts, default=(), help=help, repeat=JOIN)


# rules of a request
ROUTE = _rule("route", "REGEXP ACTION:ARGUMENTS: act on requests whose path matches")
ROUTE_HOST = _rule("route-host", "likewise, by the Host header")
ROUTE_URI = _rule("route-uri", "likewise, by the URI as it was sent")
ROUTE_QS = _rule("route-qs", "likewise, by the query string")
ROUTE_REMOTE_ADDR = _rule("route-remote-addr", "likewise, by the address of the client")
ROUTE_USER_AGENT = _rule("route-user-agent", "likewise, by the User-Agent header")
ROUTE_REMOTE_USER = _rule("route-remote-user", "likewise, by the user")
ROUTE_REFERER = _rule("route-referer", "likewise, by the Referer header")
ROUTE_LABEL = _rule("route-label", "a name to which goto may jump")
ROUTE_IF = _rule("route-if", "CONDITION ACTION:ARGUMENTS: act if the condition holds")
ROUTE_IF_NOT = _rule("route-if-not", "CONDITION ACTION:ARGUMENTS: act unless the condition holds")
ROUTE_RUN = _rule("route-run", "ACTION:ARGUMENTS: act always")
ROUTES: dict[Rules, str] = {
    ROUTE: "",
    ROUTE_HOST: "host",
    ROUTE_URI: "uri",
    ROUTE_QS: "qs",
    ROUTE_REMOTE_ADDR: "remote-addr",
    ROUTE_USER_AGENT: "user-agent",
    ROUTE_REMOTE_USER: "remote-user",
    ROUTE_REFERER: "referer",
    ROUTE_LABEL: "label",
    ROUTE_IF: "if",
    ROUTE_IF_NOT: "if-not",
    ROUTE_RUN: "run",
}

# rules of an answer, as soon as its status is known
ERROR_ROUTE = _rule("error-route", "REGEXP ACTION:ARGUMENTS: act on requests whose path matches")
ERROR_ROUTE_HOST = _rule("error-route-host", "likewise, by the Host header")
ERROR_ROUTE_URI = _rule("error-route-uri", "likewise, by the URI as it was sent")
ERROR_ROUTE_QS = _rule("error-route-qs", "likewise, by the query string")
ERROR_ROUTE_REMOTE_ADDR = _rule("error-route-remote-addr", "likewise, by the address of the client")
ERROR_ROUTE_USER_AGENT = _rule("error-route-user-agent", "likewise, by the User-Agent header")
ERROR_ROUTE_REMOTE_USER = _rule("error-route-remote-user", "likewise, by the user")
ERROR_ROUTE_REFERER = _rule("error-route-referer", "likewise, by the Referer header")
ERROR_ROUTE_LABEL = _rule("error-route-label", "a name to which goto may jump")
ERROR_ROUTE_IF = _rule("error-route-if", "CONDITION ACTION:ARGUMENTS: act if the condition holds")
ERROR_ROUTE_IF_NOT = _rule(
    "error-route-if-not", "CONDITION ACTION:ARGUMENTS: act unless the condition holds"
)
ERROR_ROUTE_RUN = _rule("error-route-run", "ACTION:ARGUMENTS: act always")
ERROR_ROUTE_STATUS = _rule(
    "error-route-status", "STATUS ACTION:ARGUMENTS: act if the answer has this status"
)
ERROR_ROUTES: dict[Rules, str] = {
    ERROR_ROUTE: "",
    ERROR_ROUTE_HOST: "host",
    ERROR_ROUTE_URI: "uri",
    ERROR_ROUTE_QS: "qs",
    ERROR_ROUTE_REMOTE_ADDR: "remote-addr",
    ERROR_ROUTE_USER_AGENT: "user-agent",
    ERROR_ROUTE_REMOTE_USER: "remote-user",
    ERROR_ROUTE_REFERER: "referer",
    ERROR_ROUTE_LABEL: "label",
    ERROR_ROUTE_IF: "if",
    ERROR_ROUTE_IF_NOT: "if-not",
    ERROR_ROUTE_RUN: "run",
    ERROR_ROUTE_STATUS: "status",
}

# rules of an answer, before its head goes out
RESPONSE_ROUTE = _rule(
    "response-route", "REGEXP ACTION:ARGUMENTS: act on requests whose path matches"
)
RESPONSE_ROUTE_HOST = _rule("response-route-host", "likewise, by the Host header")
RESPONSE_ROUTE_URI = _rule("response-route-uri", "likewise, by the URI as it was sent")
RESPONSE_ROUTE_QS = _rule("response-route-qs", "likewise, by the query string")
RESPONSE_ROUTE_REMOTE_ADDR = _rule(
    "response-route-remote-addr", "likewise, by the address of the client"
)
RESPONSE_ROUTE_USER_AGENT = _rule("response-route-user-agent", "likewise, by the User-Agent header")
RESPONSE_ROUTE_REMOTE_USER = _rule("response-route-remote-user", "likewise, by the user")
RESPONSE_ROUTE_REFERER = _rule("response-route-referer", "likewise, by the Referer header")
RESPONSE_ROUTE_LABEL = _rule("response-route-label", "a name to which goto may jump")
RESPONSE_ROUTE_IF = _rule(
    "response-route-if", "CONDITION ACTION:ARGUMENTS: act if the condition holds"
)
RESPONSE_ROUTE_IF_NOT = _rule(
    "response-route-if-not", "CONDITION ACTION:ARGUMENTS: act unless the condition holds"
)
RESPONSE_ROUTE_RUN = _rule("response-route-run", "ACTION:ARGUMENTS: act always")
RESPONSE_ROUTE_STATUS = _rule(
    "response-route-status", "STATUS ACTION:ARGUMENTS: act if the answer has this status"
)
RESPONSE_ROUTES: dict[Rules, str] = {
    RESPONSE_ROUTE: "",
    RESPONSE_ROUTE_HOST: "host",
    RESPONSE_ROUTE_URI: "uri",
    RESPONSE_ROUTE_QS: "qs",
    RESPONSE_ROUTE_REMOTE_ADDR: "remote-addr",
    RESPONSE_ROUTE_USER_AGENT: "user-agent",
    RESPONSE_ROUTE_REMOTE_USER: "remote-user",
    RESPONSE_ROUTE_REFERER: "referer",
    RESPONSE_ROUTE_LABEL: "label",
    RESPONSE_ROUTE_IF: "if",
    RESPONSE_ROUTE_IF_NOT: "if-not",
    RESPONSE_ROUTE_RUN: "run",
    RESPONSE_ROUTE_STATUS: "status",
}

# rules of a request that has been answered
FINAL_ROUTE = _rule("final-route", "REGEXP ACTION:ARGUMENTS: act on requests whose path matches")
FINAL_ROUTE_HOST = _rule("final-route-host", "likewise, by the Host header")
FINAL_ROUTE_URI = _rule("final-route-uri", "likewise, by the URI as it was sent")
FINAL_ROUTE_QS = _rule("final-route-qs", "likewise, by the query string")
FINAL_ROUTE_REMOTE_ADDR = _rule("final-route-remote-addr", "likewise, by the address of the client")
FINAL_ROUTE_USER_AGENT = _rule("final-route-user-agent", "likewise, by the User-Agent header")
FINAL_ROUTE_REMOTE_USER = _rule("final-route-remote-user", "likewise, by the user")
FINAL_ROUTE_REFERER = _rule("final-route-referer", "likewise, by the Referer header")
FINAL_ROUTE_LABEL = _rule("final-route-label", "a name to which goto may jump")
FINAL_ROUTE_IF = _rule("final-route-if", "CONDITION ACTION:ARGUMENTS: act if the condition holds")
FINAL_ROUTE_IF_NOT = _rule(
    "final-route-if-not", "CONDITION ACTION:ARGUMENTS: act unless the condition holds"
)
FINAL_ROUTE_RUN = _rule("final-route-run", "ACTION:ARGUMENTS: act always")
FINAL_ROUTE_STATUS = _rule(
    "final-route-status", "STATUS ACTION:ARGUMENTS: act if the answer has this status"
)
FINAL_ROUTES: dict[Rules, str] = {
    FINAL_ROUTE: "",
    FINAL_ROUTE_HOST: "host",
    FINAL_ROUTE_URI: "uri",
    FINAL_ROUTE_QS: "qs",
    FINAL_ROUTE_REMOTE_ADDR: "remote-addr",
    FINAL_ROUTE_USER_AGENT: "user-agent",
    FINAL_ROUTE_REMOTE_USER: "remote-user",
    FINAL_ROUTE_REFERER: "referer",
    FINAL_ROUTE_LABEL: "label",
    FINAL_ROUTE_IF: "if",
    FINAL_ROUTE_IF_NOT: "if-not",
    FINAL_ROUTE_RUN: "run",
    FINAL_ROUTE_STATUS: "status",
}

COLLECT_HEADER: Rules = Option(
    "collect-header",
    texts,
    default=(),
    help="HEADER VARIABLE: keep the value of a header of the answer in a variable",
    aliases=("response-header-collect",),
    repeat=JOIN,
)
PULL_HEADER: Rules = Option(
    "pull-header",
    texts,
    default=(),
    help="HEADER VARIABLE: likewise, and take the header out of the answer",
    repeat=JOIN,
)
