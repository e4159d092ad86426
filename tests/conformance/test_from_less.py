"""What a dump of CSRs, or a trace, says about the revision of what it is from."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import Bench

from drafthart.cli import main
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.evidence import Deduction
from drafthart.conformance.from_dump import Value, from_dump, read_dump
from drafthart.conformance.from_trace import from_trace
from drafthart.generator.errors import DrafthartError

HYPERVISOR = Path(__file__).parents[2] / "examples" / "drafts" / "hypervisor.S"


def dumped(folder: Path, text: str) -> Path:
    path = folder / "dump"
    path.write_text(text)
    return path


# How dumps are written.


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # QEMU's `info registers`
        (" mstatus  0000000a00000000\n x0/zero  0000000000000001 x1/ra  00000000ffffffff\n",
         {"mstatus": 0xA_0000_0000, "x0/zero": 1, "x1/ra": 0xFFFF_FFFF}),
        (" V      =   0\n hgatp    ffffffffffffffff\n", {"v": 0, "hgatp": (1 << 64) - 1}),
        # gdb's `info registers`
        ("mstatus        0xa00001800\t42949679104\nhvip           0x444  1092\n",
         {"mstatus": 0xA_0000_1800, "hvip": 0x444}),
        ("hstatus        <unavailable>\n", {}),
        # OpenOCD's and others' numbers for what they have no name of
        ("csr1536 (/64): 0x0000000200000000\ncsr0x64a 10\n0x643 = 1\n",
         {"0x64a": 0x10, "0x643": 1}),
        ("csr1536: 0x200000000\n", {"0x600": 0x2_0000_0000}),
        # lines of one's own
        ("hstatus=0x200000180\nHTVAL: 2_0000\nhtinst = 3000\n",
         {"hstatus": 0x2_0000_0180, "htval": 0x2_0000, "htinst": 0x3000}),
        # Linux: several a line
        ("status: 0000000200000120 badaddr: 0000000000000000 cause: 0000000000000002\n",
         {"status": 0x2_0000_0120, "badaddr": 0, "cause": 2}),
        # no numbers
        ("# hstatus 1\n// hstatus 1\nthe cause added facade\nhstatus: 0x\nx 0x12345678123456781\n",
         {}),
        # JSON
        ('{"csrs": {"hstatus": 384, "hvip": "0x44", "who": null}, "ok": true}',
         {"hstatus": 384, "hvip": 0x44}),
        ('[{"name": "csr0x600", "value": "180"}, {"name": "vsie", "value": 2}]',
         {"0x600": 0x180, "vsie": 2}),
    ],
)  # fmt: skip
def test_dumps_as_they_come(text: str, values: dict[str, int], tmp_path: Path) -> None:
    assert {it.name: it.value for it in read_dump(dumped(tmp_path, text))} == values


def test_where_a_value_stands(tmp_path: Path) -> None:
    assert read_dump(dumped(tmp_path, "\nmie 0\n")) == [Value("mie", 0, "line 2")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no CSR that a revision knows"),
        ("pc 80000000\na0 1\n", "has no CSR that a revision knows"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"hstatus": -1}', "hstatus: -1 is no number of 64 bits"),
        ('{"hstatus": "1ffffffffffffffff"}', "is no number of 64 bits"),
    ],
)
def test_what_is_no_dump_is_one_line(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["identify", "--from-csr-dump", str(dumped(tmp_path, text))]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--from-csr-dump", "a", "--from-trace", "b"],
        ["--elf", "a"],
        ["--from-csr-dump", "a", "--elf", "b"],
        ["drafthart:h@1.0", "--from-trace", "a"],
        ["--from-trace", "nowhere"],
        ["--from-csr-dump", "nowhere"],
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["identify", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


# What they say. The facts are those of the manual's history, as diff and its sources tell them.


def said(found: Deduction) -> dict[str, set[str]]:
    """What parts the revisions, and those that it leaves."""
    return {it.what: set(labels()) - set(it.excluded) for it in found.facts}


def since(first: str) -> set[str]:
    known = labels()
    return set(known[known.index(first) :])


def test_bits_that_are_set_and_csrs_that_are_there(tmp_path: Path) -> None:
    """hvip came with 0.6, htinst with 0.5; VTW was in 0.2, and again from 0.6.1 on."""
    text = "hstatus 0x200200000\nhvip 0\n0x64a 0\n"
    found = from_dump(dumped(tmp_path, text))
    facts = said(found)
    assert facts["hvip exists"] == since("h@0.6")
    assert facts["htinst at 0x64a exists"] == since("h@0.5")
    assert facts["hstatus.VTW (bit 21) is set"] == {"h@0.2", *since("h@0.6.1")}
    assert set(found.possible) == since("h@0.6.1")
    assert found.ranked[0] == "h@1.0"
    assert found.against("h@0.6")[0].where == "line 1"


def test_fields_that_cannot_be_so(tmp_path: Path) -> None:
    """VSXL of hstatus is 2 where VS-mode has 64 bits; VS-level bits of mideleg are always one."""
    found = from_dump(dumped(tmp_path, "hstatus 0\n"))
    assert since("h@0.4").isdisjoint(found.possible)
    facts = said(from_dump(dumped(tmp_path, "mideleg 0\n")))
    assert facts["mideleg.VSSI (bit 2) is clear"] == set(labels()) - since("h@0.5")
    # SGEI of mideleg may be zero: that is so where GEILEN is.
    assert "mideleg.SGEI (bit 12) is clear" not in facts


def test_causes(tmp_path: Path) -> None:
    """The virtual instruction exception came with 0.6.1."""
    facts = said(from_dump(dumped(tmp_path, "scause 0x16\nmcause 0x8000000000000016\n")))
    assert list(facts.values()) == [since("h@0.6.1")]


def test_choices_and_extensions_part_nothing(tmp_path: Path) -> None:
    """Fewer bits of VMID, misa with other letters, fields of what Drafthart has not."""
    text = "hgatp 0x8000000000000000\nmisa 0x80000000003411ad\nmstatus 0xa00000000\nmie 0xa000\n"
    found = from_dump(dumped(tmp_path, text))
    assert {it.what for it in found.facts} == {"hgatp exists"}  # 0.1 has none
    assert "mie bit 13 is set" in {it.what for it in found.unexplained}
    assert since("h@0.2") == set(found.possible)


def random_dump(bench: Bench, seed: int) -> Iterator[str]:
    """A machine's CSRs, as M-mode reads them after writes of anything."""
    chance = random.Random(seed)
    numbered = [it for it in bench.isa.csrs.values() if it.address is not None]
    for csr in numbered:
        if not csr.read_only:
            bench.write(csr.name, chance.getrandbits(64))
    for csr in numbered:
        yield f"{csr.name} {bench.read(csr.name):016x}\n"


