"""What a trap leaves in mtinst or htinst.

From riscv-isa-manual, src/hypervisor.tex at cc43c1fe, "Transformed Instruction or Pseudoinstruction
for mtinst or htinst": the table of values allowed for each exception, the figures of transformed
loads, stores, atomics and virtual-machine accesses, and the table of pseudoinstructions. f5dfda74
adds FLH and FSH. Expected values are made from the encoding by the rules of those figures.
"""

from dataclasses import dataclass

import pytest
from bench import (
    BASE,
    CODE,
    GUEST_PAGE,
    PAGE,
    REVISIONS,
    RWX,
    TABLES,
    A,
    Bench,
    GuestBench,
    R,
    Trap,
    U,
)

drafts = pytest.mark.parametrize("draft", REVISIONS)
TO = pytest.mark.parametrize("to", ["M", "HS"])

MISSING = PAGE + 0x1000  # no VS-stage mapping
REFUSED = PAGE + 0x2000  # no G-stage mapping
NOTHING = PAGE + 0x3000  # no memory

LOADS = {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8}
START = {"VS": PAGE, "HS": BASE + 0x2000}
STORES = {"sb": 1, "sh": 2, "sw": 4, "sd": 8}
OPERATIONS = ["swap", "add", "xor", "and", "or", "min", "max", "minu", "maxu"]
HLV = {
    "hlv.b": 1,
    "hlv.bu": 1,
    "hlv.h": 2,
    "hlv.hu": 2,
    "hlvx.hu": 2,
    "hlv.w": 4,
    "hlv.wu": 4,
    "hlvx.wu": 4,
    "hlv.d": 8,
}
HSV = {"hsv.b": 1, "hsv.h": 2, "hsv.w": 4, "hsv.d": 8}


def transformed_load(bits: int, offset: int = 0) -> int:
    """31:20 zero, Addr. Offset in 19:15; funct3, rd and opcode kept."""
    return bits & 0x7FFF | offset << 15


def transformed_store(bits: int, offset: int = 0) -> int:
    """31:25 and 11:7 zero, Addr. Offset in 19:15; rs2, funct3 and opcode kept."""
    return bits & (0x1F << 20 | 7 << 12 | 0x7F) | offset << 15


def transformed_other(bits: int, offset: int = 0) -> int:
    """Addr. Offset in 19:15, all else kept."""
    return bits & ~(0x1F << 15) | offset << 15


@dataclass
class Tried:
    """An instruction that trapped, and its bits."""

    trap: Trap
    bits: int


def fresh(draft: str, to: str = "M", **parameters: int) -> GuestBench:
    bench = GuestBench(draft, parameters)
    bench.guest.map(REFUSED, GUEST_PAGE + 0x2000)
    bench.guest.map(NOTHING, GUEST_PAGE + 0x3000)
    bench.host.map(GUEST_PAGE + 0x3000, BASE - 0x1000, RWX | U)
    bench.write("hstatus.SPVP", 1)
    if to == "HS":
        bench.write("medeleg", (1 << 24) - 1)
    return bench


def attempt(bench: GuestBench, source: str, address: int, mode: str = "VS") -> Tried:
    bench.start(mode).writes(mtinst=0x3000, htinst=0x3000)
    trap = bench.run(source, a1=address, a2=0x77)
    assert trap is not None
    return Tried(trap, bench.peek(CODE, 4))


# Explicit accesses

FAULTS = {MISSING: (13, 15), REFUSED: (21, 23), NOTHING: (5, 7)}


