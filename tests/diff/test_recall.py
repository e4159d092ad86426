"""How much of what the manual's text changed is found: against lists written from the text alone.

recall/*.yaml were written from `git diff` of the text, before anyone looked at what the tool says.
An entry with `missed` is one that it does not find, with the reason; one with `as` is told as
another item. docs/diff-quality.md has the figures, which this test holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from compared import compared

from drafthart.generator.diff.findings import Finding

HERE = Path(__file__).parent
LISTS = sorted((HERE / "recall").glob("*.yaml"))
QUALITY = HERE.parents[1] / "docs" / "diff-quality.md"

KINDS = {
    "added": {"added"},
    "removed": {"removed"},
    "status": {"status"},
    "legal-values": {"legal", "write", "read"},
}


def entries() -> Iterator[Any]:
    for path in LISTS:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for entry in content["expected"]:
            yield pytest.param(
                content["before"], content["after"], entry, id=f"{path.stem} {entry['what']}"
            )


def finds(finding: Finding, entry: dict[str, Any]) -> bool:
    """Does a finding tell what the entry says?"""
    if "as" in entry:
        return finding.item == entry["as"]
    if entry["is"] == "behaviour":
        commits = {commit for change in finding.changes for commit in change.commits}
        return entry["commit"] in commits and speaks_of(finding, entry["words"])
    if finding.item == entry["item"]:
        return finding.difference.kind in KINDS[entry["is"]]
    # A CSR that comes or goes as a whole lists its fields.
    csr, _, field = entry["item"].partition(".")
    text = (finding.after if entry["is"] == "added" else finding.before) or ""
    return (
        finding.item == csr
        and finding.difference.kind in KINDS[entry["is"]]
        and re.search(rf"\b{field} \d", text) is not None
    )


def speaks_of(finding: Finding, words: list[str]) -> bool:
    """Are all the words in what the reader sees of the finding and of its changes?"""
    seen = [finding.item, finding.before or "", finding.after or ""]
    seen += [change.summary for change in finding.changes]
    text = " ".join(seen).lower()
    return all(word.lower() in text for word in words)


@pytest.mark.parametrize(("before", "after", "entry"), list(entries()))
def test_what_the_text_changed_is_found(before: str, after: str, entry: dict[str, Any]) -> None:
    found = any(finds(it, entry) for it in compared(before, after).findings)
    assert found is ("missed" not in entry)


def test_the_figures_are_those_of_the_documentation() -> None:
    page = " ".join(QUALITY.read_text(encoding="utf-8").split())
    for path in LISTS:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        expected = content["expected"]
        missed = sum("missed" in entry for entry in expected)
        other = sum("as" in entry for entry in expected)
        figures = [len(expected), len(expected) - missed - other, other, missed]
        row = f"| {content['before']} → {content['after']} | {' | '.join(map(str, figures))} |"
        assert row in page
