"""From a group of probes to a program, and from what the program printed to observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drafthart.conformance.probes.probe import Group, Names, Probe, Setup
from drafthart.generator.assembly import Program, assemble
from drafthart.generator.spec.model import ISA

_DRIVER = Path(__file__).with_name("driver.S")
_FIXED = ("how", "a0", "a1")
"""What the driver notes by itself, before `Group.watch`."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a target has what the programs need.

    `ram` is the first address; `console` a 16550's data register, or None; a store of `exit_value`
    to `exit` ends the run, as does a store of 1 to the symbol `tohost`. `quiet` are stores, pairs
    of address and value, that make the devices' interrupts not pending.
    """

    ram: int = 0x8000_0000
    console: int | None = 0x1000_0000
    exit: int = 0x10_0000
    exit_value: int = 0x5555
    quiet: tuple[tuple[int, int], ...] = ((0x200_4000, (1 << 64) - 1),)


def source(group: Group, isa: ISA, platform: Platform) -> str:
    """The program's assembly."""
    names = Names(isa)
    actions = {
        text: f"action_{n}" for n, text in enumerate(dict.fromkeys(p.action for p in group.probes))
    }
    setups = [group.baseline, group.prologue, *(probe.setup for probe in group.probes)]
    written = dict.fromkeys(what for setup in setups for what, _ in setup if isinstance(what, str))
    words = len(_FIXED) + len(group.watch)
    lines = [
        f".equ RECORD_WORDS, {words}",
        f".equ CONSOLE, {platform.console or 0:#x}",
        f".equ EXIT, {platform.exit:#x}",
        f".equ EXIT_VALUE, {platform.exit_value:#x}",
        _DRIVER.read_text(),
        ".text",
        *_fences(isa),
        *_observe(group),
        *(line for csr in written for line in (f"write_{csr}:", f"csrw {csr}, a0", "ret")),
        ".balign 4096",
    ]
    for text, label in actions.items():
        lines += [f"{label}:", text, "j done"]
    lines += [
        ".data",
        ".balign 8",
        f"prologue: .dword {_operations((*platform.quiet, *group.prologue))}",
    ]
    lines.append(f"baseline: .dword {_operations(group.baseline)}")
    lines.append("probes:")
    lines += [f".dword {_row(probe, actions[probe.action], names)}" for probe in group.probes]
    lines += [".dword 0", ".bss", ".balign 64", ".globl begin_signature", "begin_signature:"]
    lines += [f".zero {8 * words * len(group.probes)}", ".globl end_signature", "end_signature:"]
    return "\n".join(lines) + "\n"


def build(group: Group, isa: ISA, platform: Platform) -> Program:
    """The program, ready to be written as ELF."""
    text = source(group, isa, platform)
    return assemble(text, isa, name=f"{group.name}.S", base=platform.ram)


def _fences(isa: ISA) -> list[str]:
    fences = [
        name for name in ("sfence.vma", "hfence.gvma", "hfence.vvma") if name in isa.instructions
    ]
    return ["fence_translations:", *(f"{name} x0, x0" for name in fences), "ret"]


def _observe(group: Group) -> list[str]:
    lines = ["observe:"]
    for index, what in enumerate(group.watch, start=len(_FIXED)):
        if isinstance(what, str):
            lines += ["li t0, -1", f"csrr t0, {what}"]
        else:
            lines += [f"li t0, {what[1]:#x}", "ld t0, 0(t0)"]
        lines.append(f"sd t0, {8 * index}(s1)")
    return [*lines, f"addi s1, s1, {8 * (len(_FIXED) + len(group.watch))}", "ret"]


def _operations(setup: Setup) -> str:
    pairs = []
    for what, value in setup:
        number = value if isinstance(value, str) else f"{value:#x}"
        if isinstance(what, str):
            pairs.append(f"write_{what}, {number}")
        else:
            pairs.append(f"choose_address, {what:#x}, store_word, {number}")
    return ", ".join([*pairs, "0"])


def _row(probe: Probe, action: str, names: Names) -> str:
    mstatus = probe.mstatus | names.entry(probe.mode)
    first, second = probe.registers
    where = f"{action} + {probe.virtual:#x}" if probe.virtual else action
    head = f"{where}, {mstatus:#x}, {first:#x}, {second:#x}, {int(probe.ecall)}"
    return f"{head}, {_operations(probe.setup)}"


_HANDLERS = {2: ("HS", "scause"), 3: ("VS", "vscause")}
_M_LEVEL = ("mcause", "mepc", "mtval", "mtval2", "mtinst")


def record_size(group: Group) -> int:
    """The number of words that each probe of the group leaves."""
    return len(_FIXED) + len(group.watch)


def meaning(group: Group, isa: ISA, record: Sequence[int]) -> dict[str, str]:
    """What was seen → its value, as text.

    `end` tells how it ended: complete or by which traps, or `lost` if the record is not whole. A
    field of a CSR counts by itself. What only the way out has written is left out.
    """
    keys = [*_FIXED, *(what if isinstance(what, str) else what[0] for what in group.watch)]
    if len(record) != len(keys):
        return {"end": "lost"}
    return _meaning(dict(zip(keys, record, strict=True)), isa)


def _meaning(record: dict[str, int], isa: ISA) -> dict[str, str]:
    how = record.pop("how")
    handlers = [
        _HANDLERS.get(int(digit), ("?", ""))[0] for digit in f"{how & 0xFFFF:x}" if how & 0xFFFF
    ]
    complete = bool(how >> 16 & 1)
    seen: dict[str, str] = {}
    if complete:
        seen["end"] = " ".join(["complete", *handlers])
    elif handlers:
        first = _HANDLERS[int(f"{how & 0xFFFF:x}"[0])][1]
        seen["end"] = f"{' '.join(handlers)} {_cause(record[first])}"
    else:
        seen["end"] = f"M {_cause(record['mcause'])}" if "mcause" in record else "M"
    if how >> 32:
        seen["setup traps"] = str(how >> 32)
    for name, value in record.items():
        if name in _M_LEVEL and (complete or handlers):
            continue
        if name in isa.csrs and len(isa.csrs[name].fields) > 1:
            seen |= _fields(name, value, isa)
        else:
            seen[name] = f"{value:#x}"
    if complete or handlers:
        seen.pop("mstatus.GVA", None)
    return seen


def _cause(value: int) -> str:
    code = value & ((1 << 63) - 1)
    return f"interrupt {code}" if value >> 63 else str(code)


def _fields(name: str, value: int, isa: ISA) -> dict[str, str]:
    seen = {}
    rest = value
    for field in isa.csrs[name].fields.values():
        seen[f"{name}.{field.name}"] = f"{(value & field.mask) >> field.low:#x}"
        rest &= ~field.mask
    seen[f"{name} (no field)"] = f"{rest:#x}"
    return seen
