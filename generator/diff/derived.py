"""Differences that show only in several items together: bits, numbers and codes that change hands.

What is new at a place where nothing was harms nobody who left it alone. What is new where something
else was is read, written or executed by everyone who was right before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from drafthart.generator.diff.aspects import bits
from drafthart.generator.diff.differences import Difference
from drafthart.generator.diff.drawing import encoding_text
from drafthart.generator.spec.model import CSR, ISA, Change, Encoding

SUBSTITUTED, SWAPPED = "substituted", "swapped"
"""The two ways to give a guest supervisor CSRs of its own."""


def derived(a: ISA, b: ISA, same: Mapping[str, str], found: list[Difference]) -> list[Difference]:
    """What `found` amounts to, besides. `same`: ids in `b` → those of the same items in `a`."""
    return [
        *_watershed(found),
        *_addresses(a, b, same),
        *(it for csr in b.csrs.values() for it in _fields(a, csr, same)),
        *_encodings(a, b, same),
    ]


def renumbered(a: ISA, b: ISA, found: list[Difference]) -> list[Difference]:
    """The differences, with a code that came for one that went, of the same name, as one."""
    codes: dict[str, str] = {}
    for prefix, old, new in (
        ("cause", a.causes, b.causes),
        ("interrupt", a.interrupts, b.interrupts),
    ):
        was = {it.constant: code for code, it in old.items()}
        codes |= {
            f"{prefix}:{code}": f"{prefix}:{was[it.constant]}"
            for code, it in new.items()
            if was.get(it.constant, code) != code
        }
    changed = {(it.item, it.kind) for it in found}
    moved = {
        new: old
        for new, old in codes.items()
        if (new, "added") in changed or (new, "constant") in changed
    }
    return [
        _renumbered(it, moved[it.item]) if it.item in moved and it.kind != "name" else it
        for it in found
        if not (it.kind == "removed" and it.item in moved.values())
        and not (it.kind == "name" and (it.item, "constant") in changed)
    ]


def _renumbered(difference: Difference, old: str) -> Difference:
    number = difference.item.partition(":")[2]
    return Difference(
        difference.item, "renumbered", old.partition(":")[2], number, difference.changes
    )


def texts(steps: Iterable[Change], found: Iterable[Difference]) -> list[Difference]:
    """The changes that no difference names: what they say shows in no item."""
    told = {id_ for it in found for id_ in it.changes}
    return [
        Difference(f"change:{it.id}", _text_kind(it), None, it.summary, (it.id,))
        for it in steps
        if it.id not in told
    ]


def _text_kind(change: Change) -> str:
    if change.items:
        return "overtaken"
    return "text" if change.breaks else "clarified"


def _watershed(found: list[Difference]) -> Iterator[Difference]:
    """CSRs that there were before begin to substitute others, or cease to."""
    for after, before in ((SUBSTITUTED, SWAPPED), (SWAPPED, SUBSTITUTED)):
        turned = [
            it
            for it in found
            if it.kind == "substitutes" and not (it.before if after == SUBSTITUTED else it.after)
        ]
        if turned:
            changes = dict.fromkeys(id_ for it in turned for id_ in it.changes)
            yield Difference("revision", "substitution", before, after, tuple(changes))


def _addresses(a: ISA, b: ISA, same: Mapping[str, str]) -> Iterator[Difference]:
    for address, csr in b.csr_at.items():
        old = a.csr_at.get(address)
        id_ = f"csr:{csr.name}"
        if old is not None and same.get(id_) != f"csr:{old.name}":
            yield Difference(id_, "reused", f"{address:#05x} {old.name}", csr.name)


def _fields(a: ISA, csr: CSR, same: Mapping[str, str]) -> Iterator[Difference]:
    """Fields that lie where another field of the same CSR was."""
    before = a.csrs.get(same.get(f"csr:{csr.name}", "").removeprefix("csr:"))
    for field in csr.fields.values() if before else ():
        id_ = f"csr:{csr.name}.{field.name}"
        for old in before.fields.values() if before else ():
            high, low = min(field.high, old.high), max(field.low, old.low)
            if high >= low and same.get(id_, "").partition(".")[2] != old.name:
                yield Difference(id_, "repurposed", f"{bits(high, low)} {old.name}", field.name)


def _encodings(a: ISA, b: ISA, same: Mapping[str, str]) -> Iterator[Difference]:
    """Instructions that came to bits that another one left."""
    was, becomes = _by_id(a), _by_id(b)
    came = {id_: it for id_, it in becomes.items() if was.get(same.get(id_, "")) != it}
    stayed = {same[id_] for id_ in becomes.keys() - came.keys()}
    for id_, new in came.items():
        for old_id, old in was.items():
            if old_id not in stayed and old_id != same.get(id_) and _overlap(old, new):
                before = f"{encoding_text(old)} {old_id.removeprefix('insn:')}"
                yield Difference(id_, "reused", before, id_.removeprefix("insn:"))


def _by_id(isa: ISA) -> dict[str, Encoding]:
    return {f"insn:{name}": it.encoding for name, it in isa.instructions.items() if it.encoding}


def _overlap(old: Encoding, new: Encoding) -> bool:
    common = old.mask & new.mask
    return old.width == new.width and (old.match ^ new.match) & common == 0
