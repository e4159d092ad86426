"""medeleg, mideleg, hedeleg and hideleg.

Text: riscv-isa-manual cc43c1fe, src/hypervisor.tex, "Hypervisor Trap Delegation Registers (hedeleg
and hideleg)", "Machine Interrupt Delegation Register (mideleg)" and "Trap Entry". 68ddd3d8 makes
bit 10 of hedeleg zero; a0cdcd57 leaves more bits of hideleg open; e6bf1c56 lets mideleg mask.
"""

from __future__ import annotations

import pytest
from bench import CODE, DATA, HANDLER, REVISIONS, RWX, Bench, R, Trap, U, V, before, since

ONES = (1 << 64) - 1
NOWHERE = 0x1_0000
"""A physical address without memory."""


@pytest.mark.rules("hedeleg.writable")
@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15])
@pytest.mark.parametrize("revision", REVISIONS)
def test_writable_bits_of_hedeleg(revision: str, code: int) -> None:
    bench = Bench(revision)
    for value in (1 << code, 0, ONES, ONES ^ 1 << code):
        bench.write("hedeleg", value)
        assert bench.read("hedeleg") >> code & 1 == value >> code & 1
    bench.write("hedeleg", 1 << code)
    assert bench.read("hedeleg") == 1 << code


@pytest.mark.rules("hedeleg.zero")
@pytest.mark.parametrize("revision", REVISIONS)
def test_zero_bits_of_hedeleg(revision: str) -> None:
    bench = Bench(revision).write("hedeleg", ONES)
    for code in (9, 11, 20, 21, 22, 23):
        assert not bench.read("hedeleg") >> code & 1


@pytest.mark.rules("hedeleg.misaligned-fetch")
@pytest.mark.parametrize("writable", [0, 1])
@pytest.mark.parametrize("revision", REVISIONS)
def test_bit_0_of_hedeleg_may_be_zero_where_c_is(revision: str, writable: int) -> None:
    bench = Bench(revision, {"HEDELEG_MISALIGNED_FETCH": writable}).write("hedeleg", ONES)
    assert bench.read("misa") >> 2 & 1  # IALIGN is 16
    assert bench.read("hedeleg") & 1 == writable
    assert bench.write("hedeleg", 0).read("hedeleg") & 1 == 0


@pytest.mark.rules("hedeleg.ecall-from-vs")
@pytest.mark.parametrize("writable", [0, 1])
@pytest.mark.parametrize("revision", before("h@0.6.2"))
def test_bit_10_of_hedeleg_is_open_at_first(revision: str, writable: int) -> None:
    bench = Bench(revision, {"HEDELEG_ECALL_FROM_VS": writable})
    bench.writes(hedeleg=ONES, medeleg=ONES)
    assert bench.read("hedeleg") >> 10 & 1 == writable
    trap = bench.mode("VS").run("ecall")
    assert trap is not None
    assert (trap.to, trap.cause) == ("VS" if writable else "HS", 10)


@pytest.mark.rules("hedeleg.ecall-from-vs")
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_bit_10_of_hedeleg_is_zero_since_68ddd3d8(revision: str) -> None:
    bench = Bench(revision).writes(hedeleg=ONES, medeleg=ONES)
    assert not bench.read("hedeleg") >> 10 & 1
    trap = bench.mode("VS").run("ecall")
    assert trap is not None
    assert (trap.to, trap.cause) == ("HS", 10)


# What delegation does.


def provoke(bench: Bench, code: int, mode: str) -> Trap:
    """Raise an exception of this code, which all modes but ECALL's can raise."""
    bench.mode(mode).hart.pc = CODE
    if code == 1:
        bench.hart.pc = NOWHERE
        trap = bench.steps(1)
    elif code in (12, 13, 15):
        # A table for either U- or S-mode, whose pages but the code's may not be accessed.
        table = bench.table()
        user = U if mode in ("U", "VU") else 0
        table.map(CODE, CODE, RWX | user)
        table.map(DATA, DATA, V | R | user)  # A and D are clear
        bench.write("vsatp" if mode.startswith("V") else "satp", table.satp)
        if code == 12:
            bench.hart.pc = DATA
            trap = bench.steps(1)
        else:
            trap = bench.run("ld a0, (a1)" if code == 13 else "sd a0, (a1)", a1=DATA)
        bench.writes(vsatp=0, satp=0)
    else:
        source = {
            2: ".word 0",
            3: "ebreak",
            4: "lr.d a0, (a2)",
            5: "ld a0, (a1)",
            6: "amoadd.d a0, a0, (a2)",
            7: "sd a0, (a1)",
            8: "ecall",
        }[code]
        trap = bench.run(source, a1=NOWHERE, a2=DATA + 4)
    assert trap is not None
    assert (trap.interrupt, trap.cause) == (False, code)
    return trap


