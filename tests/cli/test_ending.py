"""What `drafthart run` tells of a run that did not end well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drafthart.ending import assembled_for
from drafthart.last_line import LastLine

Command = Callable[..., Any]

END = """
failed:
    li t0, 0x100000
    li t1, 0x3333 | 3 << 16
    sw t1, 0(t0)
    j .
"""
HANDLER = """
_start:
    la t0, failed
    csrw mtvec, t0
"""


@pytest.fixture
def ended(drafthart: Command, here: Path) -> Callable[..., list[str]]:
    """What is on stderr after a program, assembled for one revision, ended under another."""

    def ended(text: str, *, built_for: str = "h@1.0", under: str = "h@1.0") -> list[str]:
        (here / "guest.S").write_text(text)
        assert drafthart("asm", "guest.S", "--revision", built_for).status == 0
        arguments = ("--revision", under, "--allow-unstable", under, "--max-instructions", "9000")
        error: list[str] = drafthart("run", *arguments, "guest.elf").err.splitlines()
        return [line for line in error if "opted in by" not in line and "no opt-in" not in line]

    return ended


def test_where_the_guest_was(ended: Callable[..., list[str]]) -> None:
    assert ended("_start: nop\n" + END) == [
        "drafthart: the guest ended with status 3 after 5 instructions",
        # Behind the store that ended it.
        "  in M-mode at 0x80000014 <failed+0x10>",
    ]


def test_a_success_is_not_explained(ended: Callable[..., list[str]]) -> None:
    assert ended("_start: li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\nj .\n") == []


def test_the_last_trap(ended: Callable[..., list[str]]) -> None:
    lines = ended(HANDLER + "ecall\nnop\nhere: csrr a0, hgatp\nld a0, 1(zero)\n" + END)
    assert lines[2:] == [
        "  last trap into M-mode: environment call from M-mode (cause:11)",
        "    at 0x8000000c <_start+0xc>, trap value 0x0",
        "    a return from it leads to M-mode",
    ]


def test_an_interrupt(ended: Callable[..., list[str]]) -> None:
    text = HANDLER + (
        "li t0, 0x2000000\nli t1, 1\nsw t1, 0(t0)\n"  # msip of the CLINT
        "li t0, 8\ncsrw mie, t0\ncsrsi mstatus, 8\nhere: nop\nj .\n"
    )
    lines = ended(text + END)
    assert lines[2] == "  last trap into M-mode: machine software interrupt (interrupt:3)"
    assert lines[3].startswith("    at 0x")
    assert lines[3].endswith("<here>, trap value 0x0")
    assert lines[4:] == ["    a return from it leads to M-mode"]


def test_the_mode_of_a_guest_asleep(ended: Callable[..., list[str]]) -> None:
    text = """
    _start:
        li t0, -1
        csrw pmpaddr0, t0
        li t0, 0x1f
        csrw pmpcfg0, t0
        li t0, mstatus.MPP
        csrc mstatus, t0
        li t0, mstatus.MPV | 1 << shift(mstatus.MPP)
        csrs mstatus, t0
        la t0, guest
        csrw mepc, t0
        mret
    guest:
        wfi
    """
    first, where = ended(text)
    assert first.endswith("hart sleeps and nothing can wake it")
    assert where.startswith("  in VS-mode at 0x")


def test_what_only_the_other_draft_knows(ended: Callable[..., list[str]]) -> None:
    """0x60A is no CSR in 0.6.1 (src/priv-csrs.tex); 9876f979 of 2021-09-08 gives it to henvcfg."""
    lines = ended(HANDLER + "csrw henvcfg, zero\n" + END, built_for="h@0.6.2", under="h@0.6.1")
    assert lines[5:7] == [
        "    instruction: csrw 0x60a, zero",
        "    which h@0.6.2 reads as: csrw henvcfg, zero",
    ]
    assert "  assembled for h@0.6.2, run under h@0.6.1" in lines
    assert "    2021-09-08  envcfg-addresses  csr:henvcfg" in lines
    assert lines[-1] == "  drafthart diff h@0.6.2 h@0.6.1 shows all"


def test_an_instruction_that_only_the_other_draft_knows(ended: Callable[..., list[str]]) -> None:
    lines = ended(HANDLER + "hlv.w a0, (a1)\n" + END, built_for="h@0.6", under="h@0.5")
    assert "    which h@0.6 reads as: hlv.w a0, (a1)" in lines
    assert "    2020-02-10  numbers-of-0.6  insn:hlv.w" in lines


def test_items_that_the_guest_names(ended: Callable[..., list[str]]) -> None:
    """hstatus.VTW: new with 6248b128, which has SPV alone."""
    text = "csr:hstatus.VTW csr:nonsense and more"
    letters = "".join(f"li t1, {ord(letter)}\nsb t1, 0(t0)\n" for letter in text)
    program = f"_start: li t0, 0x10000000\n{letters}" + END
    lines = ended(program, built_for="h@0.6", under="h@0.6.1")
    assert [line.split() for line in lines if line.startswith("    20")] == [
        ["2020-05-14", "vtw-returns", "csr:hstatus.VTW"]
    ]


def test_a_file_of_another_assembler_has_no_note(here: Path) -> None:
    (here / "plain.bin").write_bytes(b"\x13\0\0\0" * 20)
    assert assembled_for(here / "plain.bin") is None
    assert assembled_for(here / "missing.elf") is None


class _Terminal:
    quit = False
    at_end = True

    def __init__(self) -> None:
        self.shown = b""

    def poll(self) -> bytes:
        return b"typed"

    def write(self, data: bytes) -> None:
        self.shown += data


@pytest.mark.parametrize(
    ("output", "last"),
    [
        (b"", ""),
        (b"one\ntwo", "two"),
        (b"one\ntwo\n\n \n", "two"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_last_line(output: bytes, last: str) -> None:
    terminal = _Terminal()
    line = LastLine(terminal)
    for byte in output:
        line.write(bytes([byte]))
    assert (line.text, terminal.shown) == (last, output)
    assert (line.poll(), line.quit, line.at_end) == (b"typed", False, True)


def test_a_note_that_names_no_revision(drafthart: Command, here: Path) -> None:
    (here / "guest.S").write_text("_start: nop\n")
    assert drafthart("asm", "guest.S", "--revision", "h@0.6.1").status == 0
    elf = here / "guest.elf"
    assert assembled_for(elf) == "h@0.6.1"
    elf.write_bytes(elf.read_bytes().replace(b"h@0.6.1 (", b"\x1b[2J6.1 ("))
    assert assembled_for(elf) is None


def test_a_note_of_a_revision_that_is_not_there(drafthart: Command, here: Path) -> None:
    (here / "guest.S").write_text("_start:" + END)
    assert drafthart("asm", "guest.S", "--revision", "h@0.6.1").status == 0
    elf = here / "guest.elf"
    elf.write_bytes(elf.read_bytes().replace(b"h@0.6.1 (", b"h@7.6.1 ("))
    lines = drafthart("run", "--revision", "h@1.0", "guest.elf").err.splitlines()
    assert lines[2:] == ["  assembled for h@7.6.1, run under h@1.0"]
