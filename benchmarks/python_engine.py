"""The python engine against what a Python user can install: tinyrv and rvsim.

    python benchmarks/python_engine.py [--repeat 5] [--peers PYTHON] [--format json]

Builds the programs beside this file with gcc-riscv64-unknown-elf, runs each under each simulator,
and prints instructions a second and ratios: all in one run on one machine, medians, one process at
a time. `--peers` names the Python interpreter of an environment with `pip install tinyrv rvsim`; a
peer that is not there is left out, by name.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
COMPILER = "riscv64-unknown-elf-gcc"
FLAGS = [
    *("-march=rv64imac_zicsr", "-mabi=lp64", "-mcmodel=medany", "-O2", "-Wall"),
    *("-nostdlib", "-nostartfiles", "-ffreestanding", "-fno-builtin", "-T", "link.ld"),
]

OURS = """
import sys
from pathlib import Path
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.engines import python_engine
from drafthart.runtime.machine import Images, Machine

class Silent:
    quit = False
    at_end = True
    def poll(self): return b""
    def write(self, data): pass

isa = resolve("h@1.0")
machine = Machine(isa, python_engine(isa), memory=64 << 20, terminal=Silent())
machine.boot(Images(program=Path(sys.argv[1])))
outcome = machine.run()
assert (outcome.reason, outcome.status) == ("exit", 0), outcome
print(outcome.steps)
"""
TINYRV = """
import sys
from tinyrv.user import run_elf
run_elf()
"""
RVSIM = """
import sys
from rvsim import Config, Environment
result = Environment(binary=sys.argv[1], config=Config(uart_quiet=True)).run()
assert result.exit_code == 0, result
"""


def build(folder: Path) -> dict[str, Path]:
    """Compile the programs into `folder`; name → ELF."""
    built = {}
    for source in sorted(PROGRAMS.glob("*.c")):
        target = folder / f"{source.stem}.elf"
        command = [COMPILER, *FLAGS, "-o", str(target), "start.S", source.name]
        subprocess.run(command, cwd=PROGRAMS, check=True)
        built[source.stem] = target
    return built


def timed(command: list[str], repeat: int) -> tuple[float, str]:
    """The median of the processor seconds that `command` takes, whole process, and its output.

    Processor time and not the clock's: each simulator runs on one core, and what else the machine
    does must not count.
    """
    seconds = []
    output = ""
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(seconds), output


def main() -> int:
    """Run and print; 1 where the compiler is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    if shutil.which(COMPILER) is None:
        print(f"{COMPILER} is not installed: Debian has it as gcc-riscv64-unknown-elf")
        return 1
    simulators = {"drafthart": [sys.executable, "-c", OURS]}
    peers = {"tinyrv": TINYRV, "rvsim": RVSIM}
    for name, script in peers.items():
        probe = subprocess.run([options.peers, "-c", f"import {name}"], capture_output=True)
        if probe.returncode:
            print(f"{name} is not installed there: left out", file=sys.stderr)
        else:
            simulators[name] = [options.peers, "-c", script]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for program, elf in build(Path(folder)).items():
            instructions = 0
            figures = {}
            for name, command in simulators.items():
                seconds, output = timed([*command, str(elf)], options.repeat)
                if name == "drafthart":
                    instructions = int(output.split()[-1])
                figures[name] = instructions / seconds / 1e6
            rows.append({"program": program, "instructions": instructions, "mips": figures})
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    if options.format == "json":
        print(json.dumps({"rows": rows, "peak_mib": memory}, indent=2))
        return 0
    print(f"{'program':10} {'instructions':>14} " + " ".join(f"{n:>18}" for n in simulators))
    for row in rows:
        ours = row["mips"]["drafthart"]
        cells = [f"{value:.2f} MIPS ({ours / value:.1f}x)" for value in row["mips"].values()]
        print(
            f"{row['program']:10} {row['instructions']:14,} "
            + " ".join(f"{cell:>18}" for cell in cells)
        )
    print(f"peak memory of a process: {memory} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
