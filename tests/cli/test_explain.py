"""`drafthart explain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from spec_folder import Folder, change

from drafthart.generator.diff.items import items

Command = Callable[..., Any]
Explain = Callable[..., Any]


@pytest.fixture
def drafts(folder: Folder) -> Folder:
    """Two drafts after h@1: one renames and rewrites, the next adds and removes."""
    folder.revision(
        "2",
        change("called-state", "rename: {csrs.status: state_of}", date="2020-02-01")
        + change(
            "checks-less",
            """
            replace:
              functions.check.operation: |
                return value
              rules.check.first.summary: Checks come last
            """,
            date="2020-02-02",
            more="breaks_: []",
        )
        .replace("  breaks_: []\n", "")
        .replace("breaks: []", "breaks: [software, tools]"),
        parent="h@1",
        date="2021-01-01",
    )
    folder.revision(
        "3",
        change("gone", "remove: [csrs.state_of.fields.NEW, causes.2]", date="2020-03-01")
        + change(
            "subtract",
            """
            add:
              instructions.sub:
                extension: I
                encoding: 0100000 00000 rs1 000 rd 0110011
                assembly: rd, rs1
                operation: |
                  refuse()
                  X[rd] = -X[rs1]
              functions.refuse:
                operation: |
                  pass
              rules.refused: {summary: Not now, by: [fn:refuse], section: Refusals}
            """,
            date="2020-03-02",
        ),
        parent="h@2",
        date="2022-01-01",
    )
    return folder


@pytest.fixture
def explain(drafthart: Command, drafts: Folder) -> Explain:
    def run(revision: str, what: str, *more: str) -> Any:
        return drafthart("explain", revision, what, *more, "--specs", str(drafts.root))

    return run


def test_a_csr_is_drawn_once_for_all_drafts_that_agree(explain: Explain) -> None:
    lines = explain("h@3", "state_of").out.splitlines()
    assert lines[0] == "csr:state_of  in h@3"
    at = lines.index("in each draft:")
    shown = lines[at + 1 : lines.index("changes:")]
    assert [line for line in shown if line.startswith(("  base", "  h@"))] == [
        "  base@1  status  0x300, M, 3 fields",
        "  h@1  status  0x300, M, 4 fields",
        "  h@2  state_of  0x300, M, 4 fields",
        "  h@3  state_of  0x300, M, 3 fields",
    ]
    # The second picture serves h@2 as well: only the name differs there.
    assert sum(line.startswith("┌") for line in shown) == 3
    assert "      status.LEVEL moved: 3:1 → 6:4" in shown
    assert "      status.NEW added: 9, WARL" in shown
    assert "      state_of renamed: csr:status → csr:state_of" in shown


def test_the_fields_of_a_csr_are_told_in_words(explain: Explain) -> None:
    assert "ON     0    Running" in explain("h@1", "status").out.splitlines()


def test_a_field_is_found_in_each_draft_under_the_name_of_its_time(explain: Explain) -> None:
    lines = explain("h@3", "state_of.LEVEL").out.splitlines()
    at = lines.index("in each draft:")
    assert [line.split() for line in lines[at + 2 : at + 5]] == [
        ["base@1", "status.LEVEL", "3:1", "WARL", "0,", "1,", "3"],
        ["h@1", "status.LEVEL", "6:4", "WARL", "0,", "1,", "3"],
        ["h@2", "…", "3", "state_of.LEVEL", "6:4", "WARL", "0,", "1,", "3"],
    ]
    assert [line.split()[-1] for line in lines if line.startswith("  2020")] == [
        "moved",
        "called-state",
    ]


def test_later_drafts_are_shown_too(explain: Explain) -> None:
    before = explain("h@1", "status.NEW", "--format", "json").json
    assert [(it["first"], it["last"], it["id"]) for it in before["drafts"]] == [
        ("h@1", "h@1", "csr:status.NEW"),
        ("h@2", "h@2", "csr:state_of.NEW"),
        ("h@3", "h@3", "csr:state_of.NEW"),
    ]
    assert before["drafts"][2]["aspects"] is None
    assert [it["id"] for it in before["changes"]] == ["added", "called-state", "gone"]
    assert "(not in these)" in explain("h@1", "status.NEW").out


def test_a_change_is_told_with_its_day_commit_label_and_summary(explain: Explain) -> None:
    out = explain("h@3", "fn:check").out
    assert (
        "  2020-02-02  h@2  checks-less\n"
        "      commit abcdef01  breaks software, tools\n"
        "      It is checks-less.\n"
    ) in out


def test_a_function_has_its_operation_and_what_changed_in_it(explain: Explain) -> None:
    result = explain("h@3", "fn:check")
    out = result.out
    assert "operation:\n    return value\n" in out
    assert "operation becomes in h@2:\n" in out
    assert "\n    -    return value + slots[0]\n" in out
    assert "used by:\n  insn:fence.i\n" in out
    # That status got another name is no change of the function.
    assert "status.ON" not in out.partition("in each draft:")[0]


def test_an_instruction_has_its_encoding_and_where_it_is_legal(explain: Explain) -> None:
    out = explain("h@3", "sub").out
    assert "│ 0100000 │ 00000 │ rs1 │ 000 │ rd │ 0110011 │" in out
    assert "where it is legal:\n  rule:refused\n      Not now\n" in out
    assert "calls:\n  fn:refuse\n" in out
    found = explain("h@3", "sub", "--format", "json").json
    assert found["legality"] == [
        {"id": "rule:refused", "summary": "Not now", "section": "Refusals"}
    ]


def test_a_cause_has_its_meaning(explain: Explain) -> None:
    out = explain("h@1", "cause:2").out
    assert "name           Illegal instruction\n" in out
    assert "in operations  ILLEGAL\n" in out
    assert "interrupt:3  in h@3" in explain("h@3", "SOFTWARE").out


def test_a_rule_has_its_summary_over_time(explain: Explain) -> None:
    lines = explain("h@3", "check.first").out.splitlines()
    at = lines.index("in each draft:")
    assert [line.split(None, 1) for line in lines[at + 2 : at + 4]] == [
        ["base@1", "… h@1  Checks come first"],
        ["h@2", "… 3       Checks come last"],
    ]
    assert "by       fn:check, csr:state_of.ON" in lines
    assert "section  Checks" in lines


def test_the_rules_that_name_an_item_stand_beside_it(explain: Explain) -> None:
    found = explain("h@3", "state_of", "--format", "json").json
    assert [it["id"] for it in found["rules"]] == ["rule:check.first"]
    assert found["users"] == []
    found = explain("h@1", "status.ON", "--format", "json").json
    assert found["users"] == ["csr:status.TOP", "fn:check"]


def test_a_mixture_has_the_history_of_its_revision(explain: Explain) -> None:
    out = explain("h@3^checks-less", "fn:check").out
    assert out.startswith("fn:check  in h@3^checks-less\n")
    assert "changes:\n  2020-02-02  h@2  checks-less\n" in out


def test_an_item_of_the_base_has_one_row(explain: Explain) -> None:
    out = explain("base@1", "addi").out
    assert "base@1 … h@3  " in out
    assert "none: it is as the base has it" in out


def test_every_item_can_be_explained(explain: Explain, drafts: Folder) -> None:
    for id_ in items(drafts.resolve("h@2")):
        for form in ("text", "json"):
            result = explain("h@2", id_, "--format", form)
            assert result.status == 0, (id_, result.err)
            assert id_ in result.out


@pytest.mark.parametrize(
    "item", ["hstatus", "henvcfg", "mstatus", "hlvx.wu", "cause:22", "check_wfi", "rule:wfi.vu"]
)
def test_real_items_read_well_in_80_columns(drafthart: Command, item: str) -> None:
    result = drafthart("explain", "h@1.0", item)
    assert result.status == 0, result.err
    prose, _, _ = result.out.partition("operation:")
    assert max(map(len, prose.splitlines())) <= 80


def test_a_real_field_renamed_within_a_label(drafthart: Command) -> None:
    found = drafthart("explain h@1.0 henvcfg.VSTCE --format json").json
    assert {"henvcfg-fields", "vstce-enables"} <= {it["id"] for it in found["changes"]}


@pytest.mark.parametrize(
    ("revision", "what", "message"),
    [
        ("h@3", "state_fo", "h@3 has no item state_fo; did you mean state_of"),
        ("h@9", "status", "unknown revision 'h@9'"),
        ("h@1", "sub", "h@1 has no item sub; h@3 has insn:sub: name that revision"),
        ("h@3", "cause:2", "h@3 has no item cause:2; h@2 has cause:2: name that revision"),
        ("h@3", "ON", "h@3 has no item ON"),
    ],
)
def test_errors(
    fails: Callable[..., str], drafts: Folder, revision: str, what: str, message: str
) -> None:
    assert message in fails("explain", revision, what, "--specs", str(drafts.root))


def test_what_a_field_takes(explain: Explain, drafthart: Command) -> None:
    rows = [line.split() for line in explain("h@1", "status.TOP").out.splitlines()]
    assert ["base@1", "…", "h@1", "status.TOP", "63", "RO", "computed"] in rows
    assert "as write has it" in drafthart("explain h@1.0 hstatus.VGEIN").out
