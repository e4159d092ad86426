"""Single operands: from source text to values, and from values to the bits of an encoding."""

from __future__ import annotations

from collections.abc import Mapping

from drafthart.generator.assembly.expression_parser import parse_expression
from drafthart.generator.assembly.expressions import Expression
from drafthart.generator.assembly.registers import FLOAT_REGISTERS, REGISTERS
from drafthart.generator.assembly.symbols import SymbolTable
from drafthart.generator.assembly.templates import Part, Slot, Template
from drafthart.generator.assembly.tokens import Cursor, Token
from drafthart.generator.spec.model import ISA, Encoding
from drafthart.generator.spec.nearest import did_you_mean

# The letters of a fence's set, the one of the highest bit first.
_FENCE_SETS = "iorw"

_ROUNDING_MODES = {"rne": 0, "rtz": 1, "rdn": 2, "rup": 3, "rmm": 4, "dyn": 7}

_REGISTER_KINDS = {"register": REGISTERS, "float": FLOAT_REGISTERS}

OperandValue = int | Expression


def read_operands(
    template: Template, cursor: Cursor, symbols: SymbolTable, isa: ISA
) -> dict[str, OperandValue]:
    """Read a statement's operands as the template wants them."""
    values: dict[str, OperandValue] = {}
    for index, part in enumerate(template.parts):
        if isinstance(part, Slot):
            following = template.parts[index + 1 : index + 2]
            if following == ("(",) and _is_bare_base(cursor):
                values[part.name] = 0
            else:
                values[part.name] = _read(part, cursor, symbols, isa)
        elif part == "(":
            # `lr.d a0, 0(a1)`: a base without an offset may be written with one of zero.
            if cursor.peek().text == "0" and cursor.peek(1).text == "(":
                cursor.next()
            cursor.expect(part)
        elif part == "," and cursor.at_end and _is_optional(template.parts[index + 1 :]):
            break
        elif part in (",", ")"):
            cursor.expect(part)
        else:
            _read_literal(part, cursor)
    cursor.expect_end()
    for slot in template.slots:
        if slot.name not in values:
            assert slot.operand.default is not None
            values[slot.name] = slot.operand.default
    return values


def _is_optional(parts: tuple[Part, ...]) -> bool:
    return len(parts) == 1 and isinstance(parts[0], Slot) and parts[0].operand.default is not None


def bind(slot: Slot, value: OperandValue, offset: int) -> Token:
    """A token that stands for an operand read before, for the lines of a shorthand."""
    kind = slot.operand.kind if slot.operand.kind in _REGISTER_KINDS else "bound"
    offset = offset if isinstance(value, int) else value.offset
    return Token(kind, slot.name, offset, value)


def raw_bits(encoding: Encoding, slot: Slot, value: int) -> int:
    """The operand's bits in the encoding; a ValueError tells what does not fit."""
    operand = slot.operand
    width = encoding.operand_bits(slot.name)
    if operand.kind in _REGISTER_KINDS:
        number = value - operand.base
        if not 0 <= number < 1 << width:
            letter = "f" if operand.kind == "float" else "x"
            first, last = operand.base, operand.base + (1 << width) - 1
            raise ValueError(
                f"{slot.name} is {letter}{value}; allowed are {letter}{first} to {letter}{last}"
            )
        return number
    what = "the distance to the target" if operand.relative else slot.name
    low, high = _range(width, operand.signed)
    step = _step(encoding, slot.name)
    if slot.sliced:
        value = _whole(slot, value)
        what, unit = f"{what}[{slot.high}:{slot.low}]", 1 << slot.low
    else:
        unit = 1
    high &= -step
    if not low <= value <= high:
        raise ValueError(f"{what} is {value // unit}; allowed are {low // unit} to {high // unit}")
    if value % step:
        raise ValueError(f"{what} is {value}; it must be a multiple of {step}")
    return value & (1 << width) - 1


def _whole(slot: Slot, shown: int) -> int:
    """The operand's value where the text shows a slice of it: unsigned, or a negative number."""
    bits = slot.high - slot.low + 1
    if not -(1 << bits - 1) <= shown < 1 << bits:
        return shown << slot.low
    value = (shown & (1 << bits) - 1) << slot.low
    return value - (1 << slot.high + 1) if slot.operand.signed and value >> slot.high else value


def _range(width: int, signed: bool) -> tuple[int, int]:
    return (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)


