"""The search for probes that tell a change of the series from its absence.

First a part of all probes of a revision runs under the states before and after the changes of each
label; those that part the two are candidates, the lightest of each kind. These then run in one
program under every state between, as the changes come in one by one, and under the newest label
with each change left out; for a change that none shows so also under its own label without it.
What a job has found is kept in the user's cache: a search that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from drafthart.conformance.delta_programs import group_of
from drafthart.conformance.deltas import Delta
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.expected import Record, program_of, records
from drafthart.conformance.groups import GROUPS
from drafthart.conformance.here import run_here
from drafthart.conformance.probes.probe import Group, Probe
from drafthart.conformance.probes.program import Platform, meaning
from drafthart.conformance.series import Step, same_engine, steps, without
from drafthart.conformance.subjects import exercised, observed
from drafthart.generator.spec.model import ISA
from drafthart.runtime.cache import generator_hash, read_entry, write_entry
from drafthart.runtime.processes import processes
from drafthart.runtime.resolved import resolved

_T = TypeVar("_T")
_MOST_OF_A_CHANGE = 3
_PART = 200
"""Probes of each group to choose from."""
_HEAD = """\
# Change -> revision -> group -> the probes, made for this revision, that tell the change from its
# absence. `{}`: no probe does. Made by python -m drafthart.conformance.deltas.
"""

Pair = tuple[str, str]
"""The states before and after something."""
Parting = tuple[str, str, list[str], int]
"""A probe's group and label, what it sees differ between two states, and its weight."""


def write(file: Path) -> None:
    """Search, and write what was found."""
    told = {change: _nested(found) for change, found in search().items()}
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=100)
    file.write_text(_HEAD + text, encoding="utf-8")


def _nested(found: Sequence[Delta]) -> dict[str, dict[str, list[str]]]:
    nested: dict[str, dict[str, list[str]]] = {}
    for it in found:
        nested.setdefault(it.made_for, {}).setdefault(it.group, []).append(it.label)
    return nested


def search() -> dict[str, list[Delta]]:
    """Change → the probes that tell it, none where no probe does, in the order of the series."""
    with processes(2) as pool:
        every = steps()
        states = list(dict.fromkeys(state for it in every for state in (it.before, it.after)))
        for made in _track([pool.submit(same_engine, it) for it in states], "making engines"):
            made.result()
        seen = [it for it in every if same_engine(it.before) != same_engine(it.after)]
        found = _found(pool, seen)
    return {it.change.id: found.get(it.change.id, []) for it in every}


def _found(pool: ProcessPoolExecutor, every: Sequence[Step]) -> dict[str, list[Delta]]:
    """The probes that tell these changes."""
    spans: dict[Pair, list[Step]] = {}
    for step in every:
        end = step.after if step.amendment else step.label
        spans.setdefault((step.start, end), []).append(step)
    made = {span: _made_for(some[0]) for span, some in spans.items()}
    order = [it for it in reversed(labels()) if any(it in some for some in made.values())]
    jobs = [
        pool.submit(_kept, "candidates", it, [span for span in spans if it in made[span]], _PART)
        for it in order
    ]
    candidates = {
        it: {tuple(pair): some for pair, some in job.result()}
        for it, job in _track(list(zip(order, jobs, strict=True)), "looking for candidates")
    }
    narrow: list[tuple[str, Future[Any]]] = []
    for span, steps_ in spans.items():
        pairs = [(it.before, it.after) for it in steps_]
        for it in made[span]:
            places = [one[:2] for one in candidates[it][span]]
            narrow.append((it, pool.submit(_kept, "parting", it, pairs, places)))
    found: dict[Pair, list[tuple[str, Parting]]] = {}
    for it, job in _track(narrow, "change by change"):
        for pair, some in job.result():
            found.setdefault(tuple(pair), []).extend((it, one) for one in some)
    narrow = []
    alone: dict[str, Pair] = {}
    for span, steps_ in spans.items():
        for step in steps_:
            left = None if step.amendment else without(step.label, step.change.id)
            if left and not found.get((step.before, step.after)):
                alone[step.change.id] = (left, step.label)
        pairs = [alone[it.change.id] for it in steps_ if it.change.id in alone]
        for it in made[span] if pairs else ():
            places = [one[:2] for one in candidates[it][span]]
            narrow.append((it, pool.submit(_kept, "parting", it, pairs, places)))
    for it, job in _track(narrow, "change by change, left out of its label"):
        for pair, some in job.result():
            found.setdefault(tuple(pair), []).extend((it, one) for one in some)
    out = _left_out(every, candidates[labels()[-1]].values()) if every else {}
    chosen = {}
    for step in every:
        pair = alone.get(step.change.id, (step.before, step.after))
        best = _least(found.get(pair, []))
        of_newest = out.get(step.change.id, [])
        if of_newest and not any(one in of_newest for one in best):
            best += _least(of_newest)[:1]
        chosen[step.change.id] = list(dict.fromkeys(Delta(it, *one[:2]) for it, one in best))
    return chosen


