"""Results and traces made elsewhere, of programs that were written to be run there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drafthart.cli import main
from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.delta_programs import delta_groups
from drafthart.conformance.groups import groups
from drafthart.conformance.here import run_here
from drafthart.conformance.lockstep.entry import Entry
from drafthart.conformance.lockstep.traces import TraceSide
from drafthart.conformance.made_elsewhere import ResultsTarget, TracesTarget
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.target_file import load_target
from drafthart.conformance.validate import Validation, validate
from drafthart.conformance.verdicts import Verdict
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.resolved import resolved
from drafthart.runtime.taint import read_taint

FILE = "name: Chip\n{kind}: programs\nplatform: {{console: null}}\nparameters: {{GEILEN: 0}}\n"
ONLY = ("instructions/insn:wfi", "csr-access/csr:htval")
SPIKE = ("spike", "--isa=rv64imafdch_zicsr_zifencei_zicntr_zihpm_svade")


def written(folder: Path, *only: str) -> Path:
    """A folder with programs, beside a target file for each kind of result."""
    for kind in ("results", "traces"):
        (folder / f"{kind}.yaml").write_text(FILE.format(kind=kind))
    programs = folder / "programs"
    options = [word for it in only for word in ("--only", it)]
    assert main(
        ["validate", str(folder / "results.yaml"), "--revision", "h@1.0", *options,
         "--write-programs", str(programs)]
    ) == 0  # fmt: skip
    return programs


def held(folder: Path, kind: str, *only: str) -> Validation:
    return validate(*load_target(str(folder / f"{kind}.yaml")), "h@1.0", only=only)


def signature(words: list[int]) -> str:
    return "".join(f"{word:016x}\n" for word in words)


def run_all(programs: Path, revision: str) -> None:
    """What a machine of a revision leaves, as signature files."""
    isa = resolved(revision, parameters={"GEILEN": 0})
    for elf in programs.glob("*.elf"):
        elf.with_suffix(".signature").write_text(signature(run_here(isa, elf)))


def test_the_manifest_tells_what_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = written(tmp_path, *ONLY)
    assert "2 programs with " in capsys.readouterr().out
    manifest = json.loads((programs / "manifest.json").read_text())
    assert manifest["revision"] == "h@1.0"
    assert manifest["parameters"] == {"GEILEN": 0}
    assert manifest["platform"]["console"] is None
    assert read_taint(programs / "manifest.json") is not None
    assert {it["group"] for it in manifest["programs"]} == {"instructions", "csr-access"}
    for it in manifest["programs"]:
        content = (programs / it["program"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == it["sha256"]
        words = (int(it["end_signature"], 16) - int(it["begin_signature"], 16)) // 8
        assert words - it["probes"] * it["words_per_probe"] in (0, 1)  # lines of 16 bytes


def test_programs_of_a_draft_need_an_opt_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "programs"
    command = ["validate", "--revision", "h@1.0~1", "--only", ONLY[0]]
    assert main([*command, "--write-programs", str(folder)]) == 2
    assert "--allow-unstable" in capsys.readouterr().err
    assert not folder.exists()
    allowed = ["--allow-unstable", "h@1.0~1"]
    assert main([*command, *allowed, "--write-programs", str(folder)]) == 0
    assert json.loads((folder / "manifest.json").read_text())["status"] == "draft"


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    command = ["validate", "--revision", "h@1.0", "--write-programs", str(tmp_path / "file")]
    assert main(command) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_results_are_judged_as_those_of_a_run(tmp_path: Path) -> None:
    run_all(written(tmp_path, ONLY[0]), "h@1.0")
    outcome = held(tmp_path, "results", ONLY[0])
    assert outcome.conforms
    assert (outcome.lost, outcome.findings) == (0, [])


def test_results_are_those_of_the_other_side(tmp_path: Path) -> None:
    programs = written(tmp_path, ONLY[0])
    run_all(programs, "h@0.6")
    (elf,) = programs.glob("*.elf")
    target, _ = load_target(str(tmp_path / "results.yaml"))
    assert target.run(elf, 1) == run_here(resolved("h@0.6", parameters={"GEILEN": 0}), elf)
    assert target.run(elf, 1) != run_here(resolved("h@1.0", parameters={"GEILEN": 0}), elf)


def left(folder: Path, group: Group, isa: ISA) -> list[bool]:
    """For each probe, is there a result of it?"""
    target, _ = load_target(str(folder / "results.yaml"))
    return [record is not None for record in run_bounded(group, isa, target)]


def test_what_is_cut_off_is_no_result(tmp_path: Path) -> None:
    programs = written(tmp_path, ONLY[0])
    run_all(programs, "h@1.0")
    isa = resolved("h@1.0", parameters={"GEILEN": 0})
    (group,) = groups(isa, [ONLY[0]])
    assert left(tmp_path, group, isa) == [True] * 45
    (path,) = programs.glob("*.signature")
    lines = path.read_text().splitlines(keepends=True)
    zeros = f"{0:016x}\n"
    unwritten = [*lines[:40], zeros, *lines[41:50], *[zeros] * (len(lines) - 50)]
    for cut in (lines[:50], unwritten, [*lines[:40], "rubbish"]):
        path.write_text("".join(cut))
        assert left(tmp_path, group, isa) == [True] * 2 + [False] * 43


def test_what_is_missing_is_inconclusive(tmp_path: Path) -> None:
    """Here the results are there, but of programs that are no longer the same."""
    run_all(written(tmp_path, ONLY[0]), "h@1.0")
    outcome = held(tmp_path, "results", "instructions/insn:mret")
    assert outcome.lost == outcome.probes > 0
    assert not outcome.conforms
    (finding,) = outcome.findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.why == "there is no whole result of it"


def test_the_programs_of_identify(tmp_path: Path) -> None:
    """They are made from several revisions; their results come back under their names."""
    (tmp_path / "results.yaml").write_text(FILE.format(kind="results"))
    target, _ = load_target(str(tmp_path / "results.yaml"))
    programs = tmp_path / "programs"
    command = ["identify", str(tmp_path / "results.yaml"), "--write-programs", str(programs)]
    assert main(command) == 0
    manifest = json.loads((programs / "manifest.json").read_text())
    assert {it["revision"] for it in manifest["programs"]} == set(delta_groups())
    run_all(programs, "h@1.0")
    for made_for, group in delta_groups().items():
        left = run_bounded(group, resolved(made_for), target)
        assert len(left) == len(group.probes)
        assert None not in left


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "results.yaml").write_text(FILE.format(kind="results"))
    with pytest.raises(DrafthartError, match=r"there is no folder .*--write-programs makes one"):
        held(tmp_path, "results", ONLY[0])


# Traces.


def entries(log: Path) -> Iterator[Entry]:
    side = TraceSide(log)
    while (entry := side.next()) is not None:
        yield entry
    side.close()


def stored(entry: Entry) -> tuple[int, int, int]:
    """Address, mask and data of what an instruction stored."""
    stores = entry.stores or {}
    first = min(stores, default=0)
    mask = sum(1 << at - first for at in stores)
    return first, mask, sum(byte << 8 * (at - first) for at, byte in stores.items())


def as_rvfi(log: Path) -> str:
    lines = []
    for entry in entries(log):
        address, mask, data = stored(entry)
        line = {
            "rvfi_valid": 1, "rvfi_pc_rdata": entry.pc, "rvfi_insn": entry.instruction,
            "rvfi_mem_addr": address, "rvfi_mem_wmask": mask, "rvfi_mem_wdata": data,
        }  # fmt: skip
        lines.append(json.dumps(line))
    return "\n".join(lines)


def as_rvvi(log: Path) -> str:
    lines = ["pc_rdata,insn,mode,mem_addr,mem_wmask,mem_wdata"]
    for it in entries(log):
        cells = (it.pc, it.instruction or 0, it.mode or 0, *stored(it))
        lines.append(",".join(f"{cell:x}" for cell in cells))
    return "\n".join(lines)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a program, and the commit log of it."""
    folder = tmp_path_factory.mktemp("traced")
    (elf,) = written(folder, ONLY[0]).glob("*.elf")
    log = folder / "commits"
    command = ["run", "--revision", "h@1.0", "--set", "GEILEN=0", "--log-commits", str(log)]
    assert main([*command, str(elf)]) == 0
    return elf, log


