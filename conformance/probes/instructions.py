"""Which instructions may run in which mode, under which gates, and what lies between them."""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.conformance.probes.interrupts import enable, source
from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, existing
from drafthart.conformance.probes.state import CONTENT, DATA, baseline, watched
from drafthart.generator.spec.model import ISA, Instruction

_EXTENSIONS = ("H", "S", "Sm")
_MORE = ("ecall", "ebreak", "fence.i", "lr.w", "amoadd.d")
_MODES = ("M", "HS", "U", "VS", "VU")
_MSTATUS_GATES = ("TVM", "TW", "TSR")
_HSTATUS_GATES = ("VTVM", "VTW", "VTSR", "HU")
_REGISTERS = {"rd": 10, "rs1": 10, "rs2": 11}


def instructions(isa: ISA) -> Group:
    """Each privileged instruction from each mode under each gate."""
    names = Names(isa)
    probes = [
        probe
        for name, instruction in isa.instructions.items()
        if instruction.extension in _EXTENSIONS or name in _MORE
        for probe in _gated(names, name, instruction)
    ]
    start = baseline(names, (DATA, CONTENT))
    return Group("instructions", tuple(probes), start, (*watched(isa), ("data", DATA)))


def _gated(names: Names, name: str, instruction: Instruction) -> Iterator[Probe]:
    if instruction.encoding is None:
        return
    operands = {operand: _REGISTERS.get(operand, 0) for operand in instruction.encoding.operands}
    action = f".insn {instruction.encoding.insert(operands):#010x} # {name}"
    for mode in _MODES:
        for gates in _combinations():
            mstatus = names.mask(*(f"mstatus.{gate}" for gate in gates if gate in _MSTATUS_GATES))
            hstatus = names.mask(*(f"hstatus.{gate}" for gate in gates if gate in _HSTATUS_GATES))
            setup = existing(names, (("hstatus", hstatus), *_returns(names, mode)))
            if name == "wfi":
                setup += _awake(names, mode)
            label = " ".join([f"insn:{name}", mode, *gates])
            yield Probe(label, action, mode, setup, mstatus, (DATA, 0), ecall=name == "ebreak")


def _combinations() -> Iterator[tuple[str, ...]]:
    every = _MSTATUS_GATES + _HSTATUS_GATES
    yield ()
    yield from ((gate,) for gate in every)
    yield every


def _returns(names: Names, mode: str) -> Setup:
    """Where MRET and SRET lead: to the end of the probe, which in VS-mode's view is the same."""
    return existing(names, (("sepc", "done"), ("vsepc", "done")))


def _awake(names: Names, mode: str) -> Setup:
    """An interrupt that ends WFI and is not taken in this mode."""
    if mode == "VS":
        path = source(names, "VSSI")
        if path is None:
            return ()
        delegated = names.mask("hideleg.VSSI")
        wanted = (enable(path), path)
        return (
            ("hideleg", delegated),
            *((field.partition(".")[0], names.mask(field)) for field in wanted),
        )
    if mode in ("M", "HS"):
        delegated = names.mask("mideleg.SSI") if mode == "HS" else 0
        pending = names.mask("mip.SSIP")
        return (("mideleg", delegated), ("mie", names.mask("mie.SSIE")), ("mip", pending))
    return ()


def opcodes(isa: ISA) -> Group:
    """Every word between and around the encodings of privileged instructions.

    In SYSTEM with funct3 0 and 4 all values of funct7 that the extension uses, each with all
    values of the rs2 field; and what is one bit off an encoding.
    """
    names = Names(isa)
    space = _opcode_space(isa)
    probes = [
        Probe(f"word:{word:#010x} {mode}", f".insn {word:#010x}", mode, registers=(DATA, 0))
        for word in space
        for mode in ("HS", "VS", "U")
    ]
    probes += [
        Probe(f"word:{word:#010x} HS", f".insn {word:#010x}", "HS", registers=(DATA, 0))
        for word in _beside(isa)
        if word not in space
    ]
    return Group("opcodes", tuple(probes), baseline(names, (DATA, CONTENT)), watched(isa))


def _opcode_space(isa: ISA) -> list[int]:
    """Words with a0 as rs1 and rd, with variations of the fields that the encodings fix."""
    of_h = [i.encoding for i in isa.instructions.values() if i.extension == "H" and i.encoding]
    words: set[int] = set()
    for encoding in of_h:
        upper = encoding.match & ~(0x1F << 20)
        if not (encoding.match >> 12 & 7):  # fences: rd must be 0
            words |= {upper | 10 << 15 | rd << 7 for rd in (0, 1, 31)}
            words |= {upper | rs2 << 20 | 10 << 15 | 4 << 12 for rs2 in (0, 11)}
            continue
        for rs2 in range(32):
            words.add(upper & ~(0x1F << 7) | rs2 << 20 | 10 << 15 | 10 << 7)
        words |= {upper | 10 << 15 | rd << 7 | 11 << 20 for rd in (0, 1, 10, 31)}
    return sorted(words)


def _beside(isa: ISA) -> list[int]:
    """Words that differ from a privileged instruction in one fixed bit, and are no instruction."""
    found = set()
    for instruction in isa.instructions.values():
        encoding = instruction.encoding
        if encoding is None or instruction.extension not in _EXTENSIONS:
            continue
        known = {operand: _REGISTERS.get(operand, 0) for operand in encoding.operands}
        word = encoding.insert(known)
        found |= {word ^ 1 << bit for bit in range(7, 32) if encoding.mask >> bit & 1}
    encodings = [it.encoding for it in isa.instructions.values() if it.encoding]
    return sorted(it for it in found if not any(encoding.accepts(it) for encoding in encodings))
