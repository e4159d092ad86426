"""The changes of an extension's series one by one, each with the states just before and after."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from drafthart.conformance.elsewhere import labels
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Change
from drafthart.generator.spec.resolve import revisions
from drafthart.runtime.cache import generator_hash, read_entry, write_entry
from drafthart.runtime.resolved import resolved


@dataclass(frozen=True, slots=True)
class Step:
    """A change that has items, and expressions for the states around it.

    `label` is the first revision that has it, or the one that it amends; `start` is the state
    before all of that revision's own changes.
    """

    change: Change
    label: str
    before: str
    after: str
    start: str
    amendment: bool = False


def steps(extension: str = "h") -> list[Step]:
    """All changes of a series that have items, oldest first, and amendments behind their label."""
    found = []
    for label in labels(extension):
        own = [it for it in resolved(label).changes if it.revision == label]
        start = f"{label}~{len(own)}"
        for left, change in zip(range(len(own), 0, -1), own, strict=True):
            after = f"{label}~{left - 1}" if left > 1 else label
            if change.items:
                found.append(Step(change, label, f"{label}~{left}", after, start))
        found += _amendments(label)
    return found


def _amendments(label: str) -> list[Step]:
    amended = next(it.amended for it in revisions() if it.id == label)
    if amended is None:
        return []
    there = {it.id for it in resolved(label).changes}
    return [
        Step(change, label, label, f"{label}+{change.id}", label, amendment=True)
        for change in resolved(amended).changes
        if change.items and change.id not in there
    ]


def same_engine(expression: str) -> str:
    """A hash of all that a revision's engine does: two that share it are the same to programs."""
    isa = resolved(expression)
    key = f"{isa.content}-{generator_hash()}"
    body = read_entry("behaviour", key)
    if body is None:
        # Without the head, which names the revision, its content and how stable it is.
        text = emit_python(isa).partition("\nUNSTABLE = ")[2].partition("\n")[2]
        body = hashlib.sha256(text.replace(f" of {isa.id}", "").encode()).hexdigest().encode()
        write_entry("behaviour", key, body)
    return body.decode()


def without(expression: str, change: str) -> str | None:
    """The expression with a change left out; None where others build on it, or it is not there."""
    left = f"{expression}^{change}"
    try:
        resolved(left)
    except DrafthartError:
        return None
    return left


@cache
def first_with(change: str) -> str | None:
    """The label whose own change it is; None for an amendment."""
    newest = resolved(labels()[-1])
    return next((it.revision for it in newest.changes if it.id == change), None)
