"""Fences: which mode may run them, and that later translations see earlier stores.

From riscv-isa-manual, src/hypervisor.tex at cc43c1fe, "Hypervisor Memory-Management Fence
Instructions", "Memory-Management Fences", "Trap Cause Codes" and, for TVM, "Machine Status
Registers"; 62e022fa makes the guest's user mode raise virtual instruction.
"""

import pytest
from bench import (
    BASE,
    CODE,
    DATA,
    GUEST_PAGE,
    MODES,
    PAGE,
    REVISIONS,
    ROOT,
    RWX,
    Bench,
    GuestBench,
    U,
)

drafts = pytest.mark.parametrize("draft", REVISIONS)
ILLEGAL, VIRTUAL = 2, 22
OPERANDS = ["x0, x0", "a1, x0", "x0, a2", "a1, a2"]


def vu_cause(draft: str) -> int:
    return ILLEGAL if draft == ROOT else VIRTUAL


@drafts
@pytest.mark.parametrize("operands", OPERANDS)
@pytest.mark.parametrize("tvm", [0, 1])
@pytest.mark.parametrize("vtvm", [0, 1])
@pytest.mark.rules(
    "hfence.vvma-tvm", "hfence.gvma-tvm", "hfence.vs-mode", "hfence.user", "sfence.user",
    "satp.tvm", "hstatus.vtvm-sfence",
)  # fmt: skip
def test_who_may_fence(draft: str, operands: str, tvm: int, vtvm: int) -> None:
    expected = {
        "hfence.vvma": {"M": None, "HS": None, "VS": VIRTUAL, "U": ILLEGAL, "VU": vu_cause(draft)},
        "hfence.gvma": {
            "M": None,
            "HS": ILLEGAL if tvm else None,
            "VS": VIRTUAL,
            "U": ILLEGAL,
            "VU": vu_cause(draft),
        },
        "sfence.vma": {
            "M": None,
            "HS": ILLEGAL if tvm else None,
            "VS": VIRTUAL if vtvm else None,
            "U": ILLEGAL,
            "VU": vu_cause(draft),
        },
    }
    bench = Bench(draft).write("mstatus.TVM", tvm).write("hstatus.VTVM", vtvm)
    for name, causes in expected.items():
        for mode, cause in causes.items():
            bench.mode(mode).hart.pc = CODE
            trap = bench.run(f"{name} {operands}", a1=PAGE, a2=1)
            assert (trap and trap.cause) == cause, (name, mode)


@drafts
@pytest.mark.parametrize("tvm", [0, 1])
@pytest.mark.rules("satp.tvm")
def test_tvm_withholds_satp_from_hs_alone(draft: str, tvm: int) -> None:
    bench = Bench(draft).write("mstatus.TVM", tvm)
    for mode in ("M", "HS", "VS"):
        for source in "csrr a0, satp", "csrw satp, x0", "csrrw a0, satp, x0", "csrrs a0, satp, x0":
            bench.mode(mode).hart.pc = CODE
            trap = bench.run(source)
            assert (trap and trap.cause) == (ILLEGAL if tvm and mode == "HS" else None)


# What a fence is for: a program reads a page, moves it by a store to the PTE, fences, reads again.

OTHER = DATA + 0x1000
MOVE = "ld a3, (a1)\nsd a4, (a5)\n{}\nld a6, (a1)"


def two_pages(draft: str, **levels: int) -> GuestBench:
    bench = GuestBench(draft, **levels)
    bench.poke(DATA, 0x1111).poke(OTHER, 0x2222)
    bench.host.map(GUEST_PAGE + 0x1000, OTHER, RWX | U)
    return bench


@drafts
@pytest.mark.parametrize("operands", ["", "x0, x0", "a1, x0", "x0, a2", "a1, a2"])
@pytest.mark.parametrize("levels", [3, 4])
@pytest.mark.rules("sfence.guest")
def test_sfence_of_the_guest(draft: str, operands: str, levels: int) -> None:
    bench = two_pages(draft, guest_levels=levels)
    bench.start("VS")
    pte = GUEST_PAGE + 0x1000 >> 2 | RWX
    source = MOVE.format(f"sfence.vma {operands}")
    assert bench.run(source, a1=PAGE, a2=0, a4=pte, a5=bench.vs_pte) is None
    assert (bench.reg("a3"), bench.reg("a6")) == (0x1111, 0x2222)
    assert bench.peek(bench.vs_pte) == pte


