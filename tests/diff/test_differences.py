"""Differences go by the identity of items: what moved, what was renamed, what changed."""

from __future__ import annotations

import pytest
from spec_folder import Folder, change

from drafthart.generator.diff.differences import Difference, between, differences
from drafthart.generator.spec.resolve import resolve, revisions


def step(folder: Folder, items: str) -> list[Difference]:
    folder.one_change(items)
    return differences(folder.resolve("base@1"), folder.resolve("h@1"))


def only(folder: Folder, items: str) -> tuple[str, str, str | None, str | None]:
    """The one difference that a change of `items` makes, apart from the status."""
    found = [it for it in step(folder, items) if it.item != "revision"]
    assert len(found) == 1, found
    (it,) = found
    assert it.changes == ("the-change",)
    return it.item, it.kind, it.before, it.after


@pytest.mark.parametrize("name", [summary.id for summary in revisions()])
def test_nothing_differs_from_itself(name: str) -> None:
    isa = resolve(name)
    assert differences(isa, isa) == []


def test_the_status_differs(folder: Folder) -> None:
    folder.revision("1", change("idle"))
    found = differences(folder.resolve("base@1"), folder.resolve("h@1"))
    assert found == [Difference("revision", "status", "ratified", "draft")]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (
            'replace: {csrs.status.fields.LEVEL.bits: "6:4"}',
            ("csr:status.LEVEL", "moved", "3:1", "6:4"),
        ),
        (
            'replace: {csrs.status.fields.LEVEL.bits: "4:1"}',
            ("csr:status.LEVEL", "resized", "3:1", "4:1"),
        ),
        (
            "replace: {csrs.status.fields.LEVEL.legal: [1]}",
            ("csr:status.LEVEL", "legal", "0, 1, 3", "1"),
        ),
        (
            "replace: {csrs.status.fields.LEVEL.reset: 3}",
            ("csr:status.LEVEL", "reset", "0x1", "0x3"),
        ),
        (
            "replace: {csrs.status.fields.LEVEL.kind: WLRL}",
            ("csr:status.LEVEL", "kind", "WARL", "WLRL"),
        ),
        (
            "add: {csrs.status.fields.NEW: {bits: 9, kind: WARL}}",
            ("csr:status.NEW", "added", None, "9, WARL"),
        ),
        (
            "remove: [csrs.status.fields.LEVEL]",
            ("csr:status.LEVEL", "removed", "3:1, WARL", None),
        ),
        (
            "replace: {csrs.window.address: null}",
            ("csr:window", "address", "0x100", "unassigned"),
        ),
        (
            "replace: {csrs.window.mode: M}",
            ("csr:window", "mode", "S", "M"),
        ),
        (
            "remove: [csrs.window]",
            ("csr:window", "removed", "0x100, S, 1 fields", None),
        ),
        (
            "add: {csrs.new: {address: 0x301, mode: M, fields: {A: {bits: 0, kind: WARL}}}}",
            ("csr:new", "added", None, "0x301, M, 1 fields"),
        ),
        (
            'replace: {instructions.addi.encoding: "imm[11:0] rs1 010 rd 0010011"}',
            ("insn:addi", "encoding", "imm rs1 000 rd 0010011", "imm rs1 010 rd 0010011"),
        ),
        (
            "replace: {instructions.addi.encoding: unassigned}",
            ("insn:addi", "encoding", "imm rs1 000 rd 0010011", "unassigned"),
        ),
        (
            "replace: {causes.2.name: Other}",
            ("cause:2", "name", "Illegal instruction", "Other"),
        ),
        (
            "add: {interrupts.5: {name: Timer, constant: TIMER}}",
            ("interrupt:5", "added", None, "Timer"),
        ),
        (
            'replace: {parameters.GUESTS.legal: "0..9"}',
            ("param:GUESTS", "legal", "0..4", "0..9"),
        ),
        (
            "replace: {rules.check.first.summary: Checks come last}",
            ("rule:check.first", "summary", "Checks come first", "Checks come last"),
        ),
        (
            "replace: {constants.LIMIT.value: 17}",
            ("const:LIMIT", "value", "16", "17"),
        ),
    ],
)
def test_each_aspect(
    folder: Folder, items: str, expected: tuple[str, str, str | None, str | None]
) -> None:
    assert only(folder, items) == expected


def test_a_field_of_a_view_follows_its_home(folder: Folder) -> None:
    found = step(folder, "replace: {csrs.status.fields.ON.bits: 5}")[1:]
    assert [(it.item, it.kind, it.changes) for it in found] == [
        ("csr:status.ON", "moved", ("the-change",)),
        ("csr:window.ON", "moved", ("the-change",)),
    ]


