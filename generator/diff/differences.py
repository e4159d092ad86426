"""The differences between two revisions, by the identity of items and not by their text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from drafthart.generator.diff.aspects import TEXTS, aspects, summary
from drafthart.generator.diff.items import Item, items
from drafthart.generator.spec.model import CSR, ISA, Change, Field
from drafthart.generator.spec.rename import rename_in_code


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of one item.

    `kind` is `added`, `removed`, `renamed`, `moved` (to other bits), `resized` (in bits), or the
    aspect that differs: `address`, `encoding`, `operation` … `item` is the id in the newer ISA,
    or the one it had where it was removed. `changes` are the ids of the changes between the two
    ISAs that touch the item, oldest first.
    """

    item: str
    kind: str
    before: str | None
    after: str | None
    changes: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Are `before` and `after` texts of many lines, better read with `unified`?"""
        return self.kind in TEXTS

    def unified(self) -> str:
        """The difference of the texts, line by line, as `diff -u` writes it."""
        before, after = (self.before or "").splitlines(), (self.after or "").splitlines()
        lines = unified_diff(before, after, self.item, self.item, lineterm="")
        return "\n".join(lines)


def differences(a: ISA, b: ISA) -> list[Difference]:
    """What changes from `a` to `b`, in the order of the items; empty for equal ISAs.

    The fields of a CSR that appears or disappears as a whole are not listed again one by one.
    """
    found = [
        Difference("revision", kind, was, becomes)
        for kind, was, becomes in (
            ("status", str(a.status), str(b.status)),
            ("xlen", str(a.xlen), str(b.xlen)),
        )
        if was != becomes
    ]
    before, after = items(a), items(b)
    rewrite = _rewriter(renames(a, b))
    steps = between(a, b)
    for old, new in pairs(a, b):
        id_ = new or old
        item = after[new] if new else before[old]
        ids = {id_, old or id_, _home(b if new else a, id_)}
        touched_by = _touching(steps, ids, item, comes_or_goes=not (old and new))
        if not (old and new):
            text = summary(item)
            kind = "added" if new else "removed"
            found.append(
                Difference(id_, kind, None if new else text, text if new else None, touched_by)
            )
            continue
        if _own_name(old) != _own_name(new):
            found.append(Difference(id_, "renamed", old, new, touched_by))
        found += [
            Difference(id_, kind, was, becomes, touched_by)
            for kind, was, becomes in _compare(before[old], after[new], rewrite)
        ]
    return found


def pairs(a: ISA, b: ISA) -> list[tuple[str, str]]:
    """Ids in `a` and `b` of each item, "" where it is not; in the order of differences.

    The fields of a CSR that comes or goes as a whole are left out.
    """
    before = items(a)
    return _pairs(before, items(b), _targets(before, renames(a, b)))


def between(a: ISA, b: ISA) -> list[Change]:
    """The changes that only one of the two ISAs has, oldest first."""
    in_a, in_b = ({change.id for change in isa.changes} for isa in (a, b))
    return [
        *(change for change in a.changes if change.id not in in_b),
        *(change for change in b.changes if change.id not in in_a),
    ]


def _compare(
    old: Item, new: Item, rewrite: Callable[[str, str], str]
) -> Iterator[tuple[str, str | None, str | None]]:
    was, becomes = aspects(old), aspects(new)
    if isinstance(old, CSR) and isinstance(new, CSR) and _same_window(old, new):
        was.pop("view", None)
        becomes.pop("view", None)
    for name in dict.fromkeys([*was, *becomes]):
        first, second = was.get(name), becomes.get(name)
        # A text that only follows the new name of another item says nothing new.
        if first == second or (first and rewrite(name, first) == second):
            continue
        kind = name
        if isinstance(old, Field) and isinstance(new, Field) and name == "bits":
            kind = "moved" if old.width == new.width else "resized"
        yield kind, first, second


def _same_window(old: CSR, new: CSR) -> bool:
    """Do both show each of their common fields from the same place?

    Then the fields that only one of them shows say all, as differences of their own.
    """
    if old.view is None or new.view is None or old.view.of != new.view.of:
        return False
    shown = new.view.fields
    return all(shown.get(name, home) == home for name, home in old.view.fields.items())


def renames(a: ISA, b: ISA) -> list[tuple[str, str]]:
    """The renames on the way from `a` to `b`, in order; those of `a` alone are undone."""
    in_a, in_b = ({change.id for change in isa.changes} for isa in (a, b))
    undone = [
        (new, old)
        for change in reversed(a.changes)
        if change.id not in in_b
        for old, new in reversed(change.renames)
    ]
    done = [pair for change in b.changes if change.id not in in_a for pair in change.renames]
    return undone + done


def renamed(id_: str, old: str, new: str) -> str:
    """The id after a rename; a field follows its CSR."""
    if id_ == old:
        return new
    if old.startswith("csr:") and id_.startswith(f"{old}."):
        return new + id_.removeprefix(old)
    return id_


def _targets(before: Iterable[str], pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The id that each item has after the renames."""
    targets = {}
    for id_ in before:
        targets[id_] = id_
        for old, new in pairs:
            targets[id_] = renamed(targets[id_], old, new)
    return targets


