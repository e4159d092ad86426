"""What the manual changed after H was ratified: one result without an amendment, another with it.

What is expected comes from the diffs of riscv-isa-manual that the amendments name
(src/hypervisor.tex, from 2023 src/hypervisor.adoc); the commit stands with each case.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest
from bench import CODE, DATA, GUEST_PAGE, PAGE, RWX, A, Bench, D, GuestBench, R, U, V, W, X, isa_of

from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.series import open_series

RATIFIED = "h@1.0"
AMENDED = next(it.amended for it in revisions() if it.id == RATIFIED) or ""
AMENDMENTS = {it.id: it for it in isa_of(AMENDED).changes if it.id not in
              {known.id for known in isa_of(RATIFIED).changes}}  # fmt: skip
ONES = (1 << 64) - 1
LOAD_GUEST_PAGE_FAULT, ILLEGAL, VIRTUAL = 21, 2, 22

ROOT = 0x1_0000_2000
"""Guest physical address of a page table."""


def around(amendment: str) -> tuple[str, str]:
    """The ratified text, and the same with just this amendment."""
    return RATIFIED, f"{RATIFIED}+{amendment}"


def test_the_amended_text_is_a_draft_dated_by_its_newest_change() -> None:
    isa = isa_of(AMENDED)
    newest = max(it.date for it in AMENDMENTS.values())
    assert (str(isa.status), isa.date, isa.id) == ("draft", newest, f"{RATIFIED}@{newest}")
    assert str(isa_of(RATIFIED).status) == "ratified"


def test_amendments_come_by_date() -> None:
    dates = [it.date for it in open_series().revision(RATIFIED).amendments]
    assert dates == sorted(dates)
    assert dates[0] > isa_of(RATIFIED).date


# What a program sees.


def vsatp_after_mode_1(revision: str) -> object:
    """MODE 1 is reserved; ASID 5 and the page 7 are written along with it."""
    try:
        bench = Bench(revision, {"VSATP_UNSUPPORTED_IGNORED": 1})
    except DrafthartError:  # the ratified text gives no choice
        bench = Bench(revision)
    return bench.write("vsatp", 1 << 60 | 5 << 44 | 7).read("vsatp")


def hedeleg_bits(revision: str) -> object:
    """Which of the bits from 16 up stay when all are written."""
    return Bench(revision).write("hedeleg", ONES).read("hedeleg") >> 16


def execute_only_page_table(revision: str) -> object:
    """HLV, with the VS-stage root in a page that the G-stage makes executable only."""
    bench = GuestBench(revision).poke(DATA, 7).mode("HS").write("hstatus.SPVP", 1)
    bench.host.map(ROOT, bench.guest.root, V | X | U | A | D)
    bench.write("vsatp", 8 << 60 | ROOT >> 12).write("mstatus.MXR", 1)
    trap = bench.run("hlv.d a0, (a1)", a1=PAGE)
    return (trap.cause, trap.tval2) if trap else bench.reg("a0")


def vs_timer_line(revision: str) -> object:
    bench = Bench(revision)
    bench.hart.interrupt_lines = 1 << 6
    return bench.read("hip") >> 6 & 1


def cause_name(revision: str) -> object:
    return [
        isa_of(revision).causes[it].name for it in (16, 18, 19) if it in isa_of(revision).causes
    ]


@dataclass(frozen=True)
class Case:
    """A set-up whose result tells whether an amendment is in."""

    result: Callable[[str], object]
    before: object
    after: object


CASES = {
    # fb7e2361: the fields are WARL "in the normal way", or the write "is … ignored".
    "vsatp-unsupported-mode-choice": Case(vsatp_after_mode_1, 5 << 44 | 7, 0),
    # a1edc2f0: 18 and 19 "Writable" in the table of bits of hedeleg.
    "hedeleg-18-19": Case(hedeleg_bits, 0, 0b1100),
    # b0018645: "readable by explicit loads". The entry of PAGE is the second of the root.
    "mxr-explicit-only": Case(execute_only_page_table, 7, (LOAD_GUEST_PAGE_FAULT, (ROOT + 8) >> 2)),
    # 155b64b4: "any other platform-specific timer interrupt signal" is gone.
    "vstip-without-platform": Case(vs_timer_line, 1, 0),
    # e425246b
    "causes-16-18-19": Case(cause_name, [], ["Double trap", "Software check", "Hardware error"]),
}

# Rules and descriptions alone: the engine that is generated is the same.
SAME_ENGINE = {
    "wfi-may-always-trap": "the time limit was zero before",
    "registers-of-64-bits": "no width changes here",
    "hedelegh": "a CSR of XLEN=32",
    "fs-vs-illegal": "the section on vsstatus said so before",
    "htimedelta-mandatory": "this hart has both",
    "normative-tags": "names for what held before",
}

# A field that is read-only zero, where no field was before: other than in its name the same.
ZERO = {
    "stce-name": ("henvcfg", 63, 63),
    "henvcfg-pmm": ("henvcfg", 33, 32),
    "henvcfg-adue": ("henvcfg", 61, 61),
    "lcofi-in-vs": ("hideleg", 13, 13),
    "control-flow-integrity": ("henvcfg", 3, 2),
    "double-trap": ("vsstatus", 24, 24),
    "hupmm": ("hstatus", 49, 48),
}


def test_every_amendment_with_items_is_told_or_listed() -> None:
    told = [*CASES, *SAME_ENGINE, *ZERO]
    assert len(told) == len(set(told))
    assert sorted(told) == sorted(it.id for it in AMENDMENTS.values() if it.items)


@pytest.mark.parametrize("amendment", CASES)
@pytest.mark.rules("vsatp.unsupported-mode", "hedeleg.writable", "hedeleg.zero",
                   "translation.mxr.implicit", "hip.vstip")  # fmt: skip
def test_before_and_after(amendment: str) -> None:
    case = CASES[amendment]
    before, after = around(amendment)
    assert case.before != case.after
    assert case.result(before) == case.before
    assert case.result(after) == case.after
    assert case.result(AMENDED) == case.after


@pytest.mark.parametrize("amendment", SAME_ENGINE)
def test_the_engine_is_the_same(amendment: str) -> None:
    before, after = around(amendment)
    assert engine_of(before) == engine_of(after)


@cache
def engine_of(revision: str) -> str:
    """The generated module without its head, which names the revision, content and stability."""
    text = emit_python(isa_of(revision)).partition("\nUNSTABLE = ")[2].partition("\n")[2]
    assert text
    return text.replace(f" of {revision}", "")


@pytest.mark.parametrize("amendment", ZERO)
@pytest.mark.rules(
    "henvcfg.absent-extensions", "hstatus.hupmm", "vsip.lcofi", "vsstatus.absent-extensions"
)
def test_fields_of_absent_extensions_read_as_zero(amendment: str) -> None:
    csr, high, low = ZERO[amendment]
    before, after = around(amendment)
    names = {it.name for it in isa_of(after).csrs[csr].fields.values()}
    added = names - {it.name for it in isa_of(before).csrs[csr].fields.values()}
    fields = [isa_of(after).csrs[csr].fields[name] for name in added]
    assert (max(it.high for it in fields), min(it.low for it in fields)) == (high, low)
    for revision in (before, after, AMENDED):
        bench = Bench(revision).write(csr, ONES)
        assert bench.read(csr) & sum(1 << bit for bit in range(low, high + 1)) == 0


@pytest.mark.rules("vsip.lcofi")
def test_counter_overflow_does_not_reach_a_guest() -> None:
    """95c56f32: without Shlcofideleg bit 13 of hideleg is zero; 64df4f1f: so the two bits are."""
    bench = Bench(AMENDED).writes(hideleg=ONES, vsie=ONES)
    assert [bench.read(name) >> 13 & 1 for name in ("hideleg", "vsip", "vsie")] == [0, 0, 0]


# What MXR still does.


@pytest.mark.rules("translation.mxr.hs-level", "translation.mxr.implicit")
@pytest.mark.parametrize(("mxr", "expected"), [(0, LOAD_GUEST_PAGE_FAULT), (1, None)])
def test_mxr_still_serves_explicit_loads_in_both_stages(mxr: int, expected: int | None) -> None:
    bench = GuestBench(AMENDED).page(vs=RWX, g=V | X | U | A | D).start("VS")
    trap = bench.write("mstatus.MXR", mxr).run("ld a0, (a1)", a1=PAGE)
    assert (trap and trap.cause) == expected


@pytest.mark.rules("translation.mxr.implicit")
def test_a_readable_page_table_needs_no_mxr() -> None:
    bench = GuestBench(AMENDED).page().start("VS").poke(DATA, 9)
    assert bench.run("ld a0, (a1)", a1=PAGE) is None
    assert bench.reg("a0") == 9


# Rules that clarify: they hold before and after.


@pytest.mark.rules("wfi.vtw-pending")
@pytest.mark.parametrize("pending", [0, 1])
def test_vtw_stops_wfi_whatever_is_pending(pending: int) -> None:
    """07feb44e: "even if there are pending globally-disabled interrupts"."""
    bench = Bench(AMENDED).writes(hideleg=1 << 2, hie=1 << 2, hvip=pending << 2)
    bench.write("hstatus.VTW", 1).mode("VS")
    assert bench.read("vsip.SSIP") == pending
    trap = bench.run("wfi")
    assert trap is not None
    assert trap.cause == VIRTUAL


@pytest.mark.rules("csr.high-half.guest", "hedeleg.high-half")
@pytest.mark.parametrize("mode", ["M", "HS", "VS", "VU"])
@pytest.mark.parametrize("number", [0x612, 0x615, 0x61A, 0xC80])
def test_high_halves_do_not_exist_at_64_bits(mode: str, number: int) -> None:
    """3044aed1: "When XLEN>32, an attempt to access a high-half CSR always raises" illegal."""
    trap = Bench(AMENDED).writes(mcounteren=7, hcounteren=7).mode(mode).run(f"csrr a0, {number}")
    assert trap is not None
    assert trap.cause == ILLEGAL


@pytest.mark.rules("hedeleg.high-half")
def test_hedelegh_at_32_bits() -> None:
    """38d5bfd4: "aliases bits 63:32 of hedeleg"; the table of CSRs gives 0x612."""
    csr = resolve(AMENDED, xlen=32).csrs["hedelegh"]
    assert (csr.address, csr.width, csr.mode) == (0x612, 32, "HS")
    assert "hedelegh" not in isa_of(AMENDED).csrs
    assert "hedelegh" not in resolve(RATIFIED, xlen=32).csrs


@pytest.mark.rules("vsstatus.fs-vs-illegal")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("states", [(0, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize(
    "word", [0x00002007, 0x02008053, 0x003022F3, 0x02000057], ids=["flw", "fadd.d", "fcsr", "vadd"]
)
def test_what_fs_and_vs_withhold_is_illegal_in_a_guest(
    mode: str, states: tuple[int, int], word: int
) -> None:
    """e9704f3c: "always an illegal-instruction exception, never a virtual-instruction"."""
    bench = Bench(AMENDED)
    for csr, state in zip(("mstatus", "vsstatus"), states, strict=True):
        bench.write(f"{csr}.FS", state).write(f"{csr}.VS", state)
    trap = bench.mode(mode).run(f".word {word}")
    assert trap is not None
    assert trap.cause == ILLEGAL


@pytest.mark.rules("htimedelta.with-time")
@pytest.mark.parametrize("xlen", [32, 64])
def test_htimedelta_exists_where_time_does(xlen: int) -> None:
    csrs = resolve(AMENDED, xlen=xlen).csrs
    assert ("time" in csrs, "htimedelta" in csrs) == (True, True)
    assert ("timeh" in csrs, "htimedeltah" in csrs) == (xlen == 32, xlen == 32)


# Rules that the manual's normative names made us put into words.

HYPERVISOR = (
    "hstatus", "hedeleg", "hideleg", "hvip", "hip", "hie", "hgeip", "hgeie", "htval", "htinst",
    "hgatp", "mtval2", "mtinst",
)  # fmt: skip
REPLICAS = ("status", "ip", "ie", "tvec", "scratch", "epc", "cause", "tval", "atp")


@pytest.mark.rules("csr.hs.width")
@pytest.mark.parametrize("xlen", [32, 64])
def test_widths_of_hypervisor_csrs(xlen: int) -> None:
    csrs = resolve(AMENDED, xlen=xlen).csrs
    assert {csrs[name].width for name in HYPERVISOR} == {xlen}
    assert csrs["hcounteren"].width == 32
    upper = {name: csrs[name].width for name in ("htimedeltah", "henvcfgh") if name in csrs}
    assert upper == ({"htimedeltah": 32, "henvcfgh": 32} if xlen == 32 else {})


@pytest.mark.rules("csr.hs.read-write")
@pytest.mark.parametrize("mode", ["HS", "M"])
def test_hypervisor_csrs_can_be_read_and_written_but_hgeip(mode: str) -> None:
    for name in (*HYPERVISOR[:-2], "hcounteren", "henvcfg", "htimedelta"):
        bench = Bench(AMENDED).mode(mode)
        assert bench.run(f"csrr a0, {name}") is None, name
        trap = bench.run(f"csrw {name}, x0")
        assert (trap and trap.cause) == (ILLEGAL if name == "hgeip" else None), name


@pytest.mark.rules("csr.hs.trap-values")
@pytest.mark.parametrize("name", ["htval", "htinst", "mtval2", "mtinst"])
def test_trap_values_can_be_restored(name: str) -> None:
    """A guest physical address of 59 bits, divided by 4; and any transformed instruction."""
    for value in (0, (1 << 57) - 1) if "tval" in name else (0, 0x3000, 0xFFFF_FFFD):
        assert Bench(AMENDED).write(name, value).read(name) == value


@pytest.mark.rules("mtval2.which-address")
def test_mtval2_has_the_address_of_the_part_that_failed() -> None:
    bench = GuestBench(AMENDED).page().start("VS")
    bench.guest.map(PAGE + 4096, GUEST_PAGE + 4096)
    trap = bench.run("ld a0, (a1)", a1=PAGE + 4092)
    assert trap is not None
    assert (trap.to, trap.cause) == ("M", LOAD_GUEST_PAGE_FAULT)
    assert (trap.tval, trap.tval2) == (PAGE + 4096, (GUEST_PAGE + 4096) >> 2)


@pytest.mark.rules("mtval2.which-address")
def test_mtval2_has_the_address_of_a_page_table_entry() -> None:
    bench = GuestBench(AMENDED).mode("HS").write("hstatus.SPVP", 1)
    trap = bench.write("vsatp", 8 << 60 | ROOT >> 12).run("hlv.d a0, (a1)", a1=PAGE)
    assert trap is not None
    assert (trap.to, trap.cause, trap.tinst) == ("M", LOAD_GUEST_PAGE_FAULT, 0x3000)
    assert (trap.tval, trap.tval2) == (PAGE, (ROOT + 8) >> 2)


@pytest.mark.rules("csr.vs.layout")
@pytest.mark.parametrize("xlen", [32, 64])
def test_vs_csrs_have_the_fields_of_their_originals(xlen: int) -> None:
    csrs = resolve(AMENDED, xlen=xlen).csrs
    for name in REPLICAS:
        original, replica = csrs[f"s{name}"], csrs[f"vs{name}"]
        assert replica.width == original.width == xlen
        for field in original.fields.values():
            twin = replica.fields[field.name]
            assert (twin.high, twin.low) == (field.high, field.low), name


@pytest.mark.rules("csr.vs.values")
@pytest.mark.parametrize("name", ["tvec", "scratch", "cause", "tval"])
def test_vs_csrs_hold_what_their_originals_hold(name: str) -> None:
    chance = random.Random(name)
    codes = [cause | interrupt << 63 for cause in range(24) for interrupt in (0, 1)]
    for value in codes if name == "cause" else [ONES, *(chance.getrandbits(64) for _ in range(99))]:
        bench = Bench(AMENDED).write(f"s{name}", value).write(f"vs{name}", value)
        assert bench.read(f"vs{name}") == bench.read(f"s{name}")


@pytest.mark.rules("counter.hcounteren-bits")
def test_bits_of_hcounteren_are_writable_or_zero() -> None:
    bench = Bench(AMENDED)
    writable = bench.write("hcounteren", ONES).read("hcounteren")
    for bit in range(32):
        assert bench.write("hcounteren", 1 << bit).read("hcounteren") == 1 << bit & writable
    assert writable < 1 << 32


@pytest.mark.rules("vsstatus.uxl", "vsstatus.ube")
def test_width_and_byte_order_of_vu_mode_are_fixed_here() -> None:
    """ "an implementation may make UXL be a read-only copy of field VSXL", UBE one of VSBE."""
    bench = Bench(AMENDED)
    for value in (ONES, 0):
        bench.write("vsstatus", value)
        assert bench.read("vsstatus.UXL") == bench.read("hstatus.VSXL") == 2
        assert bench.read("vsstatus.UBE") == bench.read("hstatus.VSBE") == 0


@pytest.mark.rules("hlv.sizes")
@pytest.mark.parametrize("ending", ["b", "bu", "h", "hu", "w", "wu", "d"])
def test_hlv_loads_as_the_load_of_its_ending(ending: str) -> None:
    bench = GuestBench(AMENDED).page().write("hstatus.SPVP", 1).poke(DATA, 0xF1E2_D3C4_B5A6_9788)
    bench.mode("HS").hart.pc = CODE
    source = f"hlv.{ending} a0, (a1)\nl{ending} a2, (a3)"
    assert bench.run(source, a1=PAGE, a3=DATA) is None
    assert bench.reg("a0") == bench.reg("a2") != 0


@pytest.mark.rules("hlv.sizes")
@pytest.mark.parametrize(("ending", "size"), [("b", 1), ("h", 2), ("w", 4), ("d", 8)])
def test_hsv_stores_its_bytes_and_no_others(ending: str, size: int) -> None:
    bench = GuestBench(AMENDED).page().write("hstatus.SPVP", 1).poke(DATA, 0).poke(DATA + 8, 0)
    bench.mode("HS").hart.pc = CODE
    assert bench.run(f"hsv.{ending} a0, (a1)", a0=ONES, a1=PAGE) is None
    assert bench.peek(DATA) == (1 << 8 * size) - 1
    assert bench.peek(DATA + 8) == 0


@pytest.mark.rules("hfence.high-bits")
@pytest.mark.parametrize("fence", ["hfence.vvma", "hfence.gvma"])
def test_fences_ignore_high_bits_of_the_number(fence: str) -> None:
    bench = GuestBench(AMENDED).page().write("hstatus.SPVP", 1).poke(DATA, 1).poke(DATA + 4096, 2)
    bench.mode("HS").hart.pc = CODE
    bench.place(f"hlv.d a0, (a1)\nsd a3, (a4)\n{fence} x0, a2\nhlv.d a5, (a1)", CODE)
    entry = bench.g_pte if fence == "hfence.gvma" else bench.vs_pte
    target = DATA + 4096 if fence == "hfence.gvma" else GUEST_PAGE + 4096
    bench.host.map(GUEST_PAGE + 4096, DATA + 4096, RWX | U)
    bits = (RWX | U) if fence == "hfence.gvma" else RWX
    # ASID and VMID 0, with all bits above the 16 and 14 set.
    high = ONES << 16 & ONES
    assert bench.steps(4, a1=PAGE, a2=high, a3=target >> 12 << 10 | bits, a4=entry) is None
    assert (bench.reg("a0"), bench.reg("a5")) == (1, 2)


@pytest.mark.rules("sfence.host")
def test_sfence_outside_a_guest_serves_satp() -> None:
    bench = Bench(AMENDED).poke(DATA, 1).poke(DATA + 4096, 2)
    table = bench.table().identity()
    entry = table.map(PAGE, DATA, V | R | W | A | D)
    bench.write("satp", table.satp).mode("HS")
    bench.place("ld a0, (a1)\nsd a3, (a4)\nsfence.vma\nld a5, (a1)", CODE)
    changed = (DATA + 4096) >> 12 << 10 | V | R | W | A | D
    assert bench.steps(4, a1=PAGE, a3=changed, a4=entry) is None
    assert (bench.reg("a0"), bench.reg("a5")) == (1, 2)