@pytest.mark.parametrize("form", ["log", "jsonl", "csv"])
def test_traces_tell_what_the_program_left(traced: tuple[Path, Path], form: str) -> None:
    elf, log = traced
    for it in elf.parent.glob(f"{elf.stem}.*"):
        if it != elf:
            it.unlink()
    text = {"log": log.read_text, "jsonl": lambda: as_rvfi(log), "csv": lambda: as_rvvi(log)}[form]
    elf.with_suffix(f".{form}").write_text(text())
    isa = resolved("h@1.0", parameters={"GEILEN": 0})
    target, _ = load_target(str(elf.parents[1] / "traces.yaml"))
    assert isinstance(target, TracesTarget)
    assert target.run(elf, 1) == run_here(isa, elf)
    if form == "log":
        assert held(elf.parents[1], "traces", ONLY[0]).conforms


def test_half_a_trace_is_half_a_result(traced: tuple[Path, Path], tmp_path: Path) -> None:
    elf, log = traced
    lines = log.read_text().splitlines(keepends=True)
    (tmp_path / f"{elf.stem}.log").write_text("".join(lines[: len(lines) // 2]))
    words = TracesTarget("cut", tmp_path).run(elf, 1)
    every = run_here(resolved("h@1.0", parameters={"GEILEN": 0}), elf)
    assert 0 < len(words) < len(every)
    assert words == every[: len(words)]
    assert TracesTarget("none", tmp_path / "nowhere").run(elf, 1) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pc,binary,mode\n80000000,13,3\n", "tells of no stores"),
        ("rubbish\n", "line 1: of no known format"),
        ("", "is empty"),
    ],
)
def test_what_is_no_trace_is_told(
    traced: tuple[Path, Path], tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / f"{traced[0].stem}.csv").write_text(text)
    with pytest.raises(DrafthartError, match=told):
        TracesTarget("bad", tmp_path).run(traced[0], 1)


def test_spike_by_its_signature_and_by_its_log(tmp_path: Path) -> None:
    if shutil.which("spike") is None:
        pytest.skip("spike is not installed")
    (elf,) = written(tmp_path, ONLY[0]).glob("*.elf")
    signature, log = elf.with_suffix(".signature"), elf.with_suffix(".log")
    for digits in (4, 8, 16):
        command = (f"+signature={signature}", f"+signature-granularity={digits}", str(elf))
        subprocess.run(
            [*SPIKE, "--log-commits", f"--log={log}", *command], check=True, timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        words = ResultsTarget("Spike", elf.parent).run(elf, 1)
        assert words == TracesTarget("Spike", elf.parent).run(elf, 1)
        assert len(words) == -(-45 * 20 // 2) * 2
