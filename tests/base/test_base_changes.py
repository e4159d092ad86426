"""Every change of the base does what it says: one result just before it, another just after.

What is expected comes from the diffs of riscv-isa-manual that the changes name (src/machine.tex,
src/supervisor.tex and src/priv-csrs.tex); the commit stands with each case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from bench import CODE, DATA, PAGE, RWX, Bench, U, isa_of

from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve

CHANGES = {it.id: it for it in isa_of("priv@1.12").changes}
ILLEGAL, MACHINE_TIMER, SUPERVISOR_EXTERNAL = 2, 7, 9
NO_CHOICE = "no choice"


def around(change: str) -> tuple[str, str]:
    """Revision expressions for the state just before a change and just after it."""
    revision = CHANGES[change].revision
    own = [it.id for it in CHANGES.values() if it.revision == revision]
    left_out = len(own) - own.index(change)
    return f"{revision}~{left_out}", f"{revision}~{left_out - 1}"


def run(mode: str, source: str) -> Callable[[str], object]:
    """Run a line in a mode: what exception does it raise?"""

    def result(revision: str) -> object:
        trap = Bench(revision).mode(mode).run(source)
        return "runs" if trap is None else trap.cause

    return result


def fields(csr: str, name: str, xlen: int = 64) -> Callable[[str], object]:
    """Is there such a field?"""

    def result(revision: str) -> object:
        found = resolve(revision, xlen=xlen).csrs.get(csr)
        return found is not None and name in found.fields

    return result


def chosen(csr: str, value: int, **parameters: int) -> Callable[[str], object]:
    """What a CSR keeps of a value where the parameters may be so."""

    def result(revision: str) -> object:
        try:
            bench = Bench(revision, parameters)
        except DrafthartError:
            return NO_CHOICE
        return bench.write(csr, value).read(csr)

    return result


def s_mode_runs_user_page(revision: str) -> object:
    bench = Bench(revision)
    bench.write("satp", bench.table().identity(RWX | U).satp).write("mstatus.SUM", 1)
    trap = bench.mode("S").run("nop")
    return "runs" if trap is None else trap.cause


def two_interrupts(revision: str) -> object:
    lines = 1 << MACHINE_TIMER | 1 << SUPERVISOR_EXTERNAL
    bench = Bench(revision).write("mie", lines).write("mstatus.MIE", 1)
    bench.hart.interrupt_lines = lines
    trap = bench.interrupt()
    assert trap
    assert trap.to == "M"
    assert trap.interrupt
    return trap.cause


def mprv_after(instruction: str) -> Callable[[str], object]:
    def result(revision: str) -> object:
        bench = Bench(revision).writes(mepc=CODE + 8, sepc=CODE + 8).write("mstatus.MPRV", 1)
        assert bench.write("mstatus.MPP", 1).run(instruction) is None
        assert bench.mode_name == {"mret": "HS", "sret": "U"}[instruction]
        return bench.read("mstatus.MPRV")

    return result


def breakpoint_value(revision: str) -> object:
    trap = Bench(revision).run("ebreak")
    assert trap
    assert trap.cause == 3
    return trap.tval


def entry_with(bits: int) -> Callable[[str], object]:
    """A load through an entry with more bits than it needs."""

    def result(revision: str) -> object:
        bench = Bench(revision)
        table = bench.table().identity()
        table.map(PAGE, DATA, RWX | bits)
        trap = bench.write("satp", table.satp).mode("S").run("ld a0, (a1)", a1=PAGE)
        return "runs" if trap is None else trap.cause

    return result


def pointer_with(bits: int) -> Callable[[str], object]:
    """A load through a pointer with more bits than it needs."""

    def result(revision: str) -> object:
        bench = Bench(revision)
        table = bench.table().identity()
        table.map(PAGE, DATA)
        entry = table.root + 8 * (PAGE >> 30 & 0x1FF)
        bench.poke(entry, bench.peek(entry) | bits)
        trap = bench.write("satp", table.satp).mode("S").run("ld a0, (a1)", a1=PAGE)
        return "runs" if trap is None else trap.cause

    return result


def counts_on(revision: str) -> object:
    """Instructions between two reads of minstret, which 0x320 may stop."""
    bench = Bench(revision)
    if trap := bench.run("csrwi 0x320, 4"):
        return trap.cause
    assert bench.run("csrr a0, minstret\nnop\ncsrr a1, minstret") is None
    return bench.reg("a1") - bench.reg("a0")


@dataclass(frozen=True)
class Case:
    """What a change makes of a result."""

    result: Callable[[str], object]
    before: object
    after: object


CASES = {
    # 285c8174
    "sum-data-only": [Case(s_mode_runs_user_page, "runs", 12)],
    # a62e76cb
    "interrupt-order-by-mode": [Case(two_interrupts, SUPERVISOR_EXTERNAL, MACHINE_TIMER)],
    # 634e7b9e
    "sv48-implies-sv39": [Case(chosen("satp", 9 << 60, SV39=0, SV48=1), 9 << 60, 0)],
    # b0942ddf: G=3, entry off: bits 2 to 0 read as zero.
    "pmp-grain": [Case(chosen("pmpaddr1", 0xFF, PMP_GRAIN=3), NO_CHOICE, 0xF8)],
    # 9ffebdbb
    "counter-inhibit": [Case(counts_on, ILLEGAL, 0)],
    # 21516173
    "endianness": [
        *(Case(fields("mstatus", name), False, True) for name in ("MBE", "SBE", "UBE")),
        *(Case(fields("mstatush", name, 32), False, True) for name in ("MBE", "SBE")),
        Case(fields("sstatus", "UBE"), False, True),
    ],
    # 569d0719
    "mprv-cleared-on-return": [Case(mprv_after(it), 1, 0) for it in ("mret", "sret")],
    # 51522f98
    "breakpoint-address": [Case(breakpoint_value, 0, CODE)],
    # 71a7be67: entry 1 to W=1, R=0.
    "pmp-write-only-illegal": [Case(chosen("pmpcfg0", 2 << 8), 2 << 8, 0)],
    # 25b1abef
    "mconfigptr": [Case(run("M", "csrr a0, 0xF15"), ILLEGAL, "runs")],
    # 9876f979; the number of senvcfg lets S-mode access it, whatever the table says.
    "envcfg": [
        Case(run("M", "csrr a0, 0x30A"), ILLEGAL, "runs"),
        Case(run("S", "csrr a0, 0x10A"), ILLEGAL, "runs"),
        Case(fields("menvcfg", "STCD"), False, True),
    ],
    # f864c377
    "stce": [
        Case(chosen("menvcfg", 1 << 63, SSTC=1), NO_CHOICE, 1 << 63),
        Case(fields("menvcfg", "STCD"), True, False),
        Case(fields("menvcfgh", "STCE", 32), False, True),
    ],
    # 31bc179b
    "reserved-entry-bits-fault": [
        Case(entry_with(1 << 54), "runs", 13),
        Case(entry_with(1 << 63), "runs", 13),
        Case(pointer_with(1 << 4), "runs", 13),
        Case(pointer_with(1 << 7), "runs", 13),
    ],
    # 652ddfd4
    "sv57": [Case(chosen("satp", 10 << 60), 0, 10 << 60)],
    # aea8b05e
    "vector-status": [
        Case(fields("mstatus", "VS"), False, True),
        Case(fields("sstatus", "VS"), False, True),
    ],
    # f88f6b88
    "menvcfg-pbmte": [Case(fields("menvcfg", "PBMTE"), False, True)],
}

# Changes of descriptions and choices alone: the engine that is generated is the same.
SAME_ENGINE = {
    "previous-privilege-warl": "the fields kept to the modes of the hart before",
    "mvendorid-32": "it is zero",
    "tw-in-all-lower-modes": "WFI in U-mode was illegal here whatever TW says",
    "exception-order": "older text had no order, and this hart that of the table",
    "misaligned-order-free": "the older order is one of those now allowed",
    "user-traps-gone": "this hart never had them",
    "mstatush-mandatory": "RV32 only, and here it was there before",
    "senvcfg-privilege": "its number decides who may access it",
}


def test_every_change_is_told_or_listed() -> None:
    told = [*CASES, *SAME_ENGINE]
    assert len(told) == len(set(told))
    assert sorted(told) == sorted(it.id for it in CHANGES.values() if it.items)


@pytest.mark.parametrize("change", CASES)
@pytest.mark.rules(
    "translation.sum", "interrupt.priority", "counter.inhibit", "mstatus.endianness",
    "trap.mprv-cleared", "pmp.write-only", "mconfigptr.present", "translation.reserved",
)  # fmt: skip
def test_before_and_after(change: str) -> None:
    before, after = around(change)
    for case in CASES[change]:
        assert case.before != case.after
        assert (case.result(before), case.result(after)) == (case.before, case.after)


@pytest.mark.parametrize("change", SAME_ENGINE)
def test_the_engine_is_the_same(change: str) -> None:
    before, after = (engine_of(revision) for revision in around(change))
    assert before == after


def engine_of(revision: str) -> str:
    """The generated module without its head, which names the revision and its content."""
    text = emit_python(isa_of(revision)).partition("\nCONTENT = ")[2].partition("\n")[2]
    return text.replace(f" of {revision}", "").replace("USER_TRAPS = 0\n", "")


@pytest.mark.rules("memory.misaligned-first")
def test_misaligned_comes_before_a_page_fault() -> None:
    """Of 1.11; fd7b0ed5."""
    for revision in ("priv@1.11", "priv@1.12"):
        bench = Bench(revision, {"MISALIGNED": 0})
        bench.write("satp", bench.table().identity().satp)
        trap = bench.mode("S").run("ld a0, (a1)", a1=PAGE + 1)
        assert trap
        assert (trap.cause, trap.tval) == (4, PAGE + 1)


@pytest.mark.rules("envcfg.fiom")
@pytest.mark.parametrize("csr", ["menvcfg", "senvcfg"])
def test_fiom_can_be_set(csr: str) -> None:
    bench = Bench("priv@1.12").write(csr, (1 << 64) - 1)
    assert bench.read(csr) == 1


def test_a_store_by_a_write_only_entry() -> None:
    """Each permission had its own bit; the text reserved W without R before it forbade it."""
    for revision, outcome in (("priv@1.11", None), ("priv@1.12", 7)):
        # Entry 0 becomes a region that only permits stores; entry 1 is everything else.
        bench = Bench(revision).write("pmpaddr1", (1 << 54) - 1).write("pmpcfg0", 0x1F << 8)
        bench.write("pmpaddr0", DATA >> 2 | 0x1FF).write("pmpcfg0", 0x1F << 8 | 0x18)
        bench.write("pmpcfg0", 0x1F << 8 | 0x18 | 2)
        trap = bench.mode("S").run("sd a0, (a1)", a1=DATA)
        assert (trap and trap.cause) == outcome
        trap = bench.mode("S").run("ld a0, (a1)", a1=DATA) if not trap else None
        assert trap is None or trap.cause == 5
