"""Verdicts: deviation, legal choice, not implemented, inconclusive, known; and their reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import pytest

from drafthart.cli import main
from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.groups import groups
from drafthart.conformance.here import run_here
from drafthart.conformance.known import Case, Known
from drafthart.conformance.observe import Observed, observe
from drafthart.conformance.probes.probe import Group, Probe
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import DrafthartTarget
from drafthart.conformance.target_file import load_target
from drafthart.conformance.validate import Validation, validate
from drafthart.conformance.verdicts import Verdict, findings
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.texts import SPECS
from drafthart.runtime.gate import Stability
from drafthart.runtime.resolved import resolved
from drafthart.runtime.taint import read_taint
from drafthart.validate_report import rendered

HU = "*/insn:wfi"


@pytest.fixture(scope="module")
def isa() -> ISA:
    return resolved("h@1.0")


def held(target: str, revision: str, *only: str) -> Validation:
    return validate(*load_target(target), revision, only=only)


def test_drafthart_conforms_to_itself() -> None:
    outcome = held("drafthart:h@1.0", "h@1.0", HU)
    assert outcome.conforms
    assert outcome.findings == []
    assert outcome.probes > 40
    assert outcome.observations > 800


@pytest.fixture(scope="module")
def old() -> Validation:
    """h@0.6 has no virtual instruction exception yet: where WFI raises one, it is illegal there."""
    return held("drafthart:h@0.6", "h@1.0", "instructions/insn:wfi")


@pytest.mark.rules("wfi.tw")
def test_another_draft_deviates_and_is_named(old: Validation) -> None:
    assert not old.conforms
    found = {(it.first.here, it.first.there): it for it in old.of(Verdict.DEVIATION)}
    finding = found["M 22", "M 2"]
    assert finding.items[0] == "insn:wfi"
    assert finding.section
    assert finding.rules
    assert "wfi.user" in finding.rules or "wfi.tw" in finding.rules
    assert "h@0.6" in finding.as_in
    assert "h@1.0" not in finding.as_in


@pytest.mark.rules("hgatp.vmidlen")
def test_choices_are_found_out() -> None:
    outcome = held("drafthart:h@1.0:VMIDLEN=7", "h@1.0", "csr-values/csr:hgatp")
    assert outcome.inferred == {"VMIDLEN": 7}
    assert outcome.conforms
    assert outcome.isa.parameters["VMIDLEN"].value == 7
    assert outcome.told == {}


def test_what_a_target_lacks_is_not_implemented() -> None:
    outcome = held("drafthart:priv@1.12", "h@1.0", "csr-access/csr:htval")
    assert outcome.findings[0].verdict is Verdict.NOT_IMPLEMENTED
    assert outcome.findings[0].items[0] == "csr:htval"
    assert not outcome.conforms


def kept(isa: ISA, csr: str, written: int, here: int, there: int) -> list[Verdict]:
    """The verdict on a CSR that kept `there` of what was written."""
    action = f"csrrw a1, {csr}, a0\ncsrrw a0, {csr}, a1"
    probe = Probe(f"csr:{csr} keeps it", action, registers=(written, 0))
    group = Group("csr-values", (probe,), (), ())
    one = Observed(group, ([1 << 16, here, 0],), ([1 << 16, there, 0],))
    return [it.verdict for it in findings([one], isa)]


def test_a_legal_value_may_follow_an_illegal_one(isa: ISA) -> None:
    mpp = isa.csrs["mstatus"].fields["MPP"]
    assert (mpp.kind, 2 in (mpp.legal or ())) == ("WARL", False)
    reserved, machine = 2 << mpp.low, 3 << mpp.low
    assert kept(isa, "mstatus", reserved, 0, machine) == [Verdict.CHOICE]
    assert kept(isa, "mstatus", reserved, 0, reserved) == [Verdict.DEVIATION]
    assert kept(isa, "mstatus", machine, machine, 0) == [Verdict.DEVIATION]


def test_known_differences_are_known_for_their_revision_alone() -> None:
    target, _ = load_target("drafthart:h@0.6")
    case = Case("none-yet", "deviation", "it", "It is old.", ("* | * | * | *",))
    for revision, verdict in (("h@1.0", Verdict.KNOWN), ("h@0.6", Verdict.DEVIATION)):
        known = Known(revision, (case,))
        outcome = validate(target, known, "h@1.0", only=["instructions/insn:wfi"])
        assert {it.verdict for it in outcome.findings} == {verdict}
        assert outcome.conforms is (verdict is Verdict.KNOWN)


@dataclass(frozen=True)
class Fragile:
    """A target that dies of one result: what is run then tells nothing."""

    poison: int
    isa: ISA
    name: str = "fragile"
    platform: Platform = field(default_factory=Platform)
    parameters: Mapping[str, int] = field(default_factory=dict)
    timeout: float = 1.0
    missing: str | None = None

    def run(self, program: Path, timeout: float) -> list[int]:
        words = run_here(self.isa, program)
        return [] if self.poison in words[1::3] else words


def test_a_probe_that_kills_the_target_costs_only_itself(isa: ISA) -> None:
    probes = tuple(Probe("p" * number, f"li a0, {number}") for number in range(1, 7))
    group = Group("fragile", probes, (), ())
    target = Fragile(3, isa)
    left = run_bounded(group, isa, target)
    assert [record and record[1] for record in left] == [1, 2, None, 4, 5, 6]
    one = Observed(group, tuple([1 << 16, len(it.label), 0] for it in probes), tuple(left))
    assert one.lost == ["ppp"]
    (finding,) = findings([one], isa)
    assert (finding.verdict, finding.probes) == (Verdict.INCONCLUSIVE, ["ppp"])


def test_what_is_chosen_by_group_and_item(isa: ISA) -> None:
    (group,) = groups(isa, ["csr-values/csr:hstatus"])
    assert {probe.label.split()[0] for probe in group.probes} == {"csr:hstatus"}
    assert {it.name for it in groups(isa, ["csr-*"])} == {"csr-access", "csr-values", "csr-aliases"}
    with pytest.raises(DrafthartError, match="with a group of instructions, "):
        groups(isa, ["nothing"])


def test_an_unknown_parameter_is_told() -> None:
    target = DrafthartTarget("h@1.0", {"GEILENN": 0}, "mine")
    with pytest.raises(DrafthartError, match="no revision has the parameter GEILENN"):
        validate(target, Known(), "h@1.0")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["validate", *arguments])
    return status, *capsys.readouterr()


def test_the_report_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "found"
    only = ("--only", "instructions/insn:wfi", "--jobs", "1")
    status, out, _ = run(
        capsys, "drafthart:h@0.6", "--revision", "h@1.0", *only, "--save-programs", str(folder)
    )
    assert status == 1
    assert "deviation: end (insn:wfi)" in out
    assert "  expected  M 22, seen M 2\n" in out
    assert "h@0.6" in out.partition("right in")[2].splitlines()[0]
    assert out.splitlines()[-1].startswith("Drafthart as h@0.6 does not conform to h@1.0: ")
    count = out.count("deviation: ")
    assert len(list(folder.glob("*.S"))) == len(list(folder.glob("*.elf"))) == count > 0
    assert "begin_signature" in next(folder.glob("*.S")).read_text()


RATIFIED: Stability = {"revision": "h@1.0", "status": "ratified", "opt_in": None}


def test_the_report_for_tools(old: Validation, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(rendered(old, RATIFIED, "json"))
    data = json.loads(path.read_text())
    jsonschema.validate(data, json.loads((SPECS / "schema/validate.schema.json").read_text()))
    assert (data["conforms"], data["revision"]) == (False, "h@1.0")
    assert read_taint(path) == RATIFIED


def test_a_draft_needs_an_opt_in_and_taints(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("drafthart:h@1.0", "--revision", "h@1.0~1", "--only", "instructions/insn:wfi")
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert "--allow-unstable" in err
    status, out, err = run(capsys, *arguments, "--allow-unstable", "h@1.0~1", "--format", "json")
    assert status == 0
    assert json.loads(out)["stability"]["status"] == "draft"
    assert "is unstable" in err


def test_several_at_a_time_find_the_same(isa: ISA) -> None:
    chosen = groups(isa, [HU, "csr-access/csr:htval"])
    target, _ = load_target("drafthart:h@0.6")
    assert observe(chosen, isa, target, jobs=2) == observe(chosen, isa, target)


def test_coverage_names_what_is_exercised(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "--coverage", "--revision", "h@1.0", "--only", HU, "--format", "json"
    )
    data = json.loads(out)
    assert status == 0
    assert "insn:wfi" in data["items"]
    assert "insn:hlv.b" in data["items_left"]
    assert "wfi.tw" in data["rules"]
    assert "wfi.tw" not in data["rules_left"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--revision", "h@1.0"], "TARGET is missing"),
        (["nobody", "--revision", "h@1.0"], "no target of this name"),
        (["drafthart:h@1.0", "--revision", "h@9"], "h@9"),
        (["drafthart:h@1.0", "--revision", "h@1.0", "--only", "x"], "--only x"),
        (["--coverage", "--revision", "h@1.0", "--only", HU, "--format", "html"], "text or json"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
