"""The last trap into the mode in which a hart is, as the handler finds it in its registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drafthart.generator.spec.model import ISA
from drafthart.runtime.state import mode_name

_OF_INSTRUCTIONS = ("ILLEGAL_INSTRUCTION", "VIRTUAL_INSTRUCTION")
"""Exceptions whose trap value is the instruction."""


@dataclass(frozen=True, slots=True)
class Trap:
    """A trap into `target`, such as HS-mode, from which a return would go to `returns_to`.

    `cause` is the code, `pc` the address of the instruction that trapped or that the interrupt kept
    from running. `value` is the trap value, and so is `instruction` (16 or 32 bits) where the
    instruction itself was refused; else it is 0.
    """

    cause: int
    interrupt: bool
    pc: int
    value: int
    instruction: int
    target: str
    returns_to: str

    @property
    def item(self) -> str:
        """The id of its cause in the spec."""
        return f"{'interrupt' if self.interrupt else 'cause'}:{self.cause}"


@dataclass(frozen=True, slots=True)
class _Previous:
    """A mode as a hart has it."""

    mode: int
    V: int


def last_trap(isa: ISA, hart: Any) -> Trap | None:
    """The last trap into the hart's mode; None if there was none, or the mode takes no traps."""
    mode = hart.mode
    level = {isa.numbers["M"]: "m", isa.numbers["S"]: "s"}.get(mode)
    if level is None:
        return None
    virtual = "V" in isa.state and bool(hart.V)
    # In early drafts a guest's registers change places with the hypervisor's.
    own = "vs" if virtual and "vscause" in isa.csrs else level
    cause, pc, value = (_read(isa, hart, f"{own}{name}") for name in ("cause", "epc", "tval"))
    if cause == pc == 0:
        return None
    status = _read(isa, hart, f"{own}status")
    if level == "m":
        back, back_virtual = _field(isa, "mstatus.MPP", status), _field(isa, "mstatus.MPV", status)
    else:
        back = _field(isa, "sstatus.SPP", status)
        hypervisor = _read(isa, hart, "hstatus") if "hstatus" in isa.csrs else 0
        back_virtual = 1 if virtual else _field(isa, "hstatus.SPV", hypervisor)
    top = isa.xlen - 1
    code, interrupt = cause & (1 << top) - 1, bool(cause >> top)
    refused = not interrupt and code in map(isa.numbers.get, _OF_INSTRUCTIONS)
    return Trap(
        code,
        interrupt,
        pc,
        value,
        value if refused else 0,
        mode_name(isa, hart),
        mode_name(isa, _Previous(back, back != isa.numbers["M"] and back_virtual)),
    )


def _read(isa: ISA, hart: Any, name: str) -> int:
    """A CSR's value; 0 where the draft gives it no number."""
    address = isa.csrs[name].address
    return 0 if address is None else int(hart.csr_read(address))


def _field(isa: ISA, name: str, value: int) -> int:
    csr, _, field = name.partition(".")
    known = isa.csrs[csr].fields.get(field)
    return (value & known.mask) >> known.low if known else 0
