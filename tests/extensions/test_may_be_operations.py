"""Zimop and Zcmop, small extensions that are not H, through their drafts.

Text: riscv-isa-manual, src/zimop.adoc at 2463e2a9 (both 0.1), f98344f3 (Zcmop 0.1, other numbers),
8bba6156 (Zcmop 0.2), c732a4f3 (both 1.0). Encodings also: riscv-opcodes, unratified/rv_zimop at
37dbe83, unratified/rv_zcmop at 7dc124e and 19e3ddc.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from bench import CODE, Bench

from drafthart.generator.assembly.assembler import assemble
from drafthart.generator.assembly.program import flat
from drafthart.generator.diff.findings import compare
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Status
from drafthart.generator.spec.resolve import resolve

ILLEGAL = 2
BOTH = "zcmop@0.2,zimop@0.1,h@1.0"
"""Both, and below them H, so that guests have them too."""
FIRST = "zcmop@0.1@2023-09-19"
"""Zcmop before f98344f3."""

modes = pytest.mark.parametrize("mode", ["M", "HS", "U", "VS", "VU"])
engines = pytest.mark.parametrize("engine", ["python", "native"])


def one_source(number: int, rd: int = 0, rs1: int = 0) -> int:
    """MOP.R.n: bits 31, 25 to 22, funct3 and opcode as rv_zimop has them; n in 30, 27:26, 21:20."""
    fixed = 1 << 31 | 7 << 22 | 4 << 12 | 0x1C << 2 | 3
    places = (number >> 4) << 30 | (number >> 2 & 3) << 26 | (number & 3) << 20
    return fixed | places | rs1 << 15 | rd << 7


def two_sources(number: int, rd: int = 0, rs1: int = 0, rs2: int = 0) -> int:
    """MOP.RR.n: bit 31, 25, funct3 and opcode; n in 30, 27:26."""
    fixed = 1 << 31 | 1 << 25 | 4 << 12 | 0x1C << 2 | 3
    return fixed | (number >> 2) << 30 | (number & 3) << 26 | rs2 << 20 | rs1 << 15 | rd << 7


def compressed(register: int) -> int:
    """C.LUI of a register, with an immediate of zero: 1..0=1, 12=0, 15..13=3."""
    return 3 << 13 | register << 7 | 1


@cache
def bench(engine: str) -> Bench:
    return Bench(BOTH, engine=engine)


def code(revision: str, source: str) -> int:
    data = flat(assemble(source + "\n", resolve(revision), base=0))
    return int.from_bytes(data, "little")


def encodings(isa: ISA, extension: str) -> dict[str, tuple[int, int]]:
    """Mnemonic → match and mask."""
    return {
        it.mnemonic: (it.encoding.match, it.encoding.mask)
        for it in isa.instructions.values()
        if it.extension == extension and it.encoding
    }


# What the text says of names and encodings.


@pytest.mark.parametrize("revision", ["zimop@0.1@2023-09-15", "zimop@0.1", "zimop@1.0"])
def test_forty_operations(revision: str) -> None:
    registers = 0x1F << 15 | 0x1F << 7
    named = {f"mop.r.{n}": (one_source(n), 0xFFFF_FFFF & ~registers) for n in range(32)}
    registers |= 0x1F << 20
    named |= {f"mop.rr.{n}": (two_sources(n), 0xFFFF_FFFF & ~registers) for n in range(8)}
    assert encodings(resolve(revision), "Zimop") == named


@pytest.mark.parametrize(
    ("revision", "number"),
    [
        ("zcmop@0.1@2023-09-15", lambda register: register // 2),
        (FIRST, lambda register: register // 2),
        ("zcmop@0.1@2023-10-06", lambda register: register),
        ("zcmop@0.1", lambda register: register),
        ("zcmop@0.2", lambda register: register),
        ("zcmop@1.0", lambda register: register),
    ],
)
def test_eight_compressed_operations(revision: str, number: Callable[[int], int]) -> None:
    named = {f"c.mop.{number(x)}": (compressed(x), 0xFFFF) for x in range(1, 16, 2)}
    assert encodings(resolve(revision), "Zcmop") == named


def test_one_source_text_two_codes() -> None:
    """C.MOP.1 was for x3, is for x1; C.MOP.0 is gone; C.MOP.9 is new."""
    assert code(FIRST, "c.mop.1") == compressed(3)
    assert code("zcmop@0.1", "c.mop.1") == compressed(1)
    assert code(FIRST, "c.mop.0") == compressed(1)
    with pytest.raises(DrafthartError, match=r"c\.mop\.0"):
        code("zcmop@0.1", "c.mop.0")
    with pytest.raises(DrafthartError, match=r"c\.mop\.9"):
        code(FIRST, "c.mop.9")
    assert code("zcmop@0.1", "c.mop.9") == compressed(9)


def test_assembly_came_a_day_later() -> None:
    """At 2463e2a9 there is no syntax; d118532a recommends rd, rs1 and rd, rs1, rs2."""
    for revision in ("zimop@0.1@2023-09-16", "zimop@0.1", "zimop@1.0"):
        assert code(revision, "mop.r.17 a0, t6") == one_source(17, 10, 31)
        assert code(revision, "mop.rr.5 sp, a0, a1") == two_sources(5, 2, 10, 11)
    with pytest.raises(DrafthartError):
        code("zimop@0.1@2023-09-15", "mop.r.17 a0, t6")


@pytest.mark.parametrize(
    ("revision", "status"),
    [
        ("zimop@0.1", Status.DRAFT),
        ("zimop@1.0", Status.RATIFIED),
        ("zcmop@0.1", Status.DRAFT),
        ("zcmop@0.2", Status.DRAFT),
        ("zcmop@1.0", Status.RATIFIED),
        ("h@1.0,zimop@1.0", Status.DRAFT),
    ],
)
def test_status(revision: str, status: Status) -> None:
    assert resolve(revision).status is status


def test_the_diff_tells_the_renumbering() -> None:
    found = compare(resolve(FIRST), resolve("zcmop@0.1")).findings
    told = {it.item for it in found if it.rule == "instruction-renamed"}
    assert told == {f"insn:c.mop.{x}" for x in range(1, 16, 2)}


# What the text says that they do, and what was there before.


@pytest.mark.rules("zimop.one-source", "zimop.two-sources")
@modes
@engines
def test_zero(engine: str, mode: str) -> None:
    """Write 0 to x[rd]; another source does not matter, nor does x0 or the same register."""
    for n in range(32):
        hart = bench(engine).mode(mode)
        assert hart.run(f"mop.r.{n} a0, a1", a0=-1, a1=-1) is None
        assert (hart.reg("a0"), hart.reg("a1")) == (0, (1 << 64) - 1)
    for n in range(8):
        assert hart.run(f"mop.rr.{n} a0, a1, a2", a0=-1, a1=5, a2=6) is None
        assert [hart.reg(name) for name in ("a0", "a1", "a2")] == [0, 5, 6]
    assert hart.run("mop.r.0 zero, a1\nmop.r.31 a1, a1", a1=7) is None
    assert (hart.reg("zero"), hart.reg("a1"), hart.mode_name) == (0, 0, mode)


@pytest.mark.rules("zcmop.nothing")
@modes
@engines
def test_nothing(engine: str, mode: str) -> None:
    """Unlike those of Zimop, the operations of Zcmop are defined to not write any register."""
    hart = bench(engine).mode(mode)
    for number in range(32):
        hart.hart.x[number] = number * 3
    for register in range(1, 16, 2):
        start = hart.hart.pc
        assert hart.run(f"c.mop.{register}") is None
        assert hart.hart.pc == start + 2
        assert [hart.hart.x[number] for number in range(32)] == [3 * it for it in range(32)]


@modes
@pytest.mark.parametrize(
    "raw",
    [one_source(0, 10, 11), one_source(31, 10, 11), two_sources(7, 10, 11, 12), compressed(1)],
)
def test_illegal_without_them(mode: str, raw: int) -> None:
    """Reserved before: an illegal instruction in a guest too, as HS-mode has none to give."""
    hart = Bench("h@1.0").mode(mode)
    hart.hart.pc = CODE
    trap = hart.run(f".4byte {raw:#x}", a0=1)
    assert trap
    assert (trap.cause, hart.reg("a0")) == (ILLEGAL, 1)


@pytest.mark.parametrize("register", [0, 2, *range(4, 32, 2), 17, 19, 31])
def test_other_encodings_stay_reserved(register: int) -> None:
    """Only eight of C.LUI's reserved encodings are taken; C.ADDI16SP of 0 is reserved too."""
    hart = bench("python").mode("M")
    hart.hart.pc = CODE
    trap = hart.run(f".2byte {compressed(register):#x}")
    assert trap
    assert trap.cause == ILLEGAL
