"""What differs between neighbouring drafts, line by line; each was read against the manual's text.

    DRAFTHART_WRITE_GOLDEN=1 pytest tests/golden

writes the files anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from compared import compared

from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.rule_table import Audience
from drafthart.generator.spec.resolve import revisions

HERE = Path(__file__).parent / "diffs"
DRAFTS = [it.id for it in revisions() if it.id.startswith("h@")]
PAIRS = [*pairwise(DRAFTS), ("h@0.6.1", "h@1.0"), ("h@1.0", "h@0.6.1")]


def line(it: Finding) -> str:
    """Severities are B, D, C and E, in the order of the audiences."""
    severities = "".join(it.severity[who][0].upper() for who in Audience)
    what = " → ".join(" ".join((text or "").split()) for text in (it.before, it.after))
    if it.difference.is_text:
        what = it.difference.kind
    was = f" (was {it.old_item})" if it.old_item not in ("", it.item) else ""
    made = ", ".join(change.id for change in it.changes)
    return f"{severities} {it.rule} {it.item}{was}: {what.strip()} [{made}]"


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=lambda name: name.replace("h@", ""))
def test_golden_diff(a: str, b: str) -> None:
    found = [line(it) for it in compared(a, b).findings if it.difference.kind != "clarified"]
    text = "".join(f"{it}\n" for it in found)
    path = HERE / f"{a}-{b}.txt".replace("h@", "")
    if os.environ.get("DRAFTHART_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
