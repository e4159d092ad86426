"""Random instructions in random modes: no exception of Python's, no state that is not legal.

DRAFTHART_RANDOM_STEPS says how many steps each draft runs; the campaign environment of tox asks
for a million.
"""

from __future__ import annotations

import os
import random

import pytest
from bench import BASE, CODE, DATA, HANDLER, RWX, Bench, U

from drafthart.generator.emit.decode_tree import example
from drafthart.generator.spec.model import CSR, Field
from drafthart.generator.spec.resolve import revisions

STEPS = int(os.environ.get("DRAFTHART_RANDOM_STEPS", "40000"))
RUN = 4000
"""Steps of one random program."""

ONES = (1 << 64) - 1


def words(bench: Bench, rng: random.Random) -> list[int]:
    """Instructions to draw from: each of the draft's, CSR accesses by any number, and noise."""
    encodings = [
        instruction.encoding
        for instruction in bench.isa.instructions.values()
        if instruction.encoding is not None and instruction.encoding.width == 32
    ]
    known = [example(it) | rng.getrandbits(32) & ~it.mask for it in encodings]
    csrrw = next(it for name, it in bench.isa.instructions.items() if name == "csrrw").encoding
    assert csrrw is not None
    accesses = [
        csrrw.insert({"csr": number, "rs1": rng.randrange(32), "rd": rng.randrange(32)})
        for number in bench.isa.csr_at
    ]
    return known * 3 + accesses + [rng.getrandbits(32) for _ in range(40)]


def prepare(revision: str, rng: random.Random) -> Bench:
    """A hart with random code, tables, registers, delegation and mode."""
    bench = Bench(revision)
    pool = words(bench, rng)
    for start in (CODE, HANDLER, HANDLER + 0x400, HANDLER + 0x800):
        code = b"".join(rng.choice(pool).to_bytes(4, "little") for _ in range(0x100))
        bench.bus.ram.store(start, code)
    host = bench.table(wide=True).identity(RWX | U)
    guest = bench.table().identity(RWX | rng.choice((0, U)))
    for name, table in (("vsatp", guest), ("bsatp", guest), ("hgatp", host), ("satp", guest)):
        if name in bench.isa.csrs and rng.random() < 0.6:
            bench.write(name, table.satp)
    for name in ("medeleg", "mideleg", "hedeleg", "hideleg"):
        if name in bench.isa.csrs:
            bench.write(name, rng.getrandbits(64))
    addresses = (DATA, BASE, CODE, host.root, guest.root)
    for number in range(1, 32):
        near = rng.choice(addresses) + rng.getrandbits(12)
        bench.hart.x[number] = rng.choice((rng.getrandbits(64), near, near, 0, ONES))
    return bench.mode(rng.choice(("M", "HS", "VS", "VU", "U")))


def is_legal(bench: Bench, csr: CSR, field: Field) -> bool:
    """Does the field hold a value that the spec lets it hold?"""
    value = bench.read(csr.name) >> field.low & ((1 << field.width) - 1)
    return field.legal is None or value in field.legal or value == field.reset


@pytest.mark.parametrize("revision", [it.id for it in revisions() if it.id.startswith("h@")])
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
        for csr in bench.isa.csrs.values():
            assert 0 <= bench.read(csr.name) < 1 << csr.width, (seed, csr.name)
            illegal = [it.name for it in csr.fields.values() if not is_legal(bench, csr, it)]
            assert not illegal, (seed, csr.name)
        done += max(hart.steps, 1)
