"""What can be left out of a random probe: writes, steps, bits, and the less simple of two modes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from drafthart.conformance.probes.probe import Probe, Setup, Write
from drafthart.conformance.probes.state import DATA
from drafthart.conformance.randomized.entries import FLAGS
from drafthart.conformance.randomized.place import placed
from drafthart.conformance.randomized.values import leads
from drafthart.generator.spec.model import ISA

Cut = tuple[Literal["write", "step", "bits", "mstatus", "mode", "a0", "a1", "ecall"], int, int]
"""What to leave out: of the write or step with this number, or of mstatus, these bits.

A mode is by its number in _SIMPLER.
"""
Cuts = frozenset[Cut]

_SIMPLER = ("M", "HS", "U", "VS", "VU")
_FEW = 6
"""So many writes or steps are tried one by one; of more, parts are."""


def steps_of(probe: Probe) -> list[str]:
    """Its steps; what belongs to the one above is indented."""
    found: list[str] = []
    for line in probe.action.splitlines():
        if line.startswith(" ") and found:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def cost(probe: Probe) -> int:
    """How much a probe needs: what it writes beforehand and runs, then modes and single bits."""
    bits = sum(value.bit_count() for _, value in probe.setup if isinstance(value, int))
    bits += probe.mstatus.bit_count() + sum(it.bit_count() for it in probe.registers)
    text = len(probe.action) + 300 * len(steps_of(probe)) + 300 * len(probe.setup)
    return text + 50 * _SIMPLER.index(probe.mode) + 3 * bits + 50 * probe.ecall


def cut(probe: Probe, cuts: Cuts) -> Probe:
    """The probe without all these."""
    gone = {kind: {number for it, number, _ in cuts if it == kind} for kind in ("write", "step")}
    bits = {number: bits for kind, number, bits in cuts if kind == "bits"}
    setup = tuple(
        _without(write, bits.get(number, 0))
        for number, write in enumerate(probe.setup)
        if number not in gone["write"]
    )
    steps = [it for number, it in enumerate(steps_of(probe)) if number not in gone["step"]]
    mstatus, (first, second) = probe.mstatus, probe.registers
    mode, ecall = probe.mode, probe.ecall
    for kind, number, mask in cuts:
        if kind == "mstatus":
            mstatus &= ~mask
        elif kind == "mode":
            mode = _SIMPLER[min(number, _SIMPLER.index(mode))]
        elif kind == "a0":
            first = DATA
        elif kind == "a1":
            second = 0
        elif kind == "ecall":
            ecall = False
    return placed(
        replace(
            probe,
            action="\n".join(steps) or "nop",
            setup=setup,
            mstatus=mstatus,
            mode=mode,
            registers=(first, second),
            ecall=ecall,
        )
    )


def _without(write: Write, bits: int) -> Write:
    what, value = write
    return what, value & ~bits if isinstance(value, int) else value


def named(probe: Probe, cuts: Cuts) -> tuple[tuple[str, str, int], ...]:
    """The same cuts by what they leave out: numbers change when something is left out."""
    texts = {"write": [str(what) for what, _ in probe.setup], "step": steps_of(probe)}
    texts["bits"] = texts["write"]
    every = (
        (str(kind), texts[kind][number] if kind in texts else str(number), bits)
        for kind, number, bits in cuts
    )
    return tuple(sorted(every))


def cuts_of(probe: Probe, isa: ISA) -> Iterator[Cuts]:
    """Cuts to try, each by itself."""
    steps = steps_of(probe)
    yield from _parts("write", len(probe.setup))
    if len(steps) > 1:
        yield from _parts("step", len(steps))
    for number in range(_SIMPLER.index(probe.mode)):
        # In M-mode, MRET alone would lead back to where the probe began.
        if number or "mret" not in steps:
            yield frozenset({("mode", number, 0)})
    if probe.mstatus:
        yield frozenset({("mstatus", 0, probe.mstatus)})
    if len(probe.setup) <= _FEW and len(steps) <= _FEW:
        yield from _bits(probe, isa)


def _parts(kind: Literal["write", "step"], count: int) -> Iterator[Cuts]:
    """All; halves and quarters of many; each of few."""
    numbers = range(count)
    sizes = {count, (count + 1) // 2, (count + 3) // 4} if count > _FEW else {count, 1}
    for size in sorted(sizes - {0}, reverse=True):
        for start in range(0, count, size):
            cuts: list[Cut] = [(kind, number, 0) for number in numbers[start : start + size]]
            yield frozenset(cuts)


def _bits(probe: Probe, isa: ISA) -> Iterator[Cuts]:
    if probe.registers[0] != DATA:
        yield frozenset({("a0", 0, 0)})
    if probe.registers[1]:
        yield frozenset({("a1", 0, 0)})
    if probe.ecall:
        yield frozenset({("ecall", 0, 0)})
    for field in isa.csrs["mstatus"].fields.values():
        if probe.mstatus & field.mask:
            yield frozenset({("mstatus", 0, field.mask)})
    for number, (what, value) in enumerate(probe.setup):
        if not isinstance(value, int) or not value:
            continue
        masks = _masks(what, value, isa)
        if len(masks) > 1:
            yield frozenset({("bits", number, sum(masks))})
        for mask in masks:
            yield frozenset({("bits", number, mask)})


def _masks(what: str | int, value: int, isa: ISA) -> list[int]:
    """Parts of a value that can be cleared without leading somewhere else."""
    if isinstance(what, int):
        return [1 << bit for bit in range(64) if value & FLAGS & 1 << bit]
    csr = isa.csrs.get(what)
    if csr is None or leads(csr):
        return []
    return [
        field.mask
        for field in csr.fields.values()
        if value & field.mask and (field.legal is None or 0 in field.legal)
    ]


def told(probe: Probe) -> str:
    """A probe in a line: what it writes beforehand, its mode and its steps."""
    mstatus: Setup = (("mstatus", probe.mstatus),) if probe.mstatus else ()
    writes = ", ".join(_told(write) for write in (*probe.setup, *mstatus))
    text = "; ".join(line.strip() for line in probe.action.splitlines())
    return f"{probe.mode}: {text}{f' with {writes}' if writes else ''}"


def _told(write: Write) -> str:
    what, value = write
    place = what if isinstance(what, str) else f"[{what:#x}]"
    return f"{place}={value if isinstance(value, str) else hex(value)}"
