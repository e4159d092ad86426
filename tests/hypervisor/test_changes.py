"""Every change of the series does what it says: one result just before it, another just after.

What is expected comes from the diffs of riscv-isa-manual that the changes name (src/hypervisor.tex
and src/priv-csrs.tex); the commit stands with each case. A change that no program can tell from its
absence is listed with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest
from bench import CODE, DATA, PAGE, Bench, GuestBench, Trap, isa_of

from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError

CHANGES = [
    it for it in isa_of("h@1.0").changes if it.revision >= "h@0.6.1" and it.revision[0] == "h"
]
"""Those from 0.6.1 on; `test_drafts_04_06.py` has the ones of the drafts before."""
WITH_ITEMS = [change.id for change in CHANGES if change.items]
ILLEGAL, VIRTUAL = 2, 22


def around(change: str) -> tuple[str, str]:
    """Revision expressions for the state just before a change and just after it."""
    revision = next(it.revision for it in CHANGES if it.id == change)
    own = [it.id for it in CHANGES if it.revision == revision]
    left_out = len(own) - own.index(change)
    after = f"{revision}~{left_out - 1}" if left_out > 1 else revision
    return f"{revision}~{left_out}", after


def cause_of(trap: Trap | None) -> int | str:
    return "runs" if trap is None else trap.cause


def run(mode: str, source: str, **state: int) -> Callable[[str], object]:
    """Run a line in a mode, with values in CSRs: what exception does it raise?"""

    def result(revision: str) -> object:
        return cause_of(Bench(revision).writes(**state).mode(mode).run(source))

    return result


# Results that are more than the exception of a line.


def gva_after(source: str, **parameters: int) -> Callable[[str], object]:
    def result(revision: str) -> object:
        bench = GuestBench(revision, parameters).start("VS")
        trap = bench.run(source, a1=PAGE + 1)
        assert trap is not None
        return bench.read("mstatus.GVA")

    return result


def hlvx_of_readable_memory(revision: str) -> object:
    bench = GuestBench(revision).start("HS").write("hstatus.SPVP", 1)
    bench.write("pmpaddr0", (DATA | 0x7FF) >> 2).write("pmpaddr1", (1 << 54) - 1)
    bench.write("pmpcfg0", 0x1F19)
    return cause_of(bench.run("hlvx.wu a0, (a1)", a1=PAGE))


def guest_tvm(revision: str) -> object:
    bench = Bench(revision).write("mstatus.TVM", 1)
    causes = []
    for mode, source in (
        ("VS", "csrr a0, hgatp"),
        ("VU", "csrr a0, hgatp"),
        ("VU", "csrr a0, satp"),
    ):
        bench.mode(mode).hart.pc = CODE
        causes.append(cause_of(bench.run(source)))
    return causes


def vu_waits_under_tw(revision: str) -> object:
    return cause_of(Bench(revision).write("mstatus.TW", 1).mode("VU").run("wfi"))


def by_access(revision: str) -> object:
    """Writes to CSRs that are read-only, where reads too are refused."""
    bench = Bench(revision).writes(mcounteren=7, hcounteren=0)
    causes = []
    for mode in ("VS", "VU"):
        for source in ("csrw hgeip, x0", "csrs cycle, a0"):
            bench.mode(mode).hart.pc = CODE
            causes.append(cause_of(bench.run(source)))
    return causes


def hs_qualified(revision: str) -> object:
    return guest_tvm(revision), vu_waits_under_tw(revision)


def scounteren(revision: str) -> object:
    return cause_of(
        Bench(revision)
        .writes(mcounteren=7, hcounteren=7, scounteren=0)
        .mode("VU")
        .run("rdcycle a0")
    )


def ecall_delegated(revision: str) -> object:
    try:
        bench = Bench(revision, {"HEDELEG_ECALL_FROM_VS": 1})
    except DrafthartError:
        assert Bench(revision).write("hedeleg", (1 << 64) - 1).read("hedeleg") >> 10 & 1 == 0
        return "no choice"
    trap = bench.mode("VS").writes(medeleg=1 << 10, hedeleg=1 << 10).run("ecall")
    return trap and trap.to


def without_paging(revision: str) -> object:
    try:
        bench = Bench(revision, {"SV39": 0, "SV48": 0})
    except DrafthartError:
        return "no choice"
    return bench.write("satp", 8 << 60).read("satp.MODE")


def mode_10(revision: str) -> object:
    bench = Bench(revision)
    if bench.write("hgatp", 10 << 60).read("hgatp.MODE") != 10:
        return bench.write("vsatp", 10 << 60).read("vsatp.MODE")
    bench = GuestBench(revision, guest_levels=5, host_levels=5).start("VS").poke(DATA, 0x1234)
    assert bench.run("ld a0, (a1)", a1=PAGE) is None
    return bench.read("vsatp.MODE"), bench.reg("a0")


def half_float(revision: str) -> object:
    """FLH a0, (a1), which this hart lacks: the function that makes mtinst is asked itself."""
    bench = Bench(revision)
    bench.hart.instruction = bench.hart.expanded = 11 << 15 | 1 << 12 | 10 << 7 | 0x07
    return bench.module["transformed_instruction"](bench.hart)


def wfi_in_vs(revision: str) -> object:
    results = [cause_of(Bench(revision).mode("VS").run("wfi"))]
    bench = Bench(revision).write("hstatus", 1 << 21).mode("VS")
    return [*results, bench.read("hstatus") >> 21 & 1, cause_of(bench.run("wfi"))]


def in_vu(revision: str) -> object:
    return [
        cause_of(Bench(revision).mode("VU").run(source))
        for source in ("sret", "sfence.vma", "csrr a0, sscratch", "csrr a0, hstatus", "hfence.vvma")
    ]


@dataclass(frozen=True)
class Case:
    """A set-up whose result tells whether a change has been made."""

    result: Callable[[str], object]
    before: object
    after: object


CASES = {
    # cc43c1fe
    "virtual-instruction-exceptions": Case(run("VS", "wfi"), ILLEGAL, VIRTUAL),
    # 62e022fa
    "virtual-instruction-in-vu": Case(in_vu, [ILLEGAL] * 5, [VIRTUAL] * 5),
    # 6248b128
    "vtw-returns": Case(wfi_in_vs, [VIRTUAL, 0, VIRTUAL], ["runs", 1, VIRTUAL]),
    # 03624345
    "gva-misaligned": Case(gva_after("ld a0, (a1)", MISALIGNED=0), 0, 1),
    # 37545752
    "gva-breakpoint": Case(gva_after("ebreak"), 0, 1),
    # cc8b9e04
    "hlvx-needs-read-and-execute": Case(hlvx_of_readable_memory, "runs", 5),
    # f436300f: HS-mode cannot write hgeip or a counter either; before, each access had counted.
    "virtual-instruction-by-access": Case(by_access, [VIRTUAL] * 4, [ILLEGAL] * 4),
    # a95fbcef
    "hs-qualified": Case(hs_qualified, ([ILLEGAL] * 3, VIRTUAL), ([VIRTUAL] * 3, ILLEGAL)),
    # 68ddd3d8
    "hedeleg-10-read-only": Case(ecall_delegated, "VS", "no choice"),
    # 0abcad44
    "scounteren-virtual": Case(scounteren, ILLEGAL, VIRTUAL),
    # 9876f979
    "envcfg-addresses": Case(run("HS", "csrr a0, 0x60a"), ILLEGAL, "runs"),
    # ca16943e
    "needs-paging": Case(without_paging, 0, "no choice"),
    # 652ddfd4
    "sv57x4": Case(mode_10, 0, (10, 0x1234)),
    # f5dfda74: rs1 gives way to the offset, here -a1 of zero.
    "trap-instruction-half-floats": Case(half_float, 0, 1 << 12 | 10 << 7 | 0x07),
}

# Changes of rules and descriptions alone: the engine that is generated is the same.
SAME_ENGINE = {
    "g-stage-global-ignored": "no earlier text made the G bit do anything",
    "hvip-independent": "without custom interrupts hvip and hideleg have the same bits",
    "interrupts-to-hs": "says in full what the text before had left to the reader",
    "needs-base-i": "the base is RV64I and its mtval holds addresses anyway",
    "exception-priority": "the engine does the walk in this order at every step of the series",
    "exception-priority-by-translation": "likewise; where the first table speaks, both agree",
    "envcfg-privilege": "the number decides who may access a CSR, and the column only describes it",
    "active-translation-registers": "the hart does not speculate; reserved bits fault in the base",
    "mideleg-masks": "the bits of mideleg that could be 0 have no interrupt below",
    "hideleg-more-bits": "permits bits for interrupts that are not there",
    "needs-sv39": "no other paged mode could have been the only one",
    "alias-at-once": "vsip and vsie have no storage of their own",
    "translation-off-at-reset": "both MODE fields happen to be 0 in a new hart",
    "pbmte-without-svpbmt": "without Svpbmt the field had to be zero before",
}

# The engine is another, but no program sees it.
UNSEEN = {
    "henvcfg": "the CSR has no number yet, and program order makes FIOM true either way",
    "henvcfg-fields": "the new fields read as zero, like the bits before",
    "vstce-enables": "renames a field that reads as zero",
    "vsstatus-vs": "without vector registers VS reads as zero, like the bits before",
    "pbmte": "without Svpbmt the field reads as zero, like the bit before",
}


def test_every_change_is_told_or_listed() -> None:
    told = [*CASES, *SAME_ENGINE, *UNSEEN]
    assert len(told) == len(set(told))
    assert sorted(told) == sorted(WITH_ITEMS)


@pytest.mark.parametrize("change", CASES)
@pytest.mark.rules(
    "csr.hs.vu-mode", "csr.s.vu-mode", "csr.hs.vs-mode-write", "csr.hs.guest-tvm", "csr.s.vu-tvm",
    "counter.hcounteren",
    "hedeleg.ecall-from-vs", "counter.scounteren-vu", "wfi.vs", "wfi.vtw", "wfi.vu", "wfi.tw",
    "trap.gva-misaligned", "trap.gva-breakpoint", "hlvx.pmp", "trap.sret.vu-mode", "sfence.user",
    "hfence.user", "translation.g.sv57x4", "vsatp.sv57", "satp.paged", "tinst.half-floats",
)  # fmt: skip
def test_before_and_after(change: str) -> None:
    case = CASES[change]
    before, after = around(change)
    assert case.before != case.after
    assert case.result(before) == case.before
    assert case.result(after) == case.after


# Changes that one of the same label builds on.
NEEDED = {
    "virtual-instruction-exceptions": "virtual-instruction-in-vu",
    "gva-misaligned": "gva-breakpoint",
    "virtual-instruction-by-access": "hs-qualified",
}


@pytest.mark.parametrize("change", [change for change in CASES if change not in NEEDED])
def test_left_out_of_its_revision(change: str) -> None:
    """With the later changes of its label, which stand without it, the result is that of before."""
    revision = next(it.revision for it in CHANGES if it.id == change)
    assert CASES[change].result(f"{revision}^{change}") == CASES[change].before


@pytest.mark.parametrize("change", NEEDED)
def test_left_out_of_a_revision_that_needs_it(change: str) -> None:
    revision = next(it.revision for it in CHANGES if it.id == change)
    with pytest.raises(DrafthartError, match=change):
        isa_of(f"{revision}^{change}")


@pytest.mark.parametrize("change", SAME_ENGINE)
def test_the_engine_is_the_same(change: str) -> None:
    before, after = around(change)
    assert engine_of(before) == engine_of(after)


@cache
def engine_of(revision: str) -> str:
    """The generated module without its head, which names the revision and its content."""
    text = emit_python(isa_of(revision)).partition("\nCONTENT = ")[2].partition("\n")[2]
    return text.replace(f" of {revision}", "")


@pytest.mark.parametrize("change", UNSEEN)
def test_registers_look_the_same(change: str) -> None:
    """What M- and HS-mode can read and set in the register that the change is about."""
    results = []
    for revision in around(change):
        for number in "0x60a", "vsstatus":
            bench = Bench(revision).mode("HS")
            source = f"csrrw a0, {number}, a1\ncsrrw a2, {number}, x0"
            trap = bench.run(source, a1=(1 << 64) - 1)
            results.append((trap, bench.reg("a0"), bench.reg("a2")))
    assert results[:2] == results[2:]
