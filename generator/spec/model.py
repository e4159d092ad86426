"""The resolved ISA: what a revision expression stands for, typed.

Everything downstream (engines, assembler, diff, exports) reads these classes and nothing else.
All maps keep the order of the specs. Objects are frozen: a revision never changes once resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Status(StrEnum):
    """How settled a revision is; only `ratified` is stable."""

    DRAFT = "draft"
    FROZEN = "frozen"
    RATIFIED = "ratified"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the specs; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Source:
    """A text of the operation language and the place of its first character."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Constant:
    """A named number for operations."""

    name: str
    value: int
    doc: str
    place: Place


@dataclass(frozen=True, slots=True)
class Parameter:
    """A choice the spec leaves to the implementation. `legal` lists every allowed value."""

    name: str
    value: int
    default: int
    legal: range | tuple[int, ...]
    doc: str
    place: Place
    origin: str


@dataclass(frozen=True, slots=True)
class State:
    """State of a hart beside the integer registers and the CSRs; `count` > 0 makes an array."""

    name: str
    width: int
    count: int
    reset: int
    doc: str
    place: Place


@dataclass(frozen=True, slots=True)
class Operand:
    """What a name in an encoding means.

    `kind`: register, float, immediate, csr, ordering, fence or rounding. `default` is the value
    where assembly leaves the operand out, at the end of the list; None if it never does.
    """

    name: str
    kind: str
    width: int | None
    base: int
    signed: bool
    relative: bool
    default: int | None
    doc: str
    place: Place


@dataclass(frozen=True, slots=True)
class Piece:
    """Bits of an operand in an encoding: operand bits high..low at instruction bit `at` and up."""

    operand: str
    high: int
    low: int
    at: int

    @property
    def width(self) -> int:
        """The number of bits."""
        return self.high - self.low + 1


@dataclass(frozen=True, slots=True)
class Encoding:
    """An instruction's bits: `width` 16 or 32, fixed bits as mask and match, operand pieces."""

    width: int
    mask: int
    match: int
    pieces: tuple[Piece, ...]
    constraints: tuple[tuple[str, int], ...]
    """Pairs (operand, value): the operand must differ from the value."""

    @property
    def operands(self) -> tuple[str, ...]:
        """Operand names in the order of their highest instruction bit."""
        return tuple(dict.fromkeys(piece.operand for piece in self.pieces))

    def operand_bits(self, operand: str) -> int:
        """Width in bits of the operand's value, unsigned or signed."""
        return max(piece.high for piece in self.pieces if piece.operand == operand) + 1

    def extract(self, instruction: int) -> dict[str, int]:
        """Raw (not sign-extended) operand values of an instruction word."""
        values: dict[str, int] = {}
        for piece in self.pieces:
            bits = (instruction >> piece.at) & ((1 << piece.width) - 1)
            values[piece.operand] = values.get(piece.operand, 0) | bits << piece.low
        return values

    def insert(self, values: Mapping[str, int]) -> int:
        """The instruction word for raw operand values; bits that have no place are dropped."""
        word = self.match
        for piece in self.pieces:
            word |= ((values[piece.operand] >> piece.low) & ((1 << piece.width) - 1)) << piece.at
        return word

    def accepts(self, instruction: int) -> bool:
        """Does this word carry the encoding, constraints included?"""
        if instruction & self.mask != self.match:
            return False
        if not self.constraints:
            return True
        values = self.extract(instruction)
        return all(values[name] != value for name, value in self.constraints)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `encoding` is None where the draft assigns none.

    Exactly one of `operation` and `expands` is given: a 16-bit instruction expands to a 32-bit one.
    """

    mnemonic: str
    extension: str
    encoding: Encoding | None
    assembly: str
    operation: Source | None
    expands: str | None
    doc: str
    place: Place
    origin: str


@dataclass(frozen=True, slots=True)
class Pseudoinstruction:
    """An assembler's shorthand for the lines in `expands`."""

    mnemonic: str
    assembly: str
    expands: tuple[str, ...]
    doc: str
    place: Place