@pytest.mark.parametrize(
    "revision",
    ["h@1.0", *(pytest.param(it, marks=pytest.mark.staged) for it in ("h@0.6", "h@0.3"))],
)
def test_a_machines_own_dump_never_excludes_its_revision(revision: str, tmp_path: Path) -> None:
    bench = Bench(revision)
    for seed in range(20):
        lines = list(random_dump(bench, seed))
        found = from_dump(dumped(tmp_path, "".join(lines)))
        assert found.against(revision) == []
        assert revision in found.possible
        assert len(found.possible) < len(labels())


# Traces.


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A hypervisor, and the commit log of it under 1.0."""
    folder = tmp_path_factory.mktemp("traces")
    elf, log = folder / "hypervisor.elf", folder / "commits.log"
    assert main(["asm", str(HYPERVISOR), "--revision", "h@1.0", "-o", str(elf)]) == 0
    assert main(["run", "--revision", "h@1.0", "--log-commits", str(log), str(elf)]) == 0
    return elf, log


def test_a_trace_tells_by_what_it_retires_and_reads(logged: tuple[Path, Path]) -> None:
    found = from_trace(logged[1])
    assert "h@1.0" in found.possible
    assert "h@0.6.1" not in found.possible
    facts = said(found)
    # henvcfg is of the privileged architecture 1.12, so of 0.6.2 and later.
    assert facts["henvcfg at 0x60a exists"] == since("h@0.6.2")
    assert found.unexplained == []


def test_an_instruction_that_a_draft_lacks(tmp_path: Path) -> None:
    """HLV came with 0.6: before, hstatus.SPRV made loads those of the guest. SFENCE.VMA is old."""
    trace = tmp_path / "trace.csv"
    trace.write_text("pc_rdata,insn\n80000000,60054573\n80000004,12000073\n")
    facts = said(from_trace(trace))
    assert set(facts) == {"hlv.b retires"}
    assert facts["hlv.b retires"] == since("h@0.6")
    trace.write_text("pc_rdata,insn,trap\n80000000,60054573,1\n")
    assert said(from_trace(trace)) == {}


@pytest.mark.staged
def test_with_the_program_each_revision_that_may_runs_it(
    logged: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    elf, log = logged
    command = ["identify", "--from-trace", str(log), "--elf", str(elf), "--format", "json"]
    assert main([*command, "--allow-unstable", "h@0.6.1"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert "h@0.6.1 is unstable" in err
    best, other = data["replays"]
    assert (best["revision"], best["agrees"], best["difference"]) == ("h@1.0", True, "")
    assert (other["revision"], other["agrees"]) == ("h@0.6.1", False)
    assert other["instructions"] < best["instructions"]
    assert other["rules"]
    assert other["items"]
    assert "h@0.5" in data["not_run"]
    assert data["stability"]["status"] == "draft"
    assert data["possible"][-1] == "h@1.0"
    candidate = next(it for it in data["candidates"] if it["revision"] == "h@0.6.1")
    assert candidate["possible"] is False
    assert candidate["against"][0]["item"] == "csr:henvcfg"


def test_the_tables_are_of_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = dumped(tmp_path, "hstatus 0x200200000\nhvip 0\n0x64a 0\n")
    assert main(["identify", "--from-csr-dump", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines[:-1])
    assert "h@0.2, h@0.6.1 … h@1.0" in "\n".join(lines)
    assert lines[-1].startswith(f"{path}: h@0.6.1, h@0.6.2, h@1.0.0-rc or h@1.0 is possible; ")


def test_a_trace_without_instructions_is_told(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("pc_rdata,trap\n80000000,0\n")
    with pytest.raises(DrafthartError, match="tells no instruction's bits"):
        from_trace(trace)