CODES = [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15]


def cases(modes: tuple[str, ...]) -> list[tuple[str, int]]:
    """Modes with the codes that they can raise."""
    return [(m, code) for m in modes for code in CODES if code != 8 or m in ("U", "VU")]


@pytest.mark.rules("hedeleg.effect", "trap.delegation")
@pytest.mark.parametrize(("mode", "code"), cases(("VS", "VU")))
@pytest.mark.parametrize("revision", REVISIONS)
def test_hedeleg_passes_on_to_vs_mode(revision: str, mode: str, code: int) -> None:
    bench = Bench(revision).writes(medeleg=1 << code, hedeleg=1 << code)
    assert provoke(bench, code, mode).to == "VS"
    bench.write("hedeleg", 0xB1FF ^ 1 << code)
    assert provoke(bench, code, mode).to == "HS"


@pytest.mark.rules("hedeleg.needs-medeleg", "trap.delegation")
@pytest.mark.parametrize(("mode", "code"), cases(("VS", "VU")))
@pytest.mark.parametrize("revision", REVISIONS)
def test_hedeleg_without_medeleg(revision: str, mode: str, code: int) -> None:
    bench = Bench(revision).writes(medeleg=0xB1FF ^ 1 << code, hedeleg=ONES)
    assert provoke(bench, code, mode).to == "M"


@pytest.mark.rules("hedeleg.not-from-hs", "trap.delegation")
@pytest.mark.parametrize(("mode", "code"), cases(("HS", "U")))
@pytest.mark.parametrize("revision", REVISIONS)
def test_hedeleg_is_for_guests_only(revision: str, mode: str, code: int) -> None:
    bench = Bench(revision).writes(medeleg=1 << code, hedeleg=ONES)
    assert provoke(bench, code, mode).to == "HS"
    bench.write("medeleg", 0)
    assert provoke(bench, code, mode).to == "M"


@pytest.mark.rules("medeleg.hypervisor")
@pytest.mark.parametrize("code", [10, 20, 21, 22, 23])
@pytest.mark.parametrize("revision", REVISIONS)
def test_medeleg_passes_the_new_exceptions_on(revision: str, code: int) -> None:
    bench = Bench(revision)
    host = bench.table(wide=True)
    if code != 20:
        host.map(CODE, CODE, RWX | U)
    bench.two_stages(host=host).mode("VS")
    source = {10: "ecall", 22: "csrr a0, hstatus", 23: "sd a0, (a1)"}.get(code, "ld a0, (a1)")
    for delegated in (0, 1):
        bench.writes(medeleg=delegated << code, hedeleg=ONES)
        assert bench.read("medeleg") == delegated << code
        bench.mode("VS").hart.pc = CODE
        trap = bench.run(source, a1=DATA)
        assert trap is not None
        assert (trap.to, trap.cause) == ("HS" if delegated else "M", code)


@pytest.mark.rules("medeleg.hypervisor")
@pytest.mark.parametrize("revision", REVISIONS)
def test_medeleg_keeps_ecalls_from_m_mode(revision: str) -> None:
    bench = Bench(revision).write("medeleg", ONES)
    assert not bench.read("medeleg") >> 11 & 1


# Interrupts.


@pytest.mark.rules("hideleg.bits")
@pytest.mark.parametrize("revision", REVISIONS)
def test_bits_of_hideleg(revision: str) -> None:
    """At first 10, 6 and 2 alone of bits 15 to 0; since a0cdcd57 12, 9, 5 and 1 must be zero."""
    bench = Bench(revision)
    zero = 0x1222 if revision in since("h@1.0.0-rc") else 0xFFFF ^ 0x444
    for value in (0x444, 0x400, 0x040, 0x004, 0, ONES):
        bench.write("hideleg", value)
        assert bench.read("hideleg") & 0x444 == value & 0x444
        assert bench.read("hideleg") & zero == 0


