"""What is pending and enabled: hvip, hip, hie, mip, mie, hgeip, hgeie, vsip and vsie.

Text: riscv-isa-manual cc43c1fe, src/hypervisor.tex, "Hypervisor Interrupt Registers (hvip, hip, and
hie)", "Hypervisor Guest External Interrupt Registers (hgeip and hgeie)", "Virtual Supervisor
Interrupt Registers (vsip and vsie)", "Machine Interrupt Registers (mip and mie)". 23e00537 makes
the bits of hvip independent of hideleg; 18dd9ebb has aliases show at once.
"""

from __future__ import annotations

import pytest
from bench import CODE, REVISIONS, Bench, since

ONES = (1 << 64) - 1
VSSI, VSTI, VSEI, SGEI = 1 << 2, 1 << 6, 1 << 10, 1 << 12
VS_LEVEL = VSSI | VSTI | VSEI


@pytest.mark.rules("hvip.writable")
@pytest.mark.parametrize("hideleg", [0, VSSI, VS_LEVEL])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hvip_holds_the_vs_level_bits(revision: str, hideleg: int) -> None:
    """Before 23e00537 they are those writable in hideleg, whatever its value: 10, 6 and 2 too."""
    bench = Bench(revision).write("hideleg", hideleg)
    for value in (VSSI, VSTI, VSEI, VS_LEVEL, 0, ONES):
        bench.write("hvip", value)
        assert bench.read("hvip") & 0xFFFF == value & VS_LEVEL
    bench.mode("HS")
    assert bench.run("csrw hvip, a0\ncsrr a1, hvip", a0=VSTI) is None
    assert bench.reg("a1") == VSTI


@pytest.mark.rules("hvip.asserts")
@pytest.mark.parametrize("bit", [VSSI, VSTI, VSEI])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hvip_makes_pending(revision: str, bit: int) -> None:
    bench = Bench(revision)
    assert bench.read("hip") == 0
    bench.write("hvip", bit)
    assert bench.read("hip") == bench.read("mip") == bit
    bench.write("hvip", 0)
    assert bench.read("hip") == bench.read("mip") == 0


