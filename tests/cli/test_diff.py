"""`drafthart diff`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spec_folder import Folder, change

from drafthart.generator.diff.report.words import GROUPS

Command = Callable[..., Any]


def test_text(drafthart: Command, folder: Folder) -> None:
    result = drafthart("diff", "base@1", "h@1", "--specs", str(folder.root))
    assert result.status == 0
    assert (
        result.out
        == """\
base@1 → h@1  3 differences by 2 changes

for             breaking   dangerous  compatible   editorial
Hypervisor             .           1           .           2
Guest                  .           1           .           2
Firmware               1           1           1           .
Hardware               1           1           1           .
Toolchain              1           1           1           .

The revision: 1 status-changed
CSRs and their fields: 1 field-added, 1 field-moved

the gravest:
  field-moved csr:status.LEVEL: 3:1 → 6:4

The revision

  status-changed: The revision has another status, such as ratified instead of
  draft.
    revision
      ratified → draft
      dangerous for all
    → B is not settled. Opt in to it by name, and expect it to change.

CSRs and their fields

  field-added: A field is new, at bits that were reserved.
    csr:status.NEW
      9, WARL
      compatible for firmware, hardware and toolchain; by added
    → Implement it. Software that keeps reserved bits as it finds them, or
      writes zero to them, goes on as before.

  field-moved: A field lies at other bits.
    csr:status.LEVEL
      3:1 → 6:4
      breaking for firmware, hardware and toolchain; by moved
    → Build again with the new mask and shift. No exception tells that the old
      ones are wrong.

The changes

  moved  2020-01-01 abcdef01
    It is moved.

  added  2020-01-01 abcdef01
    It is added.
"""
    )


def test_json(drafthart: Command, folder: Folder) -> None:
    specs = ("--format", "json", "--specs", str(folder.root))
    found = drafthart("diff", "base@1", "h@1", "--only", "csr", *specs).json
    assert found["before"] == {"revision": "base@1", "status": "ratified"}
    assert found["after"] == {"revision": "h@1", "status": "draft"}
    assert found["changes"] == ["moved", "added"]
    moved, added = found["differences"]
    assert {name: moved[name] for name in ("rule", "item", "kind", "before", "after")} == {
        "rule": "field-moved",
        "item": "csr:status.LEVEL",
        "kind": "moved",
        "before": "3:1",
        "after": "6:4",
    }
    assert moved["severity"]["firmware"] == "breaking"
    assert (added["old_item"], added["before"], added["after"]) == (None, None, "9, WARL")
    assert added["changes"] == ["added"]


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


def test_only_the_gravest_for_someone(drafthart: Command, folder: Folder) -> None:
    arguments = ("diff", "base@1", "h@1", "--specs", str(folder.root), "--only", "breaking")
    assert "field-moved" in drafthart(*arguments, "--for", "firmware").out
    assert "  no difference" in drafthart(*arguments, "--for", "guest").out


def test_failing(drafthart: Command, folder: Folder) -> None:
    arguments = ("diff", "base@1", "h@1", "--specs", str(folder.root), "--only", "csr")
    assert drafthart(*arguments, "--fail-on", "breaking").status == 1
    assert drafthart(*arguments, "--fail-on", "breaking", "--for", "guest").status == 0
    assert drafthart(*arguments, "--fail-on", "compatible", "--only", "compatible").status == 1
    assert drafthart(*arguments, "--fail-on", "dangerous", "--only", "compatible").status == 0


def test_ignoring(drafthart: Command, folder: Folder, here: Path) -> None:
    (here / "ignore.yaml").write_text(
        "ignore:\n- {rule: field-moved, reason: We use no masks}\n- {item: 'csr:x', reason: So}\n"
    )
    arguments = ("diff", "base@1", "h@1", "--specs", str(folder.root), "--only", "csr")
    result = drafthart(*arguments, "--ignore", "ignore.yaml", "--fail-on", "breaking")
    assert result.status == 0
    assert "csr:status.LEVEL field-moved: We use no masks\n" in result.out
    assert result.err == "drafthart: ignore.yaml:3:3: no difference fits this entry\n"


@pytest.mark.parametrize("format_", ["markdown", "html", "json", "junit", "github", "lines"])
def test_forms_to_a_file(drafthart: Command, here: Path, format_: str) -> None:
    arguments = f"diff h@1.0.0-rc h@1.0 --format {format_}"
    shown = drafthart(arguments)
    assert shown.status == 0
    assert drafthart(f"{arguments} -o there").out == ""
    assert (here / "there").read_text(encoding="utf-8") == shown.out


@pytest.mark.parametrize("pair", ["h@0.1 h@0.2", "h@0.3 h@0.4", "h@0.6.1 h@1.0", "h@1.0 h@0.1"])
def test_lines_fit(drafthart: Command, pair: str) -> None:
    assert max(map(len, drafthart(f"diff {pair} --all").out.splitlines())) <= 80


@pytest.mark.parametrize("pair", ["h@0.3 h@0.4", "h@0.6.1 h@1.0", "h@1.0 h@0.1"])
def test_the_summary_is_one_screen(drafthart: Command, pair: str) -> None:
    lines = drafthart(f"diff {pair}").out.splitlines()
    assert min(lines.index(it) for it in GROUPS if it in lines) <= 30


def test_what_nobody_notices_is_counted(drafthart: Command) -> None:
    out = drafthart("diff h@1.0.0-rc h@1.0").out
    assert "text-clarified" not in out
    assert " editorial differences are not listed; --all lists them\n" in out
    for option in ("--all", "--only editorial", "--only text-clarified"):
        assert "  text-clarified: " in drafthart(f"diff h@1.0.0-rc h@1.0 {option}").out


def test_errors(fails: Callable[..., str], here: Path) -> None:
    assert "no severity, kind of item or rule; did you mean 'field'?" in fails(
        "diff h@1.0 h@1.0 --only fields"
    )
    assert "unknown revision" in fails("diff h@1.0 h@7")
    assert "choose of hypervisor, guest" in fails("diff h@1.0 h@1.0 --for me")
    assert "ignore.yaml: " in fails("diff h@1.0 h@1.0 --ignore ignore.yaml")
    assert "choose another --format" in fails("diff h@1.0 h@1.0 -o there")
    assert "there/x" in fails("diff h@1.0 h@1.0 --format html -o there/x")
    assert not (here / "there").exists()
