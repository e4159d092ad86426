"""Which functions of the guest take the instructions.

`Sampler` looks at where the hart is every so many instructions, which is the same each time the
guest runs. `Tracer` watches each instruction, and so knows who called whom.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drafthart.runtime.loader import Function
from drafthart.runtime.machine import Machine
from drafthart.runtime.shadow import Refused, Shadow
from drafthart.runtime.state import mode_name

UNKNOWN = "[unknown]"
"""Code in no function of what was loaded."""

_LINKS = (1, 5)
"""Registers that hold return addresses by convention: JAL and JALR to one call, from one return."""
_DEEPEST = 256
"""Calls within calls that are told apart; a guest that switches stacks never returns from some."""


@dataclass(frozen=True, slots=True)
class Row:
    """Instructions of a function in a mode."""

    function: str
    mode: str
    instructions: int


class Functions:
    """Finds the function at an address, as linked or physical."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._linked = _Map([(it.address, it.size, it.name) for it in functions])
        self._physical = _Map([(it.physical, it.size, it.name) for it in functions])

    def linked(self, address: int) -> str | None:
        """The function linked at this virtual address."""
        return self._linked.find(address)

    def physical(self, address: int) -> str | None:
        """The function that was loaded at this physical address."""
        return self._physical.find(address)


class _Map:
    def __init__(self, spans: list[tuple[int, int, str]]) -> None:
        self._spans = sorted(spans)
        self._starts = [start for start, _, _ in self._spans]

    def find(self, address: int) -> str | None:
        index = bisect_right(self._starts, address) - 1
        if index >= 0:
            start, size, name = self._spans[index]
            if address < start + size:
                return name
        return None


class _Places:
    """Names the place where a hart is."""

    def __init__(self, machine: Machine, number: int) -> None:
        self._isa = machine.isas[number]
        self._hart = machine.harts[number]
        self._functions = Functions(machine.functions)
        self._shadow = Shadow(machine, number)
        self._pages: dict[int, int | None] = {}
        self._context: tuple[int, int] | None = None
        self._mode = ""

    def mode(self) -> str:
        """The mode's name: M, HS, U, VS or VU."""
        context = (self._hart.mode, getattr(self._hart, "V", 0))
        if context != self._context:
            self._context = context
            self._mode = mode_name(self._isa, self._hart).removesuffix("-mode")
            self._pages.clear()
        return self._mode

    def function(self, pc: int) -> str:
        """The function at this virtual address in the present mode.

        A guest's addresses are its own: those of V=1 are followed to where they lead.
        """
        found = None if getattr(self._hart, "V", 0) else self._functions.linked(pc)
        return found or self._by_physical(pc) or UNKNOWN

    def _by_physical(self, pc: int) -> str | None:
        page = pc >> 12
        if page not in self._pages:
            try:
                self._pages[page] = self._shadow.translate(pc, "FETCH") >> 12
            except Refused:
                self._pages[page] = None
        frame = self._pages[page]
        return None if frame is None else self._functions.physical(frame << 12 | pc & 0xFFF)

    def forget(self) -> None:
        """Pages may lead elsewhere by now."""
        self._pages.clear()


class Sampler:
    """Counts `every` instructions for the function that the hart is in, each time it is asked.

    Of several harts, that is the one whose turn it is.
    """

    def __init__(self, machine: Machine, every: int) -> None:
        self.every = every
        self._machine = machine
        self._places = [_Places(machine, number) for number in range(len(machine.harts))]
        self._counts: Counter[tuple[str, str]] = Counter()

    def sample(self) -> None:
        """Look at the hart: `every` instructions have run since the last time."""
        places = self._places[self._machine.turn]
        places.forget()
        mode = places.mode()
        self._counts[places.function(self._machine.hart.pc), mode] += self.every

    def rows(self) -> list[Row]:
        """Functions by mode, those with most instructions first."""
        return _sorted_rows(self._counts)


@dataclass(slots=True)
class _Frame:
    function: str
    back: int
    """Where its return goes to."""
    trap: bool = False


