"""The names that riscv-opcodes and the headers made from it use, for ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from drafthart.generator.diff.drawing import encoding_cells
from drafthart.generator.emit.exports.tables import CauseRow, InstructionRow
from drafthart.generator.spec.yaml_file import load_yaml

_TABLE = Path(__file__).with_name("opcodes.yaml")


@dataclass(frozen=True, slots=True)
class Argument:
    """A variable part of an encoding at bits `high`..`low`, under the name that it has there."""

    name: str
    high: int
    low: int


@cache
def opcodes_names() -> Mapping[str, Mapping[str, str]]:
    """Sections of opcodes.yaml: our name → theirs."""
    plain: Mapping[str, Mapping[str, str]] = load_yaml(_TABLE, _TABLE.name).plain()
    return plain


def arguments(row: InstructionRow) -> list[Argument]:
    """The variable parts, highest first. One that they have no name for gets one of its own."""
    known = opcodes_names()["arguments"]
    found = []
    for cell in encoding_cells(row.encoding):
        operand = cell.label.partition("[")[0]
        if operand not in row.encoding.operands:
            continue
        where = f"{cell.label} {cell.high}:{cell.low}"
        excluded = [value for name, value in row.encoding.constraints if name == operand]
        named = [f"{where} != {value}" for value in excluded] + [where]
        plain = operand
        if cell.label != operand:  # a part of the operand
            plain = f"{operand.rstrip(chr(39))}_{cell.high}_{cell.low}"
        found.append(
            Argument(next((known[it] for it in named if it in known), plain), cell.high, cell.low)
        )
    return found


def cause_title(row: CauseRow) -> str:
    """What causes.csv calls an exception; our own words in that style for one that it lacks."""
    return opcodes_names()["causes"].get(row.name, row.name.lower().replace("_", " "))


def interrupt_macro(row: CauseRow) -> str:
    """The macro of an interrupt's number."""
    return f"IRQ_{opcodes_names()['interrupts'].get(row.name, row.name)}"


def field_macro(csr: str, field: str) -> str:
    """The macro of a field's mask."""
    return f"{csr}_{opcodes_names()['fields'].get(f'{csr}.{field}', field)}".upper()
