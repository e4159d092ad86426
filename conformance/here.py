"""Programs on Drafthart's own machine, and what they left, kept in the user's cache folder.

An entry is named by a hash of the program, of the revision with its parameters, and of Drafthart's
own source: whatever could change the results makes a new entry.
"""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from functools import cache
from pathlib import Path

import drafthart.runtime
from drafthart.generator.spec.model import ISA
from drafthart.runtime.boot import Images
from drafthart.runtime.cache import generator_hash, read_entry, write_entry
from drafthart.runtime.engines import EngineFactory, quickest_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine

_MEMORY = 32 << 20
_MOST_STEPS = 50_000_000
"""More than the longest program takes."""
_PATIENCE = 50_000
"""Steps in which a program leaves something: a probe takes less than a thousand of them."""


class _Mute:
    """A terminal that nobody looks at."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


def run_here(isa: ISA, program: Path, engine: EngineFactory | None = None) -> list[int]:
    """The words that the program leaves in memory, on Drafthart's own machine.

    One that hangs is stopped; the words of what it did not come to are zero.
    """
    machine = machine_with(isa, program, engine or quickest_engine(isa))
    before, after = None, words_in(machine)
    for _ in range(0, _MOST_STEPS, _PATIENCE):
        ended = machine.run(_PATIENCE).reason == "exit"
        before, after = after, words_in(machine)
        if ended or before == after:
            break
    return after


def machine_with(isa: ISA, program: Path, engine: EngineFactory) -> Machine:
    """A machine that is about to run the program.

    Nothing of the user's runs here, so the gate for drafts is not asked.
    """
    machine = Machine(isa, engine, memory=_MEMORY, terminal=_Mute(), stability=stability(isa))
    machine.boot(Images(program))
    machine.bus.write(machine.symbols["console"], 8, 0)  # read in memory they come sooner
    return machine


def words_in(machine: Machine) -> list[int]:
    """The words that a program has left in the memory of its machine; zero where it has not yet."""
    start, end = (machine.symbols[f"{which}_signature"] for which in ("begin", "end"))
    ram = machine.bus.ram
    return array("Q", ram.data[start - ram.base : end - ram.base]).tolist()


def kept_words(program: bytes, isa: ISA, engine: EngineFactory | None = None) -> list[int]:
    """The same, from the cache if the program has run before."""
    words = known_words(program, isa)
    if words is None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probes.elf")
            path.write_bytes(program)
            words = run_here(isa, path, engine)
        write_entry("expected", _key(program, isa), array("Q", words).tobytes())
    return words


def known_words(program: bytes, isa: ISA) -> list[int] | None:
    """What the cache has of that; None if nothing."""
    body = read_entry("expected", _key(program, isa))
    return None if body is None else array("Q", body).tolist()


def _key(program: bytes, isa: ISA) -> str:
    told = f"{isa.content} {generator_hash()} {_machine_hash()} ".encode()
    return hashlib.sha256(told + program).hexdigest()


@cache
def _machine_hash() -> str:
    """A hash of the source of the machine."""
    digest = hashlib.sha256()
    for folder in drafthart.runtime.__path__:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".h", ".c"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