class Tracer:
    """Counts each retired instruction of `machine`, for the calls that led to it."""

    def __init__(self, machine: Machine) -> None:
        self._harts = [_HartTracer(machine, number) for number in range(len(machine.harts))]

    def stacks(self) -> list[tuple[tuple[str, ...], int]]:
        """Mode, then functions from the outermost call, and the instructions spent there."""
        return sorted(self._counts().items())

    def rows(self) -> list[Row]:
        """Functions by mode, those with most instructions first."""
        counts: Counter[tuple[str, str]] = Counter()
        for stack, instructions in self._counts().items():
            counts[stack[-1], stack[0]] += instructions
        return _sorted_rows(counts)

    def _counts(self) -> Counter[tuple[str, ...]]:
        counts: Counter[tuple[str, ...]] = Counter()
        for hart in self._harts:
            counts.update(hart.counts)
        return counts


class _HartTracer:
    """Counts those of one hart."""

    def __init__(self, machine: Machine, number: int) -> None:
        isa, engine = machine.isas[number], machine.engines[number]
        self._hart = machine.harts[number]
        self._places = _Places(machine, number)
        self._stacks: dict[str, list[_Frame]] = {}
        """The calls of each mode: a trap leaves those of the mode that it interrupts alone."""
        self.counts: Counter[tuple[str, ...]] = Counter()
        self._calls = {
            mnemonic: (operands.index("rd"), operands.index("rs1") if "rs1" in operands else None)
            for mnemonic in ("jal", "jalr")
            if (encoding := isa.instructions[mnemonic].encoding) is not None
            for operands in (encoding.operands,)
        }
        self._mode = self._places.mode()
        self._expected = self._hart.pc
        self._enter_mode()
        self._before = engine.watcher
        engine.watcher = self._retired

    def _retired(self, decoded: Any) -> None:
        if self._before is not None:
            self._before(decoded)
        pc = decoded.pc
        if pc != self._expected:
            self._trapped()
        stack = self._stacks[self._mode]
        # One that changed the mode, as MRET does, is where the one before it was.
        if self._mode == self._places.mode():
            stack[-1].function = self._places.function(pc)
        self.counts[self._mode, *(frame.function for frame in stack)] += 1
        self._go_on(decoded, stack)

    def _go_on(self, decoded: Any, stack: list[_Frame]) -> None:
        """To the next instruction."""
        target = self._expected = self._hart.pc
        operands = self._calls.get(decoded.operation.mnemonic)
        if operands is not None:
            rd, rs1 = operands
            if decoded.values[rd] in _LINKS:
                if len(stack) < _DEEPEST:
                    stack.append(_Frame(UNKNOWN, decoded.next_pc))
            elif rs1 is not None and decoded.values[rs1] in _LINKS:
                _return(stack, target)
        elif target != decoded.next_pc:
            _return_from_trap(stack, target)
        mode = self._places.mode()
        if mode != self._mode:
            # Back from a trap, or into a guest: where that mode was left.
            self._mode = mode
            if mode not in self._stacks:
                self._enter_mode()

    def _trapped(self) -> None:
        """The instruction is not the one that was to come: a trap came before it."""
        mode = self._places.mode()
        if mode == self._mode:
            stack = self._stacks[mode]
            if len(stack) < _DEEPEST:
                stack.append(_Frame(UNKNOWN, self._expected, trap=True))
            return
        self._mode = mode
        self._enter_mode()

    def _enter_mode(self) -> None:
        self._stacks[self._mode] = [_Frame(UNKNOWN, 0)]


def _return(stack: list[_Frame], target: int) -> None:
    for index in range(len(stack) - 1, 0, -1):
        if stack[index].back == target:
            del stack[index:]
            return


def _return_from_trap(stack: list[_Frame], target: int) -> None:
    """To the instruction that was interrupted, or to the one behind it, of 2 or 4 bytes."""
    for index in range(len(stack) - 1, 0, -1):
        if stack[index].trap:
            if target - stack[index].back in (0, 2, 4):
                del stack[index:]
            return


def _sorted_rows(counts: Counter[tuple[str, str]]) -> list[Row]:
    ordered = sorted(counts.items(), key=lambda it: (-it[1], it[0]))
    return [Row(function, mode, count) for (function, mode), count in ordered]
