"""GNU binutils as a second opinion: both directions, every instruction, many operands."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from drafthart.generator.assembly import Disassembler, assemble, flat, write_elf
from drafthart.generator.assembly.registers import ABI_NAMES, FLOAT_ABI_NAMES
from drafthart.generator.spec.model import ISA, Instruction

PREFIX = "riscv64-unknown-elf-"
ARCHITECTURE = "rv64imafdc_zicsr_zifencei_h"
PC = 0x180_0000_0000

pytestmark = pytest.mark.skipif(
    shutil.which(PREFIX + "as") is None, reason="GNU binutils for riscv64-unknown-elf are absent"
)

Samples = Callable[[Instruction, int], Iterator[int]]


def run(tool: str, *arguments: str | Path) -> str:
    command = [PREFIX + tool, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def gnu_assembled(text: str, folder: Path, section: str = ".text") -> bytes:
    (folder / "a.s").write_text(text)
    run("as", f"-march={ARCHITECTURE}", "-o", folder / "a.o", folder / "a.s")
    run("ld", "-e", "0", "--no-relax", "-o", folder / "a.elf", folder / "a.o")
    run("objcopy", "-O", "binary", "-j", section, folder / "a.elf", folder / "a.bin")
    return (folder / "a.bin").read_bytes()


@pytest.fixture(scope="module")
def words(isa: ISA, samples: Samples) -> list[int]:
    return [
        word
        for instruction in isa.instructions.values()
        if instruction.encoding is not None
        for word in samples(instruction, 40)
    ]


def relative(text: str) -> str:
    """The text with `.+N` for a target: GNU as takes a bare number for a far one."""
    return re.sub(r"0x1[78][0-9a-f]{9}\b", lambda m: distance(m[0]), text)


def distance(target: str) -> str:
    return f".{int(target, 16) - PC:+d}"


def test_both_assemble_our_text_to_the_same_word(
    isa: ISA, words: list[int], disassembler: Disassembler, tmp_path: Path
) -> None:
    texts = [relative(disassembler.text(word, PC)) for word in words]
    ours = flat(assemble("\n".join(texts), isa))
    source = [".option norelax"]
    for word, text in zip(words, texts, strict=True):
        source.append(".option norvc" if word & 3 == 3 else ".option rvc")
        source.append(f".insn {word:#x}" if _GNU_REFUSES.match(text) else text)
    theirs = gnu_assembled("\n".join(source) + "\n", tmp_path)
    assert differences(ours, words, texts) == []
    assert differences(theirs, words, texts) == []


# GNU as knows hints, empty sets and the rounding modes of what is exact, but no way to write them.
_EXACT = r"fcvt\.d\.(?:w|wu|s) \w+, ?\w+"
_GNU_REFUSES = re.compile(rf"c\.(srli|srai|slli) .*, 0$|fence (0,|.* 0$)|{_EXACT}, \w+$")


def differences(code: bytes, words: list[int], texts: list[str]) -> list[tuple[str, str, str]]:
    found, offset = [], 0
    for word, text in zip(words, texts, strict=True):
        size = 4 if word & 3 == 3 else 2
        given = int.from_bytes(code[offset : offset + size], "little")
        if given != word:
            found.append((text, f"{word:#x}", f"{given:#x}"))
        offset += size
    return found


def test_objdump_reads_our_words_as_we_do(
    isa: ISA, words: list[int], disassembler: Disassembler, tmp_path: Path
) -> None:
    program = assemble("\n".join(f".insn {word:#x}" for word in words), isa)
    (tmp_path / "a.elf").write_bytes(write_elf(program))
    listing = run("objdump", "-d", "-z", "-M", "no-aliases,numeric", tmp_path / "a.elf")
    theirs = re.findall(r"^ *([0-9a-f]+):\t([0-9a-f]+) *\t(.*)$", listing, re.MULTILINE)
    assert len(theirs) == len(words)
    csrs = csr_numbers(isa, {name for *_, text in theirs for name in re.findall(_CSR, text)})
    found = [
        (ours, text)
        for word, (pc, _, text) in zip(words, theirs, strict=True)
        for ours in [disassembler.text(word, int(pc, 16))]
        if normal(ours, csrs) != normal(text.replace("\t", " "), csrs)
        and not (_RESERVED_ROUNDING.match(text) and ours.startswith(".insn"))
        and not (is_exact_with_rounding(word) and text.startswith(".4byte"))
    ]
    assert not found, "\n".join(map(str, found))


def is_exact_with_rounding(word: int) -> bool:
    """Whether it is fcvt.d.w, .wu or .s with a rounding mode, which older GNU does not know."""
    return word >> 20 in (0xD20, 0xD21, 0x420) and word & 0x7F == 0x53 and word >> 12 & 7 != 0


_RESERVED_ROUNDING = re.compile(r"f\w+\.\S+\t.*,unknown$|fcvt\.d\.(w|wu|s)\t")
_CSR = r"csrr\w+\tx\d+,(\w+),"
_TARGETS = {"jal", "beq", "bne", "blt", "bge", "bltu", "bgeu", "c.j", "c.beqz", "c.bnez"}


def csr_numbers(isa: ISA, names: set[str]) -> dict[str, int]:
    """The numbers of our CSRs, and of those that only GNU knows, by its word."""
    ours = {csr.name: csr.address for csr in isa.csrs.values() if csr.address is not None}
    others = sorted(name for name in names - ours.keys() if not name.startswith("0x"))
    with tempfile.TemporaryDirectory() as folder:
        source = ".option norvc\n" + "".join(f"csrr a0, {name}\n" for name in others)
        code = gnu_assembled(source, Path(folder))
    numbers = [int.from_bytes(code[i : i + 4], "little") >> 20 for i in range(0, len(code), 4)]
    return ours | dict(zip(others, numbers, strict=True))


def normal(text: str, csrs: dict[str, int]) -> str:
    """A text with registers as x0…, decimal numbers, CSRs as numbers and without symbols."""
    text = re.sub(r"<.*?>|#.*", "", text).strip()
    text = re.sub(f"({_EXACT}), \\w+$", r"\1", text)
    mnemonic, _, operands = text.partition(" ")
    if mnemonic in _TARGETS:
        # objdump writes targets without 0x.
        operands = re.sub(r"(?<!\w)(0x)?([0-9a-f]{3,16})$", r"0x\2", operands.strip())
    parts = [number(part, csrs) for part in re.findall(r"[\w.-]+|[()]", operands)]
    # GNU has names of its own for shifts by zero, and another for the nop.
    if mnemonic.endswith("64"):
        return " ".join([mnemonic.removesuffix("64"), *parts, "0"])
    if (mnemonic, parts) == ("c.addi", ["x0", "0"]):
        return "c.nop"
    return " ".join([mnemonic, *parts])


def number(word: str, csrs: dict[str, int]) -> str:
    if word in ABI_NAMES:
        return f"x{ABI_NAMES.index(word)}"
    if word in FLOAT_ABI_NAMES:
        return f"f{FLOAT_ABI_NAMES.index(word)}"
    if word == "unknown":
        return "0"
    try:
        return str(csrs[word] if word in csrs else int(word, 0))
    except ValueError:
        return word


def test_csrs_have_the_same_numbers(isa: ISA, tmp_path: Path) -> None:
    names = [csr.name for csr in isa.csrs.values() if csr.address is not None]
    source = "".join(f"csrr a0, {name}\n" for name in names)
    theirs = gnu_assembled(".option norvc\n" + source, tmp_path)
    ours = flat(assemble(source, isa))
    assert len(ours) == len(theirs) == 4 * len(names)
    assert [
        name for i, name in enumerate(names) if ours[4 * i : 4 * i + 4] != theirs[4 * i : 4 * i + 4]
    ] == []


def test_li_is_no_longer_than_gnus(isa: ISA, tmp_path: Path) -> None:
    values = {
        sign * (1 << bit) + more for bit in range(64) for sign in (1, -1) for more in (-1, 0, 1)
    }
    values |= {0x7FF, 0x800, 0xFFF, 0x7FFFF800, 0x7FFFFFFF, 0xFFFFF800, 0x123456789ABCDEF0}
    values |= {0xFFFF0000FFFF0000, 0xFF00FF00FF00FF, 0xDEADBEEF, 0xFFFFFFFF00000000, 0x80000000}
    numbers = sorted({value & (1 << 64) - 1 for value in values})
    text = "".join(f"l{value:x}: li a0, {value:#x}\n" for value in numbers)
    gnu_assembled(f".option norvc\n{text}end:\n", tmp_path)
    addresses = [
        int(line.split()[0], 16)
        for line in run("nm", "-n", tmp_path / "a.elf").splitlines()
        if re.search(r" t (l[0-9a-f]+|end)$", line)
    ]
    theirs = [after - before for before, after in pairwise(addresses)]
    ours = [len(flat(assemble(f"li a0, {value:#x}", isa))) for value in numbers]
    assert len(theirs) == len(ours)
    longer = zip(numbers, ours, theirs, strict=True)
    assert [(hex(value), us, them) for value, us, them in longer if us > them] == []


@pytest.mark.parametrize(
    "text",
    [
        ".byte 1, -1, 255, 'a'\n.half 0x1234\n.word 1 << 20, ~0\n.dword -2",
        '.ascii "a\\n\\101\\x42\\\\"\n.string "x", "y"\n.asciz "z"',
        ".zero 3\n.balign 8\n.skip 2, 7\n.p2align 2\n.byte 1\n.org 64\n.byte 2",
        ".set a, 1\n.byte a\n.set a, a + 1\n.byte a\nb = 7\n.byte b * 2 - a",
        ".macro m x, y=3\n.byte \\x, \\y, \\@\n.endm\nm 1\nm 2, 5\nm y=9, x=8",
        ".rept 3\n.byte 1\n.endr\n.irp v, 4, 5\n.byte \\v\n.endr",
        "start: .if 0\n.byte 1\n.elseif 1\n.byte 2\n.else\n.byte 3\n.endif\n.word . - start",
        "1: .word 1f - 1b\n1: .word 1f - 1b\n1:",
        ".ifdef nothing\n.byte 1\n.endif\n.ifndef nothing\n.byte 2\n.endif",
        ".fill 3, 2, 0x102",
    ],
)
def test_directives_place_the_same_bytes(isa: ISA, text: str, tmp_path: Path) -> None:
    ours = flat(assemble(".data\n" + text, isa))
    theirs = gnu_assembled(f".data\n{text}\n", tmp_path, ".data")
    assert ours == theirs
