"""The engine in a C program: the public header, and the example that prints commits."""

from __future__ import annotations

import os
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest

from drafthart.generator.assembly import assemble, flat, write_elf
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.boot import Images
from drafthart.runtime.commit_log import CommitLog
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine
from drafthart.runtime.native.build import HEADERS
from drafthart.runtime.native.embedding import embedding

EXAMPLE = Path(__file__).parents[2] / "examples/embedding/main.c"
CC = os.environ.get("CC") or shutil.which("cc")
CXX = shutil.which("c++")
FLAGS = ("-std=gnu11", "-O0", "-fno-strict-aliasing", "-fwrapv", "-ffp-contract=off", "-w")
PROGRAM = """
    .globl _start
_start:
    la t0, handler
    csrw mtvec, t0
    la a1, here
    li a2, 0x8877665544332211
    sd a2, 0(a1)
    lbu a3, 7(a1)
    lh a4, 2(a1)
    amoadd.w a5, a3, (a1)
    ecall
    # A page of S-mode at its own address: the root's entry is a leaf of 1 GiB.
    la t0, table
    srli t1, t0, 12
    li t2, 0x8000000000000000
    or t1, t1, t2
    li t3, 0x800000cf >> 12 << 10 | 0xcf
    sd t3, 16(t0)
    csrw satp, t1
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x800
    csrs mstatus, t0
    la t0, below
    csrw mepc, t0
    mret
below:
    sw a4, 8(a1)
    lw a0, 8(a1)
    ecall
    .align 2
handler:
    csrr s0, mcause
    csrr s1, mepc
    addi s1, s1, 4
    csrw mepc, s1
    li s2, 9
    beq s0, s2, 1f
    mret
1:  li s3, 0x100000
    sw s2, 0(s3)
    j .
    .data
    .align 3
here: .dword 0, 0
    .align 12
table: .zero 4096
"""

pytestmark = pytest.mark.skipif(CC is None, reason="needs a C compiler")


class Silent:
    """A terminal without a user."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


def compiled(isa: ISA, folder: Path, main: Path = EXAMPLE) -> Path:
    for name, text in embedding(isa).items():
        (folder / name).write_text(text, encoding="utf-8")
    assert CC is not None
    subprocess.run([CC, *FLAGS, "-c", "hart.c"], cwd=folder, check=True)
    warnings = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command = [CC, *warnings, "-I.", str(main), "hart.o", "-o", "bench"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "bench"


def reference(revision: str, elf: Path) -> list[str]:
    """The lines of the python engine's commit log."""
    isa = resolve(revision)
    machine = Machine(
        isa, python_engine(isa), memory=16 << 20, terminal=Silent(), stability=stability(isa)
    )
    machine.boot(Images(program=elf))
    log = BytesIO()
    CommitLog(machine, log, stability(isa))
    machine.run(1000)
    return [line for line in log.getvalue().decode().splitlines() if line.startswith("core")]


@pytest.mark.parametrize("revision", ["h@1.0", "h@0.6.1", "priv@1.12"])
def test_the_example_prints_the_commit_log(revision: str, tmp_path: Path) -> None:
    program = assemble(PROGRAM, resolve(revision), name="p")
    (tmp_path / "p.bin").write_bytes(flat(program))
    (tmp_path / "p.elf").write_bytes(write_elf(program))
    bench = compiled(resolve(revision), tmp_path)
    done = subprocess.run(
        [bench, "p.bin"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"# {revision} (")
    commits = [line for line in lines if line.startswith("core")]
    expected = reference(revision, tmp_path / "p.elf")
    assert commits == expected[: len(commits)]
    # To the store that ends it, in M-mode again; one trap of each mode, and S-mode in between.
    assert commits[-1].endswith("mem 0x0000000000100000 0x00000009")
    assert [line.split(" at ")[1].split(": ")[1] for line in lines if "# trap" in line] == [
        "cause 11, value 0x0",
        "cause 9, value 0x0",
    ]
    assert sum(line.startswith("core   0: 1 ") for line in commits) == 2


STATE = Path(__file__).with_name("embedding_state.c")
PARTS = """
    .globl _start
_start:
    .zero 0x100
    ld a0, 0(a1)
    fadd.d fa0, fa1, fa2
    csrw sscratch, a0
    sd a0, 8(a1)
    ecall
    .balign 0x100
    j .
    .balign 0x100
    wfi
    j .
"""


@pytest.mark.parametrize("revision", ["h@1.0", "h@0.6.1"])
def test_modes_registers_lines_and_commits_of_a_guest(revision: str, tmp_path: Path) -> None:
    isa = resolve(revision)
    (tmp_path / "p.bin").write_bytes(flat(assemble(PARTS, isa, name="p")))
    bench = compiled(isa, tmp_path, STATE)
    done = subprocess.run(
        [bench, "p.bin", isa.id], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stderr, done.returncode) == ("", 0)


NUMBERS = """
#include <stdio.h>
#include "drafthart.h"
int main(void) {
    printf("%s %#x %s\\n", dh_revision(), (unsigned)dh_csr_number("bstvec"), dh_csr_name(0x7c0));
}
"""


def test_an_overlay_reaches_the_c_program(tmp_path: Path) -> None:
    overlay = Path(__file__).parents[2] / "specs/overlays/h-0.1.yaml"
    isa = resolve("h@0.1", overlay=overlay)
    source = tmp_path / "numbers.c"
    source.write_text(NUMBERS)
    bench = compiled(isa, tmp_path, source)
    told = subprocess.run([bench], check=True, capture_output=True, text=True, timeout=60).stdout
    # The numbers that the overlay gives, where the draft has none.
    assert told.split() == [*isa.id.split(), "0x6d2", "mvtval"]


@pytest.mark.skipif(CXX is None, reason="needs a C++ compiler")
def test_the_header_is_valid_cplusplus(tmp_path: Path) -> None:
    source = tmp_path / "it.cc"
    source.write_text('#include "drafthart.h"\nint it() { return dh_abi() == DH_ABI; }\n')
    assert CXX is not None
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    subprocess.run([CXX, *flags, "-I", str(HEADERS), str(source)], check=True)


def test_what_is_made_from_a_draft_says_so() -> None:
    for name in ("hart.c", "README.md"):
        assert "UNSTABLE: h@0.6.1 is not ratified" in embedding(resolve("h@0.6.1"))[name]
