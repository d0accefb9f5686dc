"""The sequence of `refuwsgi trace FILE`, in a terminal and as a picture.

Section: ground / the command; the sequence of trace
What: a line of life for each party, which is thick while the party holds a client, an arrow where
      a client or an answer goes from one to the other, a dot where somebody does something alone;
      below it who has held which client for how long.
"""

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from refuwsgi.commands.trace_file import Step, Story

IDLE, HOLDS, ALONE = "|", "#", "*"
NARROW: Final = 8  # characters of a column at least
LANE, EDGE, ROW, TOP = 250, 80, 30, 50
LABEL: Final = 40  # characters that fit between two lines of life


def rows(story: Story) -> Iterator[str]:
    """Draw for a terminal."""
    widths = [max(NARROW, len(name) + 2) for name in story.parties]
    yield " " * 10 + "".join(
        name.center(width) for name, width in zip(story.parties, widths, strict=True)
    )
    centers = [sum(widths[:place]) + width // 2 for place, width in enumerate(widths)]
    at = dict(zip(story.parties, centers, strict=True))
    for step in story.steps:
        yield f"{step.at:9.4f} {_row(step, at, sum(widths))} {_told(step)}"
    yield ""
    yield from spans(story)


def _row(step: Step, at: dict[str, int], width: int) -> str:
    cells = [" "] * width
    begin, end = at[step.source], at[step.target]
    for place in range(min(begin, end), max(begin, end)):
        cells[place] = "-"
    for name, place in at.items():
        if cells[place] == " " or name in (step.source, step.target):
            cells[place] = HOLDS if name in step.holders else IDLE
    if begin == end:
        cells[begin] = ALONE
    else:
        cells[end - 1 if end > begin else end + 1] = ">" if end > begin else "<"
    return "".join(cells)


def _told(step: Step) -> str:
    return f"#{step.number} {step.what}" if step.number else step.what


def spans(story: Story) -> Iterator[str]:
    """Who has held which client for how long."""
    width = max(map(len, story.parties))
    for name, number in story.clients.items():
        yield f"#{number} {name}"
        mine = [hold for hold in story.holds if hold.number == number]
        for hold in sorted(mine, key=lambda hold: hold.begin):
            still = "" if hold.over else ", and still does"
            yield (
                f"   {hold.who:{width}} {hold.begin:9.4f} ... {hold.end:9.4f} "
                f"{hold.end - hold.begin:9.4f} s{still}"
            )


def svg(story: Story) -> str:
    """Draw a picture, in the colour of the text around it, with the same in words."""
    at = {name: EDGE + LANE * place for place, name in enumerate(story.parties)}
    width = 2 * EDGE + LANE * len(story.parties)
    height = TOP + ROW * (len(story.steps) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="title desc" fill="currentColor" stroke="none" '
        f'font-family="sans-serif" font-size="11">',
        '<title id="title">Who held the clients when</title>',
        f'<desc id="desc">{escape(chr(10).join(rows(story)))}</desc>',
    ]
    for name, x in at.items():
        parts.append(_text(x, TOP - 24, name))
        parts.append(
            f'<path d="M{x} {TOP - 14}V{height - 10}" stroke="currentColor" stroke-opacity="0.4"/>'
        )
    for name, begin, end in bars(story):
        parts.append(
            f'<rect x="{at[name] - 4}" y="{TOP + ROW * (begin + 1)}" width="8" '
            f'height="{max(4, ROW * (end - begin))}" fill-opacity="0.35"/>'
        )
    for place, step in enumerate(story.steps):
        parts += _drawn(step, at, TOP + ROW * (place + 1))
    return "\n".join([*parts, "</svg>", ""])


def bars(story: Story) -> list[tuple[str, int, int]]:
    """From which row to which row a party holds a client, or several."""
    found: list[tuple[str, int, int]] = []
    since: dict[str, int] = {}
    for place, step in enumerate(story.steps):
        for name in step.holders - since.keys():
            since[name] = place
        for name in sorted(since.keys() - step.holders):
            found.append((name, since.pop(name), place))
    last = len(story.steps) - 1
    return found + [(name, begin, last) for name, begin in sorted(since.items())]


def _drawn(step: Step, at: dict[str, int], y: int) -> list[str]:
    begin, end = at[step.source], at[step.target]
    room = LABEL * max(1, abs(end - begin) // LANE)
    label = _told(step)
    if len(label) > room:
        label = f"{label[: room - 3]}..."
    if begin == end:
        return [
            f'<circle cx="{begin}" cy="{y}" r="3"/>',
            _text(begin + 8, y + 4, label, anchor="start"),
        ]
    tip = end - 8 if end > begin else end + 8
    return [
        f'<path d="M{begin} {y}H{end}" stroke="currentColor"/>',
        f'<path d="M{end} {y}L{tip} {y - 4}V{y + 4}Z"/>',
        _text((begin + end) // 2, y - 5, label),
    ]


def _text(x: int, y: int, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
