"""From a group of probes to a program, and from what the program printed to observations."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drafthart.conformance.probes.probe import Group, Names, Probe, Setup
from drafthart.generator.assembly import Program, assemble
from drafthart.generator.assembly.registers import FLOAT_REGISTERS, REGISTERS
from drafthart.generator.spec.model import ISA

_DRIVER = Path(__file__).with_name("driver.S")
_FIXED = ("how", "a0", "a1")
"""What the driver notes by itself, before `Group.watch`."""

WRITTEN = 1 << 17
"""A bit of the first word of each record, which the driver sets."""
HTIF = "htif"
"""The console of a platform that has none but the host's, by the symbol `tohost`."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a target has what the programs need.

    `ram` is the first address; `console` a 16550's data register, "htif" for characters by the
    symbol `tohost`, or None; a store of `exit_value` to `exit` ends the run, as does a store of 1
    to `tohost`. `quiet` are stores, pairs of address and value, that make the devices' interrupts
    not pending.
    """

    ram: int = 0x8000_0000
    console: int | str | None = 0x1000_0000
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
        f".equ CONSOLE, {_console(platform)}",
        f".equ EXIT, {platform.exit:#x}",
        f".equ EXIT_VALUE, {platform.exit_value:#x}",
        driver(),
        ".text",
        *_fences(isa),
        *_observe(group),
        *(line for name in written for line in (f"write_{name}:", _write(name), "ret")),
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
    # Some simulators write a signature in lines of 16 bytes, and nothing if a part is left.
    lines += [f".zero {8 * words * len(group.probes)}", ".balign 16"]
    lines += [".globl end_signature", "end_signature:"]
    return "\n".join(lines) + "\n"


def driver() -> str:
    """The part that all programs share: what runs the probes, and notes what they leave."""
    return _DRIVER.read_text()


def build(group: Group, isa: ISA, platform: Platform) -> Program:
    """The program, ready to be written as ELF."""
    text = source(group, isa, platform)
    return assemble(text, isa, name=f"{group.name}.S", base=platform.ram)


def _console(platform: Platform) -> str:
    if platform.console == HTIF:
        return "tohost"
    return f"{platform.console or 0:#x}"


def _write(name: str) -> str:
    """What gives a CSR or a register the value in a0."""
    if name in FLOAT_REGISTERS:
        return f"fmv.d.x {name}, a0"
    return f"mv {name}, a0" if name in REGISTERS else f"csrw {name}, a0"


def _fences(isa: ISA) -> list[str]:
    fences = [
        name for name in ("sfence.vma", "hfence.gvma", "hfence.vvma") if name in isa.instructions
    ]
    return ["fence_translations:", *(f"{name} x0, x0" for name in fences), "ret"]


def _observe(group: Group) -> list[str]:
    lines = ["observe:"]
    for index, what in enumerate(group.watch, start=len(_FIXED)):
        if what in REGISTERS:
            lines.append(f"mv t0, {what}")
        elif isinstance(what, str):
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


_HANDLERS = {"2": ("HS", "scause"), "3": ("VS", "vscause")}
_M_LEVEL = ("mcause", "mepc", "mtval", "mtval2", "mtinst")


def record_size(group: Group) -> int:
    """The number of words that each probe of the group leaves."""
    return len(_FIXED) + len(group.watch)


def meaning(
    group: Group, isa: ISA, record: Sequence[int], among: Container[str] | None = None
) -> dict[str, str]:
    """What was seen → its value, as text.

    `end` tells how it ended: complete or by which traps, or `lost` if the record is not whole. A
    field of a CSR counts by itself. What only the way out has written is left out, and with
    `among` what is not of these words.
    """
    keys = record_keys(group)
    if len(record) != len(keys):
        return {"end": "lost"}
    return _meaning(dict(zip(keys, record, strict=True)), isa, among)


def end_of(group: Group, record: Sequence[int]) -> str:
    """How a probe ended, as `meaning` tells it."""
    keys = record_keys(group)
    if len(record) != len(keys):
        return "lost"
    return _end(dict(zip(keys, record, strict=True)))


def record_keys(group: Group) -> list[str]:
    """The names of a record's words."""
    return [*_FIXED, *(what if isinstance(what, str) else what[0] for what in group.watch)]


def _handlers(how: int) -> list[str]:
    digits = f"{how & 0xFFFF:x}" if how & 0xFFFF else ""
    return [_HANDLERS.get(digit, ("?", ""))[0] for digit in digits]


def _end(record: Mapping[str, int]) -> str:
    how = record["how"]
    handlers = _handlers(how)
    if how >> 16 & 1:
        return " ".join(["complete", *handlers])
    if handlers:
        _, cause = _HANDLERS.get(f"{how & 0xFFFF:x}"[0], ("?", ""))
        return f"{' '.join(handlers)} {_cause(record[cause]) if cause in record else '?'}"
    return f"M {_cause(record['mcause'])}" if "mcause" in record else "M"


def _meaning(record: dict[str, int], isa: ISA, among: Container[str] | None) -> dict[str, str]:
    seen = {"end": _end(record)}
    how = record.pop("how")
    handlers = _handlers(how)
    complete = bool(how >> 16 & 1)
    if how >> 32:
        seen["setup traps"] = str(how >> 32)
    for name, value in record.items():
        if among is not None and name not in among:
            continue
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
