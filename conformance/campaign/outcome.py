"""What a store's results mean: for each target and revision the same as `validate` finds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from drafthart.conformance.campaign.plan import Pair, plan_from
from drafthart.conformance.campaign.store import Row, Store
from drafthart.conformance.campaign.tool import specs_hash, tool_hash
from drafthart.conformance.expected import Record
from drafthart.conformance.observe import Observed, Track
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import Platform, record_size
from drafthart.conformance.validate import Validation, judge
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.gate import Stability, stability


@dataclass(frozen=True, slots=True)
class Outcome:
    """A target beside a revision: its name in the campaign, and what its results mean.

    `lost` are the jobs without a result with the reasons, which count as inconclusive, and `left`
    is the number of those that wait, whose probes are left out. There is no validation where no
    job has come to an end.
    """

    target: str
    revision: str
    platform: Platform
    stability: Stability
    validation: Validation | None
    lost: Sequence[tuple[Row, str]]
    left: int


def outcomes(
    store: Store, track: Track, *, target: str | None = None, revision: str | None = None
) -> Iterator[Outcome]:
    """What the store's results mean, in the order of the plan; of one target or revision, if named.

    Raises `DrafthartError` if Drafthart or the specs have changed since: the results may be of
    other probes.
    """
    kept = store.kept()
    if (kept.tool, kept.specs) != (tool_hash(), specs_hash()):
        raise DrafthartError(
            f"the campaign {kept.name!r} was run by another Drafthart, or with other specs; "
            "`drafthart campaign resume` runs again what has changed"
        )
    plan = plan_from(kept)
    rows: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in store.rows():
        rows.setdefault((row.target, row.revision), {}).setdefault(row.group, []).append(row)
    why = store.lost()
    for pair in plan.pairs():
        if pair.text != (target or pair.text) or pair.revision != (revision or pair.revision):
            continue
        listed = rows.get((pair.text, pair.revision), {})
        every = [row for some in listed.values() for row in some]
        lost = [(row, why[row.id]) for row in every if row.id in why]
        seen = []
        left = 0
        for group in pair.groups():
            one, waiting = _observed(group, listed.get(group.name, []), store, why)
            left += waiting
            if one.group.probes:
                seen.append(one)
        validation = (
            judge(seen, pair.target, pair.known, pair.revision, pair.told, track=track)
            if seen
            else None
        )
        yield Outcome(
            pair.text,
            pair.revision,
            pair.target.platform,
            _stability(pair),
            validation,
            lost,
            left,
        )


def _observed(
    group: Group, rows: Sequence[Row], store: Store, lost: Collection[str]
) -> tuple[Observed, int]:
    """The part of a group that came to an end, and the number of jobs that did not."""
    probes: list[int] = []
    here: list[Record] = []
    there: list[Record] = []
    left = 0
    for row in rows:
        result = store.result(row)
        if result is not None:
            here += result.here
            there += result.there
        elif row.id in lost:
            here += [None] * row.probes
            there += [None] * row.probes
        else:
            left += 1
            continue
        probes += range(row.first, row.first + row.probes)
    size = record_size(group)
    if any(record is not None and len(record) != size for record in (*here, *there)):
        raise DrafthartError(f"{group.name}: a result is not whole; remove the store and run again")
    kept = replace(group, probes=tuple(group.probes[number] for number in probes))
    return Observed(kept, tuple(here), tuple(there)), left


def _stability(pair: Pair) -> Stability:
    kept = (pair.plan.stability or {}).get(pair.revision)
    return kept if kept is not None else stability(pair.isa)
