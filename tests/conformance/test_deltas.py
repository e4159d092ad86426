"""Each change of the series has probes that tell it from its absence, or a reason why none can."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache

import pytest

from drafthart.cli import main
from drafthart.conformance.confusion import reason
from drafthart.conformance.delta_programs import delta_groups
from drafthart.conformance.deltas import Delta, deltas, untold
from drafthart.conformance.expected import expected, program_of
from drafthart.conformance.groups import groups, part
from drafthart.conformance.merge import merged
from drafthart.conformance.near import Near
from drafthart.conformance.probes.probe import Group, Probe
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.series import Step, first_with, same_engine, steps
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.resolved import resolved

EVERY = {step.change.id: step for step in steps()}
TOLD = [change for change in EVERY if deltas().get(change)]
SAMPLE = TOLD[:: max(1, len(TOLD) // 5)]
pytestmark = pytest.mark.staged
ALL = bool(os.environ.get("DRAFTHART_IDENTIFY"))


@cache
def left(made_for: str, state: str) -> dict[str, list[int] | None]:
    """What each delta probe that is made for a revision leaves under a state."""
    isa = resolved(made_for)
    group = delta_groups()[made_for]
    under = resolved(state)
    found = {}
    records = expected(group, program_of(group, isa, Platform()), under)
    for probe, record in zip(group.probes, records, strict=True):
        alone = part(group, [probe.label])  # another one may hang
        program = program_of(alone, isa, Platform())
        found[probe.label] = record or expected(alone, program, under)[0]
    return found


def tells(it: Delta, before: str, after: str) -> bool:
    """Does the probe leave something else before and after?"""
    one, other = (left(it.made_for, state)[it.label] for state in (before, after))
    assert one is not None
    assert other is not None
    return one != other


def test_every_change_of_the_series_is_there() -> None:
    assert list(deltas()) == list(EVERY)


def test_every_change_is_told_or_has_a_reason() -> None:
    without = {change for change in EVERY if not deltas()[change]}
    same = {it for it in without if same_engine(EVERY[it].before) == same_engine(EVERY[it].after)}
    assert set(untold()) == without - same


@pytest.mark.skipif(
    not ALL, reason="runs each change: set DRAFTHART_IDENTIFY=1, or tox -e identify"
)
@pytest.mark.slow
@pytest.mark.parametrize("change", TOLD)
def test_a_probe_parts_the_states_around_its_change(change: str) -> None:
    parts(EVERY[change])


@pytest.mark.parametrize("change", SAMPLE)
def test_a_probe_parts_the_states_around_some_change(change: str) -> None:
    parts(EVERY[change])


def parts(step: Step) -> None:
    sides = [(step.before, step.after)]
    for label in (step.label, "h@1.0"):
        near = Near(label).minus(step.change.id)
        if near.less == {step.change.id}:
            sides.append((near.expression, label))
    found = deltas()[step.change.id]
    assert all(any(tells(it, *pair) for pair in sides) for it in found)


def test_all_delta_probes_are_there_and_few_programs() -> None:
    chosen = {it for found in deltas().values() for it in found}
    made = delta_groups()
    assert sum(len(group.probes) for group in made.values()) == len(chosen)
    assert len(made) <= 10


def test_a_change_belongs_to_the_first_label_that_has_it() -> None:
    for change, step in EVERY.items():
        assert first_with(change) == (None if step.amendment else step.label)


def test_only_the_deltas_of_a_change() -> None:
    isa = resolved("h@1.0")
    every = groups(isa, ["deltas"])
    one = groups(isa, ["deltas/hs-qualified"])
    labels = {probe.label for group in one for probe in group.probes}
    assert labels == {it.label for it in deltas()["hs-qualified"] if it.made_for == "h@1.0"}
    assert labels < {probe.label for group in every for probe in group.probes}
    with pytest.raises(DrafthartError, match="deltas/nothing: no probe"):
        groups(isa, ["deltas/nothing"])
    with pytest.raises(DrafthartError, match="no probe"):
        groups(resolved("h@1.0^hs-qualified"), ["deltas/hs-qualified"])


def test_validating_the_deltas_finds_a_change_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["validate", "--revision", "h@1.0", "--only", "deltas/hs-qualified", "--engine"]
    assert main([*command, "python", "drafthart:h@1.0"]) == 0
    assert main([*command, "python", "drafthart:h@1.0^hs-qualified"]) == 1
    assert "deviation" in capsys.readouterr().out


def test_merged_probes_keep_what_their_group_sets_up() -> None:
    first = Group("a", (Probe("one", "nop"),), (("mie", 0), ("mip", 0), (0x100, 1)), ("mie",))
    second = Group(
        "b", (Probe("two", "nop", setup=(("mip", 2),)),), (("mie", 0), ("mip", 1)), ("mip", "mie")
    )
    both = merged("both", [first, second])
    assert both.baseline == (("mie", 0),)
    assert both.watch == ("mie", "mip")
    setups = [(*both.baseline, *probe.setup) for probe in both.probes]
    assert setups == [first.baseline, (*second.baseline, ("mip", 2))]
    with pytest.raises(ValueError, match="called one"):
        merged("both", [first, replace(first, name="again")])


def test_a_merged_probe_sees_what_it_sees_alone() -> None:
    isa = resolved("h@1.0")
    labels = {it.label for it in deltas()["hs-qualified"]}
    alone = [part(group, sorted(labels)) for group in groups(isa)]
    alone = [group for group in alone if group.probes]
    both = merged("both", alone)
    together = expected(both, program_of(both, isa, Platform()), isa)
    names = ["how", "a0", "a1", *both.watch]
    for group in alone:
        own = expected(group, program_of(group, isa, Platform()), isa)
        for probe, record in zip(group.probes, own, strict=True):
            place = [it.label for it in both.probes].index(probe.label)
            merged_record = together[place]
            assert record is not None
            assert merged_record is not None
            kept = dict(zip(names, merged_record, strict=True))
            assert dict(zip(["how", "a0", "a1", *group.watch], record, strict=True)).items() <= (
                kept.items()
            )


def test_names_of_what_lies_near() -> None:
    near = Near("h@0.6.1").plus("hs-qualified").minus("hlvx-needs-read-and-execute")
    assert near.expression == (
        "h@0.6.1+virtual-instruction-by-access+hs-qualified^hlvx-needs-read-and-execute"
    )
    assert str(near) == (
        "h@0.6.1, plus `virtual-instruction-by-access`, `hs-qualified`, "
        "without `hlvx-needs-read-and-execute`"
    )
    assert near.has("hs-qualified")
    assert not near.has("hlvx-needs-read-and-execute")
    assert resolved(near.expression).id == near.expression
    assert near.minus("hs-qualified").minus("virtual-instruction-by-access") == Near(
        "h@0.6.1", less=frozenset({"hlvx-needs-read-and-execute"})
    )


def test_what_others_build_on_goes_with_them() -> None:
    near = Near("h@1.0").minus("vtw-returns")
    assert near.expression == "h@1.0^hs-qualified^vtw-returns"
    assert near.plus("hs-qualified") == Near("h@1.0")
    assert reason(EVERY["vtw-returns"]) == "others build on it: hs-qualified"
