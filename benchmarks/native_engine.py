"""The native engine against Spike and QEMU, as ratios in one run on one machine.

    python benchmarks/native_engine.py [--repeat 5] [--seconds 3] [--quick] [--format json]

Builds the programs beside this file with gcc-riscv64-unknown-elf. Each simulator runs the same ELF
file but for the number of rounds, which is chosen so that a run takes about `--seconds`; what one
round takes is subtracted, and with it the start. (Drafthart's own start takes longer than those of
its peers, and varies; it is measured within the process, and left out before.) All have to print
the same checksum. The simulators take turns, so that what disturbs one disturbs all; a ratio is the
median of those of the turns. A peer that is not installed is left out, by name.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import Taken, run
from workloads import COMPILER, DRAFTHART, MEMORY, WORKLOADS, Workload, build, has_compiler

Command = Callable[[Path], list[str]]
_FEWEST, _MORE = 1, 3
_MIB = MEMORY >> 20
_SMALL = ("mix", "loops", "floats", "guest-staying")
"""Those that touch less than 2 MiB of RAM: what their process takes is the simulator's."""


def simulators(spike: str, qemu: str, engine: str) -> dict[str, Command]:
    """How each runs an ELF file."""
    return {
        "drafthart": lambda elf: [sys.executable, "-c", DRAFTHART, engine, str(MEMORY), str(elf)],
        "spike": lambda elf: [
            *(spike, "--isa=rv64imafdch_zicsr_zifencei", f"-m{_MIB}", str(elf)),
        ],
        "qemu": lambda elf: [
            *(qemu, "-machine", "virt", "-cpu", "rv64,h=true", "-m", str(_MIB)),
            *("-bios", "none", "-nographic", "-kernel", str(elf)),
        ],
    }


def checksum(taken: Taken) -> str:
    """The checksum that a program printed."""
    found = re.search(r"^[0-9a-f]{16}\b", taken.output, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"no checksum in what a simulator printed: {taken.output[-200:]!r}")
    return found.group()


def number(taken: Taken, name: str) -> float:
    """A number that Drafthart's process printed under a name."""
    return float(taken.output.split(f"\n{name} ")[1].split()[0])


def seconds_of(simulator: str, taken: Taken) -> float:
    """Processor seconds, of Drafthart without those of its start."""
    return number(taken, "ran") if simulator == "drafthart" else taken.seconds


@dataclass(slots=True)
class Measured:
    """One simulator on one workload: its rounds, and in each turn its instructions a second."""

    rounds: int
    start: float
    speeds: list[float] = field(default_factory=list)


class Measurement:
    """One workload on all simulators."""

    def __init__(self, workload: Workload, commands: dict[str, Command], folder: Path) -> None:
        self.workload = workload
        self.commands = commands
        self.peak = 0
        self.starts: list[float] = []
        self._folder = folder
        few, more = (self._run("drafthart", rounds) for rounds in (_FEWEST, _MORE))
        self._few = int(number(few, "steps"))
        self._round, rest = divmod(int(number(more, "steps")) - self._few, _MORE - _FEWEST)
        if rest:
            raise RuntimeError(f"{workload.name}: the rounds take different numbers of steps")
        self.results: dict[str, Measured] = {}

    def prepare(self, seconds: float) -> None:
        """Find how many rounds each simulator needs, and see that all agree."""
        sums = set()
        for name in self.commands:
            taken = [self._run(name, _FEWEST) for _ in range(3)]
            sums |= {checksum(it) for it in taken}
            start = statistics.median(seconds_of(name, it) for it in taken)
            rounds = 16
            while (spent := seconds_of(name, self._run(name, rounds)) - start) < seconds / 10:
                rounds *= 4
            self.results[name] = Measured(max(2, int(rounds * seconds / spent)), start)
        if len(sums) != 1:
            raise RuntimeError(f"{self.workload.name}: the simulators disagree: {sorted(sums)}")

    def turn(self) -> None:
        """Measure each simulator once more."""
        for name, measured in self.results.items():
            taken = self._run(name, measured.rounds)
            steps = (measured.rounds - _FEWEST) * self._round
            if name == "drafthart":
                if number(taken, "steps") != self._few + steps:
                    raise RuntimeError(f"{self.workload.name}: steps do not follow the rounds")
                self.peak = max(self.peak, int(number(taken, "peak")))
                self.starts.append(number(taken, "start"))
            measured.speeds.append(steps / (seconds_of(name, taken) - measured.start))

    def summary(self) -> dict[str, Any]:
        """Medians of speeds in MIPS and of the ratios of ours to each peer's."""
        speeds = {name: it.speeds for name, it in self.results.items()}
        ours = speeds["drafthart"]
        ratios = {
            name: statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            for name, theirs in speeds.items()
            if name != "drafthart"
        }
        return {
            "workload": self.workload.name,
            "title": self.workload.title,
            "mips": {name: statistics.median(it) / 1e6 for name, it in speeds.items()},
            "lowest": {name: min(it) / 1e6 for name, it in speeds.items()},
            "highest": {name: max(it) / 1e6 for name, it in speeds.items()},
            "ratios": ratios,
            "goals": dict(self.workload.goals),
            "peak_mib": self.peak / 1024,
        }

    def _run(self, simulator: str, rounds: int) -> Taken:
        elf = build(self._folder, self.workload, rounds)
        return run(self.commands[simulator](elf))


