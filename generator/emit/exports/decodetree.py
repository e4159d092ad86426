"""QEMU's decodetree language: one file of patterns for each width of instructions."""

from __future__ import annotations

from collections.abc import Iterable

from drafthart.generator.emit.exports.header import MANIFEST, commented, manifest
from drafthart.generator.emit.exports.tables import InstructionRow, tabulate
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Encoding, Operand


def emit_decodetree(isa: ISA) -> dict[str, str]:
    """The files by name, insn16.decode and insn32.decode."""
    tables = tabulate(isa)
    files = {
        f"insn{width}.decode": _file(isa, rows)
        for width in (16, 32)
        if (rows := tables.of_width(width))
    }
    return {**files, MANIFEST: manifest(isa)}


def _file(isa: ISA, rows: list[InstructionRow]) -> str:
    fields: dict[str, str] = {}
    for row in rows:
        for operand in row.encoding.operands:
            name, text = field_definition(isa.operands[operand], row.encoding)
            if fields.setdefault(name, text) != text:
                raise DrafthartError(
                    f"{isa.id}: {row.id} has {operand} in other bits than another instruction, "
                    "under the same name; name one otherwise in the specs"
                )
    lines = [commented(isa, "#"), "\n"]
    lines += [f"%{name} {text}\n" for name, text in sorted(fields.items())]
    lines.append("\n")
    for group in _groups(rows):
        if len(group) == 1:
            lines.append(f"{_pattern(isa, group[0])}\n")
        else:
            # The first that fits and that the translator accepts is the one.
            lines += ["{\n", *(f"  {_pattern(isa, row)}\n" for row in group), "}\n"]
    return "".join(lines)


def field_definition(operand: Operand, encoding: Encoding) -> tuple[str, str]:
    """Name and definition of the field that gives an operand's value.

    Low bits that the encoding has not are shifted in by functions that QEMU's RISC-V translator
    names ex_shift_N, and registers of three bits go through its ex_rvc_register.
    """
    pieces = [it for it in encoding.pieces if it.operand == operand.name]
    pieces.sort(key=lambda it: -it.low)
    parts = [f"{it.at}:{it.width}" for it in pieces]
    if operand.signed:
        parts[0] = parts[0].replace(":", ":s")
    lowest = pieces[-1].low
    function = f" !function=ex_shift_{lowest}" if lowest else ""
    if operand.base:
        function = " !function=ex_rvc_register"
    where = "_".join(f"{it.at + it.width - 1}_{it.at}" for it in pieces)
    shift = f"_x{1 << lowest}" if lowest else ""
    return f"{_plain(operand.name)}_{where}{shift}", " ".join(parts) + function


def _pattern(isa: ISA, row: InstructionRow) -> str:
    encoding = row.encoding
    bits = row.pattern.replace("-", ".")
    groups = " ".join(bits[at : at + 4] for at in range(0, len(bits), 4))
    fields = " ".join(
        f"{_plain(operand)}=%{field_definition(isa.operands[operand], encoding)[0]}"
        for operand in encoding.operands
    )
    excluded = ", ".join(f"{name} != {value}" for name, value in encoding.constraints)
    remark = f"  # {excluded}" if excluded else ""
    return f"{row.name:<18} {groups} {fields}".rstrip() + remark


def _plain(operand: str) -> str:
    """Three-bit registers may be written rd' in the specs."""
    return operand.replace("'", "_c")


def _groups(rows: Iterable[InstructionRow]) -> list[list[InstructionRow]]:
    """Patterns that can fit the same word stand together, those with more fixed bits first."""
    groups: list[list[InstructionRow]] = []
    for row in rows:
        met = [group for group in groups if any(_overlap(row, other) for other in group)]
        joined = [it for group in met for it in group] + [row]
        groups = [group for group in groups if group not in met]
        groups.append(sorted(joined, key=lambda it: -it.encoding.mask.bit_count()))
    return groups


def _overlap(a: InstructionRow, b: InstructionRow) -> bool:
    common = a.encoding.mask & b.encoding.mask
    return a.encoding.match & common == b.encoding.match & common
