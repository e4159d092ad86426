"""Directives: data, alignment, sections, macros, loops and conditions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drafthart.generator.assembly import Program, assemble, flat
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

Data = Callable[[str], bytes]
Build = Callable[[str], Program]
Lines = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".byte 1, -1", b"\1\xff"),
        (".half 0x102\n.2byte 3\n.short 4", b"\2\1\3\0\4\0"),
        (".word -1\n.4byte 1\n.long 2\n.int 3", b"\xff" * 4 + b"\1\0\0\0\2\0\0\0\3\0\0\0"),
        (".dword 1\n.quad 2\n.8byte 3", b"".join(bytes([n, *[0] * 7]) for n in (1, 2, 3))),
        (r'.ascii "a\n\\\"", "b"', b'a\n\\"b'),
        (r'.asciz "\x41\102é"', b"AB\xc3\xa9\0"),
        ('.string "# no // comment /* ; */"', b"# no // comment /* ; */\0"),
        (".zero 2\n.space 2, 7\n.skip 1", b"\0\0\7\7\0"),
        (".fill 2, 2, 0x102\n.fill 2", b"\2\1\2\1\0\0"),
        (".byte 1\n.align 2\n.byte 2", b"\1\0\0\0\2"),
        (".byte 1\n.p2align 2, 9\n.byte 2", b"\1\x09\x09\x09\2"),
        (".byte 1\n.balign 4\n.byte 2", b"\1\0\0\0\2"),
        (".byte 1\n.balign 4, , 2\n.byte 2", b"\1\2"),
        (".byte 1\n.org 3\n.byte 2\n.org . + 1, 5", b"\1\0\0\2\5"),
        (".byte 1 # one\n.byte 2 // two\n.byte /* three\n */ 3; .byte 4", b"\1\2\3\4"),
        ("# .byte 1\n", b""),
        (".byte 1\n.end\n.byte 2", b"\1"),
        (".insn 0x00000013\n.insn 0x0001\n.insn 4, 0x13\n.insn 2, 1", b"\x13\0\0\0\1\0" * 2),
        (".rept 3\n.byte 1\n.endr\n.rept 0\n.byte 2\n.endr", b"\1\1\1"),
        (".rept 2\n.byte 1\n.rept 2\n.byte 2\n.endr\n.endr", b"\1\2\2\1\2\2"),
        (".irp x, 1, 2+3\n.byte \\x\n.endr", b"\1\5"),
        (".if 1\n.byte 1\n.else\n.byte 2\n.endif", b"\1"),
        (".if 0\n.byte 1\n.elseif 1\n.byte 2\n.elseif 1\n.byte 3\n.else\n.byte 4\n.endif", b"\2"),
        (".if 0\n.if 1\nnonsense !\n.else\n.byte 1\n.endif\n.else\n.byte 2\n.endif", b"\2"),
        (".ifdef a\n.byte 1\n.endif\na = 1\n.ifdef a\n.byte 2\n.endif", b"\2"),
        (".ifndef a\n.byte 1\n.endif\n.ifeq 0\n.byte 2\n.endif\n.ifne 0\n.byte 3\n.endif", b"\1\2"),
    ],
)
def test_bytes(data: Data, text: str, expected: bytes) -> None:
    assert data(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".macro m a, b\n.byte \\a, \\b\n.endm\nm 1, 2", b"\1\2"),
        (".macro m a b=7\n.byte \\a, \\b\n.endm\nm 1\nm b=3, a=2", b"\1\7\2\3"),
        (".macro m a:req, rest:vararg\n.byte \\a, \\rest\n.endm\nm 1, 2, 3", b"\1\2\3"),
        (".macro m\n.byte \\@\n.endm\nm\nm", b"\0\1"),
        (".macro m a\nx\\a\\()y = \\a\n.endm\nm 5\n.byte x5y", b"\5"),
        ('.macro m s\n.ascii \\s\n.endm\nm "\\"a, b\\""', b""),
        (".macro m a\n.if \\a\n.byte \\a\nm \\a - 1\n.endif\n.endm\nm 3", b"\3\2\1"),
        (".macro m\n.macro n\n.byte 1\n.endm\n.endm\nm\nn", b"\1"),
        (".macro m\n.byte 1\n.endm\n.purgem m\n.macro m\n.byte 2\n.endm\nm", b"\2"),
    ],
)
def test_macros(data: Data, text: str, expected: bytes) -> None:
    if expected:
        assert data(text) == expected


def test_code_is_padded_with_instructions_that_do_nothing(lines: Lines) -> None:
    assert lines("nop\nc.nop\n.align 4\nret") == [
        "addi zero, zero, 0",
        "c.nop",
        "c.nop",
        "addi zero, zero, 0",
        "addi zero, zero, 0",
        "jalr zero, 0(ra)",
    ]


def test_sections_lie_by_kind_on_pages_of_their_own(build: Build) -> None:
    program = build(
        ".bss\n.zero 100\n.data\n.byte 1\n.section .rodata.str\n.byte 2\n.text\nnop\n"
        '.section .boot, "ax"\nret\n.section .log, "aw", @nobits\n.zero 5\n'
        '.section .note.GNU-stack, "", @progbits\n.byte 9\n.section .other\n.byte 3'
    )
    assert [(s.name, s.address, s.size, s.zeroed) for s in program.sections] == [
        (".text", 0x1000, 4, False),
        (".boot", 0x1010, 4, False),
        (".rodata.str", 0x2000, 1, False),
        (".data", 0x3000, 1, False),
        (".other", 0x3010, 1, False),
        (".bss", 0x3020, 100, True),
        (".log", 0x3090, 5, True),
    ]
    assert len(flat(program)) == 0x2011


def test_push_pop_and_previous_section(build: Build) -> None:
    program = build(
        "nop\n.pushsection .data\n.byte 1\n.popsection\nret\n.data\n.byte 2\n.previous\nnop"
    )
    assert [section.size for section in program.sections] == [12, 2]


def test_alignment_moves_the_section(build: Build) -> None:
    program = build('.data\n.byte 1\n.section .tohost, "aw"\n.align 6\ntohost: .dword 0')
    assert program.addresses["tohost"] == 0x1040


def test_said_for_other_tools(build: Build) -> None:
    program = build(
        '.file "x.c"\n.attribute arch, "rv64i"\n.option push\n.option rvc\n.option norelax\n'
        ".option pop\n.option arch, +c\n.globl f, g\n.type f, @function\n.cfi_startproc\n"
        "f: ret\n.size f, . - f\n.local l\nl:"
    )
    function = program.symbols["f"]
    assert (function.exported, function.kind, function.size) == (True, "function", 4)
    assert not program.symbols["l"].exported


def test_include(isa: ISA) -> None:
    files = {"a.inc": '.include "b.inc"\n.byte 2', "b.inc": ".byte 1"}
    program = assemble('.include "a.inc"\n.byte 3', isa, include=files.__getitem__)
    assert flat(program) == b"\1\2\3"


def test_errors_in_an_include_name_its_file(isa: ISA) -> None:
    with pytest.raises(DrafthartError, match=r"^a\.inc:2:1: bad is not in "):
        assemble('.include "a.inc"', isa, include=lambda name: "\nbad")


def test_a_file_that_can_not_be_read(isa: ISA) -> None:
    def missing(name: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", name)

    with pytest.raises(DrafthartError, match=r"x\.s:1:10: can not include a: No such file"):
        assemble('.include "a"', isa, name="x.s", include=missing)


def test_entry_is_start_or_the_first_code(build: Build) -> None:
    assert build("nop\n_start: nop").entry == 0x1004
    assert build(".rodata\n.byte 1\n.text\nnop").entry == 0x1000
    assert build("").entry == 0x1000
