"""What Drafthart leaves behind where it runs a group of probes."""

from __future__ import annotations

import hashlib

from drafthart.conformance.here import kept_words
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import WRITTEN, Platform, build, record_size, source
from drafthart.generator.assembly import write_elf
from drafthart.generator.spec.model import ISA
from drafthart.runtime.cache import generator_hash, read_entry, write_entry
from drafthart.runtime.engines import EngineFactory

Record = list[int] | None
"""The words that a probe left; None if it left none."""


def program_of(group: Group, isa: ISA, platform: Platform) -> bytes:
    """The group's program as an ELF file, from the cache if it was assembled before."""
    text = source(group, isa, platform)
    told = f"{isa.content} {generator_hash()} {platform.ram:#x} {text}"
    key = hashlib.sha256(told.encode()).hexdigest()
    body = read_entry("programs", key)
    if body is None:
        body = write_elf(build(group, isa, platform))
        write_entry("programs", key, body)
    return body


def expected(
    group: Group, program: bytes, under: ISA, engine: EngineFactory | None = None
) -> list[Record]:
    """What each probe of a group's program leaves on a machine of `under`.

    The program may have been made for another revision, and for another platform: it ends here by
    its store to `tohost`.
    """
    return records(group, kept_words(program, under, engine))


def records(group: Group, words: list[int]) -> list[Record]:
    """The words of each probe; None for those whose words are not all there, or never written."""
    size = record_size(group)
    cut = [words[at : at + size] for at in range(0, size * len(group.probes), size)]
    return [it if len(it) == size and it[0] & WRITTEN else None for it in cut]
