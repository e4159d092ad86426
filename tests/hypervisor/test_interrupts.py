"""Which interrupt is taken, where it goes, and how WFI waits for one.

Text: riscv-isa-manual cc43c1fe, src/hypervisor.tex, "Hypervisor Interrupt Registers (hvip, hip, and
hie)", "Machine Interrupt Delegation Register (mideleg)", "Trap Cause Codes", "WFI in Virtual
Operating Modes"; bf971f91 and 4e220a3b for the modes in which an interrupt is taken; 6248b128 (VTW)
and a95fbcef (TW in VU-mode) for WFI. src/machine.tex for TW and the order of MEI, MSI, MTI.
"""

from __future__ import annotations

import pytest
from bench import CODE, REVISIONS, ROOT, Bench, since

SSI, VSSI, MSI, STI, VSTI, MTI, SEI, VSEI, MEI, SGEI = 1, 2, 3, 5, 6, 7, 9, 10, 11, 12
MODES = ("U", "VU", "VS", "HS", "M")
VS_LEVEL = 1 << VSSI | 1 << VSTI | 1 << VSEI


def pend(bench: Bench, code: int) -> None:
    """Make an interrupt pending, by the means that the platform or the software has."""
    hart = bench.hart
    if code in (VSSI, VSTI, VSEI):
        bench.write("hvip", bench.read("hvip") | 1 << code)
    elif code == SGEI:
        bench.write("hgeie", 1 << 1)
        hart.guest_interrupt_lines = 1 << 1
    elif code in (MSI, MTI, MEI):
        hart.interrupt_lines |= 1 << code
    else:
        bench.write("mip", bench.read("mip") | 1 << code)


def withdraw(bench: Bench, code: int) -> None:
    hart = bench.hart
    if code in (VSSI, VSTI, VSEI):
        bench.write("hvip", bench.read("hvip") & ~(1 << code))
    elif code == SGEI:
        hart.guest_interrupt_lines = 0
    elif code in (MSI, MTI, MEI):
        hart.interrupt_lines &= ~(1 << code)
    else:
        bench.write("mip", bench.read("mip") & ~(1 << code))


def taken(bench: Bench, mode: str) -> tuple[str, int] | None:
    """The interrupt that is taken in this mode: the mode that handles it, and its code there."""
    trap = bench.mode(mode).interrupt()
    if trap is None:
        return None
    assert trap.interrupt
    assert trap.epc == CODE
    bench.hart.pc = CODE
    return trap.to, trap.cause


def enables(bench: Bench, *, mie: int, sie: int, vs_sie: int) -> None:
    bench.write("mstatus.MIE", mie).write("mstatus.SIE", sie).write("vsstatus.SIE", vs_sie)


@pytest.mark.rules("interrupt.vs-enable")
@pytest.mark.parametrize(("code", "seen"), [(VSSI, SSI), (VSTI, STI), (VSEI, SEI)])
@pytest.mark.parametrize("revision", REVISIONS)
def test_interrupts_to_vs_mode(revision: str, code: int, seen: int) -> None:
    bench = Bench(revision).writes(hideleg=1 << code, hie=1 << code)
    pend(bench, code)
    for mode in MODES:
        for vs_sie in (0, 1):
            enables(bench, mie=1, sie=1, vs_sie=vs_sie)
            expected = ("VS", seen) if mode == "VU" or (mode == "VS" and vs_sie) else None
            assert taken(bench, mode) == expected
    bench.write("hie", 0)
    assert taken(bench, "VU") is None
    # VS-mode can disable it too.
    bench.writes(hie=1 << code, vsie=0)
    assert taken(bench, "VU") is None


@pytest.mark.rules("interrupt.hs-enable-hie", "interrupt.s-enable", "interrupt.vs-level-in-hs")
@pytest.mark.parametrize("code", [VSSI, VSTI, VSEI, SGEI])
@pytest.mark.parametrize("revision", REVISIONS)
def test_interrupts_of_hip_to_hs_mode(revision: str, code: int) -> None:
    bench = Bench(revision).writes(hideleg=VS_LEVEL & ~(1 << code), hie=1 << code)
    pend(bench, code)
    for mode in MODES:
        for sie in (0, 1):
            # vsstatus.SIE has no say over interrupts to HS-mode, and MIE neither.
            enables(bench, mie=sie, sie=sie, vs_sie=0)
            expected = None if mode == "M" or (mode == "HS" and not sie) else ("HS", code)
            assert taken(bench, mode) == expected
    bench.write("hie", VS_LEVEL & ~(1 << code))
    assert taken(bench, "VS") is None


