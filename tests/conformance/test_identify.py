"""Each draft is named from what it does; the two that nothing parts, together."""

from __future__ import annotations

import os

import pytest

from drafthart.cli import main
from drafthart.conformance.confusion import confusion, table
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.identify import identify
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import CommandTarget
from drafthart.generator.errors import DrafthartError

ALIKE = {"h@1.0.0-rc", "h@1.0"}
"""What the text changed between them shows on no hart without Svinval, Svpbmt and Zfh."""


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("DRAFTHART_IDENTIFY"),
    reason="runs probes under each draft: set DRAFTHART_IDENTIFY=1, or tox -e identify",
)
def test_each_draft_is_named() -> None:
    outcomes = confusion()
    assert list(outcomes) == list(labels())
    for label, outcome in outcomes.items():
        assert set(outcome.best) == (ALIKE if label in ALIKE else {label}), label
        assert outcome.candidates[0].agreement == 1
        assert outcome.deviations == []
        assert outcome.lost == 0
    assert len(list(table(outcomes))) == len(labels()) + 2


def test_a_target_that_tells_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = CommandTarget("silent", ("true", "{program}"), platform=Platform(), timeout=1)
    monkeypatch.setattr("drafthart.conformance.bounded._MOST_FAILURES", 1)
    monkeypatch.setattr("drafthart.conformance.identify._PER_GROUP", 1)
    with pytest.raises(DrafthartError, match="no probe came back"):
        identify(silent)


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", "nobody"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no target of this name" in captured.err
    assert captured.err.count("\n") == 1