def test_documentation_is_no_difference(folder: Folder) -> None:
    found = step(folder, "replace: {csrs.status.doc: In other words}")
    assert [it.item for it in found] == ["revision"]


def test_an_operation_is_compared_line_by_line(folder: Folder) -> None:
    found = step(folder, "replace:\n  instructions.addi.operation: |\n    X[rd] = imm\n")
    difference = found[-1]
    assert (difference.item, difference.kind) == ("insn:addi", "operation")
    assert difference.is_text
    lines = difference.unified().splitlines()
    assert lines[0] == "--- insn:addi"
    assert "-X[rd] = X[rs1] + imm" in lines
    assert "+X[rd] = imm" in lines


def test_what_goes_stands_where_it_was(folder: Folder) -> None:
    found = step(folder, "remove: [csrs.status.fields.LEVEL, csrs.window, instructions.fence.i]")
    assert [it.item for it in found] == [
        "revision",
        "insn:fence.i",
        "csr:status.LEVEL",
        "csr:window",
    ]


def test_the_way_back_is_the_mirror_image(folder: Folder) -> None:
    folder.one_change("add: {csrs.status.fields.NEW: {bits: 9, kind: WARL}}")
    back = differences(folder.resolve("h@1"), folder.resolve("base@1"))
    assert back[-1] == Difference("csr:status.NEW", "removed", "9, WARL", None, ("the-change",))


def test_changes_between_mixtures(folder: Folder) -> None:
    folder.revision(
        "1",
        change("first", "add: {csrs.status.fields.A: {bits: 9, kind: WARL}}")
        + change("second", "add: {csrs.status.fields.B: {bits: 10, kind: WARL}}")
        + change("third", "add: {csrs.status.fields.C: {bits: 11, kind: WARL}}"),
    )
    a, b = folder.resolve("h@1~1"), folder.resolve("h@1^first")
    assert [it.id for it in between(a, b)] == ["first", "third"]
    assert [(it.item, it.kind, it.changes) for it in differences(a, b)] == [
        ("csr:status.A", "removed", ("first",)),
        ("csr:status.C", "added", ("third",)),
    ]


# Renames.


def renamed(folder: Folder, items: str, *renames: tuple[str, str]) -> list[Difference]:
    folder.one_change(items)
    after = folder.resolve("h@1")
    assert after.changes[-1].renames == renames
    return differences(folder.resolve("base@1"), after)[1:]


def test_a_renamed_field_is_neither_lost_nor_found(folder: Folder) -> None:
    found = renamed(
        folder,
        "rename: {csrs.status.fields.LEVEL: DEPTH}",
        ("csr:status.LEVEL", "csr:status.DEPTH"),
    )
    # The function that names it has the new name in its text, and does what it did.
    assert found == [
        Difference(
            "csr:status.DEPTH", "renamed", "csr:status.LEVEL", "csr:status.DEPTH", ("the-change",)
        )
    ]


def test_a_renamed_csr_takes_its_fields_along(folder: Folder) -> None:
    found = renamed(
        folder,
        'rename: {csrs.status: state}\nreplace: {csrs.state.fields.LEVEL.bits: "9:7"}',
        ("csr:status", "csr:state"),
    )
    assert [(it.item, it.kind, it.before, it.after) for it in found] == [
        ("csr:state", "renamed", "csr:status", "csr:state"),
        ("csr:state.LEVEL", "moved", "3:1", "9:7"),
    ]


def test_a_rename_undone(folder: Folder) -> None:
    folder.one_change("rename: {functions.check: look}")
    after = folder.resolve("h@1")
    found = differences(after, folder.resolve("base@1"))
    assert [(it.item, it.kind, it.before, it.after) for it in found[1:]] == [
        ("fn:check", "renamed", "fn:look", "fn:check")
    ]


def test_a_name_taken_over(folder: Folder) -> None:
    """LEVEL goes, and ON takes its name: two different items were called LEVEL."""
    folder.revision(
        "1",
        change("gone", "remove: [csrs.status.fields.LEVEL]")
        + change("taken", "rename: {csrs.status.fields.ON: LEVEL}"),
    )
    after = folder.resolve("h@1")
    found = differences(folder.resolve("base@1"), after)
    assert ("csr:status.LEVEL", "renamed") in [(it.item, it.kind) for it in found]
    assert ("csr:status.LEVEL", "removed") in [(it.item, it.kind) for it in found]
    assert not [it for it in found if it.kind in ("moved", "resized")]
