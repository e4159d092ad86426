"""The demo hypervisor: what it prints under 0.6.1 and 1.0, from the texts of the manual."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from drafthart.commands.tour_firmware import INSTALLED
from drafthart.commands.tour_runs import DemoRun, assemble_demo
from drafthart.generator.spec.resolve import resolve

pytestmark = pytest.mark.staged

Run = Callable[[str], DemoRun]

ILLEGAL, VIRTUAL = "illegal instruction (2)", "virtual instruction (22)"
REVISIONS = ("h@0.6.1", "h@0.6.2", "h@1.0.0-rc", "h@1.0")

# riscv-isa-manual at cc8b9e04, the last text with the label 0.6.1: src/hypervisor.tex, "Trap Cause
# Codes" and "Hypervisor Interrupt Registers".
ANSWERS_0_6_1 = {
    "VS-mode executes hlv.w": VIRTUAL,
    # The list says "to access an implemented hypervisor CSR", be it to read or to write.
    "VS-mode writes hgeip": VIRTUAL,
    # src/priv-csrs.tex has no 0x60A.
    "VS-mode reads henvcfg": ILLEGAL,
    # The list names hcounteren alone.
    "VU-mode reads cycle, scounteren is 0": ILLEGAL,
    "HS-mode reads henvcfg": ILLEGAL,
    # "The bit positions writable in hideleg shall also be writable in hvip": writable, not set.
    "HS-mode sets VSSIP in hvip, hideleg is 0": "reads back 4",
    # 10 is reserved, so it cannot be among the legal values.
    "HS-mode sets hgatp.MODE to 10": "reads back 0",
}

# The same at 98964261, the tag Priv-v1.12; in brackets the commits that made the difference.
ANSWERS_1_0 = ANSWERS_0_6_1 | {
    "VS-mode writes hgeip": ILLEGAL,  # [f436300f] only if HS-mode may access it in the same way
    "VS-mode reads henvcfg": VIRTUAL,  # [cb528b63, 9876f979]
    "VU-mode reads cycle, scounteren is 0": VIRTUAL,  # [0abcad44]
    "HS-mode reads henvcfg": "allowed",  # [cb528b63, 9876f979]
    "HS-mode sets hgatp.MODE to 10": "reads back 10",  # [652ddfd4] Sv57x4
}

STORY = [
    "hyper: hello from HS-mode on hart 0",
    "hyper: SBI gave us a device tree",
    "hyper: G-stage Sv39x4 in place: guest-physical to real addresses",
    "hyper: VS-stage Sv39 in place: guest-virtual to guest-physical",
    "hyper: entering the guest",
    "guest: hello from VS-mode, every letter a call to the hypervisor",
    # lw a1, 4(t0) from guest-virtual 0x20000: htval has 0x10000004 shifted right by 2. htinst may
    # be zero, or the load with rs1 replaced by 0, the offset in the address, and no immediate.
    "hyper: guest-page fault (21) stval 0x20004 htval 0x4000001 htinst TRANSFORMED",
    "hyper: emulated a device at guest-physical 0x10000004",
    "guest: the device reads 42",
    # The walk's read of entry 0 of the table at 0x50000000: the pseudoinstruction is required.
    "hyper: guest-page fault (21) stval 0x40000000 htval 0x14000000 htinst 0x3000",
    "hyper: it was the walk of the guest's own page table; load skipped",
    "guest: waiting for a timer",
    "hyper: timer interrupt, injected through hvip.VSTIP",
    "guest: timer interrupt, please clear it",
    "hyper: hvip.VSTIP cleared, as the guest asked",
    "hyper: the guest is done",
]
ZERO_OR_TRANSFORMED = re.compile(r"htinst (0x0|0x2583)$")


def story(run: DemoRun) -> list[str]:
    """The lines that do not depend on the draft."""
    lines = [line for line in run.lines[:-1] if not line.startswith("probe: ")]
    return [ZERO_OR_TRANSFORMED.sub("htinst TRANSFORMED", line) for line in lines]


def test_assembles_to_the_same_bytes_for_each_revision() -> None:
    first, *others = (assemble_demo(resolve(revision)).sections for revision in REVISIONS)
    assert all(other == first for other in others)
    assert first[0].address == 0x80200000


@pytest.mark.parametrize(
    ("revision", "answers", "draft"),
    [
        ("h@0.6.1", ANSWERS_0_6_1, "0.6.1"),
        ("h@1.0", ANSWERS_1_0, "1.0"),
        ("h@1.0@2026", ANSWERS_1_0, "1.0"),
    ],
)
def test_answers_of_the_revision(
    run: Run, revision: str, answers: dict[str, str], draft: str
) -> None:
    found = run(revision)
    assert story(found) == STORY
    assert found.answers == answers
    assert found.lines[-1] == f"hyper: by its answers, this hart's draft: {draft}"
    assert (found.outcome.reason, found.outcome.status) == ("exit", 0)


def test_the_two_runs_differ_in_these_lines_only(run: Run) -> None:
    old, new = run("h@0.6.1").lines, run("h@1.0").lines
    assert len(old) == len(new)
    parted = [index for index, line in enumerate(old) if line != new[index]]
    assert [old[index].rpartition(": ")[0] for index in parted] == [
        "probe: VS-mode writes hgeip",
        "probe: VS-mode reads henvcfg",
        "probe: VU-mode reads cycle, scounteren is 0",
        "probe: HS-mode reads henvcfg",
        "probe: HS-mode sets hgatp.MODE to 10",
        "hyper: by its answers, this hart's draft",
    ]


def test_firmware_sees_the_extension(run: Run) -> None:
    assert run("h@0.6.1").fact("Boot HART Base ISA") == "rv64imafdch"
    assert run("h@1.0").fact("Boot HART Base ISA") == "rv64imafdch"
    # All VS-level interrupts and SGEI are delegated past M-mode, whatever software writes.
    assert int(run("h@1.0").fact("Boot HART MIDELEG"), 16) & 0x444 == 0x444


def test_a_change_picked_in_alters_its_answer_alone(run: Run) -> None:
    found = run("h@0.6.1+virtual-instruction-by-access")
    assert found.answers == ANSWERS_0_6_1 | {"VS-mode writes hgeip": ILLEGAL}
    assert found.lines[-1].endswith(": a mixture, 4 of 0.6.1 and 1 of 1.0")


def test_a_change_left_out_alters_its_answer_alone(run: Run) -> None:
    found = run("h@1.0^sv57x4")
    assert found.answers == ANSWERS_1_0 | {"HS-mode sets hgatp.MODE to 10": "reads back 0"}
    assert found.lines[-1].endswith(": a mixture, 1 of 0.6.1 and 4 of 1.0")


def test_without_the_extension_it_says_so_and_fails(run: Run) -> None:
    found = run("priv@1.12")
    assert found.lines[-1].startswith("hyper: unexpected trap, scause 0x2 ")
    assert (found.outcome.reason, found.outcome.status) == ("exit", 1)
    assert found.fact("Boot HART Base ISA") == "rv64imafdc"


def test_qemu_tells_the_same_story(demo: Path) -> None:
    qemu = shutil.which("qemu-system-riscv64")
    if qemu is None or not INSTALLED.is_file():
        pytest.skip("qemu-system-riscv64 or OpenSBI is absent")
    command = [qemu, "-M", "virt", "-cpu", "rv64,h=true", "-bios", INSTALLED, "-kernel", demo]
    result = subprocess.run(
        [*command, "-nographic"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = result.stdout.replace("\r", "").splitlines()
    start = lines.index(STORY[0])
    peer = DemoRun("QEMU", (), tuple(lines[start:]), outcome=None)  # type: ignore[arg-type]
    assert story(peer) == STORY
    assert peer.answers == ANSWERS_1_0
