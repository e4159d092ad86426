"""Each instruction that accesses memory, where it faults; misaligned accesses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from drafthart.conformance.probes.page_tables import (
    ELSEWHERE_PTE,
    G_PTE,
    PAGE,
    RWX,
    VS_PTE,
    Stages,
    U,
    pte,
)
from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, Watched, existing
from drafthart.conformance.probes.state import DATA, NOWHERE, watched
from drafthart.generator.spec.model import ISA, Instruction

_F = ("F", "D")
_ADDRESSED = {
    "rd, imm(rs1)": "{name} {rd}, {imm}(a0)",
    "rs2, imm(rs1)": "{name} {rd}, {imm}(a0)",
    "frd, imm(rs1)": "{name} {rd}, {imm}(a0)",
    "frs2, imm(rs1)": "{name} {rd}, {imm}(a0)",
    "rd, rs2, (rs1)": "{name} a4, a5, (a0)",
    "rd, (rs1)": "{name} a4, (a0)",
}
_SECOND = DATA + 0x1000
_NEGATIVE = 0xF1E2D3C4B5A69788
"""Every byte of it, so that no extension with zeros is one with signs."""


def memory(isa: ISA) -> Group:
    """Faults of each instruction at either stage and without them, and misaligned accesses."""
    names, stages = Names(isa), Stages(isa)
    probes = [*_faulting(names, stages), *_misaligned(stages)]
    watch: tuple[Watched, ...] = (*watched(isa), ("data", DATA), ("data 8", DATA + 8))
    start = stages.baseline((_SECOND - 8, _NEGATIVE), (_SECOND, _NEGATIVE))
    return Group("memory", tuple(probes), start, watch, stages.prologue())


def _faulting(names: Names, stages: Stages) -> Iterator[Probe]:
    fs = names.value("mstatus.FS", 1)
    status: Setup = existing(names, (("vsstatus", names.value("vsstatus.FS", 1)),))
    for name, text in _texts(names.isa):
        guest: Setup = ((G_PTE, 0), *status)
        yield stages.probe(f"{name}, G-stage fault", text, "VS", guest, mstatus=fs)
        own: Setup = ((VS_PTE, 0), *status)
        yield stages.probe(f"{name}, VS-stage fault", text, "VS", own, mstatus=fs)
        for mode in ("HS", "VS"):
            label = f"{name} nowhere in {mode}"
            yield Probe(label, text, mode, status, fs, (NOWHERE, 0))


def _texts(isa: ISA) -> Iterator[tuple[str, str]]:
    """A label and an action for each load, store and atomic instruction; the address is in a0."""
    for name, instruction in isa.instructions.items():
        shape = _ADDRESSED.get(instruction.assembly)
        if shape is None or instruction.extension == "H" or instruction.encoding is None:
            continue
        if name.startswith("sc."):
            continue  # without a reservation it may fail before it faults
        if instruction.encoding.width == 16:
            yield name, f"{name} {_register(instruction, 4)}, 0(a0)\nc.nop"
        elif "imm" in instruction.assembly:
            if name == "jalr":
                continue
            for rd, imm in ((4, -2048), (1, 2040), (31, 0)):
                register = _register(instruction, rd)
                yield f"{name} {register}, {imm}", shape.format(name=name, rd=register, imm=imm)
        else:
            yield name, shape.format(name=name)
    for name in ("c.lwsp", "c.ldsp", "c.swsp", "c.sdsp", "c.fldsp", "c.fsdsp"):
        if name in isa.instructions:
            register = "fa4" if "f" in name else "a4"
            yield name, f"mv t0, sp\nmv sp, a0\n{name} {register}, 8(sp)\nc.nop"


def _register(instruction: Instruction, number: int) -> str:
    """A register that an action may change; f0 to f31 all are."""
    if instruction.extension in _F or instruction.mnemonic.startswith("c.f"):
        return {1: "ft1", 4: "fa4", 31: "ft11"}[number]
    return {1: "t0", 4: "a4", 31: "t6"}[number]


def _misaligned(stages: Stages) -> Iterator[Probe]:
    """Within a page, and from one to the next, which is there or not."""
    accesses = {
        "lh": "lh a1, 0(a0)", "lw": "lw a1, 0(a0)", "ld": "ld a1, 0(a0)",
        "sh": "sh a1, 0(a0)", "sw": "sw a1, 0(a0)", "sd": "sd a1, 0(a0)",
    }  # fmt: skip
    value = 0xF1F2F3F4F5F6F7F8
    for (name, action), offset, mode in product(accesses.items(), (1, 2, 4, 7), ("HS", "VS")):
        label = f"{name} in {mode} at {offset}"
        yield stages.probe(label, action, mode, (), PAGE + offset, value=value)
    beyond: dict[str, Setup] = {
        "both pages": ((ELSEWHERE_PTE, pte(_SECOND, RWX | U)),),
        "no second G-stage page": (),
        "no second VS-stage page": ((VS_PTE + 8, 0),),
        "no first VS-stage page": ((VS_PTE, 0),),
        "no first G-stage page": ((G_PTE, 0), (ELSEWHERE_PTE, pte(_SECOND, RWX | U))),
    }
    for (name, action), (pages, setup) in product(accesses.items(), beyond.items()):
        label = f"{name} across, {pages}"
        yield stages.probe(label, action, "VS", setup, PAGE + 0xFFF, value=value)
