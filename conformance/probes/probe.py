"""What a probe is: a state to set up, a few instructions to run in a mode, and a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drafthart.generator.spec.model import ISA, Field

Write = tuple[str | int, int | str]
"""A CSR's name, a register of a2 to a7 or of fa0 to fa7, or the physical address of a doubleword,
and the value: a number, or an expression for the assembler."""
Setup = tuple[Write, ...]
"""What is written in M-mode beforehand, in this order."""

MODES = {"M": (0, "M"), "HS": (0, "S"), "U": (0, "U"), "VS": (1, "S"), "VU": (1, "U")}
"""Mode → V, and the name of the constant for the nominal privilege."""


Watched = str | tuple[str, int]
"""The name of a CSR or of a register of a2 to a7, or a name and the physical address of a
doubleword."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to try.

    `label` names it for good: `insn:wfi VS hstatus.VTW`. `action` is assembly, which must be
    position-independent and end where it falls through; a0 and a1 come from `registers`, may carry
    results, and t0 to t6 are free. `mstatus` is its value beside MPP and MPV. `virtual` is added to
    the action's address. `ecall` says that probe and handlers end by ECALL, which `setup` must not
    delegate, in place of EBREAK.
    """

    label: str
    action: str
    mode: str = "M"
    setup: Setup = ()
    mstatus: int = 0
    registers: tuple[int, int] = (0, 0)
    virtual: int = 0
    ecall: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Probes that run as one program and note the same things.

    `baseline` is written before each probe, `prologue` once. `watch` are the CSRs and (named) words
    of memory to note.
    """

    name: str
    probes: tuple[Probe, ...]
    baseline: Setup
    watch: tuple[Watched, ...]
    prologue: Setup = ()

    def __post_init__(self) -> None:
        labels = Counter(probe.label for probe in self.probes)
        twice = [label for label, count in labels.items() if count > 1]
        if twice:
            raise ValueError(f"{self.name}: two probes are called {twice[0]}")


class Names:
    """Numbers by the names that a revision gives them; what it lacks is 0, or absent."""

    def __init__(self, isa: ISA) -> None:
        self.isa = isa

    def field(self, name: str) -> Field | None:
        """The field `csr.FIELD`, if the revision has it."""
        csr, _, field = name.partition(".")
        found = self.isa.csrs.get(csr)
        return found.fields.get(field) if found else None

    def mask(self, *names: str) -> int:
        """The bits of these fields, all of one CSR."""
        return sum(field.mask for name in names if (field := self.field(name)))

    def value(self, name: str, value: int) -> int:
        """A value at the place of a field."""
        field = self.field(name)
        return (value << field.low) & field.mask if field else 0

    def has(self, csr: str) -> bool:
        """Has the revision this CSR, with an address?"""
        return csr in self.isa.csrs and self.isa.csrs[csr].address is not None

    def entry(self, mode: str) -> int:
        """What mstatus must hold for MRET to enter a mode."""
        virtual, privilege = MODES[mode]
        number = self.isa.numbers[privilege]
        return self.value("mstatus.MPP", number) | self.value("mstatus.MPV", virtual)


Generator = Callable[[ISA], Group]


def existing(names: Names, setup: Iterable[Write]) -> Setup:
    """The part of a setup for which the revision has the CSRs."""
    return tuple((what, value) for what, value in setup if isinstance(what, int) or names.has(what))
