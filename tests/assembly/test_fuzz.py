"""Whatever the text: a program, or one error that says where. Never another exception."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drafthart.generator.assembly import Program, assemble, flat, write_elf
from drafthart.generator.assembly.directives import DIRECTIVES
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

_VOCABULARY = """
    .if .else .elseif .endif .ifdef .endm .endr .end .cfi_x m x y 1: x: y: 1b 1f
    add addi li la call lui lw beq c.addi amoadd.w.aq csrr a0 sp x31 mstatus mstatus.MPP
    0 1 -1 0x7ff 64 1<<63 08 'a' "text" "\\x41\\777" @ @nobits iorw . # /* */
    + - * / % << ( ) , = == && ! ~ ; \\x \\@ \\() %hi(x) %lo( %pcrel_hi(x) %pcrel_lo(1b)
    shift( defined(x)
"""
_WORDS = [*sorted(DIRECTIVES), *_VOCABULARY.split()]
_LINES = st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join)
_SOURCES = st.one_of(
    st.lists(_LINES, max_size=12).map("\n".join),
    st.text(max_size=60),
    st.text(st.sampled_from("ab01.,:;()%+-\\\"'#/* \n\t@"), max_size=60),
)


Attempt = Callable[[str, int], Program]


@pytest.fixture(scope="module")
def attempt(isa: ISA) -> Attempt:
    return lambda text, base: assemble(text, isa, name="f.s", base=base, include=lambda name: text)


@settings(deadline=None)
@given(_SOURCES, st.sampled_from([0, 0x8000_0000, (1 << 64) - 16]))
@example("x: .equ y, x + y\n.byte y", 0)
@example(".macro m x\n.rept 2\nm \\x\n.endr\n.endm\nm 1", 0)
@example(".rept 1 << 62\n.endr", 0)
@example(".byte " + "-" * 5000 + "1", 0)
@example(".byte " + "1+" * 5000 + "1", 0)
@example(".byte " + "9" * 5000, 0)
@example('.ascii "\ud800"', 0)
@example("\ud800:", 0)
@example('.section "\ud800"', 0)
@example(".fill 1 << 40, 8, 1", 0)
@example(".byte 'é'", 0)
@example("x\u0301: .byte ²", 0)
@example("٣: j ٣b", 0)
def test_any_text(attempt: Attempt, text: str, base: int) -> None:
    try:
        program = attempt(text, base)
    except DrafthartError as error:
        message = str(error)
        assert "\n" not in message
        assert re.match(r"f\.s:\d+:\d+: |the program at |.*:\d+:\d+: ", message)
    else:
        with suppress(DrafthartError):
            write_elf(program)
        flat(program)
