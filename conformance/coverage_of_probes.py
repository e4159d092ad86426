"""What of a revision its probes exercise: items, and rules by the items that implement them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drafthart.conformance.observe import Track
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.subjects import arranged, exercised, observed
from drafthart.conformance.trace import traced
from drafthart.generator.diff.items import items
from drafthart.generator.spec.model import ISA

KINDS = {"insn": "instructions", "csr": "CSRs and fields", "fn": "functions"}
"""The kinds of items that a probe can exercise, and how tables call them."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Ids of items and rules, by whether a probe exercises them."""

    probes: int
    items: tuple[str, ...]
    rules: tuple[str, ...]
    items_left: tuple[str, ...]
    rules_left: tuple[str, ...]


def coverage(groups: Sequence[Group], isa: ISA, track: Track) -> Coverage:
    """Run the probes on the Python engine, and see what takes part.

    A rule counts if an item that implements it does: that it was needed is not shown by this.
    """
    found: set[str] = set()
    for group in track(groups, "running the probes"):
        found |= traced(group, isa)
        for probe in group.probes:
            found.update(exercised(probe, isa), arranged(probe, isa))
        for what in group.watch:
            if isinstance(what, str) and what in isa.csrs:
                found.add(f"csr:{what}")
                found |= {f"csr:{what}.{it}" for it in isa.csrs[what].fields}
    # A read of a CSR reads its fields; a probe that keeps what was written looks at each.
    for id_ in list(found):
        csr = isa.csrs.get(id_.removeprefix("csr:")) if observed(id_[4:], isa) else None
        found |= {f"csr:{csr.name}.{it}" for it in csr.fields} if csr else set()
    counted = [it for it in items(isa) if it.partition(":")[0] in KINDS]
    rules = {rule.id: bool(found.intersection(rule.by)) for rule in isa.rules.values()}
    return Coverage(
        sum(len(group.probes) for group in groups),
        tuple(it for it in counted if it in found),
        tuple(it for it, yes in rules.items() if yes),
        tuple(it for it in counted if it not in found),
        tuple(it for it, yes in rules.items() if not yes),
    )
