"""The numbers of a revision as a C header that C and assembler sources can include."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from drafthart.generator.diff.drawing import encoding_text
from drafthart.generator.emit.render import render, stability_line
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Cause


@dataclass(frozen=True, slots=True)
class Define:
    """A macro, and the id of the item whose number it is."""

    name: str
    value: str
    item: str
    remark: str = ""


def emit_c_header(isa: ISA) -> str:
    """The header's text: the same bytes for the same ISA. Items without a number are left out.

    Numbers have no suffix, so that assemblers read them too; C gives each a type that holds it.
    """
    groups = [
        ("CSR addresses", _csrs(isa)),
        ("CSR fields", _fields(isa)),
        ("Instructions", _instructions(isa)),
        ("Exception codes", _causes(isa.causes.values(), "CAUSE", "cause")),
        ("Interrupt codes", _causes(isa.interrupts.values(), "INTERRUPT", "interrupt")),
    ]
    _check_names(isa, [define for _, defines in groups for define in defines])
    return render(
        "header.h.j2",
        isa=isa,
        stability=stability_line(isa),
        guard=f"DRAFTHART_{_macro(isa.id)}_H",
        groups=groups,
    )


def _csrs(isa: ISA) -> list[Define]:
    return [
        Define(f"CSR_{_macro(csr.name)}", f"{csr.address:#05x}", f"csr:{csr.name}")
        for csr in isa.csrs.values()
        if csr.address is not None
    ]


def _fields(isa: ISA) -> list[Define]:
    defines = []
    for csr in isa.csrs.values():
        for field in csr.fields.values():
            name, item = _macro(f"{csr.name}_{field.name}"), f"csr:{csr.name}.{field.name}"
            defines += [
                Define(f"{name}_MASK", f"{field.mask:#x}", item),
                Define(f"{name}_SHIFT", str(field.low), item),
            ]
    return defines


def _instructions(isa: ISA) -> list[Define]:
    defines = []
    for instruction in isa.instructions.values():
        encoding = instruction.encoding
        if encoding is None:
            continue
        name, item = _macro(instruction.mnemonic), f"insn:{instruction.mnemonic}"
        digits = encoding.width // 4 + 2
        defines += [
            Define(f"MATCH_{name}", f"{encoding.match:#0{digits}x}", item),
            Define(f"MASK_{name}", f"{encoding.mask:#0{digits}x}", item, encoding_text(encoding)),
        ]
    return defines


def _causes(causes: Iterable[Cause], macro: str, prefix: str) -> list[Define]:
    return [
        Define(
            f"{macro}_{_macro(cause.constant)}",
            str(cause.code),
            f"{prefix}:{cause.code}",
            cause.name,
        )
        for cause in causes
    ]


def _macro(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _check_names(isa: ISA, defines: list[Define]) -> None:
    """Two items must not share a macro: the later would silently win."""
    owners: dict[str, str] = {}
    for define in defines:
        other = owners.setdefault(define.name, define.item)
        if other != define.item:
            raise DrafthartError(
                f"{isa.id}: {other} and {define.item} would both be {define.name} in C; "
                "rename one in the specs"
            )