@pytest.mark.rules("interrupt.hs-enable-hie", "interrupt.s-enable", "interrupt.delegation")
@pytest.mark.parametrize("code", [SSI, STI, SEI])
@pytest.mark.parametrize("revision", REVISIONS)
def test_interrupts_of_sip_to_hs_mode(revision: str, code: int) -> None:
    bench = Bench(revision).writes(mideleg=1 << code, hideleg=VS_LEVEL, sie=1 << code)
    pend(bench, code)
    for mode in MODES:
        for sie in (0, 1):
            enables(bench, mie=1, sie=sie, vs_sie=0)
            expected = None if mode == "M" or (mode == "HS" and not sie) else ("HS", code)
            assert taken(bench, mode) == expected
    bench.write("sie", 0)
    assert taken(bench, "VS") is None


@pytest.mark.rules("interrupt.vs-level-in-hs")
@pytest.mark.parametrize("vectored", [0, 1])
@pytest.mark.parametrize("code", [VSSI, VSTI, VSEI])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hs_mode_sees_vs_level_codes(revision: str, code: int, vectored: int) -> None:
    bench = Bench(revision).writes(hideleg=0, hie=1 << code)
    base = bench.read("stvec")
    bench.write("stvec", base | vectored)
    pend(bench, code)
    trap = bench.mode("VU").interrupt()
    assert trap is not None
    assert (trap.to, trap.cause) == ("HS", code)
    assert bench.read("scause") == 1 << 63 | code
    assert bench.hart.pc == base + 4 * code * vectored
    assert bench.read("vscause") == 0


def taken_in_turn(bench: Bench, mode: str, codes: list[int]) -> list[tuple[str, int]]:
    """All of them pending, which are taken one after the other, each withdrawn by its handler."""
    for code in codes:
        pend(bench, code)
    order = []
    while (this := taken(bench, mode)) is not None:
        order.append(this)
        to, code = this
        withdraw(bench, code + 1 if to == "VS" else code)
        assert len(order) <= len(codes)
    return order


