"""Results and traces made elsewhere, of programs that `drafthart validate --write-programs` wrote.

Each program's name has a hash of its content, so a result is never taken for that of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drafthart.conformance.expected import program_of
from drafthart.conformance.lockstep.traces import TraceSide
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import Platform, record_size
from drafthart.conformance.signature import signature_words
from drafthart.conformance.symbols import symbols_of
from drafthart.conformance.target import Recorded
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

MANIFEST = "manifest.json"
_SIGNATURE = ".signature"
_OURS = {".elf", _SIGNATURE}
_MOST_BYTES = 64 << 20
_MOST_WORDS = 1 << 20
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class _FolderTarget(Recorded):
    """A folder with a file for each program."""

    name: str
    folder: Path
    parameters: Mapping[str, int] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)
    timeout: float = 60.0

    @property
    def missing(self) -> str | None:
        """Why it cannot be used, if so."""
        if not self.folder.is_dir():
            return f"there is no folder {self.folder}; validate --write-programs makes one"
        return None


class ResultsTarget(_FolderTarget):
    """A folder with a signature file for each program, NAME.signature beside NAME.elf."""

    __slots__ = ()

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words of the program's signature; none if there is no file of it."""
        path = next(_of(program, self.folder, f"*{_SIGNATURE}"), None)
        if path is None:
            return []
        with path.open("rb") as file:
            return signature_words(file.read(_MOST_BYTES).decode(errors="replace"))


class TracesTarget(_FolderTarget):
    """A folder with a trace for each program, as NAME.log, .csv or the like beside NAME.elf."""

    __slots__ = ()

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words that the program left, as its trace tells; none if there is no trace of it.

        Raises `DrafthartError` for what is no trace, and for one that tells of no stores.
        """
        path = next((it for it in _of(program, self.folder, "*") if it.suffix not in _OURS), None)
        if path is None:
            return []
        trace = TraceSide(path)
        try:
            return _stored(trace, program.read_bytes(), str(path))
        finally:
            trace.close()


def written(group: Group, isa: ISA, platform: Platform) -> tuple[str, bytes, dict[str, Any]]:
    """The program of a group for a folder: its name, its content, and what the manifest says."""
    content = program_of(group, isa, platform)
    name = f"{group.name}-{_digest(content)}"
    symbols = symbols_of(content)
    entry = {
        "program": f"{name}.elf",
        "signature": f"{name}{_SIGNATURE}",
        "group": group.name,
        "revision": isa.id,
        "sha256": hashlib.sha256(content).hexdigest(),
        "probes": len(group.probes),
        "words_per_probe": record_size(group),
        "begin_signature": f"{symbols['begin_signature']:#x}",
        "end_signature": f"{symbols['end_signature']:#x}",
        "console": f"{symbols['console']:#x}",
    }
    return name, content, entry


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _of(program: Path, folder: Path, pattern: str) -> Iterator[Path]:
    """What the folder has of a program, whatever the program's file is called here."""
    name = f"-{_digest(program.read_bytes())}."
    yield from sorted(path for path in folder.glob(pattern) if name in path.name)


def _stored(trace: TraceSide, content: bytes, name: str) -> list[int]:
    """The doublewords of the signature that the program stored, up to the first missing one."""
    symbols = symbols_of(content)
    start, end = symbols["begin_signature"], symbols["end_signature"]
    driver = range(symbols["_start"], symbols["action_0"])  # in M-mode, by real addresses
    memory: dict[int, int] = {}
    told = False
    while (entry := trace.next()) is not None:
        if entry.stores is None:
            continue
        told = True
        if entry.pc in driver:
            memory |= {at: byte for at, byte in entry.stores.items() if start <= at < end}
    if not told:
        raise DrafthartError(f"{name}: tells of no stores; record Spike's commit log, RVFI or RVVI")
    words: list[int] = []
    for address in range(start, end, 8):
        found = [memory.get(at) for at in range(address, address + 8)]
        if None in found:
            break
        words.append(int.from_bytes(bytes(it or 0 for it in found), "little"))
    return words
