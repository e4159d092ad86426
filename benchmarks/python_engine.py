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
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import Taken, run
from workloads import COMPILER, DRAFTHART, MEMORY, WORKLOADS, build

ROUNDS = {"mix": 150, "loops": 7}
"""Of each program, so that it takes some 8 to 10 million instructions."""

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


def timed(command: list[str], repeat: int) -> Taken:
    """The median of the processor seconds that `command` takes, whole process, and its output."""
    taken = [run(command) for _ in range(repeat)]
    return Taken(statistics.median(it.seconds for it in taken), taken[-1].output)


def main() -> int:
    """Run and print; 1 where the compiler is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    if shutil.which(COMPILER) is None:
        print(f"{COMPILER} is not installed: Debian has it as gcc-riscv64-unknown-elf")
        return 1
    simulators = {"drafthart": [sys.executable, "-c", DRAFTHART, "python", str(MEMORY)]}
    peers = {"tinyrv": TINYRV, "rvsim": RVSIM}
    for name, script in peers.items():
        probe = subprocess.run([options.peers, "-c", f"import {name}"], capture_output=True)
        if probe.returncode:
            print(f"{name} is not installed there: left out", file=sys.stderr)
        else:
            simulators[name] = [options.peers, "-c", script]
    rows = []
    peak = 0
    with tempfile.TemporaryDirectory() as folder:
        for workload in (it for it in WORKLOADS if it.name in ROUNDS):
            elf = build(Path(folder), workload, ROUNDS[workload.name], console=False)
            instructions = 0
            figures = {}
            for name, command in simulators.items():
                taken = timed([*command, str(elf)], options.repeat)
                if name == "drafthart":
                    printed = dict(line.split() for line in taken.output.splitlines())
                    instructions = int(printed["steps"])
                    peak = max(peak, int(printed["peak"]) // 1024)
                figures[name] = instructions / taken.seconds / 1e6
            rows.append({"program": workload.name, "instructions": instructions, "mips": figures})
    if options.format == "json":
        print(json.dumps({"rows": rows, "peak_mib": peak}, indent=2))
        return 0
    print(f"{'program':10} {'instructions':>14} " + " ".join(f"{n:>18}" for n in simulators))
    for row in rows:
        ours = row["mips"]["drafthart"]
        cells = [f"{value:.2f} MIPS ({ours / value:.1f}x)" for value in row["mips"].values()]
        print(
            f"{row['program']:10} {row['instructions']:14,} "
            + " ".join(f"{cell:>18}" for cell in cells)
        )
    print(f"peak memory of Drafthart's process: {peak} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
