"""The ledger: its form, its seal, and what may follow what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import revisions
from drafthart.runtime.staging.area import NAME, OWN, Area
from drafthart.runtime.staging.ledger import (
    FOLLOWS,
    RUNS,
    Feature,
    Ledger,
    Project,
    State,
    Step,
    feature_named,
    parse_ledger,
    read_ledger,
)


def at(feature: Feature, state: State) -> Feature:
    return replace(feature, history=(Step("2020-01-01", state, "so it is"),))


@pytest.fixture
def feature(area: Area) -> Feature:
    return read_ledger(area.ledger).features["h@1"]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("then", State)
def test_only_what_may_follow_follows(feature: Feature, state: State, then: State) -> None:
    if then in FOLLOWS[state]:
        moved = at(feature, state).moved("2020-01-02", then, "on")
        assert [step.state for step in moved.history] == [state, then]
    else:
        with pytest.raises(DrafthartError, match=f"is {state}, and cannot become {then}"):
            at(feature, state).moved("2020-01-02", then, "on")


def test_nothing_follows_what_is_ratified_and_only_frozen_is_ratified() -> None:
    assert FOLLOWS[State.RATIFIED] == ()
    assert [state for state in State if State.RATIFIED in FOLLOWS[state]] == [State.FROZEN]


def test_time_does_not_run_backwards(feature: Feature) -> None:
    with pytest.raises(DrafthartError, match=r"before h@1 became staged"):
        feature.moved("2019-12-31", State.FROZEN, "early")


def test_what_is_written_is_what_is_read(area: Area, feature: Feature) -> None:
    project = Project("port", "2020-02-02", ("h@1~1",))
    ledger = Ledger(
        {"h@1": replace(feature, leaves="2021-01-01", gaps=("a: #1",))}, {"port": project}
    )
    area.ledger.write_text(ledger.text())
    assert read_ledger(area.ledger) == ledger
    assert ledger.users("h@1") == [project]
    assert ledger.users("h@2") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("why: ready", "why: other"), ("state: proposed", "state: staged"), ("h@1:", "h@2:")],
)
def test_a_history_changed_by_hand_is_refused(area: Area, old: str, new: str) -> None:
    area.ledger.write_text(area.ledger.read_text().replace(old, new, 1))
    with pytest.raises(DrafthartError, match=r"ledger.yaml:4:7: a history was changed by hand"):
        read_ledger(area.ledger)


def test_what_people_decide_is_edited_by_hand(area: Area) -> None:
    area.ledger.write_text(area.ledger.read_text().replace("owner: someone", "owner: another"))
    assert read_ledger(area.ledger).features["h@1"].owner == "another"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("owner: someone", "ownr: someone", "unknown key 'ownr'; did you mean 'owner'"),
        ("state: staged", "state: adopted", "'adopted' is none of proposed, staged"),
        ("since: 2020-01-01", "since: yesterday", "'yesterday' is not allowed; expected: The day"),
        ("check: resolves", "check: whatever", "'whatever' is none of"),
        ("notice-days: 30", "notice-days: soon", "expected a number"),
    ],
)
def test_the_schema_is_checked(area: Area, old: str, new: str, told: str) -> None:
    text = area.ledger.read_text()
    assert old in text
    with pytest.raises(DrafthartError, match=f"there.yaml:\\d+:\\d+: {told}"):
        parse_ledger(text.replace(old, new, 1), "there.yaml")


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("h@0.6.1", "h@0.6.1"),
        ("h@0.6.1~2", "h@0.6.1"),
        ("h@0.6.1+one^two", "h@0.6.1"),
        ("h@0.5@2019-10-31", "h@0.5"),
        ("h@1.0,priv@1.11", "h@1.0"),
        ("h@1.0.0-rc~1,priv@1.11~2", "h@1.0.0-rc"),
    ],
)
def test_the_feature_that_an_expression_names(expression: str, name: str) -> None:
    assert feature_named(expression) == name


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none.yaml") == Ledger()


@pytest.mark.staged
def test_our_own_has_every_revision() -> None:
    ledger = read_ledger(OWN.ledger)
    assert ledger.text() == OWN.ledger.read_text()
    for it in revisions():
        feature = ledger.features[it.id]
        assert NAME.fullmatch(it.id)
        assert (feature.state is State.RATIFIED) == (str(it.status) == "ratified")
        assert OWN.is_staged(it.id) == (feature.state in RUNS)
        assert feature.since <= it.date
        assert feature.tracking.startswith("riscv-isa-manual, ")
        assert feature.why
        assert feature.removal
