"""A log of traps that stays readable: what repeats is folded, and all of it is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from drafthart.generator.spec.model import ISA
from drafthart.runtime.engine import Engine
from drafthart.runtime.explained_trap import ExplainedTrap, Kind, TrapExplainer
from drafthart.runtime.transitions import Taken


@dataclass(frozen=True, slots=True)
class Folded:
    """So many traps like the one that was told of last: of the same kind and at the same pc."""

    count: int


@dataclass(frozen=True, slots=True)
class Enough:
    """From here on traps of this kind are counted and no longer told."""

    before: str
    after: str
    item: str
    name: str


Entry: TypeAlias = ExplainedTrap | Folded | Enough


@dataclass(frozen=True, slots=True)
class Summary:
    """What there was in all.

    `traps` are rows of modes, cause and count, most frequent first; `instructions` those begun in
    each mode; `figures` the engine's own, by name.
    """

    every_trap: bool
    traps: tuple[tuple[str, str, str, str, int], ...]
    instructions: dict[str, int]
    switches: int
    figures: dict[str, int]

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        names = ("from", "to", "cause", "name", "count")
        return {
            "traps": [dict(zip(names, row, strict=True)) for row in self.traps],
            "instructions": self.instructions,
            "changes_of_v": self.switches,
            "engine": self.figures,
        }


class ExitLog:
    """Listens to an engine and hands on what to tell, `limit` of each kind (0: all)."""

    def __init__(
        self,
        isa: ISA,
        engine: Engine,
        tell: Callable[[Entry], None],
        *,
        limit: int,
        every_trap: bool,
    ) -> None:
        self._engine = engine
        self._tell = tell
        self._limit = limit
        self._every_trap = every_trap
        self._explainer = TrapExplainer(isa)
        self._counts: Counter[Kind] = Counter()
        self._told: Counter[Kind] = Counter()
        self._last: tuple[Kind, int] | None = None
        self._folded = 0
        engine.watch_traps(self._take, every_trap=every_trap)

    def finish(self) -> Summary:
        """What is left to tell is told; the summary is of all since the log was made."""
        self._unfold()
        counted, explainer = self._engine.counted(), self._explainer
        return Summary(
            self._every_trap,
            tuple((*self._named(kind), count) for kind, count in self._counts.most_common()),
            {
                explainer.mode(number): steps
                for number, steps in enumerate(counted.steps_in)
                if steps
            },
            counted.switches,
            counted.figures,
        )

    def _take(self, taken: Taken) -> None:
        explainer = self._explainer
        kind = explainer.kind(taken)
        self._counts[kind] += 1
        told = self._told[kind]
        if self._limit and told > self._limit:
            return
        place = kind, explainer.pc(taken)
        if self._limit and place == self._last:
            self._folded += 1
            return
        self._unfold()
        self._last = place
        self._told[kind] += 1
        if self._limit and told == self._limit:
            self._tell(Enough(*self._named(kind)))
            return
        self._tell(explainer.explain(taken))

    def _named(self, kind: Kind) -> tuple[str, str, str, str]:
        """From, to, the id of the cause and its name."""
        mode, (item, name) = self._explainer.mode, self._explainer.cause(kind)
        return mode(kind.before), mode(kind.after), item, name

    def _unfold(self) -> None:
        if self._folded:
            self._tell(Folded(self._folded))
        self._folded = 0