@drafts
@pytest.mark.parametrize("mode", ["M", "HS"])
@pytest.mark.parametrize("operands", ["", "x0, x0", "a1, x0", "x0, a2", "a1, a2"])
@pytest.mark.parametrize("spvp", [0, 1])
@pytest.mark.rules("hfence.vvma")
def test_hfence_vvma(draft: str, mode: str, operands: str, spvp: int) -> None:
    bench = two_pages(draft)
    user = 0 if spvp else U
    bench.page(RWX | user).start(mode).write("hstatus.SPVP", spvp)
    source = MOVE.format(f"hfence.vvma {operands}").replace("ld a3", "hlv.d a3")
    source = source.replace("ld a6", "hlv.d a6")
    pte = GUEST_PAGE + 0x1000 >> 2 | RWX | user
    assert bench.run(source, a1=PAGE, a2=0, a4=pte, a5=bench.vs_pte) is None
    assert (bench.reg("a3"), bench.reg("a6")) == (0x1111, 0x2222)


@drafts
@pytest.mark.parametrize("mode", ["M", "HS"])
@pytest.mark.parametrize("operands", ["", "x0, x0", "t1, x0", "x0, a2", "t1, a2"])
@pytest.mark.rules("hfence.gvma")
def test_hfence_gvma(draft: str, mode: str, operands: str) -> None:
    bench = two_pages(draft)
    bench.start(mode).write("hstatus.SPVP", 1)
    source = MOVE.format(f"hfence.gvma {operands}").replace("ld a3", "hlv.d a3")
    source = source.replace("ld a6", "hlv.d a6")
    pte = OTHER >> 2 | RWX | U
    registers = {"a1": PAGE, "t1": GUEST_PAGE >> 2, "a2": 0, "a4": pte, "a5": bench.g_pte}
    assert bench.run(source, **registers) is None
    assert (bench.reg("a3"), bench.reg("a6")) == (0x1111, 0x2222)


@drafts
@pytest.mark.parametrize(("fence", "stage"), [("hfence.vvma", "vs"), ("hfence.gvma", "g")])
@pytest.mark.rules("hfence.vvma", "hfence.gvma", "sfence.guest")
def test_the_guest_sees_what_the_hypervisor_changed(draft: str, fence: str, stage: str) -> None:
    """The guest reads, the hypervisor revokes the page and fences, the guest's next read faults."""
    bench = two_pages(draft)
    bench.start("VS").write("hstatus.SPV", 1).write("sstatus.SPP", 1)
    bench.writes(medeleg=(1 << 24) - 1 & ~(1 << 11), sepc=CODE)
    bench.place("ld a3, (a1)\necall\nld a6, (a1)", CODE)
    handler = BASE + 0x8400
    bench.place(
        f"sd x0, (a5)\n{fence}\ncsrr t0, sepc\naddi t0, t0, 4\ncsrw sepc, t0\nsret",
        handler,
    )
    pte = bench.vs_pte if stage == "vs" else bench.g_pte
    trap = bench.steps(2, a1=PAGE, a5=pte)
    assert trap is not None
    assert (trap.to, trap.cause, bench.reg("a3"), bench.hart.pc) == ("HS", 10, 0x1111, handler)
    trap = bench.steps(7)
    assert trap is not None
    assert (trap.to, trap.cause, trap.epc) == ("HS", 13 if stage == "vs" else 21, CODE + 8)
    assert trap.tval == PAGE


@drafts
@pytest.mark.rules("sfence.guest", "hfence.vvma")
def test_fences_ignore_high_bits_of_the_operands(draft: str) -> None:
    """Bits of rs2 above ASIDLEN or VMIDLEN are ignored."""
    bench = two_pages(draft)
    for mode, source in (
        ("VS", "sfence.vma x0, a2"),
        ("HS", "hfence.vvma x0, a2"),
        ("HS", "hfence.gvma x0, a2"),
        ("M", "hfence.gvma a2, a2"),
    ):
        assert mode in MODES
        bench.start(mode)
        assert bench.run(source, a2=(1 << 64) - 1) is None