@pytest.mark.rules("hip.vssip", "mip.alias")
@pytest.mark.parametrize("name", ["hvip", "hip", "mip"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vssip_is_one_bit(revision: str, name: str) -> None:
    bench = Bench(revision)
    for value in (VSSI, 0, VSSI):
        bench.write(name, value)
        for other in ("hvip", "hip", "mip"):
            assert bench.read(other) == value


@pytest.mark.rules("hip.vstip", "mip.alias")
@pytest.mark.parametrize("name", ["hip", "mip"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vstip_of_hip_is_read_only(revision: str, name: str) -> None:
    bench = Bench(revision).write(name, VSTI)
    assert bench.read("hip") == bench.read("hvip") == 0
    bench.write("hvip", VSTI).write(name, 0)
    assert bench.read("hip") == bench.read("mip") == VSTI


@pytest.mark.rules("hip.vstip")
@pytest.mark.parametrize("revision", REVISIONS)
def test_vstip_shows_the_platforms_timer_too(revision: str) -> None:
    bench = Bench(revision)
    bench.hart.interrupt_lines = VSTI
    assert bench.read("hip") == bench.read("mip") == VSTI
    assert bench.read("hvip") == 0
    # The sum is logical: clearing hvip does not clear the signal.
    bench.write("hvip", VSTI).write("hvip", 0)
    assert bench.read("hip") == VSTI
    bench.hart.interrupt_lines = 0
    assert bench.read("hip") == 0


@pytest.mark.rules("hip.vseip", "mip.alias")
@pytest.mark.parametrize("name", ["hip", "mip"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vseip_of_hip_is_read_only(revision: str, name: str) -> None:
    bench = Bench(revision).write(name, VSEI)
    assert bench.read("hip") == bench.read("hvip") == 0
    bench.write("hvip", VSEI).write(name, 0)
    assert bench.read("hip") == bench.read("mip") == VSEI


@pytest.mark.rules("hip.vseip")
@pytest.mark.parametrize("asserted", [0, VSEI])
@pytest.mark.parametrize("signal", [0, VSEI])
@pytest.mark.parametrize("selected", [0, 1])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vseip_is_the_sum_of_three(
    revision: str, asserted: int, signal: int, selected: int
) -> None:
    bench = Bench(revision).write("hvip", asserted).write("hstatus.VGEIN", 3)
    bench.hart.interrupt_lines = signal
    bench.hart.guest_interrupt_lines = selected << 3
    expected = VSEI if asserted or signal or selected else 0
    assert bench.read("hip") == bench.read("mip") == expected
    assert bench.read("hvip") == asserted


@pytest.mark.rules("hip.vseip", "hgeie.not-for-vs")
@pytest.mark.parametrize("hgeie", [0, ONES, 1 << 2])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vgein_selects_a_guest_interrupt_whatever_hgeie_has(revision: str, hgeie: int) -> None:
    bench = Bench(revision).write("hgeie", hgeie)
    bench.hart.guest_interrupt_lines = 1 << 4
    for vgein in range(5):
        bench.write("hstatus.VGEIN", vgein)
        assert bench.read("hip") & VSEI == (VSEI if vgein == 4 else 0)


@pytest.mark.rules("hip.vgein-zero")
@pytest.mark.parametrize("revision", REVISIONS)
def test_vgein_zero_selects_none(revision: str) -> None:
    bench = Bench(revision).write("hstatus.VGEIN", 0)
    bench.hart.guest_interrupt_lines = ONES
    assert bench.read("hip") & VSEI == 0
    bench.write("hstatus.VGEIN", 1)
    assert bench.read("hip") & VSEI


@pytest.mark.rules("hip.sgeip", "mip.alias")
@pytest.mark.parametrize(
    ("pending", "enabled", "expected"),
    [
        (0, 0x1E, 0),
        (0x1E, 0, 0),
        (0x02, 0x04, 0),
        (0x10, 0x10, SGEI),
        (0x06, 0x0C, SGEI),
        (0x01, 0x01, 0),  # bit 0 exists in neither
    ],
)
@pytest.mark.parametrize("revision", REVISIONS)
def test_sgeip(revision: str, pending: int, enabled: int, expected: int) -> None:
    bench = Bench(revision).write("hgeie", enabled)
    bench.hart.guest_interrupt_lines = pending
    assert bench.read("hip") == bench.read("mip") == expected
    for name in ("hip", "mip", "hvip"):
        bench.write(name, SGEI ^ expected)
        assert bench.read("hip") & SGEI == expected


@pytest.mark.rules("hip.exclusive")
@pytest.mark.parametrize("mideleg", [0, 0x222, 0x202])
@pytest.mark.parametrize("revision", REVISIONS)
def test_no_bit_shows_at_both_levels(revision: str, mideleg: int) -> None:
    bench = Bench(revision).writes(mideleg=mideleg, hgeie=ONES, mie=ONES, hie=ONES, sie=ONES)
    bench.writes(mip=ONES, sip=ONES, hip=ONES, hvip=ONES)
    bench.hart.guest_interrupt_lines = ONES
    bench.hart.interrupt_lines = 0xFFFF
    for supervisor, hypervisor in (("sip", "hip"), ("sie", "hie")):
        assert bench.read(supervisor) == mideleg
        assert bench.read(hypervisor) == VS_LEVEL | SGEI


@pytest.mark.rules("hie.writable")
@pytest.mark.parametrize("geilen", [0, 4])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hie_holds_what_can_be_pending(revision: str, geilen: int) -> None:
    bench = Bench(revision, {"GEILEN": geilen})
    possible = VS_LEVEL | (SGEI if geilen else 0)
    for value in (VSSI, VSTI, VSEI, SGEI, ONES, 0):
        bench.write("hie", value)
        assert bench.read("hie") == value & possible


@pytest.mark.rules("mie.alias")
@pytest.mark.parametrize("revision", REVISIONS)
def test_mie_shows_hie(revision: str) -> None:
    bench = Bench(revision)
    for bit in (VSSI, VSTI, VSEI, SGEI):
        bench.write("hie", bit)
        assert bench.read("mie") == bit
        bench.write("mie", 0)
        assert bench.read("hie") == 0
        bench.write("mie", bit)
        assert bench.read("hie") == bit
        bench.write("hie", 0)
        assert bench.read("mie") == 0
    # Writing the one leaves alone what it does not show.
    bench.write("mie", 0xAAA).write("hie", VS_LEVEL)
    assert bench.read("mie") == 0xAAA | VS_LEVEL


@pytest.mark.rules("hgeip.bits")
@pytest.mark.parametrize("geilen", [0, 1, 4, 63])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hgeip_has_bits_geilen_to_1(revision: str, geilen: int) -> None:
    bench = Bench(revision, {"GEILEN": geilen})
    bench.hart.guest_interrupt_lines = ONES
    assert bench.read("hgeip") == (2 << geilen) - 2
    bench.hart.guest_interrupt_lines = 0
    assert bench.read("hgeip") == 0
    trap = bench.mode("HS").run("csrw 0xE12, a0", a0=ONES)
    assert trap is not None
    assert trap.cause == 2
    assert bench.read("hgeip") == 0


@pytest.mark.rules("hgeie.bits")
@pytest.mark.parametrize("geilen", [0, 1, 4, 63])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hgeie_has_bits_geilen_to_1(revision: str, geilen: int) -> None:
    bench = Bench(revision, {"GEILEN": geilen}).mode("HS")
    bits = (2 << geilen) - 2
    for value in (ONES, 0, 0x5555_5555_5555_5555, 1):
        bench.hart.pc = CODE
        assert bench.run("csrw hgeie, a0\ncsrr a1, hgeie", a0=value) is None
        assert bench.reg("a1") == value & bits


# The view of VS-mode.

LEVELS = [(VSSI, 1 << 1), (VSTI, 1 << 5), (VSEI, 1 << 9)]


@pytest.mark.rules("vsip.delegated")
@pytest.mark.parametrize("hideleg", [0, VSSI, VSTI, VSEI, VS_LEVEL])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vsip_shows_what_is_delegated(revision: str, hideleg: int) -> None:
    bench = Bench(revision).write("hideleg", hideleg)
    for pending in (0, VSSI, VSTI, VSEI, VS_LEVEL):
        bench.write("hvip", pending)
        expected = sum(seen for own, seen in LEVELS if own & pending & hideleg)
        assert bench.read("vsip") == expected
        bench.mode("VS").hart.pc = CODE
        assert bench.run("csrr a1, sip") is None
        assert bench.reg("a1") == expected


@pytest.mark.rules("vsip.delegated")
@pytest.mark.parametrize("revision", REVISIONS)
def test_vsip_shows_signals_and_the_selected_guest_interrupt(revision: str) -> None:
    bench = Bench(revision).write("hideleg", VS_LEVEL).write("hstatus.VGEIN", 2)
    bench.hart.interrupt_lines = VSTI
    assert bench.read("vsip") == 1 << 5
    bench.hart.guest_interrupt_lines = 1 << 2
    assert bench.read("vsip") == 1 << 5 | 1 << 9


@pytest.mark.rules("vsie.delegated")
@pytest.mark.parametrize("hideleg", [0, VSSI, VSTI, VSEI, VS_LEVEL])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vsie_is_hie_where_delegated(revision: str, hideleg: int) -> None:
    bench = Bench(revision).write("hideleg", hideleg)
    for enabled in (0, VSSI, VSTI, VSEI, VS_LEVEL):
        bench.write("hie", enabled | SGEI)
        expected = sum(seen for own, seen in LEVELS if own & enabled & hideleg)
        assert bench.read("vsie") == expected
    for written in (0, 1 << 1, 1 << 5, 1 << 9, ONES):
        for old in (0, VS_LEVEL):
            bench.write("hie", old)
            bench.mode("VS").hart.pc = CODE
            assert bench.run("csrw sie, a0", a0=written) is None
            new = sum(own for own, seen in LEVELS if seen & written)
            assert bench.read("hie") == old & ~hideleg | new & hideleg
            bench.write("hie", old).write("vsie", written)
            assert bench.read("hie") == old & ~hideleg | new & hideleg


@pytest.mark.rules("vsip.ssip-only")
@pytest.mark.parametrize("hideleg", [0, VSSI, VS_LEVEL])
@pytest.mark.parametrize("by_guest", [False, True])
@pytest.mark.parametrize("revision", REVISIONS)
def test_only_ssip_of_vsip_can_be_written(revision: str, by_guest: bool, hideleg: int) -> None:
    for old in (0, VS_LEVEL):
        bench = Bench(revision).write("hideleg", hideleg)
        for value in (0, ONES, 1 << 5, 1 << 9, 1 << 1):
            bench.write("hvip", old)
            if by_guest:
                bench.mode("VS").hart.pc = CODE
                assert bench.run("csrw sip, a0", a0=value) is None
            else:
                bench.write("vsip", value)
            software = VSSI if value & 2 else 0
            expected = old & ~VSSI | software if hideleg & VSSI else old
            assert bench.read("hvip") == bench.read("hip") == expected


@pytest.mark.rules("vsip.ssip-only")
@pytest.mark.parametrize("revision", REVISIONS)
def test_setting_and_clearing_bits_of_sip_in_vs_mode(revision: str) -> None:
    """A CSRS or CSRC that names SSIP alone does not turn other pending bits into stored ones."""
    bench = Bench(revision).write("hideleg", VS_LEVEL).write("hstatus.VGEIN", 1).mode("VS")
    bench.hart.guest_interrupt_lines = 1 << 1
    assert bench.run("csrsi sip, 2\ncsrr a1, sip") is None
    assert bench.reg("a1") == 1 << 9 | 1 << 1
    assert bench.read("hvip") == VSSI
    assert bench.run("csrci sip, 2\ncsrr a1, sip") is None
    assert bench.reg("a1") == 1 << 9
    assert bench.read("hvip") == 0


@pytest.mark.rules("vsip.not-hs-level")
@pytest.mark.parametrize("bit", [1 << 1, 1 << 5, 1 << 9])
@pytest.mark.parametrize("revision", REVISIONS)
def test_interrupts_to_hs_mode_do_not_show_in_vsip(revision: str, bit: int) -> None:
    bench = Bench(revision).writes(mideleg=0x222, hideleg=VS_LEVEL, mip=bit, mie=bit).mode("VS")
    assert bench.read("sip") == bench.read("sie") == bit
    assert bench.read("vsip") == bench.read("vsie") == 0
    assert bench.read("hip") == 0
    # The guest sees the same, though the interrupt takes it away at once: so it is disabled first.
    bench.write("mie", 0)
    assert bench.run("csrr a1, sip\ncsrr a2, sie") is None
    assert bench.reg("a1") == bench.reg("a2") == 0
    bench.mode("HS")
    assert bench.run("csrr a1, sip") is None
    assert bench.reg("a1") == bit


@pytest.mark.rules("vsip.alias-at-once")
@pytest.mark.parametrize(("own", "seen"), LEVELS)
@pytest.mark.parametrize("revision", since("h@1.0.0-rc"))
def test_hideleg_uncovers_aliases_at_once(revision: str, own: int, seen: int) -> None:
    bench = Bench(revision).writes(hvip=own, hie=own).mode("HS")
    source = """
        csrr a1, vsip
        csrr a2, vsie
        csrw hideleg, a0
        csrr a3, vsip
        csrr a4, vsie
        csrw hideleg, zero
        csrr a5, vsip
        csrr a6, vsie
    """
    assert bench.run(source, a0=own) is None
    values = [bench.reg(f"a{number}") for number in range(1, 7)]
    assert values == [0, 0, seen, seen, 0, 0]