def _rewriter(pairs: Sequence[tuple[str, str]]) -> Callable[[str, str], str]:
    """Rewrites the text of an aspect to the new names, as resolving does."""
    steps = [_step(old, new) for old, new in pairs]

    def rewrite(aspect: str, text: str) -> str:
        for old, new, csr in steps:
            if aspect in TEXTS:
                text = rename_in_code(text, old, new, csr)
            else:
                owner = f"{csr}." if csr else ""
                word = rf"(?<![\w.]){re.escape(owner + old)}\b"
                text = re.sub(word, owner + new, text)
        return text

    return rewrite


def _step(old: str, new: str) -> tuple[str, str, str]:
    """A rename as old name, new name, and the CSR if it is of a field."""
    name = old.partition(":")[2]
    if _own_name(old) == old:
        return name, new.partition(":")[2], ""
    return _own_name(old), _own_name(new), name.partition(".")[0]


def _pairs(
    before: Mapping[str, Item], after: Mapping[str, Item], targets: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Ids of the same item before and after, "" where there is none.

    What went stands behind what it followed. Fields of a CSR that came or went are left out.
    """
    taken = {target for old, target in targets.items() if old != target}
    sources: dict[str, str] = {}
    gone: dict[str, list[str]] = {}
    previous = ""
    for old, target in targets.items():
        # Another item may have taken this name by a rename.
        if target in after and (target != old or old not in taken):
            sources[target] = old
            previous = target
        elif not isinstance(before[old], Field) or _parent(target) in after:
            gone.setdefault(previous, []).append(old)
    pairs = [(old, "") for old in gone.get("", [])]
    for id_, item in after.items():
        if id_ in sources:
            pairs.append((sources[id_], id_))
        elif not isinstance(item, Field) or _parent(id_) in sources:
            pairs.append(("", id_))
        pairs += [(old, "") for old in gone.get(id_, [])]
    return pairs


def _parent(id_: str) -> str:
    return id_.partition(".")[0]


def _own_name(id_: str) -> str:
    """What a rename of the item itself changes: not the CSR's name in the id of a field."""
    return id_.partition(".")[2] if id_.startswith("csr:") and "." in id_ else id_


def _home(isa: ISA, id_: str) -> str:
    """The field behind a field of a view; any other item's own id."""
    csr = isa.csrs.get(_parent(id_).removeprefix("csr:")) if id_.startswith("csr:") else None
    field = _own_name(id_)
    if csr is None or csr.view is None or field not in csr.view.fields:
        return id_
    return f"csr:{csr.view.of}.{csr.view.fields[field]}"


def _touching(
    steps: Iterable[Change], ids: set[str], item: Item, *, comes_or_goes: bool
) -> tuple[str, ...]:
    """The changes that touch the item itself, or else the CSR that it is a field of."""
    whole = {_parent(id_) for id_ in ids if id_.startswith("csr:")}
    if isinstance(item, CSR) and item.array:
        whole.add(f"csr:{item.array}")
    if isinstance(item, CSR):
        ids = ids | whole
        if comes_or_goes:  # and its fields with it
            ids = ids | {f"{id_}.{field}" for id_ in whole for field in item.fields}
    steps = list(steps)
    touching = (
        tuple(change.id for change in steps if not wanted.isdisjoint(change.items))
        for wanted in (ids, whole)
    )
    return next(touching) or next(touching)
