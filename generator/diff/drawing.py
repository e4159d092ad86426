"""Encodings and CSRs as the manual draws them: cells of bits, high bit first."""

from __future__ import annotations

from dataclasses import dataclass

from drafthart.generator.spec.model import CSR, Encoding, Piece

_FIXED_ENDS = {16: (13, 10, 7, 5, 2, 0), 32: (25, 20, 15, 12, 7, 0)}
"""The lowest bits of the fields of the basic formats: where fixed bits are cut into cells."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Bits `high`..`low` of a word and what stands in them."""

    high: int
    low: int
    label: str

    @property
    def width(self) -> int:
        """In bits."""
        return self.high - self.low + 1


def encoding_cells(encoding: Encoding) -> tuple[Cell, ...]:
    """The cells of an instruction: binary digits are fixed bits, names are operands."""
    starts = {piece.at + piece.width - 1: piece for piece in encoding.pieces}
    cells: list[Cell] = []
    bit = encoding.width - 1
    while bit >= 0:
        if bit in starts:
            run = _run(starts, bit)
            low = run[-1].at
            cells.append(Cell(bit, low, _operand(encoding, run)))
        else:
            end = next(end for end in _FIXED_ENDS[encoding.width] if end <= bit)
            low = next(
                (at + 1 for at in range(bit, end - 1, -1) if at in starts),
                end,
            )
            digits = encoding.match >> low & ((1 << (bit - low + 1)) - 1)
            cells.append(Cell(bit, low, f"{digits:0{bit - low + 1}b}"))
        bit = low - 1
    return tuple(cells)


def encoding_text(encoding: Encoding | None) -> str:
    """The encoding as the specs write it."""
    if encoding is None:
        return "unassigned"
    text = " ".join(cell.label for cell in encoding_cells(encoding))
    excluded = [f"{operand} != {value}" for operand, value in encoding.constraints]
    return f"{text} ({', '.join(excluded)})" if excluded else text


def csr_cells(csr: CSR) -> tuple[Cell, ...]:
    """The cells of a CSR; bits in no field read as zero and have an empty label."""
    cells: list[Cell] = []
    top = csr.width - 1
    for field in sorted(csr.fields.values(), key=lambda field: -field.high):
        if field.high < top:
            cells.append(Cell(top, field.high + 1, ""))
        cells.append(Cell(field.high, field.low, field.name))
        top = field.low - 1
    if top >= 0:
        cells.append(Cell(top, 0, ""))
    return tuple(cells)


def _run(starts: dict[int, Piece], bit: int) -> list[Piece]:
    """The neighbouring pieces of one operand from `bit` downward."""
    run = [starts[bit]]
    while (below := starts.get(run[-1].at - 1)) and below.operand == run[0].operand:
        run.append(below)
    return run


def _operand(encoding: Encoding, run: list[Piece]) -> str:
    name = run[0].operand
    if len(run) == 1 and run[0].low == 0 and run[0].high == encoding.operand_bits(name) - 1:
        return name
    ranges = [f"{p.high}:{p.low}" if p.width > 1 else str(p.high) for p in run]
    return f"{name}[{'|'.join(ranges)}]"
