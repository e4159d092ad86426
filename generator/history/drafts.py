"""An item through all drafts: what it was in each, and the changes that touched it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from drafthart.generator.diff.differences import Difference, differences, renamed, renames
from drafthart.generator.diff.items import Item, find, items
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.expression import select
from drafthart.generator.spec.model import CSR, ISA, Change
from drafthart.generator.spec.resolve import RevisionSummary, resolve, revisions
from drafthart.generator.spec.series import Series, open_series


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring drafts that have the item in one form; `item` is None where they lack it.

    `differences` tell this form from the one before.
    """

    first: str
    last: str
    id: str
    item: Item | None
    differences: tuple[Difference, ...]

    @property
    def drafts(self) -> str:
        """The drafts in a few characters."""
        if self.first == self.last:
            return self.first
        extension, _, label = self.last.partition("@")
        same = self.first.partition("@")[0] == extension
        return f"{self.first} … {label if same else self.last}"


@dataclass(frozen=True, slots=True)
class History:
    """The forms of an item and its changes, oldest first."""

    spans: tuple[Span, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """The item in one draft."""

    isa: ISA
    id: str
    item: Item | None


def find_anywhere(isa: ISA, name: str, *, specs: Path | None = None) -> tuple[str, Item]:
    """The item with this id or bare name. The error says which other draft has it, if one does."""
    try:
        return find(isa, name)
    except DrafthartError as error:
        others = [it.id for it in revisions(specs)]
        for label in dict.fromkeys([*reversed(_line(isa, specs)), *reversed(others)]):
            other = resolve(label, specs=specs, xlen=isa.xlen)
            try:
                id_, _ = find(other, name)
            except DrafthartError:
                continue
            # The name may stand for several items here, which is the better thing to say.
            if id_ not in items(isa):
                what = f"{isa.id} has no item {name}; {label} has {id_}"
                raise DrafthartError(f"{what}: name that revision") from None
        raise error from None


def history(isa: ISA, id_: str, *, specs: Path | None = None) -> History:
    """The history of an item of `isa` up to the latest draft, under whatever name it had."""
    isas = [resolve(label, specs=specs, xlen=isa.xlen) for label in _line(isa, specs)]
    latest = isas[-1]
    name = _forward(isa, latest, id_)
    steps = []
    for draft in isas:
        then = _forward(latest, draft, name)
        steps.append(_Step(draft, then, items(draft).get(then)))
    return History(tuple(_spans(steps)), tuple(_touching(latest, name)))


def _line(isa: ISA, specs: Path | None) -> list[str]:
    """The drafts before and after a revision, oldest first, to the deepest that descends of it.

    What the first one stands on comes before it, and what amended the last one behind.
    """
    series = open_series(specs)
    known = {it.id: it for it in revisions(specs)}
    own = select(isa.id, series).revision.id
    lines = [_line_of(it, series) for it in known.values()]
    line = max((line for line in lines if own in line), key=len)
    amended = known[line[-1]].amended
    return [*line, amended] if amended else line


def _line_of(summary: RevisionSummary, series: Series) -> list[str]:
    """A revision and all before it."""
    chain = [it.id for it in series.chain(summary.id)]
    base = series.base(chain[0])
    if base is None:
        return chain
    below = series.chain(select(base.text, series).revision.id)
    return [*(it.id for it in below[:-1]), base.text, *chain]


def _forward(a: ISA, b: ISA, id_: str) -> str:
    """The id in `b` of an item of `a`."""
    for old, new in renames(a, b):
        id_ = renamed(id_, old, new)
    return id_


def _touching(latest: ISA, id_: str) -> list[Change]:
    """The changes that touched the item, oldest first."""
    touched = []
    for change in reversed(latest.changes):
        ids = {id_}
        for old, new in reversed(change.renames):
            id_ = renamed(id_, new, old)
            ids.add(id_)
        if _touches(change, ids, latest):
            touched.append(change)
    return touched[::-1]


def _touches(change: Change, ids: Iterable[str], latest: ISA) -> bool:
    wanted = {*ids, *(home for id_ in ids if (home := _home(latest, id_)))}
    return any(
        item == id_ or (id_.startswith("csr:") and item.startswith(f"{id_}."))
        for id_ in wanted
        for item in change.items
    )


def _home(isa: ISA, id_: str) -> str:
    """Where the specs keep what they derive: the field behind a view's, an array of CSRs."""
    name, _, field = id_.partition(".")
    csr = isa.csrs.get(name.removeprefix("csr:")) if name.startswith("csr:") else None
    if csr is None:
        return ""
    if csr.view and field in csr.view.fields:
        return f"csr:{csr.view.of}.{csr.view.fields[field]}"
    if csr.array:
        return f"csr:{csr.array}.{field}" if field else f"csr:{csr.array}"
    return ""


def _spans(steps: list[_Step]) -> Iterator[Span]:
    start = next((at for at, step in enumerate(steps) if step.item), len(steps))
    if start == len(steps):
        return
    current = Span(steps[start].isa.id, steps[start].isa.id, steps[start].id, steps[start].item, ())
    for before, after in pairwise(steps[start:]):
        found = _differences(before, after)
        label = after.isa.id
        other_name = after.item is not None and before.id != after.id
        if found or other_name or (before.item is None) != (after.item is None):
            yield current
            current = Span(label, label, after.id, after.item, found)
        else:
            current = Span(current.first, label, after.id, after.item, current.differences)
    yield current


def _differences(before: _Step, after: _Step) -> tuple[Difference, ...]:
    """What tells the item, and the fields of a CSR, from what it was."""
    # Most drafts leave an item as it is, and comparing two whole drafts takes a while.
    if before.item == after.item and before.id == after.id:
        return ()
    id_ = after.id if after.item else before.id
    whole = isinstance(after.item or before.item, CSR)
    return tuple(
        it
        for it in differences(before.isa, after.isa)
        if it.item == id_ or (whole and it.item.startswith(f"{id_}."))
    )
