"""Groups of probes on a target, beside what the revision does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.comparison import Difference, compare
from drafthart.conformance.expected import Record, expected, program_of
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import record_size
from drafthart.conformance.target import Single, Target
from drafthart.generator.spec.model import ISA
from drafthart.runtime.engines import engine_named, quickest_engine
from drafthart.runtime.processes import processes

Track = Callable[[Sequence[Any], str], Iterable[Any]]
"""Goes through steps and shows how far it is: the steps, and what is being done."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A group, and what its probes left here and there; None where one left nothing."""

    group: Group
    here: tuple[Record, ...]
    there: tuple[Record, ...]

    @property
    def lost(self) -> list[str]:
        """Labels of the probes without a result on one of the sides."""
        return [
            probe.label
            for probe, one, other in zip(self.group.probes, self.here, self.there, strict=True)
            if one is None or other is None
        ]

    @property
    def observations(self) -> int:
        """The number of words compared."""
        return (len(self.group.probes) - len(self.lost)) * record_size(self.group)

    def differences(self, isa: ISA) -> list[Difference]:
        """Where they differ; lost probes are left out."""
        return list(differing(self.group, isa, self.here, self.there))


def differing(
    group: Group, isa: ISA, here: Sequence[Record], there: Sequence[Record]
) -> Iterator[Difference]:
    """Where two results of a group differ, as far as there are both."""
    for probe, one, other in zip(group.probes, here, there, strict=True):
        if one is not None and other is not None and one != other:
            yield from compare(Group(group.name, (probe,), (), group.watch), isa, one, other)


def observe(
    groups: Sequence[Group],
    isa: ISA,
    target: Target,
    *,
    engine: str | None = None,
    jobs: int = 1,
    track: Track = lambda steps, doing: steps,
) -> list[Observed]:
    """Run groups on both sides. `engine` by name; the quickest that needs no compiler if None.

    Raises `DrafthartError` if the target cannot be started.
    """
    work = [(group, isa, target, engine) for group in groups]
    if jobs == 1 or len(work) == 1 or isinstance(target, Single):
        return [_observe(one) for one in track(work, "probing")]
    with processes(min(jobs, len(work))) as pool:
        # The longest first; the results in the order of the groups.
        order = sorted(range(len(work)), key=lambda n: -len(work[n][0].probes))
        futures = {number: pool.submit(_observe, work[number]) for number in order}
        for number in track(order, "probing"):
            futures[number].result()
        return [futures[number].result() for number in range(len(work))]


def _observe(work: tuple[Group, ISA, Target, str | None]) -> Observed:
    group, isa, target, engine = work
    factory = engine_named(engine, isa) if engine else quickest_engine(isa)
    here = expected(group, program_of(group, isa, target.platform), isa, factory)
    return Observed(group, tuple(here), tuple(run_bounded(group, isa, target)))
