"""Follows constants and values of CSRs through the registers of one function.

It goes once through the instructions in the order of their addresses. What registers hold at a
branch is kept for its target; where ways meet, only what they agree in is kept. Backward branches
are not followed again, so what it finds is likely, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

_ALL = (1 << 64) - 1
_TOP = 1 << 63
_NARROW = 16
"""Bits of a value shifted down, beyond which the shift alone tells nothing about a field."""
_CALLER_SAVED = frozenset((1, *range(5, 8), *range(10, 18), *range(28, 32)))


class Step(NamedTuple):
    """An instruction, as the 32-bit one that it is or expands to."""

    address: int
    length: int
    mnemonic: str
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Const:
    """A number."""

    value: int


@dataclass(frozen=True, slots=True)
class Ones:
    """Something unknown, in which these bits are set."""

    mask: int


@dataclass(frozen=True, slots=True)
class Within:
    """Something unknown, in which no other bits than these are set."""

    mask: int


@dataclass(frozen=True, slots=True)
class FromCsr:
    """What was read of a CSR: its bits `mask`, shifted down by `shift`, plus `plus`."""

    csr: int
    site: int
    mask: int = _ALL
    shift: int = 0
    plus: int = 0


Value: TypeAlias = Const | Ones | Within | FromCsr


class Bits(NamedTuple):
    """Bits of a CSR that are looked at, changed or written. `site` is the access itself."""

    address: int
    csr: int
    mask: int
    reads: bool
    writes: bool
    why: str
    site: int


class Compared(NamedTuple):
    """A number that a cause was compared with; `any_kind`: the interrupt bit was cut off."""

    address: int
    csr: int
    value: int
    any_kind: bool


Event: TypeAlias = Bits | Compared
_State: TypeAlias = dict[int, Value]


def follow(steps: list[Step]) -> Iterator[Event]:
    """What happens to CSRs in these instructions of one function."""
    return _Flow().run(steps)


class _Flow:
    def __init__(self) -> None:
        self._x: _State = {}
        self._at: dict[int, _State] = {}
        self._reachable = True
        self._events: list[Event] = []

    def run(self, steps: list[Step]) -> Iterator[Event]:
        for step in steps:
            joined = self._at.pop(step.address, None)
            if joined is not None:
                self._x = _agreed(self._x, joined) if self._reachable else joined
            elif not self._reachable:
                self._x = {}
            self._reachable = True
            self._step(step)
            yield from self._events
            self._events.clear()

    def _get(self, number: int) -> Value | None:
        return Const(0) if number == 0 else self._x.get(number)

    def _set(self, number: int, value: Value | None) -> None:
        if value is None:
            self._x.pop(number, None)
        elif number:
            self._x[number] = value

    def _step(self, step: Step) -> None:
        values, name = step.values, step.mnemonic
        if "csr" in values:
            self._access(step)
        elif name in _BRANCHES:
            self._branch(step)
        elif name in ("jal", "jalr"):
            self._jump(step)
        elif name in ("mret", "sret", "uret"):
            self._reachable = False
        elif name in _IMMEDIATE:
            imm = values.get("imm", values.get("shamt", 0))
            self._compute(step, _IMMEDIATE[name], self._get(values["rs1"]), Const(imm & _ALL))
        elif name in _REGISTER:
            first, second = self._get(values["rs1"]), self._get(values["rs2"])
            self._compute(step, _REGISTER[name], first, second)
        elif name == "lui":
            # The operand is of the whole register, or of its upper 20 bits.
            imm = values["imm"]
            self._set(values["rd"], Const(_signed32(imm)))
        elif "rd" in values:
            self._set(values["rd"], None)

    def _access(self, step: Step) -> None:
        values, name = step.values, step.mnemonic
        csr, rd = values["csr"], values["rd"]
        if name in ("csrrw", "csrrs", "csrrc"):
            source = self._get(values["rs1"])
            if values["rs1"] or name == "csrrw":
                self._write(step, csr, source, whole=name == "csrrw")
        # Immediates stand in the instruction, and need no following.
        if rd:
            self._set(rd, FromCsr(csr, step.address))

    def _write(self, step: Step, csr: int, source: Value | None, *, whole: bool) -> None:
        if isinstance(source, Const):
            mask = source.value
        elif (isinstance(source, Ones) and whole) or isinstance(source, Within):
            mask = source.mask
        elif isinstance(source, FromCsr) and not source.plus and not whole:
            mask = (
                source.mask >> source.shift if source.shift >= 0 else source.mask << -source.shift
            )
        elif isinstance(source, FromCsr) and source.csr == csr and not source.plus | source.shift:
            mask = 0  # what was changed of it on the way is told already
        else:
            return
        why = f"written with {mask:#x}" if whole else f"changed by the mask {mask:#x}"
        self._events.append(Bits(step.address, csr, mask, False, True, why, step.address))

    def _looked(self, step: Step, value: FromCsr, changed: str = "") -> None:
        """Bits of a value are looked at, or `changed` on their way back, in this manner."""
        why = f"bits {value.mask:#x} are {changed or 'looked at'}"
        self._events.append(
            Bits(step.address, value.csr, value.mask, not changed, bool(changed), why, value.site)
        )

    def _branch(self, step: Step) -> None:
        values = step.values
        first, second = self._get(values["rs1"]), self._get(values["rs2"])
        if step.mnemonic in ("beq", "bne"):
            for one, other in ((first, second), (second, first)):
                if isinstance(one, FromCsr) and isinstance(other, Const):
                    self._compare(step, one, other.value)
        elif step.mnemonic in ("blt", "bge") and isinstance(first, FromCsr):
            sign = replace(first, mask=first.mask & _unshifted(_TOP, first.shift))
            if values["rs2"] == 0 and not first.plus and sign.mask:
                self._looked(step, sign)
        self._keep(step.address + values["offset"])

    def _compare(self, step: Step, value: FromCsr, number: int) -> None:
        if value.shift == 0:
            any_kind = not value.mask & _TOP
            number = (number - value.plus) & _ALL
            self._events.append(Compared(step.address, value.csr, number, any_kind))

    def _keep(self, target: int) -> None:
        known = self._at.get(target)
        self._at[target] = dict(self._x) if known is None else _agreed(known, self._x)

    def _jump(self, step: Step) -> None:
        link = step.values["rd"]
        if link:
            for number in _CALLER_SAVED:
                self._x.pop(number, None)
            return
        if step.mnemonic == "jal":
            self._keep(step.address + step.values["offset"])
        self._reachable = False

    def _compute(
        self, step: Step, compute: _Compute, first: Value | None, second: Value | None
    ) -> None:
        result: Value | None = None
        if isinstance(first, Const) and isinstance(second, Const):
            result = Const(compute(first.value, second.value) & _ALL)
        elif isinstance(second, Const):
            result = self._with(step, first, second.value)
        elif isinstance(first, Const) and step.mnemonic in _COMMUTING:
            result = self._with(step, second, first.value)
        self._set(step.values["rd"], result)

    def _with(self, step: Step, value: Value | None, number: int) -> Value | None:
        """A value that is not known, and a number."""
        name = step.mnemonic.removesuffix("i")
        if name == "or" and not isinstance(value, FromCsr):
            if isinstance(value, Within):
                return Within(value.mask | number)
            return Ones(number | (value.mask if isinstance(value, Ones) else 0))
        if name == "and" and not isinstance(value, FromCsr):
            if isinstance(value, Ones) and number.bit_count() > 32:
                return Ones(value.mask & number)
            within = number & (value.mask if isinstance(value, Within) else _ALL)
            return Within(within) if within.bit_count() <= 32 else None
        if not isinstance(value, FromCsr):
            return None
        if step.mnemonic == "sltiu" and number == 1:
            self._compare(step, value, 0)
            return None
        if value.plus and name != "add":
            return None
        if name == "add":
            return replace(value, plus=(value.plus + number) & _ALL)
        if name == "xor":
            # Zero if the two are the same, as after a subtraction.
            if step.mnemonic == "xori" and value.shift == 0:
                return replace(value, plus=-number & _ALL)
            return None
        if name == "or":
            written = replace(value, mask=_unshifted(number, value.shift))
            self._looked(step, written, "set")
            return value
        if name == "and":
            return self._masked(step, value, number)
        if step.mnemonic == "bexti":
            mask = value.mask & _unshifted(1 << (number & 63), value.shift)
            self._looked(step, replace(value, mask=mask))
            return None
        if step.mnemonic in ("slli", "srli", "srai"):
            return self._shifted(step, value, number)
        return None

    def _masked(self, step: Step, value: FromCsr, number: int) -> FromCsr:
        kept = replace(value, mask=value.mask & _unshifted(number, value.shift))
        if number.bit_count() > 32:
            # All but a few bits are kept: these are to be cleared.
            cleared = value.mask & ~_unshifted(number, value.shift)
            if cleared and value.shift == 0:
                self._looked(step, replace(value, mask=cleared), "cleared")
            return kept
        self._looked(step, kept)
        return kept

    def _shifted(self, step: Step, value: FromCsr, number: int) -> FromCsr:
        if step.mnemonic == "slli":
            shift = value.shift - number
            kept = replace(value, shift=shift, mask=value.mask & _unshifted(_ALL, shift))
        else:
            shift = value.shift + number
            low = _unshifted((_ALL << number) & _ALL, value.shift)
            kept = replace(value, shift=shift, mask=value.mask & low)
            if 0 < kept.mask.bit_count() <= _NARROW:
                self._looked(step, kept)
        return kept


def _unshifted(bits: int, shift: int) -> int:
    """Bits of a register as bits of the CSR, which was shifted down by `shift`."""
    return (bits << shift if shift >= 0 else bits >> -shift) & _ALL


def _agreed(one: _State, other: _State) -> _State:
    return {number: value for number, value in one.items() if other.get(number) == value}


def _signed32(value: int) -> int:
    value &= 0xFFFFFFFF
    return (value | ~0xFFFFFFFF & _ALL) if value >> 31 else value


def _arithmetic(value: int, by: int) -> int:
    return (value - (1 << 64) if value & _TOP else value) >> (by & 63)


_Compute: TypeAlias = Callable[[int, int], int]
_BRANCHES = frozenset(("beq", "bne", "blt", "bge", "bltu", "bgeu"))
_COMMUTING = frozenset(("add", "or", "and", "xor"))
_REGISTER: Mapping[str, _Compute] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "sll": lambda a, b: a << (b & 63),
    "srl": lambda a, b: a >> (b & 63),
    "addw": lambda a, b: _signed32(a + b),
    "subw": lambda a, b: _signed32(a - b),
}
_IMMEDIATE: Mapping[str, _Compute] = {
    "addi": _REGISTER["add"],
    "andi": _REGISTER["and"],
    "ori": _REGISTER["or"],
    "xori": _REGISTER["xor"],
    "slli": _REGISTER["sll"],
    "srli": _REGISTER["srl"],
    "srai": _arithmetic,
    "addiw": _REGISTER["addw"],
    "slliw": lambda a, b: _signed32(a << (b & 31)),
    "srliw": lambda a, b: _signed32((a & 0xFFFFFFFF) >> (b & 31)),
    "sltiu": lambda a, b: int(a < b),
}
