"""Guests of random instructions: in random modes, with random tables, registers and delegation."""

from __future__ import annotations

import random
from itertools import islice

from bench import BASE, CODE, DATA, ENGINE, HANDLER, RWX, Bench, U
from float_cases import operands

from drafthart.generator.emit.decode_tree import example

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


def prepare(revision: str, rng: random.Random, engine: str = ENGINE) -> Bench:
    """A hart with random code, tables, registers, delegation and mode."""
    bench = Bench(revision, engine=engine)
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
    if "F" in bench.isa.state:
        bench.hart.F[:] = [
            rng.choice((number, number | 0xFFFFFFFF << 32))
            for number in islice(operands(rng, rng.choice((4, 8))), 32)
        ]
        bench.write("mstatus.FS", rng.choice((0, 1, 2, 3, 3, 3)))
    for number in range(1, 32):
        near = rng.choice(addresses) + rng.getrandbits(12)
        bench.hart.x[number] = rng.choice((rng.getrandbits(64), near, near, 0, ONES))
    return bench.mode(rng.choice(("M", "HS", "VS", "VU", "U")))
