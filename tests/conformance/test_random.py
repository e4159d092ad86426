"""Random probes: the same for a seed, run to their end, find planted faults, and get short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drafthart.cli import main
from drafthart.conformance.expected import expected, program_of
from drafthart.conformance.here import run_here
from drafthart.conformance.known import Case
from drafthart.conformance.observe import observe
from drafthart.conformance.probes.probe import Names, Probe
from drafthart.conformance.probes.program import Platform, source
from drafthart.conformance.randomized.generate import group_of, random_groups
from drafthart.conformance.randomized.reduce import cost, cut, cuts_of, named, steps_of
from drafthart.conformance.randomized.shrink import Bench, shrink
from drafthart.conformance.randomized.values import random_mask, random_value, writable
from drafthart.conformance.verdicts import Finding, Verdict, findings
from drafthart.generator.spec.model import ISA, Source
from drafthart.runtime.engines import has_compiler, native_engine, python_engine
from drafthart.runtime.resolved import resolved

SEED = 4


def quiet(steps: Sequence[Any], doing: str) -> Sequence[Any]:
    """No progress bar."""
    return steps


@pytest.fixture(scope="module")
def isa() -> ISA:
    return resolved("h@1.0")


def some(isa: ISA, count: int, seed: int = SEED) -> list[Probe]:
    groups = random_groups(isa, count, seed, quiet, even=True)
    return [probe for group in groups for probe in group.probes]


def test_a_seed_gives_the_same_probes_and_the_first_do_not_depend_on_the_count(isa: ISA) -> None:
    short, long = some(isa, 20), some(isa, 60)
    assert long[:20] == short == some(isa, 20)
    assert some(isa, 20, SEED + 1) != short
    assert [probe.label for probe in short[:2]] == [f"random {SEED}:0", f"random {SEED}:1"]


def test_what_earlier_groups_exercised_changes_what_later_ones_try(isa: ISA) -> None:
    learned = random_groups(isa, 258, SEED, quiet)
    even = random_groups(isa, 258, SEED, quiet, even=True)
    assert learned[0] == even[0]
    assert learned[1] != even[1]


@pytest.mark.staged
@pytest.mark.parametrize("revision", ["h@0.1", "h@0.2", "h@0.4", "h@0.6.1"])
def test_every_probe_of_a_draft_runs_to_its_end(revision: str) -> None:
    runs_to_its_end(resolved(revision))


def test_every_probe_runs_to_its_end(isa: ISA) -> None:
    runs_to_its_end(isa)


def runs_to_its_end(isa: ISA) -> None:
    group = group_of("random", some(isa, 96), isa)
    program = program_of(group, isa, Platform())
    left = expected(group, program, isa, python_engine(isa))
    assert [probe.label for probe, it in zip(group.probes, left, strict=True) if it is None] == []


def test_probes_leave_the_way_out_alone(isa: ISA) -> None:
    delegated = ("medeleg.BREAKPOINT", "medeleg.ECALL_FROM_U", "medeleg.ECALL_FROM_VS")
    mask = sum(isa.csrs["medeleg"].fields[it.partition(".")[2]].mask for it in delegated)
    override = isa.csrs["mstatus"].fields["MPRV"].mask
    for probe in some(isa, 200):
        written = dict(probe.setup)
        assert not int(written.get("medeleg", 0)) & mask
        assert not {"mtvec", "misa"}.intersection(map(str, written))
        assert not probe.mstatus & override or (
            probe.mode == "M" and "sret" not in probe.action and "mret" not in probe.action
        )
        for line in probe.action.splitlines():
            assert line.split()[0] not in ("wfi", "csrw mtvec")
            assert ", mtvec, t0" not in line
            assert ", satp, t0" not in line or "sfence.vma" in probe.action


def test_written_values_are_legal(isa: ISA) -> None:
    chance = Random(SEED)
    names = Names(isa)
    seen = 0
    for csr in writable(isa):
        for _ in range(10):
            value = random_value(csr, names, chance)
            for it in csr.fields.values():
                if it.legal is not None and it.kind != "RO":
                    assert (value & it.mask) >> it.low in it.legal
                    seen += 1
            free = sum(it.mask for it in csr.fields.values() if it.legal is None)
            assert not random_mask(csr, names, chance) & ~free
    assert seen > 50


def test_steps_are_what_stands_at_the_margin() -> None:
    probe = Probe("p", "nop\nli t0, 1\n  csrw sepc, t0\nsret", setup=(("mie", 2), ("mip", 2)))
    assert steps_of(probe) == ["nop", "li t0, 1\n  csrw sepc, t0", "sret"]
    shorter = cut(probe, frozenset({("step", 1, 0), ("write", 0, 0), ("bits", 1, 2)}))
    assert (shorter.action, shorter.setup) == ("nop\nsret", (("mip", 0),))


def test_a_user_probe_moves_with_its_translation(isa: ISA) -> None:
    probe = next(it for it in some(isa, 200) if it.mode == "VU" and it.virtual)
    number = next(n for n, (what, _) in enumerate(probe.setup) if what == "vsatp")
    assert cut(probe, frozenset({("write", number, 0)})).virtual == 0
    assert cut(probe, frozenset({("mode", 0, 0)})).virtual == 0


def test_every_cut_leaves_a_probe_that_assembles(isa: ISA) -> None:
    for probe in some(isa, 12):
        shorter = [cut(probe, it) for it in cuts_of(probe, isa)]
        assert all(cost(it) <= cost(probe) for it in shorter)
        assert len({named(probe, it) for it in cuts_of(probe, isa)}) > 1
        labelled = [replace(it, label=f"{n}") for n, it in enumerate(shorter)]
        assert source(group_of("cuts", labelled, isa), isa, Platform())
        assert program_of(group_of("cuts", labelled, isa), isa, Platform())


@dataclass(frozen=True)
class Planted:
    """Drafthart with a fault."""

    isa: ISA
    name: str = "planted"
    platform: Platform = field(default_factory=Platform)
    parameters: Mapping[str, int] = field(default_factory=dict)
    timeout: float = 60.0
    missing: str | None = None

    def run(self, program: Path, timeout: float) -> list[int]:
        return run_here(self.isa, program, python_engine(self.isa))


def planted(isa: ISA, section: str, key: str, old: str, new: str) -> Planted:
    """The revision with a part of one operation replaced."""
    every = dict(getattr(isa, section))
    operation: Source = every[key].operation
    assert old in operation.text
    text = operation.text.replace(old, new, 1)
    every[key] = replace(every[key], operation=replace(operation, text=text))
    return Planted(replace(isa, **{section: every}, content=f"{isa.content} {key} {new}"))


def shown(isa: ISA, target: Planted, *cases: Case, count: int = 256) -> list[tuple[Finding, Probe]]:
    """What random probes find, each with the shortest that shows it."""
    groups = random_groups(isa, count, SEED, quiet, even=True)
    seen = observe(groups, isa, target, engine="python")
    found = findings(seen, isa, cases)
    bench = Bench(isa, target, python_engine(isa))
    left, group = shrink(found, seen, bench, cases, quiet)
    probes = {probe.label: probe for probe in group.probes}
    return [(it, probes[it.probe]) for it in left]


def test_the_revision_itself_does_not_differ(isa: ISA) -> None:
    assert shown(isa, Planted(isa)) == []


def test_a_missing_check_is_shown_by_one_instruction(isa: ISA) -> None:
    """TSR acts in HS-mode alone."""
    target = planted(isa, "functions", "check_sret", "and not V and", "and")
    found = shown(isa, target)
    assert found
    for finding, _ in found:
        assert finding.verdict is Verdict.DEVIATION
        assert "insn:sret" in finding.items
    finding, probe = min(found, key=lambda it: cost(it[1]))
    assert (len(steps_of(probe)), probe.mode) == (1, "VS")
    assert probe.mstatus == isa.csrs["mstatus"].fields["TSR"].mask
    assert len(probe.setup) <= 2
    label, _, text = finding.probe.partition(" as VS: ")
    assert label.startswith(f"random {SEED}:")
    assert "sret" in text


def test_a_wrong_result_is_shown_by_one_instruction(isa: ISA) -> None:
    target = planted(isa, "instructions", "hlv.hu", "zext", "sext")
    ((finding, probe),) = shown(isa, target)
    assert "insn:hlv.hu" in finding.items
    assert len(steps_of(probe)) <= 2
    assert len(probe.setup) <= 4


def test_two_causes_of_one_kind_of_difference_are_both_shown(isa: ISA) -> None:
    first = planted(isa, "instructions", "hlv.hu", "zext", "sext")
    target = planted(first.isa, "instructions", "lhu", "zext", "sext")
    items = {item for finding, _ in shown(isa, target) for item in finding.items}
    assert {"insn:hlv.hu", "insn:lhu"} <= items


def test_a_known_difference_is_known_by_the_text_of_its_shortest_probe(isa: ISA) -> None:
    target = planted(isa, "instructions", "hlv.hu", "zext", "sext")
    case = Case("signs", "deviation", "hlv.hu", "It is so.", ("random * hlv.hu * | a? | * | *",))
    ((finding, _),) = shown(isa, target, case)
    assert finding.verdict is Verdict.KNOWN


def test_both_engines_do_the_same(isa: ISA) -> None:
    if not has_compiler():
        pytest.skip("no C compiler")
    for group in random_groups(isa, 400, SEED, quiet, even=True):
        program = program_of(group, isa, Platform())
        left = [expected(group, program, isa, make(isa)) for make in (python_engine, native_engine)]
        assert left[0] == left[1]


def test_the_command_reports_and_writes_the_shortest_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["validate", "drafthart:h@1.0:GEILEN=2", "--revision", "h@1.0", "--random", "40"]
    assert main([*run, "--seed", "9", "--save-programs", str(tmp_path)]) in (0, 1)
    assert "40 probes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--seed", "3"), "add --random N"),
        (("--random", "9", "--only", "returns"), "takes no --only"),
        (("--random", "9", "--write-programs", "x"), "leave one of them out"),
    ],
)
def test_options_that_do_not_go_together(
    more: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "drafthart:h@1.0", "--revision", "h@1.0", *more]) == 2
    assert message in capsys.readouterr().err
