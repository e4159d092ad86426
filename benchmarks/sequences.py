"""Which instructions follow each other most often in the programs: what fusion.yaml is chosen by.

    python benchmarks/sequences.py [--rounds 2] [--top 30] [WORKLOAD...]

Runs each workload on the python engine, counts the pairs and triples of instructions that lie one
behind the other, and says how many dispatches the present list of sequences leaves.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from workloads import MEMORY, WORKLOADS, Workload, build

from drafthart.generator.emit.c_fusion import sequences
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.engine import Retired
from drafthart.runtime.engines import python_engine
from drafthart.runtime.machine import Images, Machine

Names = tuple[str, ...]


class Silent:
    """A console that shows nothing and where nobody types."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        """Nothing typed."""
        return b""

    def write(self, data: bytes) -> None:
        """Forget it."""


class Runs:
    """How often each run of instructions without a jump between them was executed."""

    def __init__(self) -> None:
        self.counts: Counter[Names] = Counter()
        self._present: list[str] = []
        self._next = 0

    def watch(self, retired: Retired) -> None:
        """Note one more instruction."""
        if retired.pc != self._next:
            self.close()
        self._present.append(retired.operation.mnemonic)
        self._next = retired.next_pc

    def close(self) -> None:
        """The run ends here."""
        if self._present:
            self.counts[tuple(self._present)] += 1
            self._present.clear()

    def of_length(self, length: int) -> Counter[Names]:
        """Counts of all sequences of so many instructions."""
        found: Counter[Names] = Counter()
        for run, count in self.counts.items():
            for at in range(len(run) - length + 1):
                found[run[at : at + length]] += count
        return found

    def dispatches(self, fused: set[Names]) -> int:
        """How many are left if the longest of `fused` that fits is taken at each place."""
        longest = max(map(len, fused), default=1)
        total = 0
        for run, count in self.counts.items():
            at = 0
            while at < len(run):
                sizes = (n for n in range(longest, 1, -1) if run[at : at + n] in fused)
                at += next(sizes, 1)
                total += count
        return total


def count(workload: Workload, rounds: int) -> Runs:
    """Run it."""
    runs = Runs()
    isa = resolve("h@1.0")
    machine = Machine(isa, python_engine(isa), memory=MEMORY, terminal=Silent())
    machine.engine.watcher = runs.watch
    with tempfile.TemporaryDirectory() as folder:
        machine.boot(Images(program=build(Path(folder), workload, rounds)))
        outcome = machine.run()
    if (outcome.reason, outcome.status) != ("exit", 0):
        raise RuntimeError(f"{workload.name}: {outcome}")
    runs.close()
    return runs


def main() -> int:
    """Count and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=["mix", "loops", "floats"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--top", type=int, default=30)
    options = parser.parse_args()
    fused = set(sequences())
    for workload in (it for it in WORKLOADS if it.name in options.workloads):
        runs = count(workload, options.rounds)
        steps = sum(len(run) * number for run, number in runs.counts.items())
        left = runs.dispatches(fused) / steps
        print(f"{workload.name}: {steps:,} instructions, {left:.2f} dispatches for each")
        for length in (1, 2, 3, 4):
            print(f"  sequences of {length}, % of all instructions; * is fused")
            for names, number in runs.of_length(length).most_common(options.top):
                mark = "*" if names in fused else " "
                print(f"    {number * 100 * length / steps:5.1f} {mark} {' '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
