"""The probes of a revision, what they leave on it, and which of them need which function."""

from __future__ import annotations

import hashlib
import pickle
import re
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from drafthart.conformance.expected import Record, program_of, records
from drafthart.conformance.groups import groups, part
from drafthart.conformance.here import machine_with
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import Platform, build, record_size
from drafthart.conformance.subjects import exercised
from drafthart.generator.assembly import Program
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.spec.model import ISA
from drafthart.runtime.cache import generator_hash, read_entry, write_entry
from drafthart.runtime.clock import Clock
from drafthart.runtime.engine import Engine
from drafthart.runtime.engines import EngineFactory
from drafthart.runtime.machine import Machine
from drafthart.runtime.memory import Bus
from drafthart.runtime.python_engine import PythonEngine
from drafthart.runtime.resolved import resolved

_S1, _S8 = 9, 24
"""Registers of the driver: the record that comes next, and whether an action runs."""
_START = 10_000
"""More steps than it takes before the first probe and after the last one."""
_LONGEST = 20_000_000
_MOST_INTERRUPTS = 1000
_OF_HART = re.compile(r"^(def (\w+)\(h\b.*:)\n", re.MULTILINE)
_DEF = re.compile(r"^def (\w+)\(.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A group: its program, how many steps that takes, what it leaves, and the table of probes."""

    group: Group
    program: bytes
    steps: int
    here: list[Record]
    table: int
    rows: Sequence[bytes]

    def some(self, numbers: Sequence[int]) -> Part:
        """The same program, for some of its probes: addresses stay as they are."""
        return replace(
            self,
            steps=self.steps * len(numbers) // len(self.rows) + _START,
            group=part(self.group, [self.group.probes[n].label for n in numbers]),
            here=[self.here[n] for n in numbers],
            rows=[self.rows[n] for n in numbers],
        )


@dataclass(frozen=True, slots=True)
class Suite:
    """All probes of a revision.

    `blocks` are the texts of the engine's functions. `reach` gives, by the name of such a function
    or the id of an item, the numbers of the probes whose action needs it; `groups` of which the
    program calls it at all.
    """

    isa: ISA
    parts: Sequence[Part]
    blocks: dict[str, str]
    rest: str
    reach: dict[str, array[int]]
    called: dict[str, frozenset[str]]
    hash: str

    def chosen(self, numbers: Iterable[int]) -> Iterator[Part]:
        """Parts with these probes alone."""
        wanted = set(numbers)
        first = 0
        for one in self.parts:
            probes = one.group.probes
            chosen = [n for n in range(len(probes)) if first + n in wanted]
            first += len(probes)
            if chosen:
                yield one.some(chosen)


@cache
def suite(revision: str, only: tuple[str, ...] = ()) -> Suite:
    """The probes of this revision, from the user's cache folder if they have not changed.

    `only` are patterns as `groups` has them.
    """
    isa = resolved(revision)
    text = emit_python(isa)
    every = [(group, program_of(group, isa, Platform())) for group in groups(isa, only)]
    digest = hashlib.sha256(f"{generator_hash()} {text}".encode())
    for _, program in every:
        digest.update(program)
    key = digest.hexdigest()
    blocks, rest = split(text)
    body = read_entry("mutation", key)
    if body is None:
        body = pickle.dumps(_traced(isa, every, text))
        write_entry("mutation", key, body)
    parts, reach, called = pickle.loads(body)
    return Suite(isa, parts, blocks, rest, reach, called, key)


def split(text: str) -> tuple[dict[str, str], str]:
    """The functions of a generated module by name, and all else."""
    blocks = {match[1]: match[0].rstrip() for match in _DEF.finditer(text)}
    return blocks, _DEF.sub("", text)


def engine_of(text: str, names: Mapping[str, object] | None = None) -> EngineFactory:
    """An engine from the text of its module, which may use these names too."""
    code = compile(text, "<mutant>", "exec")

    def make(bus: Bus, clock: Clock, beside: Engine | None = None) -> PythonEngine:
        namespace: dict[str, Any] = {"__name__": "mutant", **(names or {})}
        exec(code, namespace)
        return PythonEngine(namespace, bus, clock)

    return make


class _Standstill:
    """Does a mutant take interrupts without end, and no instruction between them?"""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._steps = self._asked = 0

    def lasts(self) -> bool:
        """Asked before each interrupt, and now and then."""
        if self._machine.steps != self._steps:
            self._steps, self._asked = self._machine.steps, 0
        self._asked += 1
        return self._asked > _MOST_INTERRUPTS


def run(isa: ISA, one: Part, engine: EngineFactory, steps: int) -> tuple[list[Record], int]:
    """What the probes of a part leave on a machine, as far as they come, and the steps taken."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "probes.elf")
        path.write_bytes(one.program)
        machine = machine_with(isa, path, engine)
        rows = b"".join(one.rows) + bytes(8)
        for at in range(0, len(rows), 8):
            machine.bus.write(one.table + at, 8, int.from_bytes(rows[at : at + 8], "little"))
        taken = machine.run(steps, interrupted=_Standstill(machine).lasts).steps
        start = machine.symbols["begin_signature"]
        size = 8 * record_size(one.group) * len(one.rows)
        words = [machine.bus.read(at, 8) for at in range(start, start + size, 8)]
        return records(one.group, words), taken


def _table(program: Program) -> tuple[int, list[bytes]]:
    """Where the table of probes stands, and its rows: the driver tells what is in one."""
    address = program.addresses["probes"]
    section = next(it for it in program.sections if it.name == ".data")
    words = memoryview(section.data[address - section.address :]).cast("Q")
    rows = []
    at = 0
    while words[at]:
        end = at + 5
        while words[end]:
            end += 2
        rows.append(words[at : end + 1].tobytes())
        at = end + 1
    return address, rows


def _traced(
    isa: ISA, every: Sequence[tuple[Group, bytes]], text: str
) -> tuple[list[Part], dict[str, array[int]], dict[str, frozenset[str]]]:
    parts = []
    reach: dict[str, set[int]] = {}
    called: dict[str, set[str]] = {}
    first = 0
    for group, program in every:
        calls: set[tuple[int, str]] = set()
        one = Part(group, program, _LONGEST, [], *_table(build(group, isa, Platform())))
        left, steps = _run_traced(isa, one, text, calls)
        parts.append(replace(one, steps=steps, here=left))
        base = min((record for record, _ in calls if record >= 0), default=0)
        size = 8 * record_size(group)
        for record, name in calls:
            called.setdefault(name, set()).add(group.name)
            if record >= 0:
                reach.setdefault(name, set()).add(first + (record - base) // size)
        for number, probe in enumerate(group.probes, start=first):
            for item in exercised(probe, isa):
                reach.setdefault(item, set()).add(number)
        first += len(group.probes)
    return (
        parts,
        {name: array("I", sorted(numbers)) for name, numbers in reach.items()},
        {name: frozenset(names) for name, names in called.items()},
    )


def _run_traced(
    isa: ISA, one: Part, text: str, calls: set[tuple[int, str]]
) -> tuple[list[Record], int]:
    """Run and note the calls: the address of the record, -1 outside of actions, and the name.

    Each function notes itself: a profiler would take several times as long.
    """
    names: list[str] = []

    def noting(match: re.Match[str]) -> str:
        names.append(match[2])
        told = f"h.x[{_S1}] << 16 | (h.x[{_S8}] & 1) << 15 | {len(names) - 1}"
        return f"{match[1]}\n    _note({told})\n"

    noted: set[int] = set()
    instrumented = _OF_HART.sub(noting, text)
    left = run(isa, one, engine_of(instrumented, {"_note": noted.add}), _LONGEST)
    for number in noted:
        record = number >> 16 if number >> 15 & 1 else -1
        calls.add((record, names[number & 0x7FFF]))
    return left
