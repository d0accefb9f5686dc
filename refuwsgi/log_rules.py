r"""log-route, log-filter, log-drain: which message goes where.

Section:  ground / the log; its rules
What:     what is drained is lost, and what no filter lets through; what a route names goes to
          that logger alone; the rest to the loggers without a name, or, if there are none, to
          where the log was before.

              log-route = errors ERROR        log-drain = ^\[pid: .* /health

Units:    sizes are bytes.
Errors:   OptionError for a regexp that is none, a route to nowhere, a logger that is not known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from refuwsgi import log, log_encoders, log_sinks
from refuwsgi.log_encoders import Encoder
from refuwsgi.log_sinks import DescriptorSink, FileSink, Sink
from refuwsgi.options import JOIN, Config, Option, OptionError, number, text, texts


def _list(name: str, help: str) -> Option[tuple[str, ...]]:
    return Option(name, texts, default=(), help=help, repeat=JOIN, implies=("master", "log-master"))


LOG_ENCODER = _list("log-encoder", "change each message: format, json, prefix, suffix, nl")
LOG_REQ_ENCODER = _list("log-req-encoder", "the same for the lines about requests")
LOG_ROUTE = _list("log-route", "`<logger> <regexp>`: send what matches to this named logger only")
LOG_REQ_ROUTE = _list("log-req-route", "the same for the lines about requests")
LOG_DRAIN = _list("log-drain", "lose the messages that match this regexp")
LOG_FILTER = _list("log-filter", "lose the messages that match none of these regexps")
LOG_MAXSIZE = Option(
    "log-maxsize",
    number,
    default=0,
    help="put the log aside when it has become longer than this",
    implies=("master", "log-master"),
)
LOG_BACKUPNAME: Option[str | None] = Option(
    "log-backupname", text, default=None, help="under this name; otherwise with the time behind it"
)
Texts = Option[tuple[str, ...]]


class Rules(NamedTuple):
    """What happens to the messages of one kind."""

    sinks: Sequence[tuple[str, Sink]]  # name, place; a name is served by routes only
    encoders: Sequence[Encoder] = ()
    routes: Sequence[tuple[re.Pattern[bytes], str]] = ()  # what matches, the named logger
    drains: Sequence[re.Pattern[bytes]] = ()
    filters: Sequence[re.Pattern[bytes]] = ()

    def deliver(self, message: bytes) -> None:
        """Send one message where it belongs."""
        if any(drain.search(message) for drain in self.drains):
            return
        if self.filters and not any(each.search(message) for each in self.filters):
            return
        names = [name for pattern, name in self.routes if pattern.search(message)] or [""]
        for name, sink in self.sinks:
            if name in names:
                sink.write(log_encoders.encoded(message, self.encoders, name))


def rules_of(config: Config, stdio: int) -> tuple[Rules, Rules]:
    """What happens to all messages, and to those about requests; opens the loggers."""
    own = _own(config, stdio)
    sinks = _sinks(config, log.LOGGER, stdio)
    if all(name for name, _ in sinks):
        sinks = [*sinks, ("", own)]
    main = Rules(
        sinks,
        _encoders(config, LOG_ENCODER),
        _routes(config, LOG_ROUTE, sinks),
        _patterns(config, LOG_DRAIN),
        _patterns(config, LOG_FILTER),
    )
    separate = _sinks(config, log.REQ_LOGGER, stdio)
    if not separate:
        return main, main
    if all(name for name, _ in separate):
        separate = [*separate, ("", own)]
    encoders = _encoders(config, LOG_REQ_ENCODER)
    return main, Rules(separate, encoders, _routes(config, LOG_REQ_ROUTE, separate))


def _own(config: Config, stdio: int) -> Sink:
    """The place of `logto`, or what descriptor 2 was."""
    path = log.path()
    if not path:
        return DescriptorSink(stdio)
    return FileSink(path, most=config[LOG_MAXSIZE], backup=config[LOG_BACKUPNAME] or "")


def _sinks(config: Config, option: Texts, stdio: int) -> list[tuple[str, Sink]]:
    found = []
    for _, line, where in config.in_order(option):
        name, sink = log_sinks.parse(line, f"{where}: {option.name}", stdio=stdio)
        if isinstance(sink, FileSink) and not sink.most:
            sink.most = config[LOG_MAXSIZE]
        found.append((name, sink))
    return found


def _encoders(config: Config, option: Texts) -> list[Encoder]:
    return [
        log_encoders.parse(line, f"{where}: {option.name}")
        for _, line, where in config.in_order(option)
    ]


def _routes(
    config: Config, option: Texts, sinks: Sequence[tuple[str, Sink]]
) -> list[tuple[re.Pattern[bytes], str]]:
    found = []
    for _, line, where in config.in_order(option):
        name, _, pattern = line.partition(" ")
        if name not in {known for known, _ in sinks} or not pattern.strip():
            raise OptionError(f"{where}: {option.name}: expected <logger> <regexp>: {line!r}")
        found.append((_regexp(pattern.strip(), f"{where}: {option.name}"), name))
    return found


def _patterns(config: Config, option: Texts) -> list[re.Pattern[bytes]]:
    return [_regexp(line, f"{where}: {option.name}") for _, line, where in config.in_order(option)]


def _regexp(pattern: str, where: str) -> re.Pattern[bytes]:
    try:
        return re.compile(pattern.encode(errors="surrogateescape"))
    except re.error as problem:
        raise OptionError(f"{where}: {pattern!r}: {problem}") from None
