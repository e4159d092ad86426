"""Faults planted in the spec: how they are made, and that the probes find them."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from drafthart.conformance.mutation import __main__ as command
from drafthart.conformance.mutation.judge import CAUGHT, SURVIVED, Judgement, judge
from drafthart.conformance.mutation.mutants import Mutant, concerns, sample
from drafthart.conformance.mutation.operations import Neighbours, faults
from drafthart.conformance.mutation.report import explanations, report, score
from drafthart.conformance.mutation.run import Results, mutate
from drafthart.conformance.mutation.suite import suite
from drafthart.conformance.mutation.tables import csr_faults, instruction_faults
from drafthart.runtime.resolved import resolved

CHECK = """\
if V and hstatus.VTSR:
    raise_virtual_instruction()
if mode == S and not V and mstatus.TSR:
    raise_illegal_instruction()
"""
ONLY = (
    "instructions/insn:sret",
    "returns/insn:sret",
    "csr-access/csr:hedeleg",
    "csr-values/csr:hstatus",
)


@pytest.fixture(scope="module")
def mutants() -> dict[str, Mutant]:
    return {mutant.id: mutant for mutant in sample(resolved("h@1.0"), 0)}


def test_an_operation_is_changed_in_one_thing() -> None:
    found = {(fault.kind, fault.what) for fault in faults(CHECK, Neighbours(resolved("h@1.0")))}
    assert ("check removed", "without `if V and hstatus.VTSR:`") in found
    assert ("and/or", "`V and hstatus.VTSR` → `V or hstatus.VTSR`") in found
    assert ("condition dropped", "`V and hstatus.VTSR` → `V`") in found
    assert ("comparison", "`mode == S` → `mode != S`") in found
    assert ("name", "`S` → `M`") in found
    assert ("condition negated", "`not V` → `V`") in found
    order = "`if mode == S and (not V) and mstatus.TSR` before `if V and hstatus.VTSR`"
    assert ("priority", order) in found
    assert all(fault.text != CHECK for fault in faults(CHECK, Neighbours(resolved("h@1.0"))))


def test_tables_are_changed_where_there_is_room() -> None:
    isa = resolved("h@1.0")
    rows = {row.what: row.item for row in csr_faults(isa.csrs["hstatus"], isa)}
    assert rows["VTSR: 22 → 23"].fields["VTSR"].low == 23
    assert "VTSR: 22 → 21" not in rows  # VTW is there
    assert rows["VTW: WARL → RO"].fields["VTW"].kind == "RO"
    assert rows["no address"].address is None
    inverted = next(iter(instruction_faults(isa.instructions["hlv.b"])))
    old = isa.instructions["hlv.b"].encoding
    new = inverted.item.encoding
    assert old is not None
    assert new is not None
    assert (old.match ^ new.match).bit_count() == 1


def test_mutants_are_many_distinct_and_the_same_each_time(mutants: dict[str, Mutant]) -> None:
    isa = resolved("h@1.0")
    again = list(sample(isa, 0))
    assert [it.id for it in again] == list(mutants)
    assert len({it.id for it in again}) == len(again) > 2000
    other = [it.id for it in islice(sample(isa, 1), 100)]
    assert other != [it.id for it in again[:100]]
    sorts = {it.item.partition(":")[0] for it in again}
    assert sorts == {"fn", "csr", "insn", "cause", "interrupt"}
    assert not any(it.item in ("insn:addi", "fn:minimum") for it in again)
    assert not concerns(isa.instructions["addi"].place)


# Faults of each sort, in what a few probes see: a whole run takes minutes.
CAUGHT_MUTANTS = (
    "h@1.0 fn:check_sret, check removed: without `if V and hstatus.VTSR:`",
    "h@1.0 fn:check_sret, condition dropped: `V and hstatus.VTSR` → `V`",
    "h@1.0 fn:check_sret, name: `S` → `M`",
    "h@1.0 fn:return_from_vs, stale field: without `vsstatus.SPIE = 1`",
    "h@1.0 fn:return_from_s, stale field: without `mstatus.SPIE = 1`",
    "h@1.0 fn:restore_v_from_hs, stale field: without `hstatus.SPV = 0`",
    "h@1.0 csr:hstatus, field moved: VTSR: 22 → 23",
    "h@1.0 csr:hstatus, kind: VTW: WARL → RO",
    "h@1.0 csr:hedeleg, CSR absent: no address",
    "h@1.0 csr:hedeleg, CSR's privilege: 0x602 → 0x702",
    "h@1.0 insn:sret, encoding: bit 28 inverted",
    "h@1.0 fn:refuse_user_mode, condition negated: `if V:` → `if not V:`",
)


@pytest.mark.parametrize("name", CAUGHT_MUTANTS)
def test_the_probes_catch_it(name: str, mutants: dict[str, Mutant]) -> None:
    found = judge(mutants[name], suite("h@1.0", ONLY))
    assert found.outcome == CAUGHT
    assert found.verdict in ("deviation", "not implemented")
    probes = {probe.label for one in suite("h@1.0", ONLY).parts for probe in one.group.probes}
    assert found.probe in probes


def test_what_these_probes_do_not_touch_survives_them(mutants: dict[str, Mutant]) -> None:
    some = suite("h@1.0", ONLY)
    assert all(None not in one.here for one in some.parts)
    untouched = next(it for it in mutants.values() if it.item == "fn:check_hfence_gvma")
    assert judge(untouched, some).outcome == SURVIVED


def test_results_are_kept_and_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    one = Judgement("m", "fn:f", "kind", CAUGHT, "deviation", "group", "probe", "seen")
    Results(path).keep("old", one)
    again = Results(path)
    assert again.of("m", "old") == one
    assert again.of("m", "new") is None
    assert again.hint("m") == ("group", "probe")
    assert again.hint("other") is None


def test_the_report_counts_what_a_program_can_tell() -> None:
    caught = Judgement("a", "fn:f", "name", CAUGHT, "deviation")
    survived = Judgement("b", "fn:f", "name", SURVIVED)
    lines, unexplained = report({"h@1.0": [caught, survived]})
    assert "| h@1.0 | 2 | 0 | 1 | 1 | 50.0 % |" in lines
    assert unexplained == ["b"]
    assert score([caught, survived]) == 0.5


def test_each_survivor_that_is_explained_is_a_mutant() -> None:
    told = explanations()
    every = {it.id for revision in command.REVISIONS for it in sample(resolved(revision), 0)}
    assert set(told) <= every
    for mutant, (verdict, why) in told.items():
        assert verdict in ("equivalent", "open"), mutant
        assert why.endswith("."), mutant


@pytest.mark.slow
@pytest.mark.staged
@pytest.mark.skipif(
    not os.environ.get("DRAFTHART_MUTATION"),
    reason="runs hundreds of mutants under three drafts: set DRAFTHART_MUTATION=1",
)
@pytest.mark.parametrize("revision", command.REVISIONS)
def test_the_score(revision: str) -> None:
    found = mutate(revision, command.COUNT, command.SEED, Results(None))
    assert sum(one.outcome in (CAUGHT, SURVIVED) for one in found) == command.COUNT
    _, unexplained = report({revision: found})
    assert unexplained == []
    assert score(found) >= 0.95
