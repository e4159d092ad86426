"""The tables that documents show: CSRs, their fields, and the encodings."""

from __future__ import annotations

from dataclasses import dataclass

from drafthart.generator.diff.aspects import bits
from drafthart.generator.diff.drawing import encoding_cells
from drafthart.generator.emit.exports.names import line
from drafthart.generator.emit.exports.tables import Tables, tabulate
from drafthart.generator.spec.model import ISA


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of plain text. Each of `shares` is how wide its column is beside the others."""

    title: str
    heads: tuple[str, ...]
    shares: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


def listings(isa: ISA) -> list[Listing]:
    """All tables, those with nothing to show left out."""
    tables = tabulate(isa)
    found = [
        Listing(
            f"CSRs of {isa.id}",
            ("Number", "Name", "Mode", "Access", "Description"),
            (2, 4, 2, 3, 9),
            tuple(
                (
                    f"0x{it.address:03X}",
                    it.name,
                    it.csr.mode,
                    "read only" if it.csr.read_only else "read/write",
                    line(it.csr.doc),
                )
                for it in tables.csrs
            ),
        ),
        Listing(
            f"Fields of the CSRs of {isa.id}",
            ("CSR", "Field", "Bits", "Kind", "Description"),
            (4, 5, 2, 2, 9),
            tuple(
                (csr.name, it.name, bits(it.high, it.low), it.kind, it.doc)
                for csr in tables.csrs
                for it in csr.fields
            ),
        ),
        *(_instructions(tables, width) for width in (32, 16)),
    ]
    return [it for it in found if it.rows]


def _instructions(tables: Tables, width: int) -> Listing:
    return Listing(
        f"Instructions of {width} bits of {tables.isa.id}",
        ("Instruction", "Extension", "Encoding"),
        (6, 3, 11),
        tuple(
            (
                f"{it.instruction.mnemonic} {it.instruction.assembly}".strip(),
                it.instruction.extension,
                " | ".join(cell.label for cell in encoding_cells(it.encoding)),
            )
            for it in tables.of_width(width)
        ),
    )
