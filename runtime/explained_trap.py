"""A trap in the terms of its revision: what it left in which register, and what sent it there.

Nothing of that is known here. The spec's own functions take the trap once more, on a hart that is
a copy, while an observer watches which of them decide and which registers they write.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from drafthart.generator.assembly import Disassembler
from drafthart.generator.assembly.registers import ABI_NAMES, FLOAT_ABI_NAMES
from drafthart.generator.spec.model import ISA
from drafthart.runtime.clock import Clock
from drafthart.runtime.generated import engine_module
from drafthart.runtime.memory import Bus, Ram
from drafthart.runtime.observer import Call, Observer
from drafthart.runtime.state import mode_name, parts
from drafthart.runtime.transitions import MODES, Taken


@dataclass(frozen=True, slots=True)
class Register:
    """What the trap left in a CSR, by the name that the revision gives it.

    `meaning` says what the number is, where more can be said than its name does.
    """

    name: str
    value: int
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A function of the spec that had a say in where the trap goes.

    `bits` are the fields of delegation registers that it looked at, with their values; None: the
    register has no such bit. `rules` are the ids of the rules that it implements, first the one
    that describes it as a whole.
    """

    function: str
    question: str
    answer: bool
    bits: tuple[tuple[str, int | None], ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedTrap:
    """A trap after the instruction that was the `steps`-th, at `pc`.

    `registers` are those that hold its details, cause, pc and status left out.
    """

    steps: int
    before: str
    after: str
    item: str
    name: str
    pc: int
    instruction: str
    registers: tuple[Register, ...]
    guest_physical: int | None
    decisions: tuple[Decision, ...] = field(default=())

    def as_data(self) -> dict[str, Any]:
        """For JSON, addresses as hexadecimal texts."""
        return {
            "steps": self.steps,
            "from": self.before,
            "to": self.after,
            "cause": self.item,
            "name": self.name,
            "pc": f"{self.pc:#x}",
            "instruction": self.instruction,
            "registers": {
                it.name: {"value": f"{it.value:#x}", "meaning": it.meaning} for it in self.registers
            },
            "guest_physical": None if self.guest_physical is None else f"{self.guest_physical:#x}",
            "decisions": [{**asdict(it), "bits": dict(it.bits)} for it in self.decisions],
        }


@dataclass(frozen=True, slots=True)
class Kind:
    """What tells traps apart when they are counted: modes by number, and the cause's code."""

    before: int
    after: int
    interrupt: bool
    code: int


class TrapExplainer:
    """Explains the traps of harts of `isa`."""

    def __init__(self, isa: ISA) -> None:
        self._isa = isa
        self._module = engine_module(isa)
        # The copy never runs an instruction: a trap does not look at memory.
        self._hart: Any = self._module["GeneratedHart"](Bus(Ram(0, 4096)), Clock(1))
        self._observer = Observer(isa, self._module)
        self._disassembler = Disassembler(isa, shorthands=True)
        self._parts = parts(isa)
        self._written = cache(self._csrs_written)
        self._modes = cache(self._mode)
        self._causes = [self._register(number, "cause") for number in range(MODES)]
        self._pcs = [self._register(number, "epc") for number in range(MODES)]
        self._values = {self._register(number, "tval") for number in range(MODES)}

    def kind(self, taken: Taken) -> Kind:
        """What it counts as."""
        value = taken.state(self._causes[taken.after])
        return Kind(
            taken.before, taken.after, taken.interrupt, value & (1 << self._isa.xlen - 1) - 1
        )

    def pc(self, taken: Taken) -> int:
        """The address of the instruction that it interrupted."""
        return int(taken.state(self._pcs[taken.after]))

    def mode(self, number: int) -> str:
        """A mode's name, such as VS, from V << 2 | mode."""
        return self._modes(number)

    def cause(self, kind: Kind) -> tuple[str, str]:
        """The id of the cause, and the name that the revision gives it."""
        known = (self._isa.interrupts if kind.interrupt else self._isa.causes).get(kind.code)
        item = f"{'interrupt' if kind.interrupt else 'cause'}:{kind.code}"
        return item, known.name if known else "unknown"

    def explain(self, taken: Taken) -> ExplainedTrap:
        """All that there is to tell of it."""
        hart, kind = self._hart, self.kind(taken)
        for part in self._parts:
            setattr(hart, part.name, taken.state(part.name))
        item, name = self.cause(kind)
        entered = self._again(taken, kind)
        entering = [it for it in _calls(entered) if it.function.startswith("enter")]
        names = dict.fromkeys(csr for it in entering for csr in self._written(it.function))
        values = {csr: int(taken.state(csr)) for csr in names}
        guest = self._guest_physical(taken, kind, values)
        virtual = any(it.function == "sets_gva" and it.result for it in _calls(entered))
        registers = tuple(
            Register(csr, value, self._meaning(csr, value, guest, virtual))
            for csr, value in values.items()
            if value or csr.endswith("inst")
        )
        # An instruction that could not be fetched is 0.
        word = 0 if taken.interrupt else int(taken.state("instruction"))
        text = self._disassembler.text(word, self.pc(taken)) if word else ""
        return ExplainedTrap(
            int(taken.state("steps")),
            self.mode(taken.before),
            self.mode(taken.after),
            item,
            name,
            self.pc(taken),
            text,
            registers,
            guest,
            tuple(self._decisions(entered, kind)),
        )

    # Where it went.

    def _again(self, taken: Taken, kind: Kind) -> Call:
        """The spec's functions take the trap on the copy, from the mode that it came from."""
        hart, module = self._hart, self._module
        hart.mode = taken.before & 3
        if hasattr(hart, "V"):
            hart.V = taken.before >> 2
        with self._observer.watching() as calls:
            if taken.interrupt:
                module["take_interrupt"](hart, kind.code)
            else:
                module["take_exception"](hart)
        return calls.calls[0]

    def _decisions(self, entered: Call, kind: Kind) -> Iterator[Decision]:
        for call in entered.calls:
            if call.function.startswith("enter"):
                continue
            inside = list(_calls(call))
            names = [name for it in inside for name in _names(self._isa, it.function)]
            code = call.arguments.get("cause", kind.code)
            bits: dict[str, int | None] = {}
            for name in names:
                if name.endswith("deleg"):
                    fields = self._isa.csrs[name].fields.values()
                    known = [it.name for it in fields if it.mask == 1 << code]
                    value = int(getattr(self._hart, name)) >> code & 1
                    bits |= {f"{name}.{it}": value for it in known}
                    if not known:
                        bits[f"{name}[{code}]"] = None
            ids = [f"fn:{it.function}" for it in inside]
            rules = [
                f"rule:{rule.id}"
                for id_ in ids
                for rule in self._isa.rules.values()
                if id_ in rule.by
            ]
            if not rules or call.result is None:
                continue
            # Where it was not asked about this cause, it gives a mask of all.
            answer = bool(call.result if "cause" in call.arguments else call.result >> code & 1)
            yield Decision(
                call.function,
                self._isa.functions[call.function].doc,
                answer,
                tuple(bits.items()),
                tuple(dict.fromkeys(rules)),
            )

    # What it left.

    def _csrs_written(self, function: str) -> tuple[str, ...]:
        """The CSRs that the function sets as a whole: details of the trap, but for pc."""
        found = [
            target.id
            for node in ast.walk(_parsed(self._isa, function))
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id in self._isa.csrs
        ]
        return tuple(name for name in found if not name.endswith("epc"))

    def _guest_physical(self, taken: Taken, kind: Kind, values: dict[str, int]) -> int | None:
        """The guest physical address that the trap reports, if any of its registers does."""
        if "trap_guest_address" not in self._isa.state or taken.interrupt:
            return None
        if "trap_hs_level" in self._isa.state and not taken.state("trap_hs_level"):
            # In 0.1 the address is noted whatever comes of it, and told for these faults only.
            module = self._module
            if not (taken.before >> 2 and module["is_access_fault"](self._hart, kind.code)):
                return None
        address = int(taken.state("trap_guest_address"))
        told = [address, address >> 2]
        return address if address and any(it in told for it in values.values()) else None

    def _meaning(self, csr: str, value: int, guest: int | None, virtual: bool) -> str:
        if csr.endswith("inst"):
            return self._trapped_instruction(value)
        if csr.endswith("vtval"):
            return "virtual"
        if virtual and csr in self._values:
            return "guest virtual"
        if guest is not None and value in (guest, guest >> 2):
            return f"guest physical {guest:#x}"
        return ""

    def _trapped_instruction(self, value: int) -> str:
        """What mtinst or htinst says: a transformed instruction or a pseudoinstruction."""
        if not value:
            return "says nothing"
        for constant in self._isa.constants.values():
            if constant.value == value and constant.doc.startswith("Pseudoinstruction"):
                return constant.doc[0].lower() + constant.doc[1:]
        decoded = self._disassembler.decode(value | 2)
        if decoded is None:
            return "no instruction of this revision"
        offset = decoded.values.get("rs1", 0)
        shown = [
            (FLOAT_ABI_NAMES if name.startswith("f") else ABI_NAMES)[decoded.values[name]]
            for name in ("rd", "frd", "rs2", "frs2")
            if name in decoded.values
        ]
        short = "" if value & 2 else ", a compressed one"
        return f"{decoded.mnemonic} {', '.join(shown)}{short}, {offset} bytes into the access"

    # Names.

    def _register(self, mode: int, name: str) -> str:
        """The CSR of a mode's own, such as vscause; early drafts have no others for a guest."""
        if mode & 3 == self._isa.numbers["M"]:
            return f"m{name}"
        own = f"vs{name}"
        return own if mode >> 2 and own in self._isa.csrs else f"s{name}"

    def _mode(self, number: int) -> str:
        class Previous:
            mode = number & 3
            V = number >> 2

        return mode_name(self._isa, Previous).removesuffix("-mode")


def _calls(call: Call) -> Iterator[Call]:
    """The call and those that came of it, outermost first."""
    yield call
    for it in call.calls:
        yield from _calls(it)


@cache
def _source(text: str) -> ast.Module:
    return ast.parse(text)


def _parsed(isa: ISA, function: str) -> ast.Module:
    return _source(isa.functions[function].operation.text)


def _names(isa: ISA, function: str) -> Iterator[str]:
    """The CSRs that the function names."""
    for node in ast.walk(_parsed(isa, function)):
        if isinstance(node, ast.Name) and node.id in isa.csrs:
            yield node.id
