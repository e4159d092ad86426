"""Findings: who made them, what they are called in either revision, in which direction."""

from __future__ import annotations

import pytest
from compared import compared, isa
from spec_folder import Folder, change

import drafthart
from drafthart.generator.diff.findings import compare, compare_surface
from drafthart.generator.diff.rule_table import Audience, Severity
from drafthart.generator.diff.surface import PUBLIC, surface
from drafthart.generator.spec.resolve import revisions

NAMES = [summary.id for summary in revisions()]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_between_equals(name: str) -> None:
    assert compared(name, name).findings == ()


@pytest.mark.parametrize(("a", "b"), [("h@0.3", "h@0.4"), ("h@0.6.1", "h@1.0"), ("h@0.1", "h@1.0")])
def test_the_way_back_finds_the_same_items(a: str, b: str) -> None:
    there, back = compared(a, b), compared(b, a)
    assert len(there.findings) == len(back.findings)
    mirrored = {(it.old_item or it.item, it.item) for it in there.findings}
    for it in back.findings:
        assert (it.item, it.old_item or it.item) in mirrored or it.difference.kind in (
            "repurposed",
            "removed",
        ), it


@pytest.mark.parametrize(("a", "b"), [("h@0.3", "h@0.4"), ("h@0.6.1", "h@1.0"), ("h@1.0", "h@0.4")])
def test_every_finding_has_its_change(a: str, b: str) -> None:
    comparison = compared(a, b)
    for it in comparison.findings:
        assert it.changes or it.item == "revision", it.item
        for change_ in it.changes:
            assert change_ in comparison.changes
            assert change_.commits
            assert change_.date
            assert change_.summary


def test_the_watershed_between_swapping_and_substitution() -> None:
    """riscv-isa-manual b8e20ea5: VS CSRs in place of background CSRs."""
    there, back = compared("h@0.3", "h@0.4"), compared("h@0.4", "h@0.3")
    (first, *_), (second, *_) = there.findings, back.findings
    assert (first.rule, first.before, first.after) == (
        "guest-registers-substituted", "swapped", "substituted",
    )  # fmt: skip
    assert second.rule == "guest-registers-swapped"
    assert first.severity[Audience.GUEST] is Severity.COMPATIBLE
    assert first.severity[Audience.HYPERVISOR] is Severity.BREAKING
    assert "b8e20ea5" in first.changes[0].commits
    assert first.old_item == "revision"
    names = {it.old_item: it.item for it in there.findings if it.rule == "csr-renamed"}
    assert names["csr:bsstatus"] == "csr:vsstatus"


def test_bits_that_mean_something_else() -> None:
    """hstatus bit 6 was STL (22bf0212) and is GVA (98964261); 8 and 9 were SP2P and SP2V."""
    findings = compared("h@0.4", "h@1.0").findings
    found = {it.item: it.before for it in findings if it.rule == "field-repurposed"}
    assert found == {
        "csr:hstatus.GVA": "6 STL",
        "csr:hstatus.HU": "9 SP2V",
        "csr:hstatus.SPVP": "8 SP2P",
        "csr:mstatus.GVA": "38 MTL",
    }


def test_a_change_of_one_attribute_is_not_blamed_for_the_fields() -> None:
    """b8e20ea5 gave hstatus another number; VSXL is of 2ffa95ea."""
    findings = {(it.rule, it.item): it for it in compared("h@0.3", "h@0.4").findings}
    moved = findings["csr-address-changed", "csr:hstatus"]
    added = findings["field-added", "csr:hstatus.VSXL"]
    assert [it.id for it in moved.changes] == ["hypervisor-numbers"]
    assert [it.id for it in added.changes] == ["vs-width-and-byte-order"]


def test_a_csr_that_comes_shows_its_fields() -> None:
    findings = {it.item: it for it in compared("h@0.6.1", "h@1.0").findings}
    assert findings["csr:henvcfg"].after == (
        "0x60a, HS: FIOM 0, CBIE 5:4, CBCFE 6, CBZE 7, VSTCE 63, PBMTE 62"
    )


def test_what_an_item_was_called(folder: Folder) -> None:
    folder.one_change(
        "remove: [causes.2, csrs.status.fields.LEVEL]\n"
        "rename: {csrs.window: pane}\n"
        "replace: {functions.check.operation: 'return value'}\n"
        "add:\n"
        "  causes.9: {name: Illegal instruction, constant: ILLEGAL}\n"
        "  csrs.status.fields.NEW: {bits: 2, kind: WARL}\n"
    )
    findings = compare(folder.resolve(), folder.resolve("h@1")).findings
    assert {(it.rule, it.item, it.old_item) for it in findings[1:]} == {
        ("cause-code-changed", "cause:9", "cause:2"),
        ("field-removed", "csr:status.LEVEL", "csr:status.LEVEL"),
        ("field-added", "csr:status.NEW", ""),
        ("field-repurposed", "csr:status.NEW", ""),
        ("csr-renamed", "csr:pane", "csr:window"),
        ("function-behaviour-changed", "fn:check", "fn:check"),
    }


# Surfaces.


@pytest.mark.parametrize("name", ["h@0.4", "h@1.0"])
def test_an_isa_fits_its_own_surface(name: str) -> None:
    assert compare_surface(surface(isa(name)), isa(name)) == []


def test_a_surface_holds_what_users_rely_on() -> None:
    shown = surface(isa("h@1.0"))
    assert {id_.partition(":")[0] for id_ in shown} == set(PUBLIC)
    assert shown["csr:hstatus.SPV"] == {"bits": "7", "kind": "WARL"}
    assert shown["insn:hlv.b"]["encoding"] == "0110000 00000 rs1 100 rd 1110011"
    assert "operation" not in shown["insn:hlv.b"]


def test_what_breaks_a_surface(folder: Folder) -> None:
    locked = surface(folder.resolve())
    folder.revision(
        "1",
        change("moved", 'replace: {csrs.status.fields.LEVEL.bits: "6:4"}')
        + change("renamed", "rename: {instructions.fence.i: sync}")
        + change("gone", "remove: [csrs.window]")
        + change("more", "add: {csrs.status.fields.NEW: {bits: 9, kind: WARL}}"),
    )
    findings = compare_surface(locked, folder.resolve("h@1"))
    assert [(it.rule, it.old_item, it.item, [c.id for c in it.changes]) for it in findings] == [
        ("instruction-renamed", "insn:fence.i", "insn:sync", ["renamed"]),
        ("field-moved", "csr:status.LEVEL", "csr:status.LEVEL", ["moved"]),
        ("csr-removed", "csr:window", "csr:window", ["gone"]),
        ("field-removed", "csr:window.ON", "csr:window.ON", ["gone"]),
    ]
    assert {it.worst() for it in findings} == {Severity.BREAKING}


def test_an_aspect_that_nobody_knows(folder: Folder) -> None:
    with pytest.raises(drafthart.DrafthartError, match="nothing is known of 'colour'"):
        compare_surface({"csr:status": {"colour": "red"}}, folder.resolve())


def test_the_public_api_takes_names_and_isas() -> None:
    found = drafthart.diff(isa("h@0.6.1"), "h@1.0")
    assert found == compared("h@0.6.1", "h@1.0")
    with pytest.raises(drafthart.DrafthartError, match="unknown revision"):
        drafthart.diff(isa("h@0.6.1"), "h@7")
