"""The pictures of `refuwsgi simulate`: in the terminal, and as SVG.

Section: ground / the command; the pictures of simulate
What: workers against the backlog.  In the terminal a column is a span of time: `#` workers, and
      below them two lines of shades for what came and what waited.  The SVG has one panel for each
      algorithm, in the colour of the text around it, with its words for those who cannot see it.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from refuwsgi.commands.simulate_model import Setup, Trace

COLUMNS: Final = 72
SHADES: Final = " .:-=+*#%@"
WIDTH, HEIGHT, EDGE = 640, 120, 40  # of a panel, in user units


def in_words(name: str, trace: Trace, setup: Setup) -> str:
    """One line that says what came of it."""
    used = sum(second.workers for second in trace.seconds)
    backlog = max((second.queue for second in trace.seconds), default=0)
    return (
        f"{name}: {trace.served} requests, {used} worker seconds, "
        f"up to {max((s.workers for s in trace.seconds), default=0)} of {setup.most} workers, "
        f"backlog up to {backlog}, waits of {trace.waited:.2f} s, at most {trace.longest:.2f} s"
    )


def columns_of(values: Sequence[float], count: int = COLUMNS) -> list[float]:
    """The largest value of each span, for so many spans at most."""
    count = min(count, len(values))
    edges = [place * len(values) // count for place in range(count + 1)]
    return [max(values[edges[place] : edges[place + 1]]) for place in range(count)]


def drawn(trace: Trace, load: Sequence[float], setup: Setup) -> str:
    """The picture for a terminal."""
    workers = columns_of([second.workers for second in trace.seconds])
    queue = columns_of([float(second.queue) for second in trace.seconds])
    lines = []
    for height in range(setup.most, 0, -1):
        row = "".join("#" if each >= height else " " for each in workers)
        lines.append(f"{height:>7} |{row}".rstrip())
    lines.append(f"{'':>7} +{'-' * len(workers)} {len(load)} s")
    lines.append(f"   load |{_shaded(columns_of(load))}| up to {max(load):g}/s")
    lines.append(f"backlog |{_shaded(queue)}| up to {max(queue):g}")
    return "\n".join(lines) + "\n"


def _shaded(values: Sequence[float]) -> str:
    top = max(values) or 1.0
    steps = len(SHADES) - 1
    # What is there at all is to be seen, however little.
    return "".join(
        SHADES[max(1, round(value / top * steps))] if value else SHADES[0] for value in values
    )


def svg(traces: Mapping[str, Trace], load: Sequence[float], setup: Setup) -> str:
    """The picture for a page."""
    whole = len(traces) * (HEIGHT + EDGE)
    words = " ".join(in_words(name, trace, setup) + "." for name, trace in traces.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * EDGE} {whole + EDGE}" '
        f'role="img" aria-labelledby="title desc" fill="none" stroke="currentColor" '
        f'font-family="sans-serif" font-size="12">',
        '<title id="title">Workers against the backlog</title>',
        f'<desc id="desc">{escape(words)}</desc>',
    ]
    for place, (name, trace) in enumerate(traces.items()):
        parts += _panel(name, trace, load, setup, EDGE + place * (HEIGHT + EDGE))
    return "\n".join([*parts, "</svg>", ""])


def _panel(name: str, trace: Trace, load: Sequence[float], setup: Setup, top: int) -> list[str]:
    """One algorithm: load dotted, workers in steps, backlog as an area."""
    queue = [float(second.queue) for second in trace.seconds]
    most = max(queue)
    workers = [float(second.workers) for second in trace.seconds]
    base = top + HEIGHT
    area = f"{EDGE},{base} {_points(queue, most, top)} {EDGE + WIDTH},{base}"
    return [
        f'<polygon points="{area}" fill="currentColor" fill-opacity="0.25" stroke="none"/>',
        f'<polyline points="{_points(load, max(load), top)}" stroke-dasharray="2 3"/>',
        f'<polyline points="{_points(workers, setup.most, top)}" stroke-width="2"/>',
        f'<path d="M{EDGE} {top}V{base}H{EDGE + WIDTH}" stroke-opacity="0.5"/>',
        _text(EDGE, top - 6, f"{name}: workers (line, up to {setup.most}), backlog (area, "
              f"up to {most:g}), load (dots, up to {max(load):g}/s)"),
        _text(EDGE + WIDTH - 30, base + 14, f"{len(load)} s"),
    ]  # fmt: skip


def _text(x: int, y: int, words: str) -> str:
    return f'<text x="{x}" y="{y}" fill="currentColor" stroke="none">{escape(words)}</text>'


def _points(values: Sequence[float], most: float, top: int) -> str:
    """The corners of a line in steps."""
    step = WIDTH / len(values)
    found: list[str] = []
    for place, value in enumerate(values):
        y = top + HEIGHT * (1 - value / (most or 1.0))
        if place and values[place - 1] == value:
            continue
        if place:
            found.append(f"{EDGE + place * step:.1f},{found[-1].partition(',')[2]}")
        found.append(f"{EDGE + place * step:.1f},{y:.1f}")
    return " ".join([*found, f"{EDGE + WIDTH},{found[-1].partition(',')[2]}"])
