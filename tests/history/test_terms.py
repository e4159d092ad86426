"""Names of items in texts of the manual."""

from __future__ import annotations

import pytest

from drafthart.generator.history.terms import items_named
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve


@pytest.fixture(scope="module")
def isa() -> ISA:
    return resolve("h@1.0")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The field `hstatus`.SPVP", ["csr:hstatus", "csr:hstatus.SPVP"]),
        (r"The SPVP field of {\tt hstatus}", ["csr:hstatus", "csr:hstatus.SPVP"]),
        ("csr:hstatus[vtw] is", ["csr:hstatus.VTW"]),
        ("VTW alone has one home", ["csr:hstatus.VTW"]),
        ("WFI waits", ["insn:wfi"]),
        ("and `wfi` waits", ["insn:wfi"]),
        ("this and that, or not, in time", []),
        ("the `time` register", ["csr:time"]),
        ("HLVX reads", ["insn:hlvx.hu", "insn:hlvx.wu"]),
        ("GEILEN may be zero", ["param:GEILEN"]),
        ("a virtual-instruction exception", ["cause:22", "fn:raise_virtual_instruction"]),
        ("In VS-mode and HS-mode, M-level", []),
        ("", []),
    ],
)
def test_names(isa: ISA, text: str, named: list[str]) -> None:
    assert items_named(isa, text) == named


def test_a_guest_page_fault_is_any_of_the_three(isa: ISA) -> None:
    found = items_named(isa, "raises a guest-page-fault exception")
    assert {"cause:20", "cause:21", "cause:23", "fn:raise_guest_page_fault"} <= set(found)
    assert "cause:13" not in found


def test_a_function_of_one_register(isa: ISA) -> None:
    assert "fn:set_hgatp" in items_named(isa, "A write to `hgatp`")
    assert "fn:check_hfence_gvma" in items_named(isa, "HFENCE.GVMA is")


def test_the_heading_tells_whose_a_field_is(isa: ISA) -> None:
    assert items_named(isa, "The MODE field") == []
    named = items_named(isa, "The MODE field", "Virtual Address Translation (vsatp)")
    assert named == ["csr:vsatp.MODE"]
