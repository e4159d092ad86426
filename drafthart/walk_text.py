"""A translation drawn as a tree."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from drafthart.runtime.walk import Entry, Refusal, Stage, Walk

_COLUMNS = 80
_BITS = "DAGUXWRV"


def walk_lines(walk: Walk) -> Iterator[str]:
    """The tree's lines, no wider than 80 columns."""
    yield f"{walk.access} at {walk.address:#x} in {_mode(walk)}"
    ends = list[list[str]]()
    ends += [list(_stage(stage)) for stage in walk.stages]
    if walk.refusal is not None:
        ends.append(["refused", *(f"  {line}" for line in _refusal(walk.refusal, 6))])
    ends.append(list(_end(walk)))
    yield from _branches(ends)


def walk_data(walk: Walk) -> dict[str, Any]:
    """For JSON, addresses and entries as hexadecimal texts."""
    return {
        "address": f"{walk.address:#x}",
        "access": walk.access,
        "mode": walk.mode,
        "stages": [_stage_data(stage) for stage in walk.stages],
        "physical": _hex(walk.physical),
        "refusal": None if walk.refusal is None else asdict(walk.refusal),
        "trap": None if walk.trap is None else _trap_data(walk),
    }


def _mode(walk: Walk) -> str:
    if walk.access in ("hlv", "hlvx", "hsv"):
        return f"{walk.mode}-mode, as its guest"
    return f"{walk.mode}-mode"


def _stage(stage: Stage) -> Iterator[str]:
    """A stage: its heading, its entries below it, and how it ended."""
    leads = "" if stage.result is None else f" → {stage.result:#x}"
    off = ", which is off" if stage.off else ""
    yield f"{stage.name}  {stage.source:#x}{leads}{off}"
    branches = [list(_entry(stage, entry)) for entry in stage.entries]
    if stage.refusal is not None:
        branches.append(["refused", *(f"  {line}" for line in _refusal(stage.refusal, 12))])
    yield from _branches(branches)


def _entry(stage: Stage, entry: Entry) -> Iterator[str]:
    where = f"level {entry.level}  entry at {entry.address:#x}"
    if entry.stage is not None:
        # It lies in the guest's memory, and has to be found first.
        yield where
        branches = [list(_stage(entry.stage))]
        if entry.value is not None:
            moved = entry.physical != entry.address
            branches.append([*([f"read at {entry.physical:#x}"] if moved else []), *_value(entry)])
        elif entry.refusal is not None:
            branches.append(["refused", *_refusal(entry.refusal, 16)])
        yield from _branches(branches)
        return
    yield where
    yield from (f"  {line}" for line in _value(entry))


def _value(entry: Entry) -> Iterator[str]:
    if entry.value is not None:
        bits = "".join(bit if bit in entry.flags else "·" for bit in _BITS)
        if entry.refusal is not None:
            leads = "refused"
        elif entry.leads is not None:
            leads = f"{'leaf, frame' if entry.leaf else 'table at'} {entry.leads:#x}"
        else:
            leads = ""
        yield f"{entry.value:#018x}  {bits}  {leads}"
    if entry.updated is not None:
        yield f"written back as {entry.updated:#018x}"
    if entry.refusal is not None:
        yield from _refusal(entry.refusal, 16)
    elif entry.leaf:
        for check in entry.checks:
            if check.function == "leaf_permits":
                yield from _text(f"granted: {check.condition}", 16)
                yield from _words(list(check.rules), 16)


def _refusal(refusal: Refusal, used: int) -> Iterator[str]:
    yield from _text(f"{refusal.function}: {refusal.condition or 'always'}", used)
    for check in refusal.checks:
        answer = "yes" if check.answer else "no"
        yield from _text(f"{check.question} {answer}: {check.condition}", used)
    yield from _words(list(refusal.rules), used)


def _end(walk: Walk) -> Iterator[str]:
    if walk.physical is not None:
        yield f"physical {walk.physical:#x}"
    trap = walk.trap
    if trap is None:
        return
    yield f"{trap.name} ({trap.item}), taken in {trap.after}-mode"
    for register in trap.registers:
        if register.value:
            meaning = f"  {register.meaning}" if register.meaning else ""
            yield f"  {register.name} {register.value:#x}{meaning}"


def _branches(branches: Sequence[Sequence[str]]) -> Iterator[str]:
    for number, lines in enumerate(branches):
        last = number == len(branches) - 1
        for at, line in enumerate(lines):
            lead = ("└─ " if last else "├─ ") if at == 0 else ("   " if last else "│  ")
            yield f"{lead}{line}"


def _text(text: str, used: int) -> list[str]:
    return textwrap.wrap(text, _COLUMNS - used, subsequent_indent="  ") or [""]


def _words(words: list[str], used: int) -> list[str]:
    return textwrap.wrap(
        " ".join(words), _COLUMNS - used, break_on_hyphens=False, break_long_words=False
    )


def _stage_data(stage: Stage) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "what": stage.what,
        "from": f"{stage.source:#x}",
        "to": _hex(stage.result),
        "off": stage.off,
        "entries": [_entry_data(entry) for entry in stage.entries],
        "refusal": None if stage.refusal is None else asdict(stage.refusal),
    }


def _entry_data(entry: Entry) -> dict[str, Any]:
    return {
        "level": entry.level,
        "address": f"{entry.address:#x}",
        "found_by": None if entry.stage is None else _stage_data(entry.stage),
        "physical": _hex(entry.physical),
        "value": _hex(entry.value),
        "flags": list(entry.flags),
        "leaf": entry.leaf,
        "leads": _hex(entry.leads),
        "written_back": _hex(entry.updated),
        "checks": [asdict(check) for check in entry.checks],
        "refusal": None if entry.refusal is None else asdict(entry.refusal),
    }


def _trap_data(walk: Walk) -> dict[str, Any]:
    assert walk.trap is not None
    data = walk.trap.as_data()
    return {key: data[key] for key in data if key not in ("steps", "pc", "instruction")}


def _hex(value: int | None) -> str | None:
    return None if value is None else f"{value:#x}"
