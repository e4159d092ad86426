"""What Drafthart leaves behind where it runs a group of probes, kept in the user's cache folder.

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
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import Platform, build, record_size
from drafthart.conformance.target import run_here
from drafthart.generator.assembly import write_elf
from drafthart.generator.spec.model import ISA
from drafthart.runtime.cache import generator_hash, read_entry, write_entry
from drafthart.runtime.engines import EngineFactory

Record = list[int] | None
"""The words that a probe left; None if it left none."""


def program_of(group: Group, isa: ISA, platform: Platform) -> bytes:
    """The group's program as an ELF file."""
    return write_elf(build(group, isa, platform))


def expected(
    group: Group, program: bytes, under: ISA, engine: EngineFactory | None = None
) -> list[Record]:
    """What each probe of a group's program leaves on a machine of `under`.

    The program may have been made for another revision, and for another platform: it ends here by
    its store to `tohost`.
    """
    told = f"{under.content} {generator_hash()} {_machine_hash()} ".encode()
    key = hashlib.sha256(told + program).hexdigest()
    body = read_entry("expected", key)
    if body is None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probes.elf")
            path.write_bytes(program)
            body = array("Q", run_here(under, path, engine)).tobytes()
        write_entry("expected", key, body)
    words = array("Q", body).tolist()
    return records(group, words)


def records(group: Group, words: list[int]) -> list[Record]:
    """The words of each probe; None for those whose words are not all there."""
    size = record_size(group)
    cut = [words[at : at + size] for at in range(0, size * len(group.probes), size)]
    return [record if len(record) == size else None for record in cut]


@cache
def _machine_hash() -> str:
    """A hash of the source of the machine."""
    digest = hashlib.sha256()
    for folder in drafthart.runtime.__path__:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".h", ".c"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