@dataclass(frozen=True, slots=True)
class Field:
    """A CSR field at bits `high`..`low` for the ISA's XLEN."""

    name: str
    high: int
    low: int
    kind: str
    legal: tuple[int, ...] | range | None
    reset: int
    write: Source | None
    read: Source | None
    flush: bool
    tagged: bool
    """Of a `flush` field: translations of its old value are not stale, only those of another."""
    doc: str
    place: Place
    origin: str

    @property
    def width(self) -> int:
        """The number of bits."""
        return self.high - self.low + 1

    @property
    def mask(self) -> int:
        """The field's bits within the CSR."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True, slots=True)
class View:
    """A CSR that shows fields of another: own field name → name in `of`."""

    of: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CSR:
    """A control and status register; one instance of an array has `array` and `index` set."""

    name: str
    address: int | None
    mode: str
    width: int
    fields: Mapping[str, Field]
    constant: int | None
    substitutes: str | None
    view: View | None
    read: Source | None
    write: Source | None
    access: Source | None
    array: str | None
    index: int
    doc: str
    place: Place
    origin: str

    @property
    def read_only(self) -> bool:
        """By the address convention: bits 11:10 both set."""
        return self.address is not None and self.address >> 10 == 3


@dataclass(frozen=True, slots=True)
class Cause:
    """An exception or interrupt code; `constant` is its name in operations."""

    code: int
    name: str
    constant: str
    doc: str
    place: Place
    origin: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the spec. Widths are texts over XLEN and static parameters."""

    name: str
    parameters: Mapping[str, str]
    returns: str | None
    ends: bool
    entry: bool
    operation: Source
    doc: str
    place: Place
    origin: str
    cache: tuple[str, ...] = ()
    """Parameters on which a returned address depends, beside state that translations depend on.

    It has the page offset of the first; the others are small.
    """


@dataclass(frozen=True, slots=True)
class Rule:
    """A behaviour that the prose states; `by` are the ids of the items that implement it."""

    id: str
    summary: str
    by: tuple[str, ...]
    section: str
    place: Place
    origin: str


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the series. `items` are the ids that it touches."""

    id: str
    commits: tuple[str, ...]
    date: str
    section: str
    breaks: tuple[str, ...]
    requires: tuple[str, ...]
    summary: str
    items: tuple[str, ...]
    renames: tuple[tuple[str, str], ...]
    """Pairs (old id, new id)."""
    revision: str
    place: Place


@dataclass(frozen=True)
class ISA:
    """A resolved revision. `base` is the expression of what it stands on, "" for a root.

    `origin` of an item: "" if the base defines it, else the id of the extension (such as "h") whose
    change first added it. `changes` begin with those of the base.
    """

    id: str
    title: str
    status: Status
    date: str
    commit: str
    xlen: int
    constants: Mapping[str, Constant]
    parameters: Mapping[str, Parameter]
    state: Mapping[str, State]
    operands: Mapping[str, Operand]
    instructions: Mapping[str, Instruction]
    pseudoinstructions: Mapping[str, Pseudoinstruction]
    csrs: Mapping[str, CSR]
    causes: Mapping[int, Cause]
    interrupts: Mapping[int, Cause]
    functions: Mapping[str, Function]
    rules: Mapping[str, Rule]
    changes: tuple[Change, ...] = ()
    base: str = ""
    content: str = field(default="", repr=False)
    """Hex SHA-256 of everything above: equal for equal ISAs."""

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Every name that stands for a number in operations: constants, parameters, causes."""
        named = {constant.name: constant.value for constant in self.constants.values()}
        named |= {parameter.name: parameter.value for parameter in self.parameters.values()}
        for cause in (*self.causes.values(), *self.interrupts.values()):
            named[cause.constant] = cause.code
        return named | {"XLEN": self.xlen}

    @cached_property
    def csr_at(self) -> Mapping[int, CSR]:
        """CSRs by address, those with one."""
        return {csr.address: csr for csr in self.csrs.values() if csr.address is not None}
