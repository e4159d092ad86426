"""Random guests on both engines: the same state and memory at the end, and on the way.

The native engine runs in blocks here, as it does alone; tests/support/bench.py has it step too, and
`--engine both` compares at finer grain. DRAFTHART_LOCKSTEP_STEPS says how many instructions each
draft runs; the campaign environment of tox asks for many.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from bench import Bench
from long_guests import LongGuests
from random_guests import RUN, prepare

from drafthart.generator.spec.resolve import revisions
from drafthart.runtime.engine import EngineDifferenceError
from drafthart.runtime.engines import has_compiler
from drafthart.runtime.state import read_state

pytestmark = pytest.mark.skipif(not has_compiler(), reason="no C compiler is installed")

STEPS = int(os.environ.get("DRAFTHART_LOCKSTEP_STEPS", "80000"))
FIRST = int(os.environ.get("DRAFTHART_LOCKSTEP_SEED", "1"))
REVISIONS = [
    id_ for it in revisions() if it.id.startswith("h@") for id_ in (it.id, it.amended) if id_
]
SLICE = 1000
LENGTH = RUN if STEPS < 1_000_000 else 5 * RUN
"""Steps of one guest: in a campaign most time should go into running them."""


def everything(bench: Bench) -> dict[str, Any]:
    return {**read_state(bench.hart, bench.isa), "memory": bench.bus.ram.data[:]}


def differences(one: Bench, other: Bench) -> dict[str, Any]:
    ours, theirs = everything(one), everything(other)
    if ours.pop("memory") != theirs.pop("memory"):
        return {"memory": None}
    return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}


@pytest.mark.parametrize("revision", REVISIONS)
def test_random_guests_end_alike(revision: str) -> None:
    done, seed = 0, FIRST
    while done < STEPS:
        python, native = (
            prepare(revision, random.Random(seed), engine) for engine in ("python", "native")
        )
        stops = [bench.engine.run(lambda: (LENGTH, True)) for bench in (python, native)]
        assert stops[0] == stops[1], seed
        assert not differences(python, native), seed
        done += max(python.hart.steps, 1)
        seed += 1


@pytest.mark.parametrize("revision", REVISIONS)
def test_random_guests_in_lockstep(revision: str) -> None:
    """At trap grain and every so often, and each instruction for a while."""
    for seed in range(FIRST, FIRST + 3):
        bench = prepare(revision, random.Random(seed), "both")
        bench.engine.run(lambda bench=bench: (RUN, True))  # type: ignore[misc]
        bench.engine.check_memory()
        stepped = prepare(revision, random.Random(seed), "both")
        stepped.engine.every = 1
        stepped.engine.run(lambda: (SLICE, True))
        stepped.engine.check_memory()
        assert stepped.hart.steps <= SLICE
        assert bench.hart.steps >= stepped.hart.steps


@pytest.mark.parametrize("revision", REVISIONS)
def test_guests_that_get_far_in_lockstep(revision: str) -> None:
    guests = LongGuests(revision, "both")
    done, seed = 0, FIRST
    while done < STEPS:
        try:
            done += max(guests.run(seed), 1)
            guests.bench.engine.check_memory()
        except EngineDifferenceError as found:
            pytest.fail(f"seed {seed}: {found}")
        seed += 1
