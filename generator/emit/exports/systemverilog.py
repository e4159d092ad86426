"""A SystemVerilog package: the numbers as localparams, the CSRs as packed structs."""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.generator.emit.exports.constants import Number, constants
from drafthart.generator.emit.exports.header import remarks
from drafthart.generator.emit.exports.names import distinct, module_name
from drafthart.generator.emit.exports.tables import CSRRow, tabulate
from drafthart.generator.emit.render import render
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

_KEYWORDS = """
alias and assert assign assume automatic before begin bind bins bit break buf byte case cell
chandle checker class config const context continue cover covergroup cross deassign default
defparam design disable dist do edge else end endcase endclass endfunction endmodule endpackage
endtask enum event expect export extends extern final first_match for force foreach forever fork
function generate genvar global if iff ignore_bins import include initial inout input inside
instance int integer interface intersect join large let liblist library local localparam logic
longint macromodule matches medium modport module nand negedge new nor not null or output package
packed parameter posedge primitive priority program property protected pull0 pull1 pure rand real
realtime ref reg release repeat return scalared sequence shortint shortreal signed small solve
specify static string strong struct super supply0 supply1 table tagged task this throughout time
timeprecision timeunit tran tri type typedef union unique unsigned until untyped use var vectored
virtual void wait weak while wildcard wire with within wor xnor xor
"""
_RESERVED = frozenset(_KEYWORDS.split())
"""Keywords that a field could be named like."""


def emit_systemverilog(isa: ISA) -> str:
    """The package's text. A struct's bits are those of its CSR."""
    tables = tabulate(isa)
    structs = [(row, list(_members(isa, row))) for row in tables.csrs]
    distinct(isa, [(f"{row.name.lower()}_t", row.id) for row, _ in structs])
    return render(
        "package.sv.j2",
        isa=isa,
        remarks=remarks(isa),
        name=f"{module_name(isa)}_pkg",
        groups=[
            (group.title, [(it, _literal(it)) for it in group.numbers])
            for group in constants(tables)
        ],
        structs=structs,
    )


def _literal(number: Number) -> str:
    if number.bits == 8:  # a count
        return f"{number.bits}'d{number.value}"
    return f"{number.bits}'h{number.value:0{number.bits // 4}x}"


def _members(isa: ISA, row: CSRRow) -> Iterator[tuple[str, int]]:
    """Name and width, highest bits first; bits of no field are named after where they are."""
    taken = {field.name for field in row.fields}
    for field, high, low in row.parts():
        name = field.name if field else f"reserved_{low}"
        if name in _RESERVED or (field is None and name in taken):
            raise DrafthartError(
                f"{isa.id}: {row.id} cannot have a field {name} in SystemVerilog; "
                "rename it in the specs"
            )
        yield name, high - low + 1