def operand_value(encoding: Encoding, slot: Slot, raw: int) -> int:
    """The value that an operand's bits stand for: a register's number, a signed immediate."""
    operand = slot.operand
    if operand.kind in _REGISTER_KINDS:
        return raw + operand.base
    width = encoding.operand_bits(slot.name)
    return raw - (1 << width) if operand.signed and raw >> width - 1 else raw


def fence_bits(letters: str) -> int | None:
    """The set that some of `iorw` name; None for other words."""
    if not letters or letters != "".join(c for c in _FENCE_SETS if c in letters):
        return None
    return sum(8 >> _FENCE_SETS.index(letter) for letter in letters)


def fence_letters(bits: int) -> str:
    """The set as letters; 0 for the empty one."""
    return "".join(c for i, c in enumerate(_FENCE_SETS) if bits & 8 >> i) or "0"


def rounding_name(bits: int) -> str | None:
    """The rounding mode as assembly has it; None for a reserved one."""
    return next((name for name, value in _ROUNDING_MODES.items() if value == bits), None)


def ordering_bits(isa: ISA, encoding: Encoding, suffix: str) -> dict[str, int]:
    """The ordering operands' bits for `aq`, `rl`, `aqrl` or nothing."""
    bits = {}
    for name in encoding.operands:
        if name in isa.operands and isa.operands[name].kind == "ordering":
            acquire, release = int("aq" in suffix), int("rl" in suffix)
            both = encoding.operand_bits(name) > 1
            bits[name] = acquire << 1 | release if both else int(name in suffix)
    return bits


def ordering_suffix(isa: ISA, encoding: Encoding, raw: Mapping[str, int]) -> str:
    """What the ordering bits add to the mnemonic."""
    for suffix in ("", "aq", "rl", "aqrl"):
        bits = ordering_bits(isa, encoding, suffix)
        if all(raw[name] == bit for name, bit in bits.items()):
            return suffix and "." + suffix
    return ""


def _step(encoding: Encoding, name: str) -> int:
    """Multiples of this have a place in the encoding."""
    return 1 << min(piece.low for piece in encoding.pieces if piece.operand == name)


def _is_bare_base(cursor: Cursor) -> bool:
    """Does `(register)` come next, so that an offset is left out?"""
    return cursor.peek().text == "(" and _register(cursor.peek(1)) is not None


def _register(token: Token, kind: str = "register") -> int | None:
    if token.kind == kind:
        return token.value if isinstance(token.value, int) else None
    return _REGISTER_KINDS[kind].get(token.text) if token.kind == "name" else None


def _read_literal(expected: str, cursor: Cursor) -> None:
    token = cursor.peek()
    number = _register(token)
    same = token.text == expected or (number is not None and number == REGISTERS.get(expected))
    if not same:
        raise cursor.mismatch(f"`{expected}`")
    cursor.next()


def _read(slot: Slot, cursor: Cursor, symbols: SymbolTable, isa: ISA) -> OperandValue:
    kind = slot.operand.kind
    token = cursor.peek()
    if kind in _REGISTER_KINDS:
        number = _register(token, kind)
        if number is None:
            what = "floating-point register" if kind == "float" else "register"
            raise cursor.mismatch(f"a {what} for {slot.name}")
        cursor.next()
        return number
    if kind == "rounding" and token.kind != "bound":
        if token.text not in _ROUNDING_MODES:
            raise cursor.mismatch(f"one of {', '.join(_ROUNDING_MODES)}")
        cursor.next()
        return _ROUNDING_MODES[token.text]
    if kind == "fence" and token.kind == "name":
        return _fence_set(cursor)
    if kind == "csr" and token.kind == "name":
        number = _csr(cursor, symbols, isa)
        if number is not None:
            return number
    return parse_expression(cursor, symbols)


def _fence_set(cursor: Cursor) -> int:
    bits = fence_bits(cursor.peek().text)
    if bits is None:
        raise cursor.mismatch(f"some of `{_FENCE_SETS}` in this order")
    cursor.next()
    return bits


def _csr(cursor: Cursor, symbols: SymbolTable, isa: ISA) -> int | None:
    """The number of the CSR named next; None if that is no CSR but a symbol."""
    name = cursor.peek().text
    csr = isa.csrs.get(name)
    if csr is None:
        if symbols.is_defined(name):
            return None
        hint = did_you_mean(name, isa.csrs, 4)
        raise cursor.error(f"the CSR {name} is not in {isa.id}; {hint}")
    if csr.address is None:
        raise cursor.error(
            f"{isa.id} assigns no number to the CSR {name}; write the number that you "
            "want, or give it one in an overlay"
        )
    cursor.next()
    return csr.address
