"""Which items of the spec a probe needs as it runs, from the functions that the engine calls."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import FrameType

from drafthart.conformance.expected import program_of
from drafthart.conformance.here import run_here
from drafthart.conformance.probes.probe import Group, Probe
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.subjects import of_functions
from drafthart.generator.spec.model import ISA
from drafthart.runtime.engines import python_engine


def traced(group: Group, isa: ISA) -> set[str]:
    """Ids of the instructions, CSRs and functions that take part where the group's program runs."""
    names: set[str] = set()
    file = f"<generated {isa.id}>"

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == file:
            names.add(frame.f_code.co_name)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "probes.elf")
        path.write_bytes(program_of(group, isa, Platform()))
        engine = python_engine(isa)
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            run_here(isa, path, engine)
        finally:
            sys.setprofile(before)
    return of_functions(names, isa)


def idle(group: Group, isa: ISA) -> set[str]:
    """The same for a probe that does nothing: what any probe of the group needs."""
    return traced(replace(group, probes=(Probe("nothing", "nop"),)), isa)


def own_part(group: Group, probe: Probe, isa: ISA, common: Iterable[str]) -> set[str]:
    """The ids for one probe of the group, without those that are common to all."""
    return traced(replace(group, probes=(probe,)), isa).difference(common)
