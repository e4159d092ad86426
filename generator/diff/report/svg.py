"""CSRs and encodings drawn as boxes of bits, the old one above the new, as inline SVG."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape

from drafthart.generator.diff.drawing import Cell

_BIT = 22
"""Width of one bit in pixels."""
_LETTER = 5.6
_PAD = 8
_NUMBERS = 12
_CAPTION = 16


def bit_picture(rows: Sequence[tuple[str, Iterable[Cell], Collection[str]]]) -> str:
    """Named rows of cells below each other; a CSR of 64 bits takes two lines.

    Each row is its caption, its cells, high bit first, and the labels to mark.
    """
    parts: list[str] = []
    height, width = 0.0, 0
    for caption, cells, marked in rows:
        parts.append(_text(0, height + 12, caption, "caption", anchor="start"))
        height += _CAPTION
        for line in _lines(list(cells)):
            own = _height(line)
            parts += _line(line, height, own, marked)
            height += _NUMBERS + own + _PAD
            width = max(width, (line[0].high - line[-1].low + 1) * _BIT)
    size = f"{width + 2} {height:g}"
    body = "\n".join(parts)
    return (
        f'<svg viewBox="-1 0 {size}" width="{width + 2}" height="{height:g}" '
        f'role="img" xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>'
    )


def _lines(cells: list[Cell]) -> Iterator[list[Cell]]:
    """Cells in lines of at most 32 bits; one across the border is cut."""
    top = cells[0].high
    for low in range(top // 32 * 32, -1, -32):
        high = min(low + 31, top)
        yield [
            Cell(min(it.high, high), max(it.low, low), it.label)
            for it in cells
            if it.high >= low and it.low <= high
        ]


def _line(line: list[Cell], y: float, height: float, marked: Collection[str]) -> Iterator[str]:
    left = line[0].high
    for it in line:
        x, width = (left - it.high) * _BIT, it.width * _BIT
        kind = "changed" if it.label in marked else "field" if it.label else "free"
        yield (
            f'<rect class="{kind}" x="{x}" y="{y + _NUMBERS:g}" width="{width}" '
            f'height="{height:g}"><title>{escape(_name(it))}</title></rect>'
        )
        middle, centre = x + width / 2, y + _NUMBERS + height / 2
        numbers = [(it.high, middle)]
        if it.width > 1:
            numbers = [(it.high, x + 7), (it.low, x + width - 7)]
        yield from (_text(at, y + 9, str(number), "number") for number, at in numbers)
        if not it.label:
            continue
        if _fits(it):
            yield _text(middle, centre + 3.5, it.label, "label")
        else:
            turned = f' transform="rotate(-90 {middle:g} {centre:g})"'
            yield _text(middle, centre + 3.5, it.label, "label", turned)


def _height(line: list[Cell]) -> float:
    """High enough for the labels that must stand upright."""
    return max([24.0, *(len(it.label) * _LETTER + 8 for it in line if not _fits(it))])


def _fits(cell: Cell) -> bool:
    return len(cell.label) * _LETTER <= cell.width * _BIT - 2


def _name(it: Cell) -> str:
    place = str(it.high) if it.width == 1 else f"{it.high}:{it.low}"
    return f"{place} {it.label or 'reserved'}"


def _text(
    x: float, y: float, text: str, kind: str, extra: str = "", *, anchor: str = "middle"
) -> str:
    where = f'class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f"<text {where}{extra}>{escape(text)}</text>"
