"""Overlays: a user's own changes on a revision."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from spec_folder import Folder, change

from drafthart.generator.diff.differences import between, differences
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Status
from drafthart.generator.spec.overlay import overlays
from drafthart.generator.spec.resolve import RevisionSummary, resolve, revisions
from drafthart.generator.spec.texts import without_overlay
from drafthart.runtime.assigned import require_assigned, unassigned

OURS = Path("specs/overlays/h-0.1.yaml")
NUMBER = "replace: {csrs.extra.address: 0x6C0}"
EXTRA = "add: {csrs.extra: {address: null, mode: HS, doc: More}}"


@pytest.fixture
def folder(folder: Folder) -> Folder:
    """h@1 has a CSR without number, h@2 gives it one."""
    folder.revision("1", change("extra", EXTRA) + change("other"))
    folder.revision("2", change("number", "replace: {csrs.extra.address: 0x600}"), "h@1")
    return folder


def write(folder: Folder, items: str = NUMBER, **header: str) -> Path:
    """An overlay with one change; what is "" is left out."""
    known = {"overlay": "mine", "on": "h@1", "title": "My numbers"} | header
    lines = [f"{key}: {value}" for key, value in known.items() if value]
    head = "changes:\n  - id: my-change\n    breaks: []\n    summary: It is mine.\n"
    text = "\n".join(lines) + "\n" + head + indent(dedent(items), "    ") + "\n"
    folder.write("overlays/mine.yaml", text)
    return folder.root / "overlays" / "mine.yaml"


def patched(folder: Folder, items: str = NUMBER, expression: str = "h@1", **header: str) -> ISA:
    return folder.resolve(expression, overlay=write(folder, items, **header))


def test_what_it_makes(folder: Folder) -> None:
    plain, isa = folder.resolve("h@1"), patched(folder)
    assert (isa.id, isa.status) == ("h@1+overlay:mine", Status.DRAFT)
    assert isa.title == "Draft 1, with the overlay mine: My numbers"
    assert (isa.date, isa.commit) == (plain.date, plain.commit)
    assert isa.csrs["extra"].address == 0x6C0
    assert (isa.csrs["extra"].origin, without_overlay(isa.id)) == ("h", "h@1")
    assert isa.content != plain.content
    assert [it.id for it in between(plain, isa)] == ["my-change"]
    (mine,) = between(plain, isa)
    assert (mine.revision, mine.commits, mine.date) == ("h@1+overlay:mine", (), "")
    assert [(it.item, it.kind, it.changes) for it in differences(plain, isa)] == [
        ("csr:extra", "address", ("my-change",))
    ]


def test_what_it_adds_belongs_to_the_extension(folder: Folder) -> None:
    isa = patched(folder, "add: {csrs.status.fields.NEW: {bits: 9, kind: WARL, doc: New}}")
    assert isa.csrs["status"].fields["NEW"].origin == "h"


def test_no_overlay_is_ratified(folder: Folder) -> None:
    isa = patched(folder, "replace: {constants.LIMIT.value: 3}", "base@1", on="base@1")
    assert isa.status is Status.DRAFT


def test_a_date_of_its_own(folder: Folder) -> None:
    assert patched(folder, f"date: 2026-02-03\n{NUMBER}").date == "2026-02-03"


def test_item_files(folder: Folder) -> None:
    (folder.root / "overlays" / "more").mkdir(parents=True)
    more = folder.root / "overlays" / "more" / "items.yaml"
    more.write_text("constants: {MORE: {value: 7, doc: New}}\n", encoding="utf-8")
    isa = patched(folder, "include: [more/items.yaml]")
    assert isa.numbers["MORE"] == 7
    assert isa.constants["MORE"].place.file == str(more)


@pytest.mark.parametrize(
    ("on", "expression"),
    [("h@1", "h@1~1"), ("h@1", "h@1^other"), ("h@1~1", "h@1^other"), ("h@1", "h@1+number")],
)
def test_mixtures_that_it_fits(folder: Folder, on: str, expression: str) -> None:
    path = write(folder, on=on)
    assert folder.resolve(expression, overlay=path).csrs["extra"].address == 0x6C0


@pytest.mark.parametrize(("on", "expression"), [("h@1", "h@2"), ("h@1~1", "h@1"), ("h@2~1", "h@1")])
def test_revisions_that_it_does_not_fit(folder: Folder, on: str, expression: str) -> None:
    error = folder.error(expression, overlay=write(folder, on=on))
    says = f"the overlay mine is on {on}, not on {expression}; name {on}, or write another overlay"
    assert error == folder.at("overlays/mine.yaml", f"{on}\n") + says


@pytest.mark.parametrize(
    ("header", "items", "at", "message"),
    [
        ({"on": "h@9"}, NUMBER, "h@9", "unknown revision 'h@9'"),
        ({"on": "nonsense"}, NUMBER, "nonsense", "cannot read the revision 'nonsense'"),
        ({"on": "h@1~9"}, NUMBER, "h@1~9", "~9 leaves out more changes than h@1 has"),
        ({"on": ""}, NUMBER, "overlay: ", "'on' is missing; add it"),
        ({"title": ""}, NUMBER, "overlay: ", "'title' is missing; add it"),
        ({"overlay": "No Name"}, NUMBER, "No Name", "'No Name' is not allowed; expected: Its name"),
        ({"status": "frozen"}, NUMBER, "status", "unknown key 'status'"),
        ({"parent": "base@1"}, NUMBER, "parent", "unknown key 'parent'"),
        ({}, "sumary: x", "sumary", "unknown key 'sumary'; did you mean 'summary'?"),
        ({}, "commit: xyz", "xyz", "'xyz' is not allowed; expected: The commit"),
        ({}, "date: 2020-1-1", "2020-1-1", "'2020-1-1' is not allowed; expected: A day"),
        ({}, "add: {csr.x: {}}", "csr.x", "'csr.x' is no path of an item"),
        ({}, "requires: [nothing]", "nothing", "no earlier change 'nothing'"),
        ({}, "include: [no.yaml]", "no.yaml", "no file 'no.yaml' beside the overlay"),
        ({}, "replace: {csrs.extre.address: 1}", "csrs.extre", "there is no csr:extre; did you"),
        ({}, "replace: {csrs.extra.adress: 1}", "csrs.extra.adress", "'adress' is no attribute"),
        (
            {},
            "replace: {csrs.extra.address: here}",
            "here",
            "'here' is not allowed; expected: Its number",
        ),
        ({}, "replace: {csrs.extra.address: 0x300}", "0x300", "extra and status are both at"),
        ({}, "replace: {csrs.status.address: 0x3B4}", "0x3B4", "slot4 and status are both at"),
        ({}, "replace: {csrs.extra.address: 0x1000}", "0x1000", "'4096' is not allowed; expected"),
        ({}, "replace: {csrs.slot.address: 0xFFE}", "0xFFE", "slot3 is at 0x1000; addresses have"),
        (
            {},
            "replace: {instructions.addi.encoding: 000000000000 00000 001 00000 0001111}",
            "000000000000 ",
            "addi claims words of fence.i, at ",
        ),
        ({}, "replace: {instructions.addi.encoding: rs1 11}", "rs1 11", "the encoding has 7 bits"),
    ],
)
def test_errors(folder: Folder, header: dict[str, str], items: str, at: str, message: str) -> None:
    path = write(folder, items, **header)
    error = folder.error("h@1", overlay=path)
    assert error.startswith(folder.at("overlays/mine.yaml", at) + message)


def test_ids_are_unique(folder: Folder) -> None:
    path = write(folder)
    folder.edit("overlays/mine.yaml", "my-change", "other")
    error = folder.error("h@1", overlay=path)
    assert error.startswith(folder.at("overlays/mine.yaml", "other") + "there is a change 'other'")


def test_files_that_are_none(folder: Folder) -> None:
    missing = folder.root / "overlays" / "no.yaml"
    assert folder.error("h@1", overlay=missing).startswith(f"{missing}: No such file")
    error = folder.error("h@1", overlay=folder.root / "h" / "1.yaml")
    assert error.startswith(f"{folder.root}/h/1.yaml:1:1: ")


def test_an_overlay_is_no_change_to_pick(folder: Folder) -> None:
    error = folder.error("h@1+overlay:mine")
    assert error.startswith("overlay:mine is no change; write h@1 alone")


def test_overlays_are_no_revisions(folder: Folder) -> None:
    known = [it.id for it in revisions(folder.root)]
    folder.write("overlays/odd.yaml", "revision: h@7\nnonsense")
    assert [it.id for it in revisions(folder.root)] == known
    assert overlays(folder.root) == [folder.root / "overlays" / "odd.yaml"]


def test_our_own_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert OURS in overlays()
    assert resolve("h@0.1", overlay=OURS).id == "h@0.1+overlay:numbers-0.1"
    # A file of the user's by that name is the user's.
    OURS.parent.mkdir(parents=True)
    OURS.write_text("overlay: theirs\n", encoding="utf-8")
    with pytest.raises(DrafthartError, match="'on' is missing"):
        resolve("h@0.1", overlay=OURS)


@pytest.mark.parametrize("xlen", [32, 64])
@pytest.mark.parametrize("expression", ["h@0.1", "h@0.1@2017-11-09", "h@0.1+csr-numbers"])
def test_our_own_binds_all_of_0_1(expression: str, xlen: int) -> None:
    assert unassigned(resolve(expression, xlen=xlen))
    isa = resolve(expression, xlen=xlen, overlay=OURS)
    assert unassigned(isa) == []
    require_assigned(isa)


def test_our_own_numbers_are_in_custom_space_and_in_no_draft() -> None:
    plain, isa = resolve("h@0.1"), resolve("h@0.1", overlay=OURS)
    others = {number for it in revisions() for number in resolve(it.id).csr_at}
    for name, csr in plain.csrs.items():
        if csr.address is None:
            number = isa.csrs[name].address
            assert number is not None
            assert number in (range(0x7C0, 0x800) if csr.mode == "M" else range(0x6C0, 0x700))
            assert number not in others
    encoding = isa.instructions["hret"].encoding
    assert encoding is not None
    assert encoding.match >> 26 == 0b101011


@pytest.mark.parametrize("summary", revisions(), ids=lambda it: it.id)
def test_labels_other_than_0_1_leave_nothing_without_number(
    summary: RevisionSummary,
) -> None:
    assert bool(unassigned(resolve(summary.id))) is (summary.id == "h@0.1")
