"""A campaign from its plan to results in a store, and what a store says of how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from drafthart.conformance.campaign.job import Job, Lost, Result
from drafthart.conformance.campaign.plan import Plan, all_jobs, kept_of
from drafthart.conformance.campaign.store import Row, Store

Scheduler = Callable[[Sequence[Job]], Iterator[Result | Lost]]
"""Gives the outcomes of jobs as they arrive."""


@dataclass(frozen=True, slots=True)
class Count:
    """Of some jobs, how many have a result, were given up, and are left; `seconds` they took."""

    jobs: int
    finished: int
    lost: int
    seconds: float

    @property
    def left(self) -> int:
        """Those that wait."""
        return self.jobs - self.finished - self.lost


def prepare(plan: Plan, store: Store, *, retry_lost: bool = False) -> list[Job]:
    """Take up a plan in a store; the jobs that have no outcome there."""
    entries = all_jobs(plan)
    store.begin(kept_of(plan), [row for row, _ in entries])
    settled = {*store.finished()} if retry_lost else {*store.finished(), *store.lost()}
    # Two names of the same target make the same jobs.
    left = {job.id: job for _, job in entries if job.id not in settled}
    return list(left.values())


def run(
    jobs: Sequence[Job], store: Store, scheduler: Scheduler, on_outcome: Callable[[], None]
) -> None:
    """Run jobs, and keep each outcome as it arrives."""
    outcomes = scheduler(jobs)
    for outcome in outcomes:
        store.add(outcome)
        on_outcome()


def count(store: Store) -> dict[tuple[str, str], Count]:
    """Target and revision → how far they are."""
    finished, lost = store.finished(), store.lost()
    found: dict[tuple[str, str], list[Row]] = {}
    for row in store.rows():
        found.setdefault((row.target, row.revision), []).append(row)
    return {
        pair: Count(
            len(rows),
            sum(row.id in finished for row in rows),
            sum(row.id in lost for row in rows),
            sum(finished.get(row.id, 0.0) for row in rows),
        )
        for pair, rows in found.items()
    }
