"""Faults in tables: CSRs with their fields, causes and interrupts, encodings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from drafthart.generator.spec.model import CSR, ISA, Cause, Encoding, Field, Instruction

Item = TypeVar("Item")

_MOST = 63
"""The highest code of an exception or interrupt."""


@dataclass(frozen=True, slots=True)
class Row(Generic[Item]):
    """A changed item: the kind of the change, what became what, and the item."""

    kind: str
    what: str
    item: Item


def csr_faults(csr: CSR, isa: ISA) -> Iterator[Row[CSR]]:
    """A CSR with one thing changed."""
    if csr.address is not None:
        for number in (csr.address + 1, csr.address - 1, csr.address ^ 0x100):
            if number not in isa.csr_at:
                kind = "CSR's privilege" if number == csr.address ^ 0x100 else "CSR's address"
                yield Row(kind, f"{csr.address:#x} → {number:#x}", replace(csr, address=number))
        yield Row("CSR absent", "no address", replace(csr, address=None))
    if csr.substitutes is not None:
        yield Row("substitution", f"not {csr.substitutes}", replace(csr, substitutes=None))
    if csr.constant is not None:
        yield Row("constant", f"{csr.constant} + 1", replace(csr, constant=csr.constant + 1))
    for name, field in csr.fields.items():
        for row in _field_faults(field, csr):
            fields = {**csr.fields, name: row.item}
            yield Row(row.kind, f"{name}: {row.what}", replace(csr, fields=fields))


def _field_faults(field: Field, csr: CSR) -> Iterator[Row[Field]]:
    taken = sum(other.mask for other in csr.fields.values() if other is not field)
    width = csr.width
    for by in (1, -1):
        if field.low + by >= 0 and field.high + by < width:
            moved = replace(field, high=field.high + by, low=field.low + by)
            if not moved.mask & taken:
                what = f"{_bits(field)} → {_bits(moved)}"
                yield Row("field moved", what, moved)
    if field.width > 1:
        narrow = replace(field, high=field.high - 1)
        yield Row("field's width", f"{_bits(field)} → {_bits(narrow)}", narrow)
    if field.kind != "RO":
        yield Row("kind", f"{field.kind} → RO", replace(field, kind="RO"))
    elif field.read is None:
        yield Row("kind", "RO → WARL", replace(field, kind="WARL"))
    if field.legal is not None and len(field.legal) > 1:
        fewer = tuple(field.legal)[:-1]
        yield Row("legal values", f"without {field.legal[-1]}", replace(field, legal=fewer))
    if field.legal is not None:
        more = max(field.legal) + 1
        if more < 1 << field.width:
            legal = (*field.legal, more)
            yield Row("legal values", f"with {more}", replace(field, legal=legal))
    if field.kind == "RO" or (field.legal is not None and len(field.legal) == 1):
        value = field.reset ^ 1
        only = (value,) if field.legal is not None else None
        changed = replace(field, reset=value, legal=only)
        yield Row("reset", f"{field.reset} → {value}", changed)


def _bits(field: Field) -> str:
    return f"{field.high}:{field.low}" if field.width > 1 else str(field.low)


def cause_faults(cause: Cause, among: Mapping[int, Cause]) -> Iterator[Row[Cause]]:
    """A code of its own neighbourhood that is free."""
    for code in (cause.code + 1, cause.code - 1, cause.code ^ 8):
        if 0 <= code <= _MOST and code not in among:
            yield Row("code", f"{cause.code} → {code}", replace(cause, code=code))


def instruction_faults(instruction: Instruction) -> Iterator[Row[Instruction]]:
    """One bit of the encoding that has another value, or is not looked at."""
    encoding = instruction.encoding
    if encoding is None:
        return
    for bit in range(7, encoding.width):
        if encoding.mask >> bit & 1:
            other = replace(encoding, match=encoding.match ^ 1 << bit)
            yield Row("encoding", f"bit {bit} inverted", _with(instruction, other))
            free = replace(
                encoding, mask=encoding.mask & ~(1 << bit), match=encoding.match & ~(1 << bit)
            )
            yield Row("encoding", f"bit {bit} ignored", _with(instruction, free))


def _with(instruction: Instruction, encoding: Encoding) -> Instruction:
    return replace(instruction, encoding=encoding)
