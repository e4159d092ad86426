"""The numbers of a revision as named constants, for languages that want no more than that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drafthart.generator.emit.exports.names import distinct
from drafthart.generator.emit.exports.tables import Tables


@dataclass(frozen=True, slots=True)
class Number:
    """A constant of so many bits (12, 16, 32 or 64), and how it is best written."""

    name: str
    value: int
    bits: int
    item: str

    @property
    def text(self) -> str:
        """Hexadecimal, but small counts decimal."""
        return str(self.value) if self.bits == _COUNT else f"{self.value:#x}"


@dataclass(frozen=True, slots=True)
class Group:
    """Constants of one kind."""

    title: str
    numbers: tuple[Number, ...]


_COUNT = 8
"""Bits of what counts: shift amounts, codes."""


def constants(tables: Tables) -> list[Group]:
    """All constants; names that collide are an error."""
    groups = [
        Group("CSR addresses", tuple(_csrs(tables))),
        Group("Fields of CSRs", tuple(_fields(tables))),
        Group("Instructions", tuple(_instructions(tables))),
        Group("Exception codes", tuple(_causes(tables))),
        Group("Interrupt codes", tuple(_interrupts(tables))),
    ]
    distinct(tables.isa, [(it.name, it.item) for group in groups for it in group.numbers])
    return [group for group in groups if group.numbers]


def _csrs(tables: Tables) -> Iterator[Number]:
    for row in tables.csrs:
        yield Number(f"CSR_{row.name.upper()}", row.address, 12, row.id)


def _fields(tables: Tables) -> Iterator[Number]:
    for csr in tables.csrs:
        for field in csr.fields:
            name, item = f"{csr.name}_{field.name}".upper(), f"{csr.id}.{field.name}"
            yield Number(f"{name}_MASK", field.mask, 64, item)
            yield Number(f"{name}_SHIFT", field.low, _COUNT, item)


def _instructions(tables: Tables) -> Iterator[Number]:
    for row in tables.instructions:
        bits = row.encoding.width
        yield Number(f"MATCH_{row.name.upper()}", row.encoding.match, bits, row.id)
        yield Number(f"MASK_{row.name.upper()}", row.encoding.mask, bits, row.id)


def _causes(tables: Tables) -> Iterator[Number]:
    for row in tables.causes:
        yield Number(f"CAUSE_{row.name}", row.code, _COUNT, f"cause:{row.code}")


def _interrupts(tables: Tables) -> Iterator[Number]:
    for row in tables.interrupts:
        yield Number(f"INTERRUPT_{row.name}", row.code, _COUNT, f"interrupt:{row.code}")
