"""Which instructions follow each other most often in the programs: what fusion.yaml is chosen by.

    python benchmarks/sequences.py [--rounds 2] [--choose N] [WORKLOAD...]

Runs each workload on the python engine, notes the runs of instructions without a jump between them,
and says how many dispatches the present list of sequences leaves. With --choose it prints a new
list: the N sequences that save most dispatches, and each pair of instructions within them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

from workloads import MEMORY, WORKLOADS, Workload, build

from drafthart.generator.emit.c_fusion import LONGEST, Part, Pattern, patterns
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.engine import Retired
from drafthart.runtime.engines import python_engine
from drafthart.runtime.machine import Images, Machine

_AT_ONCE = 20
"""Sequences that are chosen between two counts."""
_USUAL = ["mix", "loops", "chase-1m", "guest-staying"]
_JUMPS = ("jal", "jalr")


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

    def __init__(self, isa: ISA) -> None:
        self.counts: Counter[Pattern] = Counter()
        self._isa = isa
        self._present: list[Part] = []
        self._next = 0
        self._written = 0

    def watch(self, retired: Retired) -> None:
        """Note one more instruction."""
        mnemonic = retired.operation.mnemonic
        encoding = self._isa.instructions[mnemonic].encoding
        assert encoding is not None
        values = dict(zip(encoding.operands, retired.values, strict=True))
        if retired.pc != self._next:
            self.close()
        sources = (name for name in ("rs1", "rs2") if values.get(name) == self._written)
        takes = next(sources, "") if self._written and self._present else ""
        self._present.append(Part(mnemonic, takes))
        self._next, self._written = retired.next_pc, values.get("rd", 0)

    def close(self) -> None:
        """The run ends here."""
        if self._present:
            self.counts[tuple(self._present)] += 1
            self._present.clear()

    @property
    def steps(self) -> int:
        """All instructions."""
        return sum(len(run) * number for run, number in self.counts.items())

    def dispatches(self, fused: set[Pattern]) -> int:
        """How many are left if the longest of `fused` that fits is taken at each place."""
        return sum(len(split(run, fused)) * number for run, number in self.counts.items())


def split(run: Pattern, fused: set[Pattern]) -> list[Pattern]:
    """The run as the sequences and single instructions that it is dispatched as."""
    parts, at = [], 0
    while at < len(run):
        sizes = range(min(LONGEST, len(run) - at), 1, -1)
        size = next((n for n in sizes if _matches(run[at : at + n], fused)), 1)
        parts.append(run[at : at + size])
        at += size
    return parts


def _matches(run: Pattern, fused: set[Pattern]) -> bool:
    return _start(run) in fused or tuple(Part(it.mnemonic, "") for it in run) in fused


def _start(run: Pattern) -> Pattern:
    """The run as a sequence: nothing comes before its first part."""
    return (Part(run[0].mnemonic, ""), *run[1:])


def choose(programs: list[Runs], number: int, inline: set[str]) -> list[Pattern]:
    """The sequences that save most, by repeatedly joining what is dispatched one after another."""
    chosen: set[Pattern] = set()
    while len(chosen) < number:
        saved: Counter[Pattern] = Counter()
        for runs in programs:
            weight = 1_000_000 / runs.steps
            for run, count in runs.counts.items():
                parts = split(run, chosen)
                for at in range(len(parts)):
                    for more in (1, 2):
                        joined = _start(sum(parts[at : at + more + 1], ()))
                        if len(joined) <= LONGEST and _possible(joined, inline):
                            saved[joined] += int(count * weight * more)
        best = [it for it, _ in saved.most_common(_AT_ONCE) if it not in chosen]
        if not best:
            break
        chosen.update(best)
    used = {
        part
        for runs in programs
        for run in runs.counts
        for part in map(_start, split(run, chosen))
        if part in chosen
    }
    pairs = {(Part(a.mnemonic, ""), Part(b.mnemonic, "")) for it in used for a, b in pairwise(it)}
    return sorted(used | pairs, key=lambda it: (len(it), str(it)))


def _possible(sequence: Pattern, inline: set[str]) -> bool:
    names = [it.mnemonic for it in sequence]
    return len(names) > 1 and inline.issuperset(names) and not set(_JUMPS) & set(names[:-1])


def count(workload: Workload, rounds: int) -> Runs:
    """Run it."""
    isa = resolve("h@1.0")
    runs = Runs(isa)
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
    parser.add_argument(
        "workloads", nargs="*", default=["mix", "loops", "chase-1m", "guest-staying"]
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--choose", type=int, default=0, metavar="N")
    options = parser.parse_args()
    fused = set(patterns())
    programs = []
    for workload in (it for it in WORKLOADS if it.name in options.workloads):
        runs = count(workload, options.rounds)
        programs.append(runs)
        left = runs.dispatches(fused) / runs.steps
        print(f"# {workload.name}: {runs.steps:,} instructions, {left:.2f} dispatches for each")
    if options.choose:
        inline = {part.mnemonic for it in fused for part in it}
        for sequence in choose(programs, options.choose, inline):
            print("-", *map(str, sequence))
    return 0


if __name__ == "__main__":
    sys.exit(main())
