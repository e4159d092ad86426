"""Where two runs part, for a terminal and for tools."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from drafthart.ending import trap_name
from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.report.words import origin, what_changed
from drafthart.generator.spec.model import ISA, Change
from drafthart.runtime.machine import Outcome
from drafthart.runtime.side_by_side import Continuation, Parting, Together

_LISTED = 12
_WRITTEN = 10


def together_text(ended: Together, a: ISA, b: ISA) -> Iterator[str]:
    """The lines where they never parted."""
    yield f"{a.id} and {b.id} do the same: {outcome_text(ended.outcome)}"


def parting_text(parting: Parting) -> Iterator[Text | str]:
    """The lines."""
    count = parting.steps
    a, b = parting.sides
    if parting.last is None:
        yield "They part at the first instruction."
    else:
        yield f"They part after {count} instruction{'s' * (count != 1)}, the last of which is"
        yield f"  {parting.last}"
    for side in parting.sides:
        yield ""
        yield Text(side.isa.id, style="bold")
        yield from _side(parting, side)
    if parting.unequal:
        yield ""
        yield Text(f"Not the same by then ({a.isa.id}, {b.isa.id})", style="bold")
        for it in parting.unequal[:_LISTED]:
            yield f"  {it.id}  {it.before:#x}, {it.after:#x}"
        if len(parting.unequal) > _LISTED:
            yield f"  and {len(parting.unequal) - _LISTED} more"
    if parting.findings or parting.earlier:
        yield ""
        yield Text("What of the spec differs there", style="bold")
    for finding in (*parting.findings, *parting.earlier)[:_LISTED]:
        yield from _finding(finding)
    more = len(parting.findings) + len(parting.earlier) - _LISTED
    if more > 0:
        yield f"  and {more} more; drafthart diff {a.isa.id} {b.isa.id} shows all"


def _side(parting: Parting, side: Continuation) -> Iterator[str]:
    yield f"  {side.mode} at {_place(parting, side.pc)}: {side.instruction}"
    if side.trap is not None:
        yield f"  traps into {side.trap.target}: {trap_name(side.isa, side.trap)}"
    for it in side.written[:_WRITTEN]:
        yield f"    {it.name} {it.before:#x} → {it.after:#x}"
    if len(side.written) > _WRITTEN:
        yield f"    and {len(side.written) - _WRITTEN} more"
    if side.outcome is not None:
        yield f"  {outcome_text(side.outcome)}"
    else:
        yield f"  goes on at {_place(parting, side.next_pc)}"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {finding.item}  {finding.rule}"
    changed = what_changed(finding)
    if changed and len(changed) <= 72:
        yield f"    {changed}"
    for change in finding.changes[:2]:
        yield f"    by {change.id}  {origin(change)}"


def _place(parting: Parting, address: int) -> str:
    known = sorted((value, name[:60]) for name, value in parting.symbols.items() if name)
    index = bisect_right(known, (address, "\U0010ffff")) - 1
    if index < 0 or address - known[index][0] > 1 << 20 or not known[index][1].isprintable():
        return f"{address:#x}"
    value, name = known[index]
    return f"{address:#x} <{name}{f'+{address - value:#x}' if address > value else ''}>"


def outcome_text(outcome: Outcome) -> str:
    """How a run ended, in words."""
    count = f"after {outcome.steps} instructions"
    match outcome.reason:
        case "exit":
            return f"ended with status {outcome.status} {count}"
        case "asleep":
            return f"sleeps {count}, and nothing can wake it"
        case "quit":
            return f"printed what was expected {count}"
    return f"still runs {count}"


def parting_data(parting: Parting) -> dict[str, Any]:
    """The same as plain lists and dicts."""
    changes: dict[str, Change] = {}
    for it in (*parting.findings, *parting.earlier):
        changes |= {change.id: change for change in it.changes}
    return {
        "instructions": parting.steps,
        "last": parting.last,
        "sides": [_side_data(it) for it in parting.sides],
        "unequal": [{"item": it.id, "values": [it.before, it.after]} for it in parting.unequal],
        "differences": [_finding_data(it) for it in parting.findings],
        "earlier_differences": [_finding_data(it) for it in parting.earlier],
        "changes": {
            id_: {"origin": origin(it), "summary": it.summary} for id_, it in changes.items()
        },
    }


def _side_data(side: Continuation) -> dict[str, Any]:
    trap: Mapping[str, Any] | None = None
    if side.trap is not None:
        trap = {"cause": side.trap.item, "into": side.trap.target, "value": side.trap.value}
    return {
        "revision": side.isa.id,
        "mode": side.mode,
        "pc": side.pc,
        "instruction": side.instruction,
        "trap": trap,
        "written": [
            {"name": it.name, "before": it.before, "after": it.after} for it in side.written
        ],
        "next_pc": side.next_pc,
        "outcome": outcome_data(side.outcome) if side.outcome else None,
    }


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """How a run ended, for tools."""
    status = outcome.status if outcome.reason == "exit" else None
    return {"reason": outcome.reason, "status": status, "instructions": outcome.steps}


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "item": finding.item,
        "before": finding.before,
        "after": finding.after,
        "changes": [change.id for change in finding.changes],
    }
