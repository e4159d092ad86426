"""The manual's names of normative rules in `explain` and `check`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from spec_folder import Folder, change

Command = Callable[..., Any]
Explain = Callable[..., Any]

JOIN = """
normative-rules: h
source: {commit: abcdef01, date: 2024-01-01, file: defs/chapter.yaml}
on: h@2
names:
  first_op: {ours: [rule:check.first]}
  later_op: {ours: [rule:later, csr:status]}
  narrow_op: {ours: [csr:status.NARROW], why: Just for 32 bits}
  other_op: {why: Another extension's}
  check: {ours: [fn:check]}
"""


@pytest.fixture
def joined(folder: Folder) -> Folder:
    """Two revisions, of which the second has all that the names lead to."""
    folder.revision(
        "2",
        change(
            "more",
            """
            add:
              rules.later: {summary: Said later, by: [fn:check], section: Checks}
              csrs.status.fields.NARROW: {bits: 30, kind: WARL, xlen: 32, doc: A bit}
            """,
        ),
        parent="h@1",
    )
    folder.write("h/normative-rules.yaml", JOIN)
    return folder


@pytest.fixture
def explain(drafthart: Command, joined: Folder) -> Explain:
    return lambda *arguments: drafthart("explain", *arguments, "--specs", str(joined.root))


def test_a_name_leads_to_ours(explain: Explain) -> None:
    found = explain("h@1", "norm:first_op")
    assert found.status == 0
    assert found.out.splitlines()[0] == "norm:first_op  in riscv-isa-manual abcdef01"
    assert "  rule:check.first\n      Checks come first\n" in found.out
    assert explain("h@1", "first_op").out == found.out


def test_an_item_comes_before_a_name_of_the_manual(explain: Explain) -> None:
    assert explain("h@1", "fn:check", "--format", "json").json["normative"] == ["norm:check"]
    assert explain("h@1", "check", "--format", "json").json["id"] == "fn:check"
    assert explain("h@1", "norm:check", "--format", "json").json["id"] == "norm:check"


def test_what_the_revision_lacks_says_where_it_is(explain: Explain) -> None:
    assert "  rule:later  in h@2\n      Said later\n" in explain("h@1", "later_op").out
    assert "  rule:later\n" in explain("h@2", "later_op").out
    narrow = explain("h@1", "narrow_op").out
    assert "  csr:status.NARROW  in h@2, XLEN=32\n" in narrow
    assert "what it leaves out:\n      Just for 32 bits\n" in narrow


def test_why_there_is_nothing(explain: Explain) -> None:
    assert (
        "why there is nothing here:\n      Another extension's\n" in explain("h@1", "other_op").out
    )


def test_as_json(explain: Explain) -> None:
    found = explain("h@1", "norm:later_op", "--format", "json").json
    assert found["manual"] == {
        "commit": "abcdef01", "date": "2024-01-01", "file": "defs/chapter.yaml"
    }  # fmt: skip
    assert [(it["id"], it["revision"]) for it in found["ours"]] == [
        ("rule:later", "h@2"),
        ("csr:status", "h@1"),
    ]


def test_a_rule_shows_its_names(explain: Explain) -> None:
    assert "normative rules of the manual:\n  norm:first_op\n" in explain("h@1", "check.first").out


def test_an_unknown_name(explain: Explain) -> None:
    found = explain("h@1", "norm:first_up")
    assert (found.status, found.out) == (2, "")
    assert found.err == (
        "drafthart: the manual has no normative rule 'first_up'; did you mean 'first_op'?\n"
    )


def test_check_looks_at_the_names(drafthart: Command, joined: Folder) -> None:
    found = drafthart("check", "--specs", str(joined.root))
    assert "normative-rules.yaml: 5 names of the manual, 4 with items of h@2\n" in found.out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "rule:check.first",
            "rule:check.fist",
            "normative-rules.yaml:5:13: h@2 has no rule:check.fist",
        ),
        ("{why: Another extension's}", "{}", "normative-rules.yaml:8:13: a map is not allowed"),
        ("why: Just", "wy: Just", "did you mean 'why'?"),
    ],
)
def test_mistakes_are_told(
    drafthart: Command, joined: Folder, old: str, new: str, said: str
) -> None:
    joined.edit("h/normative-rules.yaml", old, new)
    found = drafthart("check", "--specs", str(joined.root))
    assert found.status == 2
    assert said in found.err
    assert "Traceback" not in found.err


def test_the_form_of_the_file_alone(drafthart: Command, joined: Folder) -> None:
    found = drafthart("check", str(joined.root / "h/normative-rules.yaml"))
    assert (found.status, found.out.splitlines()[-1].partition(": ")[2]) == (
        0, "the form of a file of normative rules"
    )  # fmt: skip