def table(summaries: Sequence[dict[str, Any]], names: Sequence[str]) -> list[str]:
    """The summaries as lines."""
    peers = [name for name in names if name != "drafthart"]
    head = f"{'MIPS':34}" + "".join(f"{name:>10}" for name in names)
    lines = [head + "".join(f"{'/ ' + name:>13}" for name in peers)]
    for it in summaries:
        line = f"{it['title']:34}" + "".join(f"{it['mips'][name]:10.0f}" for name in names)
        for name in peers:
            goal = it["goals"].get(name)
            aim = f" ({goal:g})" if goal else ""
            line += f"{it['ratios'][name]:.2f}{aim}".rjust(13)
        lines.append(line)
    return [line.rstrip() for line in lines]


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="turns; the medians are shown")
    parser.add_argument("--seconds", type=float, default=3, help="length of a run")
    parser.add_argument("--quick", action="store_true", help="one turn of half a second")
    parser.add_argument("--only", action="append", metavar="NAME", help="of a workload")
    parser.add_argument("--spike", default="spike", metavar="PROGRAM")
    parser.add_argument("--qemu", default="qemu-system-riscv64", metavar="PROGRAM")
    parser.add_argument("--engine", default="native", metavar="NAME")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    return parser.parse_args()


def main() -> int:
    """Run and print; 1 where something is missing."""
    options = arguments()
    if not has_compiler():
        print(f"{COMPILER} is not installed: Debian has it as gcc-riscv64-unknown-elf")
        return 1
    chosen = [it for it in WORKLOADS if not options.only or it.name in options.only]
    if not chosen:
        print(f"--only names none of {', '.join(it.name for it in WORKLOADS)}")
        return 1
    repeat, seconds = (1, 0.5) if options.quick else (options.repeat, options.seconds)
    commands = simulators(options.spike, options.qemu, options.engine)
    for name in ("spike", "qemu"):
        if shutil.which(commands[name](Path())[0]) is None:
            print(f"{name} is not installed: left out", file=sys.stderr)
            del commands[name]
    with tempfile.TemporaryDirectory() as folder:
        measurements = []
        for workload in chosen:
            print(f"preparing {workload.name}", file=sys.stderr)
            measurements.append(Measurement(workload, commands, Path(folder)))
            measurements[-1].prepare(seconds)
        for turn in range(repeat):
            for measurement in measurements:
                print(f"turn {turn + 1} of {repeat}: {measurement.workload.name}", file=sys.stderr)
                measurement.turn()
    summaries = [it.summary() for it in measurements]
    small = [it.peak for it in measurements if it.workload.name in _SMALL]
    peak = max(small) / 1024 if small else None
    start = statistics.median(it for measurement in measurements for it in measurement.starts)
    if options.format == "json":
        print(
            json.dumps({"workloads": summaries, "peak_mib": peak, "start_seconds": start}, indent=2)
        )
        return 0
    print("\n".join(table(summaries, list(commands))))
    if peak is not None:
        print(f"peak memory of Drafthart beyond guest RAM: {peak:.0f} MiB")
    print(f"Drafthart's start: {start:.2f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
