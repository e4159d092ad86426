"""Random instructions in random modes: no exception of Python's, no state that is not legal.

DRAFTHART_RANDOM_STEPS says how many steps each draft runs; the campaign environment of tox asks
for a million.
"""

from __future__ import annotations

import os
import random

import pytest
from bench import Bench
from random_guests import ONES, RUN, prepare

from drafthart.generator.spec.model import CSR, Field
from drafthart.generator.spec.resolve import revisions

STEPS = int(os.environ.get("DRAFTHART_RANDOM_STEPS", "40000"))


def is_legal(bench: Bench, csr: CSR, field: Field) -> bool:
    """Does the field hold a value that the spec lets it hold?"""
    value = bench.read(csr.name) >> field.low & ((1 << field.width) - 1)
    return field.legal is None or value in field.legal or value == field.reset


@pytest.mark.parametrize(
    "revision",
    [id_ for it in revisions() if it.id.startswith("h@") for id_ in (it.id, it.amended) if id_],
)
def test_random_guests(revision: str) -> None:
    done = 0
    seed = 0
    while done < STEPS:
        seed += 1
        bench = prepare(revision, random.Random(seed))
        bench.engine.run(lambda: (RUN, True))
        hart = bench.hart
        assert hart.mode in (0, 1, 3), seed
        assert all(0 <= value <= ONES for value in (hart.pc, *hart.x)), seed
        assert hart.x[0] == 0
        assert all(0 <= value <= ONES for value in hart.F), seed
        for csr in bench.isa.csrs.values():
            assert 0 <= bench.read(csr.name) < 1 << csr.width, (seed, csr.name)
            illegal = [it.name for it in csr.fields.values() if not is_legal(bench, csr, it)]
            assert not illegal, (seed, csr.name)
        done += max(hart.steps, 1)