def _left_out(
    every: Sequence[Step], candidates: Iterable[Sequence[Parting]]
) -> dict[str, list[tuple[str, Parting]]]:
    """Change → probes made for the newest label that tell this from itself without the change."""
    newest = labels()[-1]
    places = [list(it) for it in dict.fromkeys(tuple(it[:2]) for some in candidates for it in some)]
    names = [it.change.id for it in every if not it.amendment]
    pairs = {left: it for it in names if (left := without(newest, it))}
    found = _kept("parting", newest, [(it, newest) for it in pairs], places)
    return {pairs[before]: [(newest, one) for one in some] for (before, _), some in found}


def _track(jobs: Sequence[_T], doing: str) -> Iterator[_T]:
    """Go through jobs, and tell on stderr how far it is."""
    for number, job in enumerate(jobs):
        print(f"{doing}: {number} of {len(jobs)}", file=sys.stderr, flush=True)
        yield job


def _made_for(step: Step) -> list[str]:
    """The revisions whose probes may show it: the newest, and its own."""
    return list(dict.fromkeys([labels()[-1], step.label]))


def _least(found: Sequence[tuple[str, Parting]]) -> list[tuple[str, Parting]]:
    """The lightest, and lighter ones that see something else than those before."""
    order = labels()[::-1]
    seen: set[str] = set()
    chosen: list[tuple[str, Parting]] = []
    for it in sorted(found, key=lambda it: (order.index(it[0]), len(it[1][2]), it[1][3])):
        if not seen.issuperset(it[1][2]) and len(chosen) < _MOST_OF_A_CHANGE:
            seen.update(it[1][2])
            chosen.append(it)
    return chosen


def _kept(kind: str, *asked: Any) -> Any:
    """What a job finds, from the cache if it has been done before."""
    key = hashlib.sha256(json.dumps([kind, *asked, _of_all(asked)]).encode()).hexdigest()
    body = read_entry("deltas", key)
    if body is None:
        job: Callable[..., Iterator[Any]] = _candidates if kind == "candidates" else _parting
        found = list(job(*asked))
        body = json.dumps(found).encode()
        write_entry("deltas", key, body)
    return json.loads(body)


def _of_all(asked: tuple[Any, ...]) -> list[str]:
    """Hashes of the revisions, of the generator and of the probes."""
    made_for, pairs = asked[:2]
    isa = resolved(made_for)
    probes = hashlib.sha256(repr([generate(isa) for generate in GROUPS]).encode()).hexdigest()
    states = [resolved(state).content for pair in pairs for state in pair]
    return [generator_hash(), isa.content, probes, *states]


