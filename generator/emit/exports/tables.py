"""What all exports are made from: the numbered items of a revision, under checked names.

What the draft gives no number is left out: nobody could use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drafthart.generator.emit.exports.names import distinct, identifier, line
from drafthart.generator.spec.model import CSR, ISA, Cause, Encoding, Instruction


@dataclass(frozen=True, slots=True)
class InstructionRow:
    """An instruction that has an encoding. `name` is an identifier, in lower case."""

    name: str
    instruction: Instruction
    encoding: Encoding

    @property
    def id(self) -> str:
        """The item's id."""
        return f"insn:{self.instruction.mnemonic}"

    @property
    def pattern(self) -> str:
        """Its bits, high first, with `-` where an operand is."""
        width, mask, match = self.encoding.width, self.encoding.mask, self.encoding.match
        bits = range(width - 1, -1, -1)
        return "".join(str(match >> bit & 1) if mask >> bit & 1 else "-" for bit in bits)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field at bits `high`..`low`. `name` is an identifier, as the specs write it."""

    name: str
    high: int
    low: int
    kind: str
    reset: int
    doc: str

    @property
    def width(self) -> int:
        """In bits."""
        return self.high - self.low + 1

    @property
    def mask(self) -> int:
        """Its bits within the CSR."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True, slots=True)
class CSRRow:
    """A CSR that has a number, and its fields with the highest bits first."""

    name: str
    address: int
    csr: CSR
    fields: tuple[FieldRow, ...]

    @property
    def id(self) -> str:
        """The item's id."""
        return f"csr:{self.csr.name}"

    def parts(self) -> Iterator[tuple[FieldRow | None, int, int]]:
        """From the highest bit to the lowest: a field or None where none is; high and low bit."""
        top = self.csr.width - 1
        for field in self.fields:
            if field.high < top:
                yield None, top, field.high + 1
            yield field, field.high, field.low
            top = field.low - 1
        if top >= 0:
            yield None, top, 0


@dataclass(frozen=True, slots=True)
class CauseRow:
    """An exception or interrupt code. `name` is an identifier, in upper case."""

    name: str
    code: int
    title: str


@dataclass(frozen=True, slots=True)
class Tables:
    """All of a revision, in the order of the specs; CSRs by number."""

    isa: ISA
    instructions: tuple[InstructionRow, ...]
    csrs: tuple[CSRRow, ...]
    causes: tuple[CauseRow, ...]
    interrupts: tuple[CauseRow, ...]

    def of_width(self, width: int) -> list[InstructionRow]:
        """The instructions of so many bits."""
        return [row for row in self.instructions if row.encoding.width == width]


def tabulate(isa: ISA) -> Tables:
    """The tables. Raises `DrafthartError` for names that other languages cannot tell apart."""
    instructions = tuple(
        InstructionRow(identifier(isa, f"insn:{it.mnemonic}", it.mnemonic).lower(), it, it.encoding)
        for it in isa.instructions.values()
        if it.encoding is not None
    )
    csrs = tuple(sorted(_csrs(isa), key=lambda row: row.address))
    causes = _causes(isa, "cause", isa.causes.values())
    interrupts = _causes(isa, "interrupt", isa.interrupts.values())
    for row in instructions:
        # Files and folders are named after it.
        identifier(isa, f"the extension of {row.id}", row.instruction.extension)
    distinct(isa, [(row.name, row.id) for row in instructions])
    distinct(isa, [(row.name.lower(), row.id) for row in csrs])
    for csr in csrs:
        distinct(isa, [(it.name.upper(), f"{csr.id}.{it.name}") for it in csr.fields])
    for prefix, rows in (("cause", causes), ("interrupt", interrupts)):
        distinct(isa, [(row.name, f"{prefix}:{row.code}") for row in rows])
    return Tables(isa, instructions, csrs, causes, interrupts)


def _csrs(isa: ISA) -> Iterator[CSRRow]:
    for csr in isa.csrs.values():
        if csr.address is None:
            continue
        fields = sorted(csr.fields.values(), key=lambda it: -it.high)
        yield CSRRow(
            identifier(isa, f"csr:{csr.name}", csr.name),
            csr.address,
            csr,
            tuple(
                FieldRow(
                    identifier(isa, f"csr:{csr.name}.{it.name}", it.name),
                    it.high,
                    it.low,
                    it.kind,
                    it.reset,
                    line(it.doc),
                )
                for it in fields
            ),
        )


def _causes(isa: ISA, prefix: str, causes: Iterable[Cause]) -> tuple[CauseRow, ...]:
    rows = [
        CauseRow(
            identifier(isa, f"{prefix}:{it.code}", it.constant).upper(), it.code, line(it.name)
        )
        for it in causes
    ]
    return tuple(sorted(rows, key=lambda row: row.code))
