"""Two reports of `validate` against each other: what is new, fixed, changed, or as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from drafthart.cli import main
from drafthart.conformance.regressions import Entry, Kind, Regressions, regressions
from drafthart.generator.spec.texts import SPECS
from drafthart.regressions_report import rendered
from drafthart.runtime.taint import read_taint

ALL = ("p1", "p2", "p3", "p4")


def finding(
    key: str, *probes: str, verdict: str = "deviation", seen: str = "M 2"
) -> dict[str, Any]:
    return {
        "key": key,
        "verdict": verdict,
        "group": "instructions",
        "probe": probes[0],
        "what": "end",
        "expected": "M 22",
        "seen": seen,
        "items": ["insn:wfi"],
        "rules": ["wfi.tw"],
        "section": "Wait for Interrupt",
        "why": "",
        "as_in": ["h@1.0"],
        "probes": list(probes),
    }


def report(
    *findings: Mapping[str, Any], probed: tuple[str, ...] = ALL, **more: Any
) -> dict[str, Any]:
    return {
        "target": "mine",
        "revision": "h@1.0",
        "stability": {"revision": "h@1.0", "status": "ratified", "opt_in": None},
        "conforms": not findings,
        "summary": "as it is",
        "probes": len(probed),
        "observations": 10 * len(probed),
        "lost": 0,
        "parameters": {"GEILEN": 0},
        "inferred": {},
        "groups": {"instructions": {"VS": list(probed)}},
        "matrix": [],
        "not_probed": [],
        "findings": list(findings),
        **more,
    }


def only(found: Regressions) -> Entry:
    (entry,) = found.entries
    return entry


def kinds(found: Regressions) -> dict[str, tuple[Kind, bool]]:
    return {it.key: (it.kind, it.worse) for it in found.entries}


def test_the_reports_of_these_tests_are_as_the_schema_says() -> None:
    schema = json.loads((SPECS / "schema/validate.schema.json").read_text())
    jsonschema.validate(report(finding("a", "p1")), schema)


def test_new_fixed_and_unchanged() -> None:
    found = regressions(
        report(finding("gone", "p1"), finding("same", "p2")),
        report(finding("same", "p2"), finding("came", "p3")),
    )
    assert kinds(found) == {
        "came": (Kind.NEW, True),
        "gone": (Kind.FIXED, False),
        "same": (Kind.UNCHANGED, False),
    }
    assert found.entries[0].key == "came"


def test_more_probes_and_another_order_change_nothing() -> None:
    old = report(finding("a", "p2", "p3"), finding("b", "p4"))
    more = report(
        finding("b", "p4"),
        finding("a", "p0", "p3", "p5", "p2", seen="HS 2"),
        finding("c", "p6"),
        probed=("p6", "p5", "p4", "p3", "p2", "p1", "p0"),
    )
    assert kinds(regressions(old, more)) == {
        "a": (Kind.UNCHANGED, False),
        "b": (Kind.UNCHANGED, False),
        "c": (Kind.NEWLY_PROBED, False),
    }
    assert kinds(regressions(more, old))["c"] == (Kind.NO_LONGER_PROBED, False)


def test_a_finding_that_shows_in_other_probes_has_changed() -> None:
    old = report(finding("a", "p1", "p2"))
    entry = only(regressions(old, report(finding("a", "p1", "p2", "p3"))))
    assert (entry.kind, entry.worse, entry.more, entry.fewer) == (Kind.CHANGED, True, ("p3",), ())
    entry = only(regressions(old, report(finding("a", "p1"))))
    assert (entry.kind, entry.worse, entry.more, entry.fewer) == (Kind.CHANGED, False, (), ("p2",))
    entry = only(regressions(old, report(finding("a", "p1", "p2", seen="HS 2"))))
    assert (entry.kind, entry.worse) == (Kind.CHANGED, False)


def test_another_wrong_result_of_the_same_probes_is_no_new_one() -> None:
    old = report(finding("M 2", "p1", "p2"))
    entry = only(regressions(old, report(finding("HS 2", "p1", "p2"))))
    assert (entry.kind, entry.worse, entry.related) == (Kind.CHANGED, False, ("M 2",))
    found = regressions(old, report(finding("HS 2", "p1", "p3")))
    assert kinds(found) == {"HS 2": (Kind.NEW, True), "M 2": (Kind.CHANGED, False)}
    assert {it.key: it.fewer for it in found.entries}["M 2"] == ("p2",)


def test_what_goes_away_beside_what_stays_is_fixed() -> None:
    old = report(finding("x", "p1"), finding("y", "p1"))
    assert kinds(regressions(old, report(finding("y", "p1")))) == {
        "x": (Kind.FIXED, False),
        "y": (Kind.UNCHANGED, False),
    }


def test_becoming_known_is_no_fix_and_losing_the_reason_is_worse() -> None:
    deviation = report(finding("end", "p1"))
    known = report(finding("known | errata-1", "p1", verdict="known"))
    entry = only(regressions(deviation, known))
    assert (entry.kind, entry.worse, entry.related) == (Kind.CHANGED, False, ("end",))
    entry = only(regressions(known, deviation))
    assert (entry.kind, entry.worse) == (Kind.CHANGED, True)
    choice = report(finding("choice | MPP is WARL", "p1", verdict="choice"))
    assert kinds(regressions(report(), choice))["choice | MPP is WARL"] == (Kind.NEW, False)


def test_reports_without_common_probes_tell_nothing_of_each_other() -> None:
    found = regressions(report(finding("a", "p1")), report(finding("b", "q1"), probed=("q1",)))
    assert kinds(found) == {
        "a": (Kind.NO_LONGER_PROBED, False),
        "b": (Kind.NEWLY_PROBED, False),
    }
    assert found.common == 0


def test_every_probe_that_got_worse_is_in_an_entry_that_is() -> None:
    """Whatever the findings: a probe that agreed and deviates now is told as such."""
    labels = [f"p{number}" for number in range(8)]
    chance = random.Random(8)
    for _ in range(300):
        sides = []
        for _ in range(2):
            keys = chance.sample("abcde", chance.randrange(5))
            some = [finding(key, *chance.sample(labels, chance.randint(1, 4))) for key in keys]
            sides.append(report(*some, probed=tuple(labels)))
        found = regressions(*sides)
        before, after = ({it for one in side["findings"] for it in one["probes"]} for side in sides)
        told = {label for it in found.worse for label in it.more}
        assert after - before <= told
        if not found.worse:
            assert after <= before
        assert {it.key for it in found.entries if it.new} == {
            it["key"] for it in sides[1]["findings"]
        }


def test_choices_revision_and_target_are_told() -> None:
    new = report(
        target="mine, rev B", revision="h@1.0.0-rc", parameters={"GEILEN": 3, "VMIDLEN": 7}
    )
    text = "\n".join(map(str, _text(regressions(report(), new))))
    assert "target    mine → mine, rev B" in text
    assert "revision  h@1.0 → h@1.0.0-rc" in text
    assert "choice    GEILEN=0 → 3" in text
    assert "choice    VMIDLEN=none → 7" in text


def _text(found: Regressions) -> list[object]:
    from drafthart.regressions_report import as_text

    return list(as_text(found))


def written(tmp_path: Path, *reports: Mapping[str, Any]) -> list[str]:
    paths = [tmp_path / f"{number}.json" for number in range(len(reports))]
    for path, it in zip(paths, reports, strict=True):
        path.write_text(json.dumps(it))
    return [str(path) for path in paths]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["regressions", *arguments])
    return status, *capsys.readouterr()


OLD = report(finding("gone", "p1"), finding("stays", "p2"))
NEW = report(finding("came", "p3"), finding("stays", "p2"))


@pytest.mark.parametrize(
    ("new", "options", "status"),
    [
        (NEW, [], 0),
        (NEW, ["--fail-on", "new"], 1),
        (NEW, ["--fail-on", "any"], 1),
        (report(finding("stays", "p2")), ["--fail-on", "new"], 0),
        (report(finding("stays", "p2")), ["--fail-on", "any"], 1),
        (OLD, ["--fail-on", "any"], 0),
    ],
)
def test_the_status(
    new: Mapping[str, Any],
    options: list[str],
    status: int,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert run(capsys, *written(tmp_path, OLD, new), *options)[0] == status


def test_the_report_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    paths = written(tmp_path, OLD, NEW)
    _, out, _ = run(capsys, *paths)
    assert "new: deviation: came\n  probe     p3\n  expected  M 22, seen M 2\n" in out
    assert "fixed: deviation: gone\n" in out
    assert "stays" not in out
    assert out.splitlines()[-1] == "1 new, 1 fixed, 1 unchanged; 1 of them worse"
    assert "unchanged: deviation: stays\n" in run(capsys, *paths, "--all")[1]
    assert run(capsys, *paths) == run(capsys, *paths)


def test_the_reports_for_tools_ci_and_pull_requests() -> None:
    found = regressions(OLD, NEW)
    data = json.loads(rendered(found, "json"))
    jsonschema.validate(data, json.loads((SPECS / "schema/regressions.schema.json").read_text()))
    assert data["counts"]["new"] == data["worse"] == 1
    root = Xml.fromstring(rendered(found, "junit"))
    (failure,) = root.findall("testsuite/testcase/failure")
    assert failure.get("message") == "expected M 22, seen M 2"
    assert len(root.findall("testsuite/testcase")) == len(found.entries) == 3
    text = rendered(found, "markdown")
    assert "## New\n\n- deviation: `came`, worse\n" in text
    assert "## Fixed" in text
    assert rendered(found, "summary") == "1 new, 1 fixed, 1 unchanged; 1 of them worse\n"


def test_what_is_made_of_a_draft_stays_marked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    draft = {"revision": "h@1.0~1", "status": "draft", "opt_in": "--allow-unstable"}
    paths = written(tmp_path, report(), report(stability=draft, revision="h@1.0~1"))
    for form in ("json", "markdown", "junit"):
        _, out, err = run(capsys, *paths, "--format", form)
        path = tmp_path / f"both.{form}"
        path.write_text(out)
        assert read_taint(path) == draft
        assert "is unstable" in err
    assert "made with h@1.0~1 (draft)" in run(capsys, *paths)[1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("{", "is no JSON"),
        ("[]", "is no report of validate"),
        (json.dumps({**OLD, "findings": [{}]}), "findings/0"),
        (json.dumps(report(finding("a", "p1"), finding("a", "p2"))), "same key"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_bad_reports_are_one_line(
    content: str, told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    status, out, err = run(capsys, *written(tmp_path, OLD), str(path))
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert run(capsys, str(tmp_path / "none.json"), str(path))[0] == 2
