"""riscv-opcodes' text form: a folder as its checkout has it.

One file for the instructions of each extension, and the tables of CSRs, causes and arguments.
"""

from __future__ import annotations

from drafthart.generator.diff.drawing import encoding_cells
from drafthart.generator.emit.exports.header import MANIFEST, commented, manifest
from drafthart.generator.emit.exports.names import line
from drafthart.generator.emit.exports.opcodes_names import Argument, arguments, cause_title
from drafthart.generator.emit.exports.tables import InstructionRow, Tables, tabulate
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA


def emit_opcodes(isa: ISA) -> dict[str, str]:
    """The files by name. All is of one XLEN, and so are the names: rv64_h has all of H in RV64."""
    tables = tabulate(isa)
    files: dict[str, str] = {}
    for row in tables.instructions:
        name = f"extensions/{extension_file(tables, row)}"
        head = f"{commented(isa, '#')}# {line(row.instruction.extension)}\n\n"
        files[name] = files.get(name, head) + f"{instruction_line(row)}\n"
    files["csrs.csv"] = "".join(f'0x{it.address:03X}, "{it.name}"\n' for it in tables.csrs)
    files["causes.csv"] = "".join(f'0x{it.code:02X}, "{cause_title(it)}"\n' for it in tables.causes)
    files["arg_lut.csv"] = "".join(
        f'"{it.name}", {it.high}, {it.low}\n' for it in _all_arguments(tables)
    )
    files[MANIFEST] = manifest(isa)
    return files


def extension_file(tables: Tables, row: InstructionRow) -> str:
    """The file of an instruction's extension."""
    return f"rv{tables.isa.xlen}_{row.instruction.extension.lower()}"


def instruction_line(row: InstructionRow) -> str:
    """Mnemonic, arguments, then the fixed bits, highest first."""
    operands = row.encoding.operands
    cells = encoding_cells(row.encoding)
    fixed = [it for it in cells if it.label.partition("[")[0] not in operands]
    parts = [
        f"{it.low}={int(it.label, 2)}"
        if it.width == 1
        else f"{it.high}..{it.low}={int(it.label, 2):#x}"
        for it in fixed
    ]
    names = [it.name for it in arguments(row)]
    return " ".join([row.instruction.mnemonic, *names, *parts])


def _all_arguments(tables: Tables) -> list[Argument]:
    found: dict[str, Argument] = {}
    for row in tables.instructions:
        for it in arguments(row):
            other = found.setdefault(it.name, it)
            if other != it:
                raise DrafthartError(
                    f"{tables.isa.id}: {row.id} has {it.name} at bits {it.high}:{it.low}, and "
                    f"another instruction at {other.high}:{other.low}; riscv-opcodes cannot say "
                    "that: name one of the operands otherwise in the specs"
                )
    return sorted(found.values(), key=lambda it: (-it.high, -it.low, it.name))
