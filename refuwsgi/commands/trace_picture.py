"""The picture of `refuwsgi trace`: who said what to whom, from top to bottom.

Section: ground / the command; the picture of trace
What: two lines of life and an arrow for each event, in the colour of the text around it, with the
      same in words for those who cannot see it.
"""

from typing import Final
from xml.sax.saxutils import escape

from refuwsgi.commands.trace_events import Event, Events

LEFT, RIGHT, WIDTH, ROW, TOP = 60, 700, 760, 34, 50
LABEL: Final = 92  # characters that fit between the lines


def svg(events: Events) -> str:
    """Draw all events."""
    height = TOP + ROW * (len(events.kept) + 1)
    words = "\n".join(events.line(event) for event in events.kept)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="title desc" fill="currentColor" stroke="none" '
        f'font-family="sans-serif" font-size="12">',
        f'<title id="title">{escape(events.client)} and {escape(events.node)}</title>',
        f'<desc id="desc">{escape(words)}</desc>',
    ]
    for x, name in ((LEFT, events.client), (RIGHT, events.node)):
        parts.append(_text(x, TOP - 24, name))
        parts.append(
            f'<path d="M{x} {TOP - 14}V{height - 10}" stroke="currentColor" stroke-opacity="0.5"/>'
        )
    for place, event in enumerate(events.kept):
        parts += _arrow(event, TOP + ROW * (place + 1))
    return "\n".join([*parts, "</svg>", ""])


def _arrow(event: Event, y: int) -> list[str]:
    begin, end = (LEFT, RIGHT) if event.upwards else (RIGHT, LEFT)
    tip = end - 8 if event.upwards else end + 8
    label = f"#{event.number} {event.what}"
    if len(label) > LABEL:
        label = f"{label[: LABEL - 3]}..."
    return [
        f'<path d="M{begin} {y}H{end}" stroke="currentColor"/>',
        f'<path d="M{end} {y}L{tip} {y - 4}V{y + 4}Z"/>',
        _text((LEFT + RIGHT) // 2, y - 6, label),
    ]


def _text(x: int, y: int, words: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle">{escape(words)}</text>'
