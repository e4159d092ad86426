"""Translations explained: each entry that is read, what refuses, and the trap that it would be.

Page tables are made by hand. Expectations are from riscv-isa-manual, src/hypervisor.tex,
"Two-Stage Address Translation" and "Trap Cause Codes", and src/supervisor.tex, "Virtual Address
Translation Process".
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from bench import (
    BASE,
    DATA,
    GUEST_PAGE,
    PAGE,
    REVISIONS,
    RWX,
    A,
    Bench,
    D,
    GuestBench,
    R,
    U,
    V,
    W,
    X,
)

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.walk import Entry, Walk, Walker
from drafthart.walk_text import walk_data, walk_lines

drafts = pytest.mark.parametrize("draft", REVISIONS)


def walker(bench: Bench) -> Walker:
    machine: Any = SimpleNamespace(
        isa=bench.isa,
        isas=(bench.isa,),
        bus=bench.bus,
        clock=bench.clock,
        engine=bench.engine,
        hart=bench.hart,
        harts=(bench.hart,),
    )
    return Walker(machine)


def walk(bench: Bench, address: int, access: str = "load", mode: str = "VS") -> Walk:
    found = walker(bench).walk(address, access, mode)
    assert all(len(line) <= 80 for line in walk_lines(found))
    assert walk_data(found)["address"] == f"{address:#x}"
    return found


def trap(found: Walk) -> tuple[int, dict[str, int]]:
    assert found.trap is not None
    return int(found.trap.item.removeprefix("cause:")), {
        it.name: it.value for it in found.trap.registers
    }


def last(found: Walk, stage: int) -> Entry:
    return found.stages[stage].entries[-1]


@drafts
def test_both_stages_are_followed_entry_by_entry(draft: str) -> None:
    bench = GuestBench(draft)
    found = walk(bench, PAGE + 0x123)
    vs, g = found.stages
    assert (vs.name, vs.source, vs.result) == ("VS-stage", PAGE + 0x123, GUEST_PAGE + 0x123)
    assert (g.name, g.source, g.result) == ("G-stage", GUEST_PAGE + 0x123, DATA + 0x123)
    assert found.physical == DATA + 0x123
    assert [it.level for it in vs.entries] == [it.level for it in g.entries] == [2, 1, 0]
    assert vs.entries[0].address == bench.guest.root + 8 * (PAGE >> 30)
    assert vs.entries[-1].address == bench.vs_pte
    assert g.entries[-1].address == bench.g_pte
    # Each entry of the VS-stage is found through the G-stage, here in a page of 2 MiB.
    for entry in vs.entries:
        assert entry.stage is not None
        assert (entry.stage.source, entry.stage.result) == (entry.address, entry.physical)
        assert [it.level for it in entry.stage.entries] == [2, 1]
        assert entry.value == bench.peek(entry.address)
    leaf = vs.entries[-1]
    assert (leaf.leaf, leaf.leads) == (True, GUEST_PAGE)
    assert set(leaf.flags) == set("VRWXAD")
    assert vs.entries[0].leads == vs.entries[1].address & -4096
    assert found.trap is None


@pytest.mark.parametrize("level", [1, 2])
def test_superpages_end_the_walk_early(level: int) -> None:
    bench = GuestBench("h@1.0")
    size = 1 << 12 + 9 * level
    bench.guest.map(4 << 30, 8 << 30, level=level)
    bench.host.map(8 << 30, BASE, RWX | U, level=level)
    found = walk(bench, (4 << 30) + 0x1234)
    assert found.physical == BASE + 0x1234
    assert last(found, 0).level == last(found, 1).level == level
    assert BASE % size == 0


def test_a_misaligned_superpage_is_refused_for_that() -> None:
    bench = GuestBench("h@1.0")
    bench.guest.map(4 << 30, (8 << 30) + 0x1000, level=1)
    found = walk(bench, 4 << 30)
    refusal = last(found, 0).refusal
    assert refusal is not None
    assert refusal.condition == "frame & offset_mask != 0"
    assert "rule:translation.superpage" in refusal.rules
    assert trap(found)[0] == 13


CASES = {
    "invalid": (RWX & ~V, "load", "VS", 13, "translation.reserved"),
    "write without read": (V | W | X | A | D, "load", "VS", 13, "translation.reserved"),
    "no write": (V | R | X | A | D, "store", "VS", 15, None),
    "no execute": (V | R | W | A | D, "fetch", "VS", 12, None),
    "not for users": (RWX, "load", "VU", 13, "translation.user"),
    "for users": (RWX | U, "load", "VS", 13, "translation.sum"),
    "not accessed": (RWX & ~A, "load", "VS", 13, "translation.accessed-dirty"),
    "not dirty": (RWX & ~D, "store", "VS", 15, "translation.accessed-dirty"),
}


@drafts
@pytest.mark.parametrize("case", CASES)
def test_what_the_vs_stage_refuses(draft: str, case: str) -> None:
    bits, access, mode, cause, rule = CASES[case]
    found = walk(GuestBench(draft).page(vs=bits), PAGE + 8, access, mode)
    code, registers = trap(found)
    assert (code, registers["mtval"]) == (cause, PAGE + 8)
    assert "mtval2" not in registers
    assert found.physical is None
    refusal = last(found, 0).refusal
    assert refusal is not None
    assert refusal.condition
    assert rule is None or f"rule:{rule}" in refusal.rules


@drafts
@pytest.mark.parametrize(
    ("bits", "access", "cause"),
    [
        (0, "load", 21),
        (RWX, "load", 21),
        (V | R | A | D | U, "store", 23),
        (V | R | W | A | D | U, "fetch", 20),
    ],
)
def test_what_the_g_stage_refuses(draft: str, bits: int, access: str, cause: int) -> None:
    found = walk(GuestBench(draft).page(g=bits), PAGE + 8, access)
    code, registers = trap(found)
    assert code == cause
    assert (registers["mtval"], registers["mtval2"]) == (PAGE + 8, GUEST_PAGE + 8 >> 2)
    assert last(found, 1).refusal is not None
    assert last(found, 0).refusal is None


@drafts
@pytest.mark.parametrize(("access", "cause"), [("load", 21), ("store", 23), ("fetch", 20)])
def test_a_refused_implicit_read_is_a_guest_page_fault_of_the_access(
    draft: str, access: str, cause: int
) -> None:
    """The root of the VS-stage lies where the G-stage maps nothing."""
    bench = GuestBench(draft)
    root = 0x2_0000_0000
    bench.write("vsatp", 8 << 60 | root >> 12)
    found = walk(bench, PAGE, access)
    code, registers = trap(found)
    assert code == cause
    assert registers["mtval"] == PAGE
    assert registers["mtval2"] == root + 8 * (PAGE >> 30) >> 2
    assert registers["mtinst"] == 0x3000
    entry = last(found, 0)
    assert (entry.level, entry.value, entry.refusal) == (2, None, None)
    assert entry.stage is not None
    assert entry.stage.entries[-1].refusal is not None


@drafts
def test_hlvx_needs_execute_and_no_read_permission(draft: str) -> None:
    only = V | X | A | D
    bench = GuestBench(draft).page(vs=only, g=only | U).write("hstatus.SPVP", 1)
    assert walk(bench, PAGE, "hlvx", "HS").physical == DATA
    assert trap(walk(bench, PAGE, "hlv", "HS"))[0] == 13
    readable = V | R | W | A | D
    bench.page(vs=readable, g=RWX | U)
    code, registers = trap(walk(bench, PAGE, "hlvx", "HS"))
    assert (code, registers["mtval"]) == (13, PAGE)


def test_stages_that_are_off_let_addresses_through() -> None:
    bench = Bench("h@1.0")
    found = walk(bench, BASE)
    assert [(it.name, it.off) for it in found.stages] == [("VS-stage", True), ("G-stage", True)]
    assert found.physical == BASE
    assert walk(bench, BASE, mode="M").stages == ()


def test_an_address_that_is_not_canonical_is_refused_before_any_entry() -> None:
    found = walk(GuestBench("h@1.0"), 1 << 62)
    assert found.stages[0].entries == []
    refusal = found.stages[0].refusal
    assert refusal is not None
    assert "rule:translation.canonical" in refusal.rules
    assert trap(found)[0] == 13


def test_hardware_updates_are_told_and_not_made() -> None:
    bench = GuestBench("h@1.0", {"HARDWARE_AD": 1}).page(vs=RWX & ~D)
    found = walk(bench, PAGE, "store")
    assert found.physical == DATA
    assert last(found, 0).updated == bench.peek(bench.vs_pte) | D
    assert not bench.peek(bench.vs_pte) & D


def test_the_hart_stays_as_it_is() -> None:
    bench = GuestBench("h@1.0").page(g=0)
    before = bench.read("mcause"), bench.hart.mode, bench.hart.V, bench.hart.pc
    walk(bench, PAGE)
    assert (bench.read("mcause"), bench.hart.mode, bench.hart.V, bench.hart.pc) == before


def test_early_drafts_have_no_hlv() -> None:
    with pytest.raises(DrafthartError, match="has no such instructions"):
        walk(Bench("h@0.4"), BASE, "hlvx")


@pytest.mark.parametrize("draft", ["h@0.1", "h@0.2", "h@0.3", "h@0.4", "h@0.5", "h@0.6"])
def test_early_drafts_are_followed_too(draft: str) -> None:
    """The second level refuses; 0.1 has satp and bsatp, which change places, for the two."""
    bench = Bench(draft)
    guest = bench.table().identity()
    early = "hgatp" not in bench.isa.csrs
    host = bench.table(wide=not early).identity(RWX | U)
    guest.map(PAGE, GUEST_PAGE)
    bench.write("vsatp" if "vsatp" in bench.isa.csrs else "bsatp", guest.satp)
    bench.write("satp" if early else "hgatp", host.satp)
    found = walk(bench, PAGE + 8)
    assert [it.name for it in found.stages] == ["VS-stage", "G-stage"]
    assert [it.level for it in found.stages[0].entries] == [2, 1, 0]
    assert found.stages[0].result == GUEST_PAGE + 8
    assert found.physical is None
    own = {"h@0.5": 21, "h@0.6": 21}.get(draft, 13)
    assert trap(found)[0] == own
