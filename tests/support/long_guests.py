"""Random guests that get far: what they trap into goes on behind the instruction that trapped.

Those of random_guests.py are soon in a loop of traps, as hostile ones are. Here each trap vector
leads to a handler that gives some registers addresses of memory, steps over the instruction, and
returns; a random instruction seldom spoils that for good, and then the next guest begins.
"""

from __future__ import annotations

import random
from itertools import islice

from bench import BASE, CODE, DATA, HANDLER, RWX, SIZE, TABLES, Bench, U
from float_cases import operands

from drafthart.generator.emit.decode_tree import example

LENGTH = 2000
"""Steps of one guest."""
WORDS = 0x300
"""Instructions of its code, in the page at CODE."""
ONES = (1 << 64) - 1
PAGES = 0x4000_0000
"""Where pages with permissions of all kinds are mapped."""

HANDLER_CODE = """
    csrr {a}, {epc}
    addi {a}, {a}, 4
    csrw {epc}, {a}
    srli {b}, {a}, 12
    li   {c}, {data}
    li   {d}, {pages}
    li   {a}, {code}
    beq  {b}, {a}, 1f
    # It has left its page: back to anywhere in it.
    andi {b}, {e}, 0x7fc
    slli {a}, {a}, 12
    add  {b}, {b}, {a}
    csrw {epc}, {b}
1:  csrr {a}, {cause}
    li   {b}, 12
    bne  {a}, {b}, 2f
    # It may not fetch there: from S-mode to U-mode, or back.
    li   {a}, {previous}
    csrr {b}, {status}
    xor  {b}, {b}, {a}
    csrw {status}, {b}
2:  {ret}
"""
REGISTERS = ("t0 t1 s2 s3 a0", "a1 a2 a3 a4 ra", "s4 t2 sp gp s5", "t6 t5 t4 t3 s11")


class LongGuests:
    """One hart for many guests: `begin` makes it the guest of a seed, whatever was before."""

    def __init__(self, revision: str, engine: str) -> None:
        self.bench = Bench(revision, engine=engine)
        isa = self.bench.isa
        self._pool = [
            (example(it.encoding), it.encoding.mask)
            for it in isa.instructions.values()
            if it.encoding is not None and it.encoding.width == 32
        ]
        self._csrrw = next(isa.instructions[name] for name in isa.instructions if name == "csrrw")
        self._numbers = list(isa.csr_at)

    def begin(self, seed: int) -> Bench:
        """Give the hart and its memory what the seed says."""
        rng = random.Random(seed)
        bench, ram = self.bench, self.bench.bus.ram
        bench.engine.reset()
        bench.hart.steps = bench.hart.trapped = 0
        ram.clear(BASE, SIZE)
        bench._next_table = TABLES
        bench.hart.interrupt_lines = rng.getrandbits(16) if rng.random() < 0.2 else 0
        bench.hart.pc = CODE + 4 * rng.randrange(WORDS)
        ram.store(CODE, b"".join(self._word(rng).to_bytes(4, "little") for _ in range(WORDS)))
        # Code cannot be written to, nor data executed: between a store to code and FENCE.I the
        # architecture leaves open which of the two is executed, and the engines differ in it.
        bench.write("pmpaddr0", CODE >> 2 | 0x1FF).write("pmpaddr1", HANDLER >> 2 | 0x1FF)
        bench.write("pmpaddr2", (1 << 54) - 1).write("pmpcfg0", 0x9B9D9D)
        self._handlers(rng)
        self._tables(rng)
        self._registers(rng)
        bench.engine.flush()
        return bench.mode(rng.choice(("M", "HS", "HS", "VS", "VS", "VS", "VU", "U")))

    def run(self, seed: int) -> int:
        """Run the guest of a seed to its end; the steps it made."""
        engine = self.begin(seed).engine
        engine.run(lambda: (LENGTH, True))
        return int(self.bench.hart.steps)

    def _word(self, rng: random.Random) -> int:
        kind = rng.random()
        if kind < 0.88:
            word, mask = rng.choice(self._pool)
            return word | rng.getrandbits(32) & ~mask
        if kind < 0.94:
            # Two instructions of 16 bits.
            halves = [rng.getrandbits(14) << 2 | rng.randrange(3) for _ in range(2)]
            return halves[0] | halves[1] << 16
        if kind < 0.99:
            encoding = self._csrrw.encoding
            assert encoding is not None
            number = rng.choice(self._numbers)
            word = encoding.insert(
                {"csr": number, "rs1": rng.randrange(32), "rd": rng.randrange(32)}
            )
            # Any of the six, those with immediates included.
            return word & ~0x7000 | rng.choice((1, 2, 3, 5, 6, 7)) << 12
        return rng.getrandbits(32)

    def _handlers(self, rng: random.Random) -> None:
        bench = self.bench
        names = dict(zip("abcde", rng.choice(REGISTERS).split(), strict=True))
        names |= {"code": f"{CODE >> 12}", "data": f"{DATA + 0x800}", "pages": f"{PAGES + 0x1800}"}
        vectors = [("mtvec", "m", 0), ("stvec", "s", 0x400)]
        vectors += [(name, "s", 0x800) for name in ("vstvec", "bstvec")]
        for vector, mode, offset in vectors:
            if vector in bench.isa.csrs:
                names |= {name: f"{mode}{name}" for name in ("epc", "cause", "status", "ret")}
                names["previous"] = "0x800" if mode == "m" else "0x100"
                bench.place(HANDLER_CODE.format(**names), HANDLER + offset)
                bench.write(vector, HANDLER + offset)

    def _tables(self, rng: random.Random) -> None:
        bench, isa = self.bench, self.bench.isa
        host = bench.table(wide=True).identity(RWX | U)
        guest = bench.table()
        guest.map(TABLES, TABLES, RWX | rng.choice((0, U)), level=1)
        guest.map(HANDLER, HANDLER)
        guest.map(CODE, CODE, RWX | rng.choice((0, U)))
        for page in range(0, 4 * 4096, 4096):
            guest.map(DATA + page, DATA + page, RWX | rng.choice((0, U)))
        for page in range(0, 4 * 4096, 4096):
            bits = rng.choice((RWX, RWX | U, rng.getrandbits(8) | 1))
            guest.map(PAGES + page, rng.choice((DATA, PAGES, guest.root)) + page, bits)
            bits = rng.choice((RWX | U, rng.getrandbits(8) | 1))
            host.map(PAGES + page, rng.choice((DATA, host.root)) + page, bits)
        for name, table in (("vsatp", guest), ("bsatp", guest), ("hgatp", host), ("satp", guest)):
            if name in isa.csrs and rng.random() < 0.7:
                bench.write(name, table.satp)
        for name in ("medeleg", "mideleg", "hedeleg", "hideleg", "mie", "sie", "vsie", "hie"):
            if name in isa.csrs and rng.random() < 0.8:
                bench.write(name, rng.getrandbits(64))

    def _registers(self, rng: random.Random) -> None:
        bench = self.bench
        if "F" in bench.isa.state:
            bench.hart.F[:] = [
                rng.choice((number, number | 0xFFFFFFFF << 32))
                for number in islice(operands(rng, rng.choice((4, 8))), 32)
            ]
            bench.write("mstatus.FS", rng.choice((0, 1, 2, 3, 3, 3)))
        for number in range(1, 32):
            near = rng.choice((DATA, PAGES, BASE, CODE, TABLES)) + rng.getrandbits(12)
            bench.hart.x[number] = rng.choice((rng.getrandbits(64), near, near, 0, ONES))
