"""Expressions: numbers, operators, symbols and functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.generator.assembly import Program
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

Data = Callable[[str], bytes]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        ("0x1F", 31),
        ("0b101", 5),
        ("017", 15),
        ("0", 0),
        ("'a'", 97),
        (r"'\n'", 10),
        (r"'\''", 39),
        ("'#'", 35),
        ("0xffffffffffffffff", -1),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("1 << 4 + 1", 32),
        ("1 << 63 >> 63", 1),
        ("1 << 64", 0),
        ("~0", -1),
        ("-(-3)", 3),
        ("--3", 3),
        ("!5 + !0", 1),
        ("6 & 3 | 8 ^ 1", 11),
        ("3 == 3 && 2 < 1 || 4 >= 4", 1),
        ("1 != 1", 0),
        ("2 > 1", 1),
        ("2 <= 1", 0),
        ("0x7fffffffffffffff + 1", -(1 << 63)),
        ("%hi(0x12345fff)", 0x12346),
        ("%lo(0x12345fff)", -1),
        ("shift(0x1800)", 11),
        ("defined(nothing)", 0),
        ("ILLEGAL_INSTRUCTION", 2),
        ("XLEN", 64),
        ("mstatus", 0x300),
        ("mstatus.MPP", 0x1800),
        ("3 << shift(mstatus.MPP)", 0x1800),
    ],
)
def test_value(data: Data, text: str, value: int) -> None:
    assert data(f".dword {text}") == (value & (1 << 64) - 1).to_bytes(8, "little")


_NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)


@settings(deadline=None)
@given(_NUMBERS, st.sampled_from(["+", "-", "*", "&", "|", "^", "==", "<", ">="]), _NUMBERS)
def test_arithmetic_is_pythons_modulo_two_to_the_64(
    data: Data, left: int, operator: str, right: int
) -> None:
    expected = int(eval(f"({left}) {operator} ({right})"))
    found = data(f".dword {left} {operator} {right}")
    assert int.from_bytes(found, "little") == expected & (1 << 64) - 1


@settings(deadline=None)
@given(_NUMBERS, _NUMBERS.filter(bool))
def test_division_goes_toward_zero(data: Data, left: int, right: int) -> None:
    found = data(f".dword ({left} / {right}) * {right} + {left} % {right}")
    assert int.from_bytes(found, "little") == left & (1 << 64) - 1


@settings(deadline=None)
@given(_NUMBERS)
def test_hi_and_lo_make_the_whole(data: Data, value: int) -> None:
    value = (value >> 32) - 0x800 if value >> 32 > (1 << 31) - 0x801 else value >> 32
    found = data(f".dword (%hi({value}) << 12) + %lo({value})")
    assert (int.from_bytes(found, "little") - value) % (1 << 32) == 0


def test_here_and_differences_are_known_at_once(data: Data) -> None:
    assert data("a: .zero 3\n.if . - a == 3\n.byte 9\n.endif") == b"\0\0\0\x09"


def test_forward_references(data: Data) -> None:
    assert data(".byte later, end - start\n.equ later, 4\nstart: .zero 5\nend:")[:2] == b"\4\5"


def test_equ_may_come_before_what_it_names(data: Data) -> None:
    assert data(".equ a, b + 1\n.equ b, 4\n.byte a") == b"\5"


def test_set_changes_what_follows_only(data: Data) -> None:
    assert data(".set a, 1\n.byte a\n.set a, a * 5\n.byte a\na = 7\n.byte a") == b"\1\5\7"


def test_numeric_labels(data: Data) -> None:
    assert data("1: .byte 1f - 1b\n1: .byte 1f - 1b, 1f - 2f\n1: 2:")[:3] == b"\1\2\0"


def test_addresses_are_absolute_in_the_end(build: Callable[[str], Program]) -> None:
    program = build("_start: nop\n.data\nx: .dword _start, x, x >> 12, x & 0xff0")
    assert program.sections[1].data == b"".join(
        value.to_bytes(8, "little") for value in (0x1000, 0x2000, 2, 0)
    )


def test_pcrel_parts(lines: Callable[[str], list[str]]) -> None:
    assert lines("2: auipc a0, %pcrel_hi(x + 8)\nld a1, %pcrel_lo(2b)(a0)\n.data\nx:") == [
        "auipc a0, 0x1",
        "ld a1, 8(a0)",
    ]


def test_a_label_may_have_the_name_of_a_csr(lines: Callable[[str], list[str]]) -> None:
    assert lines("j time\ncsrr a0, time\ntime: nop")[:2] == [
        "jal zero, 0x1008",
        "csrrs a0, time, zero",
    ]


def test_shift_is_a_name_too(lines: Callable[[str], list[str]]) -> None:
    assert lines(".equ shift, 4\nlw a0, shift(sp)") == ["lw a0, 4(sp)"]


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        (".byte 1/0", 7, "division by zero"),
        (".byte 256", 7, "allowed are -128 to 255"),
        (".byte nothing", 7, "`nothing` is not defined"),
        (".byte 1 +", 10, "expected a number or symbol, not the end"),
        (".byte (1", 9, "expected `)`"),
        (".byte 08", 7, "`08` is no number"),
        (".byte 12ab", 7, "`12ab` is no number"),
        (".byte a0", 7, "expected a number or symbol, not `a0`"),
        (".byte 1b", 7, "no label 1 is before"),
        (".byte %up(1)", 8, "%up is unknown"),
        (".byte %pcrel_lo(1)", 17, "%pcrel_lo needs the label"),
        (".byte shift(0)", 7, "needs a mask"),
        (".byte " + "(" * 100, 31, "nested too deep"),
        (".word %hi(1 << 40)", 7, "beyond 32 signed bits"),
        (".equ a, b\n.equ b, a\n.byte a", 9, "depends on itself"),
        (".byte '", 7, "has no partner"),
        (".space a\na:", 8, "`a` is not defined"),
        ("a: .space a", 11, "an address is not known here"),
        ("a: .space 1 + 2 * a", 11, "`*` needs an address"),
    ],
)
def test_error(data: Data, text: str, column: int, says: str) -> None:
    with pytest.raises(DrafthartError) as caught:
        data(text)
    assert says in str(caught.value)
    assert f":{column}: " in str(caught.value)


def test_field_masks_follow_the_isa(isa: ISA, data: Data) -> None:
    for csr in isa.csrs.values():
        if csr.address is not None:
            for field in csr.fields.values():
                name = f"{csr.name}.{field.name}"
                assert int.from_bytes(data(f".dword {name}"), "little") == field.mask
                assert data(f".byte shift(csr.{name})") == bytes([field.low])
