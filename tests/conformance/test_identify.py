"""Each draft is named from what it does; the two that nothing parts, together."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drafthart.cli import main
from drafthart.conformance.confusion import confusion, left_out, named, not_told, table, variants
from drafthart.conformance.deltas import deltas
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.identify import identify
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.series import steps
from drafthart.conformance.target import DrafthartTarget
from drafthart.generator.errors import DrafthartError

pytestmark = pytest.mark.staged
ALIKE = {"h@1.0.0-rc", "h@1.0"}
"""What the text changed between them shows on no hart without Svinval, Svpbmt and Zfh."""
PAGE = Path(__file__).parents[2] / "docs" / "identify.md"
LONG = pytest.mark.skipif(
    not os.environ.get("DRAFTHART_IDENTIFY"),
    reason="runs probes under each draft: set DRAFTHART_IDENTIFY=1, or tox -e identify",
)


@pytest.mark.slow
@LONG
def test_each_draft_is_named() -> None:
    outcomes = confusion()
    assert list(outcomes) == list(labels())
    for label, outcome in outcomes.items():
        assert set(outcome.best) == (ALIKE if label in ALIKE else {label}), label
        assert outcome.candidates[0].agreement == 1
        assert outcome.deviations == []
        assert outcome.lost == 0
    assert "\n".join(table(outcomes)) in PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
@LONG
def test_each_single_change_less_is_named() -> None:
    outcomes = {it: named(it) for it in left_out().values()}
    for expression, outcome in outcomes.items():
        assert expression in outcome.equivalent or (not outcome.variants and not outcome.differing)
        assert outcome.deviations == []
    assert "\n".join(variants(outcomes)) in PAGE.read_text(encoding="utf-8")


def test_the_page_has_all_labels_and_all_changes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| (h@[^^ ]*) \|.*%", text, re.MULTILINE) == list(labels())
    rows = re.findall(r"^\| h@1\.0\^(\S+) \| ", text, re.MULTILINE)
    assert rows == list(left_out())
    assert "\n".join(not_told()) in text
    own = [it.change.id for it in steps() if not it.amendment]
    others = [line.split(" | ")[0].removeprefix("| ") for line in [*not_told()][2:]]
    assert sorted([*rows, *others]) == sorted(own)


def test_a_single_change_less_is_named_as_itself() -> None:
    outcome = named("h@1.0^hs-qualified")
    assert str(outcome.answer) == "h@1.0, without `hs-qualified`"
    assert outcome.answer.expression == "h@1.0^hs-qualified"
    assert outcome.differing > outcome.variants[0].differing == 0
    assert outcome.deviations == []
    text = PAGE.read_text(encoding="utf-8")
    (row,) = list(variants({"h@1.0^hs-qualified": outcome}))[2:]
    assert row in text


@LONG
def test_changes_more_and_less_at_once_are_found() -> None:
    outcome = named("h@0.6.1+scounteren-virtual^gva-breakpoint")
    assert outcome.answer.label == "h@0.6.1"
    assert outcome.answer.more == {"scounteren-virtual"}
    assert outcome.answer.less == {"gva-breakpoint"}
    assert outcome.variants[0].differing == 0


@LONG
def test_choices_are_no_deviations() -> None:
    choices = {"VMIDLEN": 7, "GEILEN": 0}
    outcome = identify(DrafthartTarget("h@1.0", name="one that chooses", choices=choices))
    assert outcome.best[-1] == "h@1.0"
    assert outcome.inferred.items() <= choices.items()
    assert outcome.variants == []
    assert outcome.deviations == []


@dataclass
class Silent:
    """A target that leaves nothing, and notes how long it may take."""

    name: str = "silent"
    platform: Platform = field(default_factory=Platform)
    parameters: Mapping[str, int] = field(default_factory=dict)
    timeout: float = 60.0
    missing: str | None = None
    patience: list[float] = field(default_factory=list)

    def run(self, program: Path, timeout: float) -> list[int]:
        self.patience.append(timeout)
        return []


def test_a_target_that_tells_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Silent()
    monkeypatch.setattr("drafthart.conformance.bounded._MOST_FAILURES", 2)
    with pytest.raises(DrafthartError, match="no probe came back"):
        identify(silent)
    assert 0 < sum(silent.patience) < 60  # though its longest program may take that long


def test_the_answer_as_text_and_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", "drafthart:h@1.0^hs-qualified"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    answer = "h@1.0, without `hs-qualified`; no deviations from any draft"
    assert answer in " ".join(lines[-3:])
    assert lines[-1] == "As a revision: h@1.0^hs-qualified"
    assert main(["identify", "drafthart:h@1.0^hs-qualified", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["revision"] == "h@1.0^hs-qualified"
    assert (data["label"], data["plus"], data["without"]) == ("h@1.0", [], ["hs-qualified"])
    assert {it["revision"] for it in data["candidates"]} == set(labels())
    assert data["probes"] == len({it for found in deltas().values() for it in found})


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", "nobody"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no target of this name" in captured.err
    assert captured.err.count("\n") == 1
