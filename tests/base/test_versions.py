"""What the CSR tables of the three versions list, read from src/priv-csrs.tex of their commits."""

from __future__ import annotations

import pytest
from bench import isa_of

from drafthart.generator.language.check import check_isa
from drafthart.generator.spec.resolve import resolve, revisions

H = [it.id for it in revisions() if it.id.startswith("h@")]
VERSIONS = ("priv@1.10", "priv@1.11", "priv@1.12")

EVERYWHERE = {
    0x100: "sstatus", 0x104: "sie", 0x105: "stvec", 0x106: "scounteren", 0x140: "sscratch",
    0x141: "sepc", 0x142: "scause", 0x143: "stval", 0x144: "sip", 0x180: "satp",
    0x300: "mstatus", 0x301: "misa", 0x302: "medeleg", 0x303: "mideleg", 0x304: "mie",
    0x305: "mtvec", 0x306: "mcounteren", 0x340: "mscratch", 0x341: "mepc", 0x342: "mcause",
    0x343: "mtval", 0x344: "mip", 0x3A0: "pmpcfg0", 0x3A2: "pmpcfg2", 0x3BF: "pmpaddr15",
    0x323: "mhpmevent3", 0xB00: "mcycle", 0xB02: "minstret", 0xB1F: "mhpmcounter31",
    0xC00: "cycle", 0xC01: "time", 0xC02: "instret", 0xC1F: "hpmcounter31",
    0xF11: "mvendorid", 0xF12: "marchid", 0xF13: "mimpid", 0xF14: "mhartid",
}  # fmt: skip
SINCE = {
    0x320: ("mcountinhibit", "priv@1.11"),
    0x10A: ("senvcfg", "priv@1.12"),
    0x30A: ("menvcfg", "priv@1.12"),
    0xF15: ("mconfigptr", "priv@1.12"),
}
"""Number → name, and the first version that has it."""
NEVER_HERE = {
    **dict.fromkeys((0x000, 0x004, 0x005, 0x040, 0x041, 0x042, 0x043, 0x044), "of N"),
    **dict.fromkeys((0x102, 0x103), "of N"),
    **dict.fromkeys((0x747, 0x757), "optional"),
    **dict.fromkeys((0x3A1, 0x3A3), "RV32 only"),
    **dict.fromkeys(range(0x3C0, 0x3F0), "PMP entries beyond 16"),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_csr_numbers(version: str) -> None:
    at = {number: csr.name for number, csr in isa_of(version).csr_at.items()}
    assert {number: at[number] for number in EVERYWHERE} == EVERYWHERE
    for number, (name, first) in SINCE.items():
        expected = name if VERSIONS.index(version) >= VERSIONS.index(first) else None
        assert at.get(number) == expected
    assert not at.keys() & NEVER_HERE.keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_mstatush_on_rv32(version: str) -> None:
    assert ("mstatush" in resolve(version, xlen=32).csrs) == (version == "priv@1.12")


def test_a_hart_with_h_needs_mstatush_on_rv32() -> None:
    """932da79b gave MPV a place in it, whatever the base."""
    for revision in ("h@0.4", "h@1.0", "h@1.0,priv@1.11", "h@1.0,priv@1.10"):
        csrs = resolve(revision, xlen=32).csrs
        assert "MPV" in csrs["mstatush"].fields
        assert ("SBE" in csrs["mstatush"].fields) == ("," not in revision)
    assert "mstatush" not in resolve("h@0.3", xlen=32).csrs


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("revision", H)
def test_every_combination_checks(revision: str, version: str) -> None:
    expression = f"{revision},{version}"
    if version == "priv@1.12" and revision in ("h@0.1", "h@0.2"):
        # MTL and MPV are where 1.12 has VS: no hart can have both.
        expression += "^vector-status"
    isa = resolve(expression)
    check_isa(isa)
    assert resolve(expression, xlen=32).base == isa.base == expression.partition(",")[2]
