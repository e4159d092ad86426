"""`drafthart diff`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spec_folder import Folder, change

Command = Callable[..., Any]


def test_text(drafthart: Command, folder: Folder) -> None:
    result = drafthart("diff", "base@1", "h@1", "--specs", str(folder.root))
    assert result.out.splitlines() == [
        "base@1 → h@1  1 status, 1 moved, 1 added",
        "",
        "item              what    before → after",
        "revision          status  ratified → draft",
        "csr:status.LEVEL  moved   3:1 → 6:4",
        "                          by moved",
        "csr:status.NEW    added   9, WARL",
        "                          by added",
    ]


def test_json(drafthart: Command, folder: Folder) -> None:
    specs = ("--format", "json", "--specs", str(folder.root))
    found = drafthart("diff", "base@1", "h@1", "--only", "csr", *specs).json
    assert found == {
        "before": {"revision": "base@1", "status": "ratified"},
        "after": {"revision": "h@1", "status": "draft"},
        "changes": ["moved", "added"],
        "differences": [
            {
                "item": "csr:status.LEVEL",
                "kind": "moved",
                "before": "3:1",
                "after": "6:4",
                "changes": ["moved"],
            },
            {
                "item": "csr:status.NEW",
                "kind": "added",
                "before": None,
                "after": "9, WARL",
                "changes": ["added"],
            },
        ],
    }


def test_only_some_kinds(drafthart: Command, folder: Folder) -> None:
    specs = ("--specs", str(folder.root))
    assert "csr:" not in drafthart("diff", "base@1", "h@1", "--only", "insn", *specs).out
    both = drafthart("diff", "base@1", "h@1", "--only", "insn", "--only", "csr", *specs)
    assert "csr:status.NEW" in both.out


def test_operations_line_by_line(drafthart: Command, folder: Folder) -> None:
    folder.revision(
        "2", change("other", "replace:\n  instructions.addi.operation: |\n    X[rd] = imm\n")
    )
    arguments = ("diff", "base@1", "h@2", "--only", "insn", "--specs", str(folder.root))
    assert "X[rd]" not in drafthart(*arguments).out
    assert "+X[rd] = imm\n" in drafthart(*arguments, "--operations").out


def test_no_difference(drafthart: Command, folder: Folder) -> None:
    result = drafthart("diff", "h@1", "h@1", "--specs", str(folder.root))
    assert result.out == "h@1 → h@1  no difference\n"


def test_real_drafts(drafthart: Command) -> None:
    found = drafthart("diff h@0.6.1 h@1.0 --format json").json["differences"]
    assert found
    assert drafthart("diff h@0.6.1 h@1.0 --format json").json["differences"] == found


def test_errors(fails: Callable[..., str]) -> None:
    assert "no such kind; choose of insn" in fails("diff h@1.0 h@1.0 --only fields")
    assert "unknown revision" in fails("diff h@1.0 h@7")