@drafts
@TO
@pytest.mark.rules("tinst.load")
def test_loads(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    for name in LOADS:
        for address, (cause, _) in FAULTS.items():
            for operands in "a0, (a1)", "a1, 0x7f8(a1)", "x0, -0x7f8(a1)", "t6, 8(a1)":
                shift = int((operands.split(" ")[1].split("(")[0]) or "0", 0)
                tried = attempt(bench, f"{name} {operands}", address - shift)
                trap = tried.trap
                assert (trap.to, trap.cause, trap.tval) == (to, cause, address)
                assert trap.tinst == transformed_load(tried.bits)


@drafts
@TO
@pytest.mark.rules("tinst.store")
def test_stores(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    for name in STORES:
        for address, (_, cause) in FAULTS.items():
            for operands in "a0, (a1)", "a1, 0x7f8(a1)", "x0, -0x7f8(a1)", "t6, 8(a1)":
                shift = int((operands.split(" ")[1].split("(")[0]) or "0", 0)
                tried = attempt(bench, f"{name} {operands}", address - shift)
                trap = tried.trap
                assert (trap.to, trap.cause, trap.tval) == (to, cause, address)
                assert trap.tinst == transformed_store(tried.bits)


@drafts
@TO
@pytest.mark.rules("tinst.atomic")
def test_atomics(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    for width in "w", "d":
        for ordering in "", ".aq", ".rl", ".aqrl":
            for address, (load, store) in FAULTS.items():
                tried = attempt(bench, f"lr.{width}{ordering} a0, (a1)", address)
                assert (tried.trap.to, tried.trap.cause, tried.trap.tval) == (to, load, address)
                assert tried.trap.tinst == transformed_other(tried.bits)
                for operation in OPERATIONS:
                    source = f"amo{operation}.{width}{ordering} a0, a2, (a1)"
                    tried = attempt(bench, source, address)
                    assert (tried.trap.to, tried.trap.cause) == (to, store)
                    assert tried.trap.tinst == transformed_other(tried.bits)
            # SC with a reservation, on pages that one stage or the other lets it load only.
            for vs, g, cause in ((R | A, RWX | U, 15), (RWX, R | A | U, 23)):
                bench.page(vs | 1, g | 1).start("VS")
                source = f"sc.{width}{ordering} a0, a2, (a1)"
                trap = bench.run(f"lr.{width} a0, (a1)\n{source}", a1=PAGE)
                assert trap is not None
                assert (trap.to, trap.cause, trap.epc) == (to, cause, CODE + 4)
                assert trap.tinst == transformed_other(bench.peek(CODE + 4, 4))


@drafts
@TO
@pytest.mark.rules("tinst.virtual-machine")
def test_virtual_machine_accesses(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    for name in HLV | HSV:
        for address, causes in FAULTS.items():
            for register in "a0", "a1", "x0", "t6":
                tried = attempt(bench, f"{name} {register}, (a1)", address, "HS")
                trap = tried.trap
                assert (trap.to, trap.cause, trap.tval) == (to, causes[name in HSV], address)
                assert trap.tinst == transformed_other(tried.bits), name


@drafts
@TO
@pytest.mark.parametrize("mode", ["VS", "HS"])
@pytest.mark.rules("tinst.load", "tinst.store", "tinst.atomic", "tinst.address-offset")
def test_misaligned_addresses(draft: str, to: str, mode: str) -> None:
    """An address-misaligned exception names the first byte: the offset is zero."""
    bench = fresh(draft, to, MISALIGNED=0)
    programs = [(f"{name} a0, 4(a1)", transformed_load, 4) for name in ("lh", "lw", "ld")]
    programs += [(f"{name} a0, 4(a1)", transformed_store, 4) for name in ("sh", "sw", "sd")]
    programs += [
        ("lr.w a0, (a1)", transformed_other, 0),
        ("amoor.d a0, a2, (a1)", transformed_other, 0),
    ]
    if mode == "HS":
        programs += [
            ("hlv.h a0, (a1)", transformed_other, 0),
            ("hsv.d a0, (a1)", transformed_other, 0),
        ]
    for source, transformed, shift in programs:
        address = START[mode] + 1
        tried = attempt(bench, source, address, mode)
        stores = source.startswith(("s", "amo", "hsv"))
        assert (tried.trap.to, tried.trap.cause) == (to, 6 if stores else 4)
        assert tried.trap.tval == address + shift
        assert tried.trap.tinst == transformed(tried.bits)


@drafts
@TO
@pytest.mark.rules("tinst.address-offset", "tinst.virtual-machine", "tinst.load", "tinst.store")
def test_the_offset_of_the_failing_part(draft: str, to: str) -> None:
    """Of an access across two pages the second fails: the offset is the way to its first byte."""
    bench = fresh(draft, to)
    for second, causes in ((MISSING, (13, 15)), (REFUSED, (21, 23)), (NOTHING, (5, 7))):
        bench.guest.map(second - 0x1000, GUEST_PAGE)
        for name, size in (LOADS | STORES | HLV | HSV).items():
            transformed = transformed_other
            mode, operands, shift = "HS", "a0, (a1)", 0
            if name in LOADS | STORES:
                mode, operands, shift = "VS", "a0, 0x10(a1)", 0x10
                transformed = transformed_load if name in LOADS else transformed_store
            for distance in range(1, size):
                tried = attempt(bench, f"{name} {operands}", second - distance - shift, mode)
                trap = tried.trap
                assert (trap.to, trap.cause) == (to, causes[name in STORES | HSV])
                assert trap.tval == second
                assert trap.tinst == transformed(tried.bits, distance)
        if second == MISSING:
            continue
        # Both pages fail: the first byte does so first.
        tried = attempt(bench, "ld a0, (a1)", second + 0xFFC)
        assert (tried.trap.tval, tried.trap.tinst) == (second + 0xFFC, transformed_load(tried.bits))


# Compressed form → the instruction it stands for, by the C chapter of the unprivileged manual.
COMPRESSED = {
    "c.lw a0, 8(a1)": "lw a0, 8(a1)",
    "c.lw a1, 0x7c(a1)": "lw a1, 0x7c(a1)",
    "c.ld s0, 0xf8(a1)": "ld s0, 0xf8(a1)",
    "c.ld a5, (a1)": "ld a5, 0(a1)",
    "c.sw a0, 8(a1)": "sw a0, 8(a1)",
    "c.sw s1, 0x7c(a1)": "sw s1, 0x7c(a1)",
    "c.sd a0, 8(a1)": "sd a0, 8(a1)",
    "c.sd a1, 0xf8(a1)": "sd a1, 0xf8(a1)",
    "c.lwsp t0, 0x14(sp)": "lw t0, 0x14(sp)",
    "c.lwsp t6, 0xfc(sp)": "lw t6, 0xfc(sp)",
    "c.ldsp ra, 0x18(sp)": "ld ra, 0x18(sp)",
    "c.swsp zero, (sp)": "sw zero, 0(sp)",
    "c.swsp t3, 0xfc(sp)": "sw t3, 0xfc(sp)",
    "c.sdsp a7, 0x1f8(sp)": "sd a7, 0x1f8(sp)",
}


@drafts
@TO
@pytest.mark.rules("tinst.compressed", "tinst.address-offset")
def test_compressed_instructions(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    for short, long in COMPRESSED.items():
        store = long.startswith("s")
        shift = int(long.split()[-1].split("(")[0], 0)
        size = 8 if "d " in long else 4
        bench.place(long, CODE)
        bits = bench.peek(CODE, 4)
        assert bits & 3 == 3
        transformed = transformed_store if store else transformed_load
        cases = [(address, 0, causes) for address, causes in FAULTS.items()]
        cases += [(MISSING, distance, (13, 15)) for distance in range(1, size)]
        for address, distance, causes in cases:
            bench.start("VS").writes(mtinst=0x3000, htinst=0x3000)
            base = address - distance - shift
            trap = bench.run(short, a1=base, sp=base)
            assert bench.peek(CODE, 2) & 3 != 3
            assert trap is not None
            assert (trap.to, trap.cause, trap.tval) == (to, causes[store], address)
            assert trap.tinst == transformed(bits, distance) & ~2, short


@drafts
@TO
@pytest.mark.rules("tinst.may-be-zero")
def test_the_transformed_instruction_is_a_choice(draft: str, to: str) -> None:
    bench = fresh(draft, to, HTINST_TRANSFORMED=0)
    for address, (load, store) in FAULTS.items():
        for source, mode, cause in (
            ("ld a0, (a1)", "VS", load),
            ("c.lw a0, (a1)", "VS", load),
            ("sb a0, (a1)", "VS", store),
            ("amoadd.w a0, a2, (a1)", "VS", store),
            ("hlv.d a0, (a1)", "HS", load),
            ("hsv.d a0, (a1)", "HS", store),
        ):
            trap = attempt(bench, source, address, mode).trap
            assert (trap.to, trap.cause, trap.tinst) == (to, cause, 0)
    # Not so the pseudoinstruction.
    bench.host.map(TABLES, 0, 0, level=1)
    trap = attempt(bench, "hlv.d a0, (a1)", PAGE, "HS").trap
    assert (trap.to, trap.cause, trap.tinst) == (to, 21, 0x3000)


@drafts
@TO
@pytest.mark.rules("tinst.explicit-only", "tinst.fetch")
def test_traps_that_report_no_instruction(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    for source, mode, cause in (
        ("ecall", "VS", 10),
        ("ecall", "VU", 8),
        ("ebreak", "VS", 3),
        ("mret", "VS", 2),
        ("csrr a0, hstatus", "VS", 22),
        ("hlv.d a0, (a1)", "VS", 22),
        ("mret", "HS", 2),
        ("ebreak", "U", 3),
    ):
        assert attempt(bench, "ld a0, (a1)", REFUSED).trap.tinst
        trap = attempt(bench, source, PAGE, mode).trap
        assert (trap.to, trap.cause, trap.tinst) == (to, cause, 0), source


@drafts
@TO
@pytest.mark.rules("tinst.fetch")
def test_fetches_report_no_instruction(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    for address, cause in ((MISSING, 12), (REFUSED, 20), (NOTHING, 1)):
        bench.start("VS").writes(mtinst=0x3000, htinst=0x3000)
        bench.hart.pc = address
        trap = bench.steps(1)
        assert trap is not None
        assert (trap.to, trap.cause, trap.tval, trap.tinst) == (to, cause, address, 0)


@drafts
@pytest.mark.rules("tinst.interrupt")
def test_interrupts_report_no_instruction(draft: str) -> None:
    for to, state in (("M", {"mie": 2, "mip": 2}), ("HS", {"hie": 4, "hvip": 4})):
        bench = fresh(draft)
        assert attempt(bench, "ld a0, (a1)", REFUSED).trap.tinst
        bench.mode("VS").writes(mtinst=0x3000, htinst=0x3020).writes(**state)
        trap = bench.interrupt()
        assert trap is not None
        assert (trap.to, trap.interrupt, trap.tinst) == (to, True, 0)
        other, kept = ("htinst", 0x3020) if to == "M" else ("mtinst", 0x3000)
        assert bench.read(other) == kept
    # One that interrupts a load that would fault, at that load.
    bench = fresh(draft).start("VU")
    bench.writes(hie=4, hvip=4, htinst=0x3000)
    trap = bench.run("ld a0, (a1)", a1=REFUSED)
    assert trap is not None
    assert (trap.to, trap.interrupt, trap.epc, trap.tinst) == ("HS", True, CODE, 0)


# Implicit accesses


@drafts
@TO
@pytest.mark.rules("tinst.pseudo", "tinst.pseudo-read")
def test_a_read_of_a_table_reports_a_pseudoinstruction(draft: str, to: str) -> None:
    bench = fresh(draft, to)
    bench.host.map(TABLES, 0, 0, level=1)
    for source, cause in (
        ("hlv.b a0, (a1)", 21),
        ("hlv.d a0, (a1)", 21),
        ("hlvx.hu a0, (a1)", 21),
        ("hsv.w a0, (a1)", 23),
    ):
        trap = attempt(bench, source, PAGE, "HS").trap
        entry = bench.guest.root + 8
        assert (trap.to, trap.cause, trap.tval2, trap.tinst) == (to, cause, entry >> 2, 0x3000)
    bench.start("VS").writes(mtinst=0, htinst=0)
    trap = bench.run("nop")
    assert trap is not None
    assert (trap.to, trap.cause, trap.tinst) == (to, 20, 0x3000)


@drafts
@TO
@pytest.mark.rules("tinst.pseudo", "tinst.explicit-only")
def test_no_address_needs_no_pseudoinstruction(draft: str, to: str) -> None:
    bench = fresh(draft, to, HTVAL_ADDRESS=0)
    bench.host.map(TABLES, 0, 0, level=1)
    trap = attempt(bench, "hlv.b a0, (a1)", PAGE, "HS").trap
    assert (trap.cause, trap.tval2) == (21, 0)
    # Zero is allowed, and so is the pseudoinstruction; the transformed instruction is not.
    assert trap.tinst in (0, 0x3000)
    # The entry at guest physical address 0.
    bench = fresh(draft, to)
    bench.write("vsatp", 8 << 60)
    trap = attempt(bench, "hlv.b a0, (a1)", 0, "HS").trap
    assert (trap.cause, trap.tval2) == (21, 0)
    assert trap.tinst in (0, 0x3000)


@drafts
@TO
@pytest.mark.rules("tinst.pseudo-write", "tinst.pseudo")
def test_an_update_of_a_table_reports_a_pseudoinstruction(draft: str, to: str) -> None:
    for source, vs, cause in (
        ("hlv.d a0, (a1)", RWX & ~A, 21),
        ("hlvx.wu a0, (a1)", RWX & ~A, 21),
        ("hsv.d a0, (a1)", RWX & ~A, 23),
        ("hsv.d a0, (a1)", RWX & ~0x80, 23),
    ):
        bench = fresh(draft, to, HARDWARE_AD=1).page(vs)
        bench.host.map(TABLES, TABLES, R | A | U | 1, level=1)
        trap = attempt(bench, source, PAGE, "HS").trap
        assert (trap.to, trap.cause, trap.tval) == (to, cause, PAGE)
        assert (trap.tval2, trap.tinst) == (bench.vs_pte >> 2, 0x3020)
        assert bench.peek(bench.vs_pte) & 0xC0 == vs & 0xC0
        # With a writable table the hart sets the bits.
        bench.host.map(TABLES, TABLES, RWX | U, level=1)
        bench.start("HS")
        assert bench.run(source, a1=PAGE) is None
        assert bench.peek(bench.vs_pte) & 0xC0 == (vs | A | (0x80 if cause == 23 else 0)) & 0xC0


# Of floating point the hart lacks half and quad precision: the function is asked itself.

FLOATS = {  # funct3 → since when; the opcodes are 0000111 and 0100111
    "h": (1, "h@1.0"),
    "w": (2, REVISIONS[0]),
    "d": (3, REVISIONS[0]),
    "q": (4, REVISIONS[0]),
}


@pytest.mark.parametrize("draft", REVISIONS)
@pytest.mark.rules("tinst.half-floats", "tinst.load", "tinst.store")
def test_floating_point_accesses(draft: str) -> None:
    bench = Bench(draft)
    hart = bench.hart
    for funct3, since in FLOATS.values():
        # rd = f10, rs1 = a1, immediate 8; rs2 = f10.
        load = 8 << 20 | 11 << 15 | funct3 << 12 | 10 << 7 | 0x07
        store = 10 << 20 | 11 << 15 | funct3 << 12 | 8 << 7 | 0x27
        for bits, transformed in ((load, transformed_load), (store, transformed_store)):
            hart.instruction = hart.expanded = bits
            hart.x[11] = PAGE
            for offset in 0, 2:
                hart.trap_value = PAGE + 8 + offset
                known = REVISIONS.index(draft) >= REVISIONS.index(since)
                expected = transformed(bits, offset) if known else 0
                assert bench.module["transformed_instruction"](hart) == expected
