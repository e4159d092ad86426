"""Drafthart against other implementations: every difference is known and explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drafthart.conformance import peers
from drafthart.conformance.comparison import Difference
from drafthart.conformance.known import explanation
from drafthart.conformance.peers import compare_with, load_peer, revisions_of
from drafthart.conformance.target_file import FOLDER, names, read_target

NAMES = names()
BESIDE = [
    pytest.param(name, revision, marks=[pytest.mark.staged] if number else [])
    for name in NAMES
    for number, revision in enumerate(revisions_of(name))
]
"""The first revision of each is ratified, the others are drafts."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "peers.md"


# One test, so that several workers do not each compare with the same peer.
@pytest.mark.slow
@pytest.mark.parametrize(("name", "revision"), BESIDE)
def test_the_differences_are_exactly_those_that_are_recorded(name: str, revision: str) -> None:
    peer = load_peer(name, revision)
    if peer.target.missing:
        pytest.skip(peer.target.missing)
    comparison = compare_with(peer)
    assert [str(difference) for difference in comparison.differences[""]] == []
    assert [str(difference) for difference in comparison.wrongly] == []
    found = {case.id: len(comparison.differences[case.id]) for case in peer.cases}
    assert found == {case.id: case.counts[revision] for case in peer.cases}
    if revision != revisions_of(name)[0]:
        return  # where a pattern of the first may match nothing
    idle = [
        pattern
        for case in peer.cases
        for pattern in case.differences
        if not any(found.matches(pattern) for found in comparison.differences[case.id])
    ]
    assert idle == []


@pytest.mark.parametrize("name", NAMES)
def test_each_case_says_what_why_and_where(name: str) -> None:
    known = read_target(FOLDER / f"{name}.yaml")[1]
    for case in known.cases:
        assert case.verdict in ("deviation", "choice"), case.id
        assert case.section.split(", ")[0].endswith(".tex"), case.id
        assert case.what, case.id
        assert case.peer.endswith("."), case.id
        assert case.why.endswith("."), case.id
        assert all(count > 0 for count in case.counts.values()), case.id
        assert case.as_in not in case.counts, case.id
    assert len({case.id for case in known.cases}) == len(known.cases)


@pytest.mark.parametrize(("name", "revision"), BESIDE)
def test_the_documentation_shows_the_cases(name: str, revision: str) -> None:
    lines = DOCUMENT.read_text().splitlines()
    for line in peers.table(name, revision):
        assert line in lines


def test_a_pattern_names_probe_what_and_both_values() -> None:
    difference = Difference("wfi VU TW", "end", "M 2", "M 22")
    assert difference.matches("wfi VU * | end | M 2 | M 22")
    assert not difference.matches("wfi VU * | end | M 2 | M 2")
    assert not difference.matches("wfi VU *")


def test_the_first_case_that_matches_explains() -> None:
    cases = load_peer("qemu-7.2").cases
    known = Difference("mret from M: MPP=3 MPV=1 MPIE=0", "mstatus.MPV", "0x0", "0x1")
    assert explanation(known, cases) == "mpv-in-m"
    assert explanation(Difference("of no known kind", "a0", "0x0", "0x1"), cases) == ""


def test_a_case_counts_beside_the_revisions_that_it_has_counts_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    counts = {"everywhere": {"h@1.0": 1, "h@0.6.1": 2}, "later": 3, "earlier": {"h@0.6.1": 4}}
    same = {"verdict": "choice", "what": "a", "why": "b", "differences": ["a | b | c | d"]}
    cases = [{"id": name, "count": count, **same} for name, count in counts.items()]
    content = {"name": "Mine", "command": ["{program}"]}
    path.write_text(json.dumps(content | {"known": {"revision": "h@1.0", "cases": cases}}))
    known = read_target(path)[1]
    assert known.revisions == ("h@1.0", "h@0.6.1")
    assert [case.id for case in known.beside("h@1.0")] == ["everywhere", "later"]
    assert [case.id for case in known.beside("h@0.6.1")] == ["everywhere", "earlier"]
    assert known.beside("h@0.5") == ()


@pytest.mark.parametrize(
    "arguments", [[], ["nobody"], ["qemu-7.2", "--nothing"], ["qemu-7.2", "h@0.1"]]
)
def test_wrong_arguments_are_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert peers.main(arguments) == 2
    assert "qemu-7.2" in capsys.readouterr().err