@pytest.mark.rules("interrupt.priority.hs", "interrupt.priority")
@pytest.mark.parametrize("mode", ["U", "HS", "VU", "VS"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_order_of_interrupts_to_hs_mode(revision: str, mode: str) -> None:
    order = [SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI]
    bench = Bench(revision).writes(mideleg=0x222, mie=0x1666)
    result = []
    # The handler runs with SIE clear; the interrupted mode has it set.
    for _ in order:
        bench.write("mstatus.SIE", 1)
        result += taken_in_turn(bench, mode, order)[:1]
        order = [code for code in order if ("HS", code) not in result]
        for code in (SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI):
            withdraw(bench, code)
    assert [code for _, code in result] == [SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI]
    assert {to for to, _ in result} == {"HS"}


@pytest.mark.rules("interrupt.priority.vs")
@pytest.mark.parametrize("revision", REVISIONS)
def test_order_of_interrupts_to_vs_mode(revision: str) -> None:
    bench = Bench(revision).writes(hideleg=VS_LEVEL, hie=VS_LEVEL)
    order = taken_in_turn(bench, "VU", [VSTI, VSSI, VSEI])
    assert order == [("VS", SEI), ("VS", SSI), ("VS", STI)]


@pytest.mark.rules("interrupt.priority.destination", "interrupt.m-first", "interrupt.m-enable")
@pytest.mark.parametrize("revision", REVISIONS)
def test_the_most_privileged_destination_comes_first(revision: str) -> None:
    """The lowest of M-mode's before the highest of HS-mode's, and so on."""
    bench = Bench(revision).writes(mideleg=0x222, hideleg=1 << VSEI | 1 << VSSI, mie=0x1FFF)
    order = taken_in_turn(bench, "VU", [VSEI, VSSI, VSTI, SEI, STI, MTI, MSI])
    assert order == [
        ("M", MSI), ("M", MTI), ("HS", SEI), ("HS", STI), ("HS", VSTI), ("VS", SEI), ("VS", SSI),
    ]  # fmt: skip


@pytest.mark.rules("interrupt.priority.destination")
@pytest.mark.parametrize("revision", REVISIONS)
def test_disabled_interrupts_to_hs_mode_do_not_hold_back_others(revision: str) -> None:
    bench = Bench(revision).writes(mideleg=0x222, hideleg=VS_LEVEL, mie=1 << VSSI)
    pend(bench, SEI)
    pend(bench, VSSI)
    assert taken(bench, "VU") == ("VS", SSI)


@pytest.mark.rules("interrupt.past-m")
@pytest.mark.parametrize("code", [VSSI, VSTI, VSEI, SGEI])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hypervisor_interrupts_never_go_to_m_mode(revision: str, code: int) -> None:
    bench = Bench(revision).writes(mideleg=0, hideleg=0, mie=1 << code)
    pend(bench, code)
    for mode in MODES:
        for hideleg in (0, VS_LEVEL):
            bench.write("hideleg", hideleg)
            enables(bench, mie=1, sie=1, vs_sie=1)
            this = taken(bench, mode)
            assert this is None or this[0] in ("HS", "VS")
            assert mode != "M" or this is None


# WFI.

ILLEGAL, VIRTUAL = 2, 22


def wait(revision: str, mode: str, *, tw: int = 0, vtw: int = 0) -> int | None:
    """The cause of WFI's exception; None if the hart goes to sleep and wakes."""
    bench = Bench(revision).write("mstatus.TW", tw)
    if revision != ROOT:
        bench.write("hstatus.VTW", vtw)
    bench.mode(mode)
    trap = bench.run("wfi")
    if trap is not None:
        assert not bench.hart.sleeping
        return trap.cause
    assert bench.hart.sleeping
    assert not bench.module["wake"](bench.hart)
    bench.writes(hie=1 << VSTI)
    assert not bench.module["wake"](bench.hart)
    pend(bench, VSTI)
    assert bench.module["wake"](bench.hart)
    return None


@pytest.mark.rules("wfi.guest", "wfi.tw", "wfi.user")
@pytest.mark.parametrize(
    ("mode", "tw", "expected"),
    [
        ("VS", 0, VIRTUAL), ("VS", 1, VIRTUAL), ("VU", 0, VIRTUAL), ("VU", 1, VIRTUAL),
        ("U", 0, ILLEGAL), ("U", 1, ILLEGAL), ("HS", 0, None), ("HS", 1, ILLEGAL),
        ("M", 0, None), ("M", 1, None),
    ],
)  # fmt: skip
def test_wfi_at_cc43c1fe(mode: str, tw: int, expected: int | None) -> None:
    assert wait(ROOT, mode, tw=tw) == expected


@pytest.mark.rules("wfi.vs", "wfi.vtw", "wfi.tw")
@pytest.mark.parametrize(
    ("tw", "vtw", "expected"),
    [(0, 0, None), (0, 1, VIRTUAL), (1, 0, ILLEGAL), (1, 1, ILLEGAL)],
)
@pytest.mark.parametrize("revision", since("h@0.6.1"))
def test_wfi_in_vs_mode(revision: str, tw: int, vtw: int, expected: int | None) -> None:
    assert wait(revision, "VS", tw=tw, vtw=vtw) == expected


@pytest.mark.rules("wfi.vu", "wfi.tw")
@pytest.mark.parametrize("vtw", [0, 1])
@pytest.mark.parametrize("tw", [0, 1])
@pytest.mark.parametrize("revision", since("h@0.6.1"))
def test_wfi_in_vu_mode(revision: str, tw: int, vtw: int) -> None:
    """Virtual instruction, but since a95fbcef not with TW=1."""
    expected = ILLEGAL if tw and revision in since("h@0.6.2") else VIRTUAL
    assert wait(revision, "VU", tw=tw, vtw=vtw) == expected


@pytest.mark.rules("wfi.vtw", "wfi.tw", "wfi.user")
@pytest.mark.parametrize("tw", [0, 1])
@pytest.mark.parametrize("revision", since("h@0.6.1"))
def test_vtw_is_for_vs_mode_alone(revision: str, tw: int) -> None:
    assert wait(revision, "HS", vtw=1, tw=tw) == (ILLEGAL if tw else None)
    assert wait(revision, "M", vtw=1, tw=tw) is None
    assert wait(revision, "U", vtw=1, tw=tw) == ILLEGAL


@pytest.mark.rules("wfi.vs", "wfi.wake")
@pytest.mark.parametrize("hideleg", [0, VS_LEVEL])
@pytest.mark.parametrize("revision", since("h@0.6.1"))
def test_wfi_in_vs_mode_ends_though_interrupts_are_disabled(revision: str, hideleg: int) -> None:
    bench = Bench(revision).writes(hideleg=hideleg, hie=VS_LEVEL).mode("VS")
    enables(bench, mie=0, sie=0, vs_sie=0)
    assert bench.run("wfi") is None
    assert bench.hart.sleeping
    pend(bench, VSEI)
    assert bench.module["wake"](bench.hart)
    assert bench.hart.pc == CODE + 4
    # Delegated, it waits for vsstatus.SIE; else it takes the guest away.
    trap = bench.interrupt()
    assert (trap is None) == bool(hideleg)
