"""What a target and revisions do in the same programs, each program and revision run once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.expected import Record, program_of, records
from drafthart.conformance.here import kept_words, known_words
from drafthart.conformance.infer import choices_for
from drafthart.conformance.observe import Observed, Track
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import meaning
from drafthart.conformance.target import Target
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.processes import processes
from drafthart.runtime.resolved import resolved

_TIMEOUT = 5.0
"""Seconds that a program may take on a target that gives its longest program more: it is short."""

_MOST_PROCESSES = 8

Seen = Mapping[str, str]
"""What a probe saw → its value."""
Left = list[list[Record]]
"""What each probe of each program left."""
_Key = tuple[Any, ...]
_Job = tuple[str, Mapping[str, int], list[bytes]]
"""A revision, choices, and programs."""


@dataclass(frozen=True, slots=True)
class Program:
    """Probes as a program, the revision it is made for, and what they left on the target."""

    group: Group
    isa: ISA
    content: bytes
    there: Sequence[Record]

    def seen(self, left: Sequence[Record]) -> list[Seen]:
        """What each probe saw; nothing where it was lost on the target."""
        return [
            meaning(self.group, self.isa, record or ()) if there is not None else {}
            for record, there in zip(left, self.there, strict=True)
        ]

    def beside(self, left: Sequence[Record]) -> Observed:
        """The target beside what a revision left."""
        return Observed(self.group, tuple(left), tuple(self.there))


class Answers(AbstractContextManager["Answers"]):
    """Some programs on a target, and beside it any revision with the target's choices."""

    def __init__(self, target: Target, groups: Iterable[tuple[ISA, Group]], track: Track) -> None:
        self.parameters = dict(target.parameters)
        self.programs: list[Program] = []
        for isa, group in track(list(groups), "probing"):
            there = run_bounded(group, isa, target, min(target.timeout, _TIMEOUT))
            content = program_of(group, isa, target.platform)
            self.programs.append(Program(group, isa, content, there))
        self._track = track
        self._pool: ProcessPoolExecutor | None = None
        self._left: dict[_Key, Left | None] = {}
        self.there = [it.seen(it.there) for it in self.programs]

    def under(self, expressions: Sequence[str], doing: str) -> dict[str, Left]:
        """What the programs leave under revisions; those that do not fit together are left out."""
        asked = [(it, self.parameters) for it in expressions]
        told = zip(expressions, self.ask(asked, doing), strict=True)
        return {expression: left for expression, left in told if left}

    def ask(self, asked: Sequence[tuple[str, Mapping[str, int]]], doing: str) -> list[Left | None]:
        """The same for revisions with parameters, those that they have; None in place of others."""
        keys = [(it, *sorted(parameters.items())) for it, parameters in asked]
        contents = [it.content for it in self.programs]
        jobs = {
            key: (it, dict(parameters), contents)
            for key, (it, parameters) in zip(keys, asked, strict=True)
            if key not in self._left
        }
        found = {key: _known(job) for key, job in jobs.items()}
        waiting = {key: job for key, job in jobs.items() if found[key] is None}
        found |= self._made(waiting, doing)
        for key, words in found.items():
            told = zip(self.programs, words or (), strict=words is not None)
            left = [records(it.group, part) for it, part in told]
            self._left[key] = left if words is not None else None
        return [self._left[key] for key in keys]

    def choose(self, parameters: Mapping[str, int]) -> None:
        """Revisions make these choices too from now on."""
        self.parameters |= parameters

    def seen(self, left: Sequence[Sequence[Record]]) -> list[list[Seen]]:
        """What each probe of each program sees under a revision."""
        return [it.seen(part) for it, part in zip(self.programs, left, strict=True)]

    def against(self, left: Sequence[Sequence[Record]]) -> set[tuple[int, int, str]]:
        """Program, probe and name of all that the target sees differ from a revision."""
        return {
            (number, index, what)
            for number, (program, part) in enumerate(zip(self.programs, left, strict=True))
            for index, (one, other) in enumerate(zip(part, program.there, strict=True))
            if other is not None and one != other
            for what in _differing(
                meaning(program.group, program.isa, one or ()), self.there[number][index]
            )
        }

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _made(self, jobs: Mapping[_Key, _Job], doing: str) -> dict[_Key, list[list[int]] | None]:
        if len(jobs) < 2:
            return {key: _words(job) for key, job in jobs.items()}
        if self._pool is None:
            self._pool = processes(min(os.cpu_count() or 1, _MOST_PROCESSES))
        futures = [(key, self._pool.submit(_words, job)) for key, job in jobs.items()]
        return {key: future.result() for key, future in self._track(futures, doing)}


def _differing(one: Seen, other: Seen) -> Iterator[str]:
    return (it for it in {**one, **other} if one.get(it) != other.get(it))


def _isa(expression: str, parameters: Mapping[str, int]) -> ISA | None:
    try:
        return resolved(expression, parameters=choices_for(expression, parameters))
    except DrafthartError:
        return None  # a change that others need, or that needs others


def _known(job: _Job) -> list[list[int]] | None:
    """What is in the cache for a revision, if all of it is."""
    expression, parameters, contents = job
    isa = _isa(expression, parameters)
    if isa is None:
        return None
    found = [known_words(content, isa) for content in contents]
    return [it for it in found if it is not None] if None not in found else None


def _words(job: _Job) -> list[list[int]] | None:
    expression, parameters, contents = job
    isa = _isa(expression, parameters)
    return None if isa is None else [kept_words(content, isa) for content in contents]
