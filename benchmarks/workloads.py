"""The programs that are measured, how to build one, and how a run of Drafthart on one is made."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "programs"
COMPILER = "riscv64-unknown-elf-gcc"
_INTEGERS = ("-march=rv64imac_zicsr_zifencei", "-mabi=lp64")
_FLOATS = ("-march=rv64gc", "-mabi=lp64d", "-fno-math-errno")
_FLAGS = (
    *("-mcmodel=medany", "-O2", "-Wall", "-Wextra", "-Werror"),
    *("-nostdlib", "-nostartfiles", "-ffreestanding", "-T", "link.ld"),
)
_UART = 0x1000_0000

MEMORY = 256 << 20
"""Bytes of RAM that every program finds enough."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A program with a size, and what was set as the goal: ratios of our speed to a peer's."""

    name: str
    title: str
    sources: tuple[str, ...]
    size: int = 0
    floats: bool = False
    goals: tuple[tuple[str, float], ...] = ()


WORKLOADS = (
    Workload("mix", "(a) integers, strings, structures", ("mix.c",), goals=(("spike", 2.5),)),
    Workload("loops", "(b) sieve, matrix, CRC", ("loops.c",), goals=(("spike", 2.5),)),
    Workload("chase-64m", "(c) pointers over 64 MiB", ("chase.c",), 64 << 20),
    Workload("chase-1m", "(c) pointers over 1 MiB", ("chase.c",), 1 << 20, goals=(("spike", 2),)),
    Workload(
        "guest-missing",
        "(d) two-stage, missing",
        ("guest.S", "guest.c"),
        2048,
        goals=(("spike", 4), ("qemu", 2)),
    ),
    Workload(
        "guest-staying",
        "(d) two-stage, staying",
        ("guest.S", "guest.c"),
        8,
        goals=(("spike", 6), ("qemu", 3)),
    ),
    Workload("floats", "(e) floating point", ("floats.c",), floats=True, goals=(("spike", 2.5),)),
)

DRAFTHART = """
import sys
import time
from pathlib import Path
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.engines import engine_named
from drafthart.runtime.boot import Images
from drafthart.runtime.machine import Machine

class Shown:
    quit = False
    at_end = True
    def poll(self): return b""
    def write(self, data):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

engine, memory, program = sys.argv[1:]
isa = resolve("h@1.0")
machine = Machine(isa, engine_named(engine, isa), memory=int(memory), terminal=Shown())
machine.boot(Images(program=Path(program)))
start = time.process_time()
outcome = machine.run()
ran = time.process_time() - start
assert (outcome.reason, outcome.status) == ("exit", 0), outcome
print("steps", outcome.steps)
print("start", start)
print("ran", ran)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print("peak", status["VmHWM"].split()[0])
"""
"""Runs a program; prints its output, the steps, the processor seconds before the run and in it, and
the peak resident KiB. Arguments: the engine, bytes of RAM, the ELF file."""


def has_compiler() -> bool:
    """Can the programs be built here?"""
    return shutil.which(COMPILER) is not None


def build(folder: Path, workload: Workload, rounds: int, *, console: bool = True) -> Path:
    """The ELF file of `workload` that does its work `rounds` times, made in `folder`.

    It prints a checksum to a UART at 0x10000000 if there is a `console`.
    """
    target = folder / f"{workload.name}-{rounds}{'' if console else '-silent'}.elf"
    if target.exists():
        return target
    values = {"rounds": rounds, "size": workload.size, "console": _UART if console else 0}
    symbols = (f"-Wl,--defsym=with_{name}={value}" for name, value in values.items())
    flags = _FLOATS if workload.floats else _INTEGERS
    subprocess.run(
        [COMPILER, *flags, *_FLAGS, *symbols, "-o", str(target), "start.S", *workload.sources],
        cwd=SOURCES,
        check=True,
    )
    return target
