"""Names and defined numbers in assembler and C source."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drafthart.generator.impact.api import Impact

Find = Callable[..., Impact]


def told(impact: Impact) -> set[tuple[str, str, str, str]]:
    return {
        (it.line, it.finding.rule, it.finding.item, str(it.mark.certainty)) for it in impact.places
    }


def test_assembler(find: Find) -> None:
    source = """\
#define CSR_HEDELEG 0xa02
# hedeleg in a comment, and /* csrw hedeleg, t0
   here */
start:  csrw hedeleg, t0   # hideleg
        csrr t0, 0xa03 // hideleg
        csrw CSR_HEDELEG, t0
        la t1, hedeleg
"""
    found = told(find("h@0.3", "h@0.4", source, name="a.S"))
    moved = {it for it in found if it[1] == "csr-address-changed"}
    assert moved == {
        ("1", "csr-address-changed", "csr:hedeleg", "certain"),
        ("4", "csr-address-changed", "csr:hedeleg", "certain"),
        ("5", "csr-address-changed", "csr:hideleg", "certain"),
        ("6", "csr-address-changed", "csr:hedeleg", "certain"),
    }


def test_mnemonics_are_those_of_instructions(find: Find) -> None:
    source = "hlv.b a0, (a1)\n1: hsv.w a0, (a1); nop\nlla a0, hlv.d\nhlv.b: nop\n"
    found = told(find("h@0.5", "h@0.6", source, name="a.s"))
    added = {(line, item) for line, rule, item, _ in found if rule == "instruction-added"}
    assert added == {("1", "insn:hlv.b"), ("2", "insn:hsv.w")}


def test_c(find: Find) -> None:
    source = """\
#define HSTATUS_SPRV _AC(0x1, UL)
#define HSTATUS_SP2P (1UL << 8)
#define HSTATUS_UNRELATED 0x1
void f(void) {
    csr_set(CSR_HSTATUS, HSTATUS_SPRV);
    asm volatile("hlv.w %0, (%1)" : "=r"(a) : "r"(b));
    hsv(1); // hlv.w
}
"""
    found = told(find("h@0.5", "h@0.6", source, name="a.c"))
    assert ("1", "field-removed", "csr:hstatus.SPRV", "likely") in found
    assert ("2", "field-removed", "csr:hstatus.SP2P", "likely") in found
    assert ("5", "field-removed", "csr:hstatus.SPRV", "likely") in found
    assert ("6", "instruction-added", "insn:hlv.w", "certain") in found
    assert {line for line, *_ in found} == {"1", "2", "5", "6"}


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("#define EXC_LOAD_GUEST_PAGE_FAULT 21", "cause:21"),
        ("#define CAUSE_FETCH_GUEST_PAGE_FAULT 0x14", "cause:20"),
        (".equ CAUSE_STORE_GUEST, 23", "cause:23"),
        ("#define NR_THINGS 21", None),
        ("#define EXC_LOAD_PAGE_FAULT 13", None),
    ],
)
def test_causes(find: Find, line: str, item: str | None) -> None:
    found = told(find("h@0.4", "h@0.5", line, name="a.h"))
    assert {it[2] for it in found} == ({item} if item else set())
