"""Errors: where, what, and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drafthart.generator.assembly import assemble
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA


def error(isa: ISA, text: str) -> str:
    with pytest.raises(DrafthartError) as caught:
        assemble(text, isa, name="t.s")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("nop\n  addd a0, a1, a2", "2:3", "addd is not in h@1.0; did you mean"),
        ("hfence.bvma", "1:1", "hfence.bvma is not in h@1.0; did you mean 'hfence.vvma'?"),
        ("amoadd.w.aq.rl a0, a0, (a0)", "1:1", "amoadd.w.aq.rl is not in h@1.0"),
        ("add.aq a0, a0, a0", "1:1", "add.aq is not in h@1.0"),
        ("add a0, a1", "1:11", "expected `,`, not the end; write `add rd, rs1, rs2`"),
        ("add a0, a1, 5", "1:13", "expected a register for rs2, not `5`"),
        ("add a0, a1, a2, a3", "1:15", "expected the end, not `,`"),
        (
            "fadd.s fa0, fa1",
            "1:16",
            "expected `,`, not the end; write `fadd.s frd, frs1, frs2, rm`",
        ),
        ("fadd.s a0, fa1, fa2", "1:8", "expected a floating-point register for frd, not `a0`"),
        ("add fa0, a1, a2", "1:5", "expected a register for rd, not `fa0`"),
        ("fadd.s fa0, fa1, fa2, rnd", "1:23", "expected one of rne, rtz, rdn, rup, rmm, dyn"),
        ("fadd.s fa0, fa1, fa2,", "1:22", "expected one of rne, rtz, rdn, rup, rmm, dyn"),
        ("c.fld ft0, 8(a0)", "1:1", "c.fld: frd_c is f0; allowed are f8 to f15"),
        ("lw a0, 4(a1", "1:12", "expected `)`"),
        ("jal 4, 5, 6", "1:6", "expected the end, not `,`; write `jal rd, offset` or `jal offset`"),
        ("addi a0, a0, 2048", "1:14", "addi: imm is 2048; allowed are -2048 to 2047"),
        ("slli a0, a0, 64", "1:14", "slli: shamt is 64; allowed are 0 to 63"),
        ("lui a0, 0x100000", "1:9", "lui: imm[31:12] is 1048576; allowed are"),
        ("beq a0, a1, . + 4096", "1:13", "distance to the target is 4096; allowed are -4096 to"),
        ("j x\n.space 1 << 21\nx:", "1:3", "distance to the target is 2097156"),
        ("beq a0, a1, . + 3", "1:13", "must be a multiple of 2"),
        ("call 0x1000000000", "1:6", "beyond 32 signed bits"),
        ("c.addi zero, 1", "1:1", "c.addi: rd must not be 0"),
        ("c.addi a0, 32", "1:12", "c.addi: imm is 32; allowed are -32 to 31"),
        ("c.and a0, t6", "1:1", "c.and: rs2_c is x31; allowed are x8 to x15"),
        ("c.lwsp a0, 4(a0)", "1:14", "expected `sp`, not `a0`"),
        ("c.lwsp a0, 3(sp)", "1:12", "must be a multiple of 4"),
        ("c.lui a0, 0", "1:11", "c.lui: imm must not be 0"),
        ("csrr a0, mstatsu", "1:10", "the CSR mstatsu is not in h@1.0; did you mean 'mstatus'?"),
        ("csrr a0, 4096", "1:10", "csrrs: csr is 4096; allowed are 0 to 4095"),
        ("csrwi mie, 32", "1:12", "csrrwi: zimm is 32; allowed are 0 to 31"),
        ("fence wr, rw", "1:7", "expected some of `iorw` in this order, not `wr`"),
        ("li a0, somewhere", "1:8", "`somewhere` is not defined"),
        ("li a0, x\nx:", "1:8", "li needs a constant, take la for an address"),
        ("j nowhere", "1:3", "`nowhere` is not defined"),
        ("x: nop\nx: nop", "2:1", "`x` is defined before"),
        ("x: nop\n.set x, 1", "2:9", "`x` is a label already"),
        ("a0: nop", "1:1", "`a0` is a register"),
        ("1x: nop", "1:1", "`1x` is no label"),
        (".if mstatus\n.endif\nmstatus:", "3:1", "was used before as the ISA's name"),
        (".equiv a, 1\n.equiv a, 1", "2:1", "`a` is defined before"),
        ("?", "1:1", "'?' has no place here"),
        ("+", "1:1", "expected a label, a directive or an instruction, not `+`"),
        ('.string "abc', "1:9", 'this " has no partner'),
        (".string abc", "1:9", "expected a string, not `abc`"),
        ("nop /* x\n", "1:5", "this /* has no end"),
        (".if 1", "1:1", "this .if has no end; close it with .endif"),
        (".endif", "1:1", ".endif without .if"),
        (".if 1\n.else\n.else\n.endif", "3:1", ".else after .else"),
        (".rept 2", "1:1", "this .rept has no end; close it with .endr"),
        (".endr", "1:1", ".endr closes nothing here"),
        (".macro", "1:1", "this .macro has no end"),
        (".macro\n.endm", "1:1", "a .macro needs a name"),
        (".macro m a, a\n.endm", "1:1", "two parameters of one name"),
        (".macro m a:req\n.endm\nm", "3:1", "macro m needs an argument for a"),
        (".macro m a\n.endm\nm 1, 2", "3:1", "macro m takes 1 arguments; remove `2`"),
        (".macro m\n.endm\n.macro m\n.endm", "3:1", "macro m is defined before"),
        (".macro m\nbad\n.endm\nm", "2:1", "(in macro m, used at t.s:4)"),
        (".macro m\nm\n.endm\nm", "2:1", "more than 64 macros, loops and files"),
        (".macro m a\nm \\a\\a\n.endm\nm xx", "2:1", "a line of more than 10000 characters"),
        (".rept 1 << 40\nnop\n.endr", "1:1", "more than 1000000 statements"),
        (".purgem m", "1:1", "there is no macro m"),
        (".irp\n.endr", "1:1", ".irp needs a name"),
        ("\\x", "1:1", "a `\\` outside of a macro"),
        (".glbl x", "1:1", "the directive .glbl is unknown; did you mean '.globl'?"),
        (".option rvx", "1:1", ".option rvx is unknown"),
        (".option pop", "1:1", ".option pop without .option push"),
        (".popsection", "1:1", ".popsection without .pushsection"),
        (".bss\n.word 1", "2:1", ".bss holds only zeros"),
        (".bss\n.space 1, 1", "2:1", ".bss holds only zeros"),
        (".space -1", "1:1", "-1 bytes more do not fit"),
        (".space 1 << 40", "1:1", "bytes more do not fit"),
        (".org 4\n.org 2", "2:6", ".org can not go back from 0x4 to 0x2"),
        (".align 40", "1:1", ".align needs the exponent of a power of two"),
        (".balign 3", "1:1", ".balign needs a power of two"),
        (".fill 1, 9, 1", "1:1", "0 to 8 bytes"),
        (".insn 3, 1", "1:1", ".insn places 2 or 4 bytes, not 3"),
        (".insn 2, 0x10000", "1:1", "0x10000 does not fit 2 bytes"),
        (".insn r 0x33, 0, 0, a0, a1, a2", "1:7", "`r` is not defined"),
        ('.error "not for this draft"', "1:1", "not for this draft"),
        ('.include "x"', "1:10", "there are no files to include from here"),
        (".byte 1 2", "1:9", "expected the end, not `2`"),
    ],
)
def test_error(isa: ISA, text: str, place: str, says: str) -> None:
    message = error(isa, text)
    assert message.startswith(f"t.s:{place}: ")
    assert says in message
    assert "\n" not in message


def test_unassigned_instructions_and_csrs(isa: ISA) -> None:
    draft = replace(
        isa,
        instructions={
            **isa.instructions,
            "ecall": replace(isa.instructions["ecall"], encoding=None),
        },
        csrs={**isa.csrs, "mtval": replace(isa.csrs["mtval"], address=None)},
    )
    assert "h@1.0 assigns no encoding to ecall; write the bits with .insn" in error(draft, "ecall")
    assert "h@1.0 assigns no number to the CSR mtval" in error(draft, "csrr a0, mtval")
    text = ".ifdef insn.ecall\n.byte 1\n.endif\n.ifdef csr.mtval\n.byte 2\n.endif\n.byte 3"
    assert assemble(text, draft).sections[0].data == b"\3"


@pytest.mark.parametrize("base", [-16, 8, 1 << 64])
def test_base(isa: ISA, base: int) -> None:
    with pytest.raises(DrafthartError, match="no base address"):
        assemble("nop", isa, base=base)


def test_the_end_of_the_address_space(isa: ISA) -> None:
    with pytest.raises(DrafthartError, match="inside the address space"):
        assemble("nop\n.data\n.byte 1", isa, base=(1 << 64) - 4096)