@pytest.mark.rules("mideleg.vs-level")
@pytest.mark.parametrize("value", [0, ONES, 0x222])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vs_level_bits_of_mideleg_are_one(revision: str, value: int) -> None:
    bench = Bench(revision)
    assert bench.read("mideleg") & 0x444 == 0x444
    bench.write("mideleg", value)
    assert bench.read("mideleg") & 0x444 == 0x444
    assert bench.read("mideleg") & 0x222 == value & 0x222


@pytest.mark.rules("mideleg.guest-external")
@pytest.mark.parametrize("geilen", [0, 1, 63])
@pytest.mark.parametrize("revision", REVISIONS)
def test_bit_12_of_mideleg_is_one_with_guest_external_interrupts(
    revision: str, geilen: int
) -> None:
    bench = Bench(revision, {"GEILEN": geilen})
    for value in (0, ONES):
        if geilen:
            bench.write("mideleg", value)
        assert bench.read("mideleg") >> 12 & 1 == (geilen > 0)


@pytest.mark.rules("mideleg.masks")
@pytest.mark.parametrize("geilen", [0, 4])
@pytest.mark.parametrize("revision", since("h@1.0.0-rc"))
def test_what_mideleg_keeps_does_not_show_below(revision: str, geilen: int) -> None:
    """e6bf1c56: where mideleg has 0, the bits of hideleg, hip and hie are read-only zero."""
    bench = Bench(revision, {"GEILEN": geilen})
    bench.writes(mideleg=0, mie=ONES, mip=ONES, hie=ONES, hip=ONES, hideleg=ONES, hvip=ONES)
    bench.write("hgeie", ONES)
    bench.hart.guest_interrupt_lines = ONES
    bench.hart.interrupt_lines = 0xFFFF
    masked = ONES ^ bench.read("mideleg")
    assert masked & 0xAAA == 0xAAA
    for name in ("hideleg", "hip", "hie"):
        assert bench.read(name) & masked == 0
    shown = 0x1444 if geilen else 0x444
    assert bench.read("hip") == bench.read("hie") == shown


@pytest.mark.rules("hideleg.effect", "interrupt.delegation")
@pytest.mark.parametrize("code", [2, 6, 10])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hideleg_passes_on_to_vs_mode(revision: str, code: int) -> None:
    bench = Bench(revision).writes(hvip=1 << code, hie=1 << code)
    for delegated, mode in ((1 << code, "VS"), (0x444 ^ 1 << code, "HS")):
        bench.write("hideleg", delegated)
        trap = bench.mode("VU").interrupt()
        assert trap is not None
        assert trap.interrupt
        assert trap.to == mode


@pytest.mark.rules("hideleg.effect", "interrupt.delegation")
@pytest.mark.parametrize("code", [1, 5, 9])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hideleg_cannot_pass_supervisor_level_on(revision: str, code: int) -> None:
    bench = Bench(revision).writes(mie=1 << code, mip=1 << code, hideleg=ONES)
    for delegated, mode in ((0, "M"), (1 << code, "HS")):
        bench.write("mideleg", delegated)
        for origin in ("VU", "VS", "U"):
            trap = bench.mode(origin).interrupt()
            assert trap is not None
            assert (trap.to, trap.interrupt, trap.cause) == (mode, True, code)


@pytest.mark.rules("hideleg.translated-code")
@pytest.mark.parametrize("vectored", [0, 1])
@pytest.mark.parametrize(("code", "seen"), [(2, 1), (6, 5), (10, 9)])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vs_mode_sees_supervisor_codes(revision: str, code: int, seen: int, vectored: int) -> None:
    bench = Bench(revision).writes(hvip=1 << code, hie=1 << code, hideleg=1 << code)
    bench.writes(vstvec=HANDLER + 0x800 | vectored)
    trap = bench.mode("VU").interrupt()
    assert trap is not None
    assert (trap.to, trap.interrupt, trap.cause) == ("VS", True, seen)
    assert bench.read("vscause") == 1 << 63 | seen
    assert bench.hart.pc == HANDLER + 0x800 + 4 * seen * vectored


@pytest.mark.rules("hideleg.translated-code")
@pytest.mark.parametrize("revision", REVISIONS)
def test_exceptions_keep_their_code_and_are_not_vectored(revision: str) -> None:
    bench = Bench(revision).writes(medeleg=ONES, hedeleg=ONES, vstvec=HANDLER + 0x801)
    trap = provoke(bench, 2, "VU")
    assert (trap.to, trap.cause) == ("VS", 2)
    assert bench.hart.pc == HANDLER + 0x800
