"""Runs of a target that may die or hang: what did it is found and left out, the rest goes on."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from drafthart.conformance.expected import Record, program_of, records
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.target import Recorded, Target
from drafthart.generator.spec.model import ISA

_MOST_FAILURES = 40
"""Programs of a group that may fail, before the rest of it is given up."""
_LEAST_TIMEOUT = 0.1
"""The part of the target's timeout that the shortest program gets."""


def run_bounded(
    group: Group, isa: ISA, target: Target, timeout: float | None = None
) -> list[Record]:
    """What each probe left on the target; None for those that left nothing.

    A program that did not end well keeps what it told, and its other probes run again: the first of
    them alone, which most likely did it, or halves where nothing was told, so that at last one
    probe alone is lost. Results that were made before are what they are. `timeout` is for the whole
    group, in seconds, in place of the target's own. Raises `DrafthartError` if the target cannot be
    started.
    """
    found: dict[str, Record] = dict.fromkeys(probe.label for probe in group.probes)
    waiting = [group]
    failures = 0
    most = target.timeout if timeout is None else timeout
    with tempfile.TemporaryDirectory() as folder:
        while waiting and failures < _MOST_FAILURES:
            piece = waiting.pop()
            path = Path(folder, f"{group.name}.elf")
            path.write_bytes(program_of(piece, isa, target.platform))
            share = max(len(piece.probes) / len(group.probes), _LEAST_TIMEOUT)
            told = records(piece, target.run(path, most * share))
            pairs = list(zip(piece.probes, told, strict=True))
            found |= {probe.label: record for probe, record in pairs if record is not None}
            lost = tuple(probe for probe, record in pairs if record is None)
            failures += bool(lost)
            if len(piece.probes) > 1 and not isinstance(target, Recorded):
                middle = 1 if len(lost) < len(pairs) else len(lost) // 2
                halves = (lost[middle:], lost[:middle])
                waiting += [replace(piece, probes=half) for half in halves if half]
    return [found[probe.label] for probe in group.probes]
