"""A C program compiled for RV64GC gives the results that it gives on the host."""

from __future__ import annotations

import ctypes
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from bench import isa_of
from elftools.elf.elffile import ELFFile

from drafthart.generator.assembly import assemble, write_elf
from drafthart.runtime.boot import Images
from drafthart.runtime.commit_log import CommitLog
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine
from drafthart.runtime.trace import parse_commit

GCC = "riscv64-unknown-elf-gcc"
PROGRAMS = Path(__file__).parent / "programs"
RESULTS = 6
# Both compilers must take the program as it stands: no fusing of what it does not fuse.
EXACT = ["-O2", "-ffp-contract=off", "-fno-fast-math", "-fno-math-errno"]


class Silent:
    """A terminal that nobody uses."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        """What was typed."""
        return b""

    def write(self, data: bytes) -> None:
        """Nothing is to be shown."""
        raise AssertionError(data)


def compiled(*command: str | Path) -> None:
    result = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def of_host(folder: Path) -> list[int]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = folder / "kernel.so"
    compiled(compiler, *EXACT, "-shared", "-fPIC", "-o", library, PROGRAMS / "kernel.c", "-lm")
    results = (ctypes.c_uint64 * RESULTS)()
    ctypes.CDLL(str(library)).kernel(results)
    return list(results)


@pytest.mark.skipif(shutil.which(GCC) is None, reason=f"{GCC} is absent")
def test_a_program_gives_the_hosts_results(tmp_path: Path) -> None:
    target = tmp_path / "guest.elf"
    compiled(
        GCC, *EXACT, "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-ffreestanding",
        "-nostdlib", "-Wl,-N,--no-relax,-Ttext=0x80000000", "-o", target, PROGRAMS / "guest.S",
        PROGRAMS / "kernel.c",
    )  # fmt: skip
    isa = isa_of("h@1.0")
    machine = Machine(isa, python_engine(isa), memory=16 << 20, terminal=Silent())
    machine.boot(Images(program=target))
    outcome = machine.run(1_000_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    with target.open("rb") as file:
        address = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name("results")[0]
    start = address["st_value"]
    found = [machine.bus.read(start + 8 * index, 8) for index in range(RESULTS)]
    assert found == of_host(tmp_path)
    assert len(set(found)) == RESULTS


def test_the_commit_log_tells_of_registers_and_flags(tmp_path: Path) -> None:
    isa = isa_of("h@1.0")
    source = """
    _start:
        li t0, 3 << 13
        csrs mstatus, t0
        li t1, 3
        fcvt.d.w ft0, t1
        fcvt.s.w fa0, zero
        fdiv.d fa1, ft0, fa0
        fcvt.w.d t2, fa1
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)
    """
    target = tmp_path / "guest.elf"
    target.write_bytes(write_elf(assemble(source, isa, base=0x8000_0000)))
    machine = Machine(isa, python_engine(isa), memory=16 << 20, terminal=Silent())
    machine.boot(Images(program=target))
    log = io.BytesIO()
    CommitLog(machine, log, stability(isa))
    assert machine.run(100).reason == "exit"
    commits = map(parse_commit, log.getvalue().decode().splitlines())
    found = [
        (write.kind, write.number, write.value)
        for commit in commits
        for write in commit.writes
        if write.kind == "f" or write.name == "fflags"
    ]
    # 3.0; a boxed zero; and as that is no number in double precision, the canonical NaN,
    # which no integer stands for.
    assert found == [
        ("f", 0, 0x4008_0000_0000_0000),
        ("f", 10, 0xFFFF_FFFF_0000_0000),
        ("f", 11, 0x7FF8_0000_0000_0000),
        ("c", 1, 0b10000),
    ]