def _candidates(
    made_for: str, pairs: Sequence[Pair], most: int
) -> Iterator[tuple[Pair, list[Parting]]]:
    """For each pair of states the lightest probes of each kind that part them."""
    isa = resolved(made_for)
    groups = [_some(generate(isa), most) for generate in GROUPS]
    programs = [program_of(group, isa, Platform()) for group in groups]

    @lru_cache(maxsize=4)
    def left(engine: str) -> list[list[Record]]:
        under = states[engine]
        return [
            _records(group, program, under) for group, program in zip(groups, programs, strict=True)
        ]

    states = {same_engine(it): resolved(it) for pair in pairs for it in pair}
    for pair in pairs:
        lightest: dict[tuple[str, ...], Parting] = {}
        sides = [left(same_engine(it)) for it in pair]
        for group, before, after in zip(groups, *sides, strict=True):
            for probe, what, told in _different(group, isa, before, after):
                one = group.name, probe.label, what, _weight(probe)
                for it in what:
                    kind = _kind(group, probe, it, told[it], isa)
                    if kind not in lightest or _heavy(one) < _heavy(lightest[kind]):
                        lightest[kind] = one
        yield pair, list({it[:2]: it for it in lightest.values()}.values())


def _parting(
    made_for: str, pairs: Sequence[Pair], places: Sequence[Sequence[str]]
) -> Iterator[tuple[Pair, list[Parting]]]:
    """For each pair of states those of the probes that part them."""
    if not places:
        return
    isa = resolved(made_for)
    chosen: dict[str, set[str]] = {}
    for name, label in places:
        chosen.setdefault(name, set()).add(label)
    group = group_of(isa, chosen)
    weights = {
        probe.label: (of.name, _weight(probe))
        for of in (generate(isa) for generate in GROUPS)
        for probe in of.probes
        if probe.label in chosen.get(of.name, ())
    }
    program = program_of(group, isa, Platform())
    left: dict[str, list[Record]] = {}
    for pair in pairs:
        for it in pair:
            if same_engine(it) not in left:
                left[same_engine(it)] = _records(group, program, resolved(it))
        yield (
            pair,
            [
                (weights[probe.label][0], probe.label, what, weights[probe.label][1])
                for probe, what, _ in _different(
                    group, isa, *(left[same_engine(it)] for it in pair)
                )
            ],
        )


def _some(group: Group, most: int) -> Group:
    """A part of a group, in an order that has nothing to do with its own and is always the same."""
    mixed = sorted(group.probes, key=lambda probe: zlib.crc32(probe.label.encode()))
    return replace(group, probes=tuple(mixed[:most]))


def _records(group: Group, program: bytes, under: ISA) -> list[Record]:
    """As `expected`, but not kept: there is too much of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "probes.elf")
        path.write_bytes(program)
        return records(group, run_here(under, path))


def _different(
    group: Group, isa: ISA, before: Sequence[Record], after: Sequence[Record]
) -> Iterator[tuple[Probe, list[str], dict[str, str]]]:
    """The probes that two states differ in, what they see differ, and the values before, after."""
    for probe, one, other in zip(group.probes, before, after, strict=True):
        if one is not None and other is not None and one != other:
            here, there = (meaning(group, isa, it) for it in (one, other))
            told = {
                it: f"{here.get(it)} {there.get(it)}"
                for it in {**here, **there}
                if here.get(it) != there.get(it)
            }
            if told:
                yield probe, list(told), told


def _kind(group: Group, probe: Probe, what: str, told: str, isa: ISA) -> tuple[str, ...]:
    """What two probes have in common that show the same."""
    if observed(what, isa):
        return group.name, what
    return group.name, what, *exercised(probe, isa)[:1], told if what == "end" else ""


def _heavy(one: Parting) -> tuple[int, int]:
    return len(one[2]), one[3]


def _weight(probe: Probe) -> int:
    """How much a probe needs: what it sets up, its action, its gates."""
    return 100 * len(probe.setup) + len(probe.action) + 20 * probe.mstatus.bit_count()
