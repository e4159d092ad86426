"""Which revisions an implementation can be of, by a trace of a program that ran on it.

What the trace alone shows: instructions that retired, CSRs that were there, and values that they
held. With the program, each revision runs it beside the trace up to the first difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drafthart.conformance.evidence import (
    EXISTS,
    Deduction,
    Fact,
    Revision,
    deduce,
    held_by,
    revisions,
)
from drafthart.conformance.lockstep.entry import Entry
from drafthart.conformance.lockstep.follow import follow
from drafthart.conformance.lockstep.traces import TraceSide
from drafthart.conformance.observe import Track
from drafthart.generator.assembly import Disassembler
from drafthart.generator.assembly.disassembler import Decoded
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.gate import Stability
from drafthart.runtime.resolved import resolved

_PROGRESS = 1 << 14


@dataclass(frozen=True, slots=True)
class Replay:
    """How far a revision goes as the trace does; `parting` is the first difference, "" if none."""

    revision: str
    instructions: int
    parting: str
    items: Sequence[str] = ()
    rules: Sequence[str] = ()


def from_trace(
    path: Path,
    *,
    track: Track = lambda steps, doing: steps,
    progress: Callable[[int], None] = lambda done: None,
) -> Deduction:
    """What a trace alone says. `progress` gets the number of instructions read.

    Raises `DrafthartError` for a file that is no trace, or tells no instruction.
    """
    trace = TraceSide(path)
    try:
        reader = _Reader(revisions(track))
        facts = list(reader.facts(trace, progress))
    finally:
        trace.close()
    if not reader.read:
        raise DrafthartError(f"{path}: tells no instruction's bits and no CSR; record them")
    return deduce(str(path), facts, reader.labels)


def replayed(
    path: Path,
    program: Path,
    allowed: Mapping[str, Stability],
    *,
    track: Track = lambda steps, doing: steps,
) -> list[Replay]:
    """The program under each of these revisions beside the trace, the one that goes furthest first.

    A revision runs only with its stability, as the gate tells it.
    """
    found = []
    for label in track(list(allowed), "running it under each revision"):
        trace = TraceSide(path)
        try:
            outcome = follow(resolved(label), program, trace, allowed[label])
        finally:
            trace.close()
        parting = outcome.parting
        if parting is None:
            found.append(Replay(label, outcome.instructions, ""))
            continue
        first = parting.differing[0]
        what = f"{parting.text}: {first.what} is {first.there}, not {first.here}"
        where = f" ({parting.source})" if parting.source else ""
        rules = [rule for rule, _, _ in parting.rules]
        found.append(Replay(label, outcome.instructions, what + where, parting.items, rules))
    return sorted(found, key=lambda it: (bool(it.parting), -it.instructions))


class _Reader:
    """Goes through a trace and tells each thing that it shows once."""

    def __init__(self, under: Mapping[str, Revision]) -> None:
        self.labels = list(under)
        self.read = False
        self._under = under
        self._disassemblers = {label: Disassembler(it.most) for label, it in under.items()}
        self._newest = self._disassemblers[self.labels[-1]]
        self._decoded: dict[int, Mapping[str, Decoded | None]] = {}
        self._retired: set[int] = set()
        self._held: set[tuple[str, int | None]] = set()

    def facts(self, trace: TraceSide, progress: Callable[[int], None]) -> Iterator[Fact]:
        count = 0
        while (entry := trace.next()) is not None:
            count += 1
            if count % _PROGRESS == 0:
                progress(count)
            for name, value in entry.csrs.items():
                # What it is called there says nothing; its number is in the instruction.
                facts = self._holds(name, value, entry.source)
                yield from (it for it in facts if not it.what.endswith(EXISTS))
            if entry.instruction is not None:
                self.read = True
                if not entry.trap:
                    yield from self._retires(entry, entry.instruction)

    def _retires(self, entry: Entry, word: int) -> Iterator[Fact]:
        decoded = self._decoded.get(word)
        if decoded is None:
            decoded = {label: it.decode(word) for label, it in self._disassemblers.items()}
            self._decoded[word] = decoded
        known = next((it for it in reversed(list(decoded.values())) if it is not None), None)
        if word not in self._retired:
            self._retired.add(word)
            excluded = {
                label: "has no such instruction" for label, it in decoded.items() if it is None
            }
            text = known.mnemonic if known is not None else f"{word:#x}"
            yield Fact(f"insn:{text}", f"{text} retires", entry.source, excluded)
        if known is not None and "csr" in known.values:
            # A CSR that is read into x0 may not have been read at all; it was there.
            value = entry.x.get(known.values.get("rd", 0))
            yield from self._holds(f"{known.values['csr']:#x}", value, entry.source)

    def _holds(self, name: str, value: int | None, where: str) -> Iterator[Fact]:
        self.read = True
        if (name, value) not in self._held:
            self._held.add((name, value))
            yield from held_by(name, value, where, self._under)
