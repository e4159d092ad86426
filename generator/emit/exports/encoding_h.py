"""A C header with the names of riscv-opcodes' encoding.h."""

from __future__ import annotations

from drafthart.generator.emit.exports.header import remarks
from drafthart.generator.emit.exports.names import distinct
from drafthart.generator.emit.exports.opcodes_names import (
    cause_title,
    field_macro,
    interrupt_macro,
)
from drafthart.generator.emit.exports.tables import CSRRow, FieldRow, Tables, tabulate
from drafthart.generator.emit.render import render
from drafthart.generator.spec.model import ISA


def emit_encoding_h(isa: ISA) -> str:
    """The header's text. Numbers have no suffix, so that assemblers read them too."""
    tables = tabulate(isa)
    masks = [
        (name, f"{field.mask:#x}", f"{csr.id}.{field.name}")
        for csr in tables.csrs
        for field in csr.fields
        for name in _field_macros(tables, csr, field)
    ]
    instructions = [(row.name.upper(), row) for row in tables.instructions]
    causes = [(_macro(cause_title(it)), cause_title(it), it) for it in tables.causes]
    interrupts = [(interrupt_macro(it), it) for it in tables.interrupts]
    distinct(
        isa,
        [
            *((name, item) for name, _, item in masks),
            *((f"{what}_{name}", row.id) for name, row in instructions for what in _OF_ONE),
            *((f"CSR_{row.name.upper()}", row.id) for row in tables.csrs),
            *((f"CAUSE_{name}", f"cause:{row.code}") for name, _, row in causes),
            *((name, f"interrupt:{row.code}") for name, row in interrupts),
        ],
    )
    return render(
        "encoding.h.j2",
        remarks=remarks(isa),
        isa=isa,
        masks=masks,
        instructions=instructions,
        csrs=tables.csrs,
        causes=causes,
        interrupts=interrupts,
    )


_OF_ONE = ("MATCH", "MASK")


def _field_macros(tables: Tables, csr: CSRRow, field: FieldRow) -> list[str]:
    """One that has the top bit lies elsewhere for another XLEN, and says that in a second name."""
    name = field_macro(csr.name, field.name)
    found = [name]
    if field.high == tables.isa.xlen - 1 and csr.csr.width == tables.isa.xlen:
        found.append(name.replace("_", f"{tables.isa.xlen}_", 1))
    return found


def _macro(title: str) -> str:
    return title.upper().replace(" ", "_")
