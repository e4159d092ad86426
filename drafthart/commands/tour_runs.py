"""The runs of the tour: the demo hypervisor under one revision, and what parts two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from drafthart.generator.assembly import Program, assemble
from drafthart.generator.diff.differences import between
from drafthart.generator.spec.model import ISA, Change
from drafthart.runtime.boot import KERNEL_OFFSET, Images
from drafthart.runtime.engines import quickest_engine
from drafthart.runtime.gate import require_stable_or_opted_in
from drafthart.runtime.machine import RAM_BASE, Machine, Outcome

_MEMORY = 64 << 20
_LIMIT = 200_000_000
"""Instructions; many times what the demo needs, so that a run that went astray ends."""
FIRST = "hyper: "
"""How the first line of the demo begins; what is before it comes from the firmware."""

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What the firmware and the demo printed, and how it ended."""

    revision: str
    banner: tuple[str, ...]
    lines: tuple[str, ...]
    outcome: Outcome

    @property
    def answers(self) -> dict[str, str]:
        """What the hart answered to the demo's questions, by question."""
        pairs = (line.removeprefix("probe: ").rpartition(": ") for line in self.probes)
        return {question: answer for question, _, answer in pairs}

    @property
    def probes(self) -> tuple[str, ...]:
        """The lines that tell of a question and its answer."""
        return tuple(line for line in self.lines if line.startswith("probe: "))

    def fact(self, name: str) -> str:
        """What the firmware's banner says behind a name and a colon; empty if nothing."""
        for line in self.banner:
            key, colon, value = line.partition(":")
            if colon and key.strip() == name:
                return value.strip()
        return ""


class _Lines:
    """The machine's terminal: no input, and the output line by line."""

    quit = False
    at_end = True

    def __init__(self, show: Show) -> None:
        self.lines: list[str] = []
        self._show = show
        self._rest = b""

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._take(line)

    def finish(self) -> None:
        if self._rest:
            self._take(self._rest)

    def _take(self, line: bytes) -> None:
        text = line.decode("ascii", "replace").rstrip("\r")
        self.lines.append(text)
        self._show(text)


def demo_source() -> Path:
    """The file to assemble; those that it includes lie beside it."""
    return Path(str(files("drafthart.examples") / "hypervisor" / "hypervisor.S"))


def assemble_demo(isa: ISA) -> Program:
    """The demo hypervisor, to lie where OpenSBI starts its payload."""
    source = demo_source()
    return assemble(
        source.read_text(encoding="utf-8"),
        isa,
        name=source.name,
        base=RAM_BASE + KERNEL_OFFSET,
        include=lambda name: (source.parent / name).read_text(encoding="utf-8"),
    )


def run_demo(isa: ISA, firmware: Path, demo: Path, show: Show = lambda line: None) -> DemoRun:
    """Boot the firmware with the demo behind it. To call this is to opt in to the revision."""
    stability = require_stable_or_opted_in(isa, [isa.id])
    terminal = _Lines(show)
    machine = Machine(
        isa, quickest_engine(isa), memory=_MEMORY, terminal=terminal, stability=stability
    )
    machine.boot(Images(bios=firmware, kernel=demo))
    outcome = machine.run(_LIMIT)
    terminal.finish()
    texts = terminal.lines
    start = next((n for n, text in enumerate(texts) if text.startswith(FIRST)), len(texts))
    return DemoRun(isa.id, tuple(texts[:start]), tuple(texts[start:]), outcome)


def responsible(
    before: ISA, after: ISA, first: DemoRun, last: DemoRun, run: Callable[[str], DemoRun]
) -> dict[str, list[Change]]:
    """The changes at which the answer to each question changes, oldest first.

    Halves the series between the two revisions, and runs the state in the middle of each half in
    which the answers at the ends differ. Changes without items cannot be seen by any program.
    """
    steps = between(before, after)
    places = [0, *(n for n, change in enumerate(steps, start=1) if change.items)]
    runs = {0: first, len(places) - 1: last}
    found: dict[str, list[Change]] = {}
    ranges = [(0, len(places) - 1)]
    while ranges:
        low, high = ranges.pop()
        parted = list(differing(runs[low], runs[high]))
        if not parted:
            continue
        if high - low == 1:
            for question in parted:
                found.setdefault(question, []).append(steps[places[high] - 1])
            continue
        middle = (low + high) // 2
        runs[middle] = run(f"{after.id}~{len(steps) - places[middle]}")
        ranges += [(middle, high), (low, middle)]
    return found


def differing(first: DemoRun, last: DemoRun) -> Iterable[str]:
    """The questions to which the two runs have different answers."""
    theirs = last.answers
    return (
        question for question, answer in first.answers.items() if theirs.get(question) != answer
    )
