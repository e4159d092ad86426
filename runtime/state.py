"""All state of a hart by name, so that it can be copied, saved and restored on any engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drafthart.generator.emit.storage import is_stored, slot
from drafthart.generator.spec.model import ISA

Value = int | list[int]

RESERVATION = "reservation_valid"
"""The state that tells whether a hart holds a reservation, in a revision with LR and SC."""


@dataclass(frozen=True, slots=True)
class Part:
    """An attribute of the hart: a number of `width` bits, or `count` of them if that is not 0."""

    name: str
    width: int
    count: int = 0


_known: dict[str, tuple[Part, ...]] = {}


def parts(isa: ISA) -> tuple[Part, ...]:
    """Registers, pc, counters, the revision's state, and the CSRs that are stored."""
    known = _known.get(isa.content)
    if known is None:
        known = _known[isa.content] = tuple(_find_parts(isa).values())
    return known


def _find_parts(isa: ISA) -> dict[str, Part]:
    own = (
        Part("x", isa.xlen, 32),
        Part("pc", 64),
        Part("steps", 63),
        Part("trapped", 63),
        Part("sleeping", 1),
        Part("interrupt_lines", 64),
    )
    found = {part.name: part for part in own}
    for state in isa.state.values():
        found.setdefault(state.name, Part(state.name, state.width, state.count))
    for csr in isa.csrs.values():
        if is_stored(csr):
            # An array is as long as its highest index.
            known = found.get(slot(csr), Part(slot(csr), csr.width))
            count = max(known.count, csr.index + 1) if csr.array else 0
            found[slot(csr)] = Part(slot(csr), max(known.width, csr.width), count)
    return found


def read_state(hart: Any, isa: ISA) -> dict[str, Value]:
    """A copy of all state."""
    return {
        part.name: list(getattr(hart, part.name)) if part.count else int(getattr(hart, part.name))
        for part in parts(isa)
    }


def write_state(hart: Any, isa: ISA, values: Mapping[str, Value]) -> None:
    """Give the hart this state, all of it; the engine must be flushed then."""
    for part in parts(isa):
        value = values[part.name]
        if isinstance(value, int):
            setattr(hart, part.name, bool(value) if part.name == "sleeping" else value)
        else:
            write_array(getattr(hart, part.name), value)


def write_array(array: Any, values: Sequence[int]) -> None:
    """Fill an array of the hart, which may lie in an engine's own memory."""
    for index, value in enumerate(values):
        array[index] = value


def mode_name(isa: ISA, hart: Any) -> str:
    """The hart's mode by the name that the manual gives it, such as M-mode or VU-mode."""
    letter = next((name for name in "MSU" if isa.constants[name].value == hart.mode), "?")
    if "V" not in isa.state:
        return f"{letter}-mode"
    if hart.V:
        return f"V{letter}-mode"
    return "HS-mode" if letter == "S" else f"{letter}-mode"
