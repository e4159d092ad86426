"""The programs that probe: what they are made of, and what they report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drafthart.conformance.comparison import compare
from drafthart.conformance.groups import GROUPS
from drafthart.conformance.here import run_here
from drafthart.conformance.probes.probe import Generator, Group, Names, Probe
from drafthart.conformance.probes.program import Platform, build, meaning, record_size
from drafthart.conformance.probes.state import baseline, watched
from drafthart.generator.assembly import write_elf
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve


@pytest.fixture(scope="module")
def isa() -> ISA:
    return resolve("h@1.0")


def run(isa: ISA, folder: Path, *probes: Probe) -> dict[str, dict[str, str]]:
    """Run probes here; their labels, and what was seen of each."""
    group = Group("test", probes, baseline(Names(isa)), watched(isa))
    program = folder / "test.elf"
    program.write_bytes(write_elf(build(group, isa, Platform())))
    words, size = run_here(isa, program), record_size(group)
    return {
        probe.label: meaning(group, isa, words[n * size : (n + 1) * size])
        for n, probe in enumerate(probes)
    }


def test_a_completed_probe_tells_its_mode_and_result(isa: ISA, tmp_path: Path) -> None:
    modes = {
        "M": ("0x3", "0x0"),
        "HS": ("0x1", "0x0"),
        "U": ("0x0", "0x0"),
        "VS": ("0x1", "0x1"),
        "VU": ("0x0", "0x1"),
    }
    seen = run(
        isa, tmp_path, *(Probe(mode, "addi a0, a0, 1", mode, registers=(41, 0)) for mode in modes)
    )
    for mode, (mpp, mpv) in modes.items():
        assert seen[mode]["end"] == "complete"
        assert seen[mode]["a0"] == hex(42)
        assert (seen[mode]["mstatus.MPP"], seen[mode]["mstatus.MPV"]) == (mpp, mpv)
        assert "mcause.CODE" not in seen[mode]


def test_a_trap_tells_where_it_went_and_its_cause(isa: ISA, tmp_path: Path) -> None:
    virtual = 1 << 22
    seen = run(
        isa,
        tmp_path,
        Probe("to M", "hfence.gvma x0, x0", "VS"),
        Probe("to HS", "hfence.gvma x0, x0", "VS", (("medeleg", virtual),)),
        Probe("to VS", "ecall", "VU", (("medeleg", 1 << 8), ("hedeleg", 1 << 8))),
        Probe("ebreak", "ebreak", "U", ecall=True),
    )
    assert [one["end"] for one in seen.values()] == ["M 22", "HS 22", "VS 8", "M 3"]
    assert seen["to M"]["mtval"] == "0x62000073"
    assert seen["to HS"]["hstatus.SPV"] == "0x1"


def test_a_setup_that_traps_is_told(isa: ISA, tmp_path: Path) -> None:
    seen = run(isa, tmp_path, Probe("write", "nop", setup=(("mhartid", 1),)), Probe("none", "nop"))
    assert seen["write"]["setup traps"] == "1"
    assert "setup traps" not in seen["none"]


def test_two_probes_of_one_label_are_refused(isa: ISA) -> None:
    with pytest.raises(ValueError, match="same"):
        Group("twice", (Probe("same", "nop"), Probe("same", "nop")), (), ())


def test_only_the_end_counts_where_it_differs(isa: ISA) -> None:
    group = Group("one", (Probe("it", "nop"), Probe("other", "nop")), (), ("mcause", "mtval"))
    complete, trapped = [1 << 16, 7, 0, 3, 0], [0, 8, 0, 2, 9]
    lines = [
        str(d) for d in compare(group, isa, complete + complete, [*trapped, 1 << 16, 8, 0, 3, 0])
    ]
    assert lines == ["it | end | complete | M 2", "other | a0 | 0x7 | 0x8"]
    lost = [str(d) for d in compare(group, isa, complete + complete, complete)]
    assert lost == ["other | end | complete | lost"]


@pytest.mark.parametrize("generate", GROUPS)
@pytest.mark.parametrize("revision", ["h@0.1", "h@0.4", "h@0.6.1", "h@1.0"])
def test_probes_are_made_for_drafts_too(generate: Generator, revision: str) -> None:
    """What a draft lacks is left out, so that its assembler takes the rest."""
    isa = resolve(revision)
    group = generate(isa)
    some = replace(group, probes=group.probes[::20])
    assert build(some, isa, Platform()).symbols["begin_signature"]
