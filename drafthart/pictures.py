"""Bits drawn as boxes, the way the manual draws registers and encodings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from drafthart.generator.diff.drawing import Cell


class _Box(NamedTuple):
    numbers: str
    label: str
    width: str


def draw(cells: Iterable[Cell], columns: int = 80) -> list[str]:
    """The lines of the picture, no longer than `columns`: bit numbers, boxes, widths in bits.

    A register that does not fit continues in further rows of boxes.
    """
    lines: list[str] = []
    for row in _rows([_box(cell) for cell in cells], columns):
        sizes = [_size(box) for box in row]
        lines += [
            " "
            + " ".join(_spread(box.numbers, size) for box, size in zip(row, sizes, strict=True)),
            "┌" + "┬".join("─" * size for size in sizes) + "┐",
            "│" + "│".join(box.label.center(s) for box, s in zip(row, sizes, strict=True)) + "│",
            "└" + "┴".join("─" * size for size in sizes) + "┘",
            " " + " ".join(box.width.center(s) for box, s in zip(row, sizes, strict=True)),
        ]
    return [line.rstrip() for line in lines]


def _box(cell: Cell) -> _Box:
    numbers = str(cell.high) if cell.width == 1 else f"{cell.high} {cell.low}"
    return _Box(numbers, cell.label or "0", str(cell.width))


def _size(box: _Box) -> int:
    """The inner width of a box, with room for what stands above, in and below it."""
    return max(len(box.label) + 2, len(box.numbers), len(box.width))


def _rows(boxes: Sequence[_Box], columns: int) -> list[list[_Box]]:
    rows: list[list[_Box]] = [[]]
    used = 1
    for box in boxes:
        if rows[-1] and used + _size(box) + 1 > columns:
            rows.append([])
            used = 1
        rows[-1].append(box)
        used += _size(box) + 1
    return rows


def _spread(numbers: str, size: int) -> str:
    """The high bit above the left end of a box and the low one above the right end."""
    high, _, low = numbers.partition(" ")
    return high.center(size) if not low else high + low.rjust(size - len(high))
