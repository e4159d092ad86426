"""The numbers in the findings against the manual's tables, as of the newer draft's commit."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from itertools import pairwise

import pytest
from compared import compared

from drafthart.generator.diff.findings import Finding
from drafthart.generator.spec.resolve import revisions

CLONE = os.environ.get("DRAFTHART_MANUAL", "")
DRAFTS = [it.id for it in revisions() if it.id.startswith("h@")]

pytestmark = pytest.mark.skipif(not CLONE, reason="DRAFTHART_MANUAL names no clone")


@cache
def text(commit: str, name: str) -> str:
    command = ["git", "-C", CLONE, "show", f"{commit}:src/{name}.tex"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def stands(finding: Finding, commit: str) -> bool | None:
    """Is what came in the table? None for a finding that no table has."""
    kind, _, name = finding.item.partition(":")
    after = finding.after or ""
    if finding.rule.startswith("csr-") and (number := re.match("0x([0-9a-f]{3})", after)):
        row = rf"(?i)0x{number[1]}\s*&[^&]*&\s*\\tt\s+{name}\b"
        return re.search(row, text(commit, "priv-csrs")) is not None
    if finding.rule in ("cause-added", "interrupt-added"):
        row = rf"{int(kind == 'interrupt')}\s*&\s*{name}\s*&\s*{re.escape(after)}"
        return re.search(row, text(commit, "hypervisor")) is not None
    if finding.rule in ("instruction-added", "encoding-changed"):
        words = [it for it in after.split() if len(it) == 7 and set(it) <= set("01")]
        return all(it in text(commit, "priv-instr-table") for it in words)
    return None


@pytest.mark.parametrize(("a", "b"), [*pairwise(DRAFTS), ("h@0.6.1", "h@1.0")])
def test_what_came_stands_in_the_tables(a: str, b: str) -> None:
    comparison = compared(a, b)
    looked_up = {
        (it.rule, it.item): stands(it, comparison.b.commit)
        for it in comparison.findings
        if it.difference.kind in ("added", "address", "encoding")
    }
    assert [key for key, found in looked_up.items() if found is False] == []


def test_there_is_something_to_look_up() -> None:
    found = [
        stands(it, comparison.b.commit)
        for a, b in [*pairwise(DRAFTS), ("h@0.6.1", "h@1.0")]
        for comparison in [compared(a, b)]
        for it in comparison.findings
        if it.difference.kind in ("added", "address", "encoding")
    ]
    assert found.count(True) == 62
