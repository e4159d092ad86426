"""Mutants of several revisions over processes, with results that are kept as they come."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

from drafthart.conformance.mutation.judge import CAUGHT, SURVIVED, Judgement, judge
from drafthart.conformance.mutation.mutants import Mutant, sample
from drafthart.conformance.mutation.suite import suite
from drafthart.runtime.processes import processes
from drafthart.runtime.resolved import resolved

_AHEAD = 20
"""Mutants under way for each process."""


class Results:
    """Judgements in a file of JSON lines, of this suite or an earlier one; None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: dict[str, tuple[str, Judgement]] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                told = json.loads(line)
                of = told.pop("suite")
                self._kept[told["mutant"]] = of, Judgement(**told)

    def of(self, mutant: str, suite_hash: str) -> Judgement | None:
        """What this suite gave."""
        of, kept = self._kept.get(mutant, ("", None))
        return kept if of == suite_hash else None

    def hint(self, mutant: str) -> tuple[str, str] | None:
        """The probe that an earlier suite caught it with."""
        _, kept = self._kept.get(mutant, ("", None))
        return (kept.group, kept.probe) if kept is not None and kept.probe else None

    def keep(self, suite_hash: str, judgement: Judgement) -> None:
        """Add one."""
        self._kept[judgement.mutant] = suite_hash, judgement
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"suite": suite_hash, **asdict(judgement)}) + "\n")


def mutate(
    revision: str,
    count: int,
    seed: int,
    results: Results,
    *,
    jobs: int = 2,
    tell: Callable[[Judgement], None] = lambda _: None,
) -> list[Judgement]:
    """Judge mutants of a revision until so many are of use; those that are not come with them."""
    key = suite(revision).hash
    order = sample(resolved(revision), seed)
    if jobs == 1:
        return _until(count, (_one(it, key, results) for it in order), tell)
    with processes(jobs) as pool:
        try:
            return _until(count, _ahead(pool, order, key, results, jobs), tell)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _until(
    count: int, judged: Iterator[Judgement], tell: Callable[[Judgement], None]
) -> list[Judgement]:
    found: list[Judgement] = []
    useful = 0
    while useful < count:
        one = next(judged, None)
        if one is None:
            break
        tell(one)
        found.append(one)
        useful += one.outcome in (CAUGHT, SURVIVED)
    return found


def _one(mutant: Mutant, key: str, results: Results) -> Judgement:
    kept = results.of(mutant.id, key)
    if kept is None:
        kept = _judge(mutant, results.hint(mutant.id))
        results.keep(key, kept)
    return kept


def _ahead(
    pool: ProcessPoolExecutor, order: Iterator[Mutant], key: str, results: Results, jobs: int
) -> Iterator[Judgement]:
    """In the order of the mutants, but kept in the order in which they are done."""
    waiting: deque[Future[Judgement] | Judgement] = deque()
    running: set[Future[Judgement]] = set()
    while True:
        while len(waiting) < jobs * _AHEAD:
            mutant = next(order, None)
            if mutant is None:
                break
            kept = results.of(mutant.id, key)
            if kept is not None:
                waiting.append(kept)
            else:
                future = pool.submit(_judge, mutant, results.hint(mutant.id))
                running.add(future)
                waiting.append(future)
        if not waiting:
            return
        one = waiting.popleft()
        while isinstance(one, Future) and one in running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                results.keep(key, future.result())
        yield one.result() if isinstance(one, Future) else one


def _judge(mutant: Mutant, hint: tuple[str, str] | None) -> Judgement:
    return judge(mutant, suite(mutant.revision), hint)
