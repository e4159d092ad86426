"""Instruction statements: forms, shorthands, constants and addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drafthart.generator.assembly import Program
from drafthart.generator.assembly.constants import load_constant

Lines = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ADDI: addi x10, a0, -1", "addi a0, a0, -1"),
        ("lw fp, (sp)", "lw s0, 0(sp)"),
        ("sd a0, 8 + 8(sp)", "sd a0, 16(sp)"),
        ("sd a0, (8 + 8)(sp)", "sd a0, 16(sp)"),
        ("lui a0, -1", "lui a0, 0xfffff"),
        ("c.lui a0, -1", "c.lui a0, 0xfffff"),
        ("c.lui a0, 0xfffff", "c.lui a0, 0xfffff"),
        ("c.addi16sp x2, -16", "c.addi16sp sp, -16"),
        ("c.ldsp a0, (sp)", "c.ldsp a0, 0(sp)"),
        ("lr.w a0, 0(a1)", "lr.w a0, (a1)"),
        ("amoadd.w.aqrl a0, a1, (a2)", "amoadd.w.aqrl a0, a1, (a2)"),
        ("sc.d.rl a0, a1, 0(a2)", "sc.d.rl a0, a1, (a2)"),
        ("lr.d.aq a0, (a1)", "lr.d.aq a0, (a1)"),
        ("hlv.bu a0, 0(a1)", "hlv.bu a0, (a1)"),
        ("hsv.d a0, (a1)", "hsv.d a0, (a1)"),
        ("fadd.s f10, fa1, f31", "fadd.s fa0, fa1, ft11"),
        ("fadd.s fa0, fa1, fa2, dyn", "fadd.s fa0, fa1, fa2"),
        ("fmadd.d ft0, fs0, fs1, ft8, rmm", "fmadd.d ft0, fs0, fs1, ft8, rmm"),
        ("fcvt.w.s a0, fa0, rtz", "fcvt.w.s a0, fa0, rtz"),
        ("fcvt.d.w fa0, a0", "fcvt.d.w fa0, a0"),
        ("fcvt.d.w fa0, a0, rne", "fcvt.d.w fa0, a0"),
        ("fcvt.d.s fa0, fa1, dyn", "fcvt.d.s fa0, fa1, dyn"),
        ("flw fa0, (sp)", "flw fa0, 0(sp)"),
        ("fsd fs11, -8(a0)", "fsd fs11, -8(a0)"),
        ("c.fld fs1, 248(a5)", "c.fld fs1, 248(a5)"),
        ("c.fsdsp ft11, 504(sp)", "c.fsdsp ft11, 504(sp)"),
        ("fmv.d ft0, ft1", "fsgnj.d ft0, ft1, ft1"),
        ("fabs.s ft0, ft1", "fsgnjx.s ft0, ft1, ft1"),
        ("fgt.d a0, fa0, fa1", "flt.d a0, fa1, fa0"),
        ("fscsr a0", "csrrw zero, fcsr, a0"),
        ("frflags a0", "csrrs a0, fflags, zero"),
        ("fsrmi 1", "csrrwi zero, frm, 1"),
        ("fence rw, w", "fence rw, w"),
        ("fence 0, 15", "fence 0, iorw"),
        ("fence", "fence iorw, iorw"),
        ("csrrw a0, 0x300, a1", "csrrw a0, mstatus, a1"),
        ("csrrw a0, 0x7c0, a1", "csrrw a0, 0x7c0, a1"),
        (".equ mine, 0x7c0\ncsrrw a0, mine, a1", "csrrw a0, 0x7c0, a1"),
        ("csrw mepc, t0", "csrrw zero, mepc, t0"),
        ("csrsi mstatus, mstatus.MIE", "csrrsi zero, mstatus, 8"),
        ("not a0, a1", "xori a0, a1, -1"),
        ("beqz a0, .", "beq a0, zero, 0x1000"),
        ("bgt a0, a1, .", "blt a1, a0, 0x1000"),
        ("j . + 8", "jal zero, 0x1008"),
        ("jal .", "jal ra, 0x1000"),
        ("jal t0, .", "jal t0, 0x1000"),
        ("jalr a0", "jalr ra, 0(a0)"),
        ("jalr a0, 4(a1)", "jalr a0, 4(a1)"),
        ("ret", "jalr zero, 0(ra)"),
        ("unimp", "csrrw zero, cycle, zero"),
        ("sfence.vma", "sfence.vma zero, zero"),
        ("sfence.vma a0, a1", "sfence.vma a0, a1"),
    ],
)
def test_form(lines: Lines, text: str, expected: str) -> None:
    assert lines(text) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", ["addi a0, zero, 0"]),
        ("-2048", ["addi a0, zero, -2048"]),
        ("2048", ["lui a0, 0x1", "addiw a0, a0, -2048"]),
        ("0x7fffffff", ["lui a0, 0x80000", "addiw a0, a0, -1"]),
        ("0x80000000", ["addi a0, zero, 1", "slli a0, a0, 31"]),
        ("0xffffffff", ["addi a0, zero, -1", "srli a0, a0, 32"]),
        ("1 << 63", ["addi a0, zero, -1", "slli a0, a0, 63"]),
        ("mstatus.MPP", ["lui a0, 0x2", "addiw a0, a0, -2048"]),
    ],
)
def test_li(lines: Lines, value: str, expected: list[str]) -> None:
    assert lines(f"li a0, {value}") == expected


@settings(deadline=None)
@given(st.integers(-(1 << 63), (1 << 64) - 1))
@example(0x7FFFF800)
@example(-0x80000000)
@example(0xFFFFFFFF_7FFFF800)
def test_the_lines_of_li_compute_the_constant(value: int) -> None:
    sequence = load_constant(value, 64)
    assert len(sequence) <= 8
    register = 0
    for line in sequence:
        mnemonic, *operands = line.replace(",", "").split()
        assert operands[0] == "rd"
        number = int(operands[-1])
        source = 0 if operands[1] == "zero" else register
        register = _COMPUTE[mnemonic](source, number) & (1 << 64) - 1
        if mnemonic in ("addi", "addiw"):
            assert -2048 <= number < 2048
        elif mnemonic == "lui":
            assert 0 <= number < 1 << 20
        else:
            assert 0 < number < 64
    assert register == value & (1 << 64) - 1


_COMPUTE: dict[str, Callable[[int, int], int]] = {
    "lui": lambda source, number: signed(number << 12, 32),
    "addi": lambda source, number: source + number,
    "addiw": lambda source, number: signed(source + number, 32),
    "slli": lambda source, number: source << number,
    "srli": lambda source, number: source >> number,
}


def signed(value: int, width: int) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if value >> width - 1 else value


def test_addresses(lines: Lines) -> None:
    assert lines(
        "la a0, x\nlla a1, x + 4\ncall f\ntail f\nf: .data\n.space 0x7fc\nx: .dword 0"
    ) == [
        "auipc a0, 0x1",
        "addi a0, a0, 2044",
        "auipc a1, 0x1",
        "addi a1, a1, 2040",
        "auipc ra, 0x0",
        "jalr ra, 16(ra)",
        "auipc t1, 0x0",
        "jalr zero, 8(t1)",
    ]


def test_backward_addresses(lines: Lines) -> None:
    assert lines("f: nop\ncall f\nla a0, . - 0x1000")[1:] == [
        "auipc ra, 0x0",
        "jalr ra, -4(ra)",
        "auipc a0, 0xfffff",
        "addi a0, a0, 0",
    ]


def test_the_same_source_for_several_drafts(build: Callable[[str], Program]) -> None:
    program = build(
        '.ifdef insn.hlv.b\nhlv.b a0, (a1)\n.else\n.error "no hlv"\n.endif\n'
        ".ifdef insn.hfence.bvma\nhfence.bvma\n.endif\n"
        ".if defined(csr.mtval) && defined(cause.2) && !defined(csr.nothing)\nnop\n.endif\n"
        ".ifdef csr.mstatus.MPP\nnop\n.endif\n"
    )
    assert program.sections[0].size == 12
