"""Processor time of `drafthart run` on a tiny program with warm caches, beside a bare Python.

python benchmarks/start.py [TIMES]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = "_start:\n    li t0, 0x100000\n    li t1, 0x5555\n    sw t1, 0(t0)\n    j .\n"


def seconds(*command: str) -> float:
    """User and system time of a command, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print the medians."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    revision = ("--revision", "h@1.0")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "tiny.S")
        source.write_text(PROGRAM, encoding="utf-8")
        program = str(source.with_suffix(".elf"))
        subprocess.run(["drafthart", "asm", str(source), *revision, "-o", program], check=True)
        for name, command in (
            ("python -c pass", (sys.executable, "-c", "pass")),
            ("run, native", ("drafthart", "run", *revision, "--engine", "native", program)),
            ("run, python", ("drafthart", "run", *revision, "--engine", "python", program)),
        ):
            seconds(*command)
            taken = sorted(seconds(*command) for _ in range(times))
            print(f"{name:<16}{taken[len(taken) // 2]:.3f} s, least {taken[0]:.3f} s")


if __name__ == "__main__":
    main()
