"""`drafthart run`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drafthart.commands.run import UNFINISHED
from drafthart.runtime.trace import parse_commit

Command = Callable[..., Any]
Program = Callable[..., Path]
REVISION = ("--revision", "priv@1.12")


def test_what_the_guest_prints_and_how_it_ends(drafthart: Command, program: Program) -> None:
    elf = program()
    result = drafthart("run", *REVISION, str(elf))
    assert (result.status, result.out, result.err) == (0, "hello\n", "")


@pytest.mark.parametrize(
    ("value", "status"), [("0x3333 | 7 << 16", 7), ("0x3333", 1), ("0x3333 | 256 << 16", 255)]
)
def test_the_status_is_the_guests(
    drafthart: Command, program: Program, value: str, status: int
) -> None:
    elf = program(value)
    assert drafthart("run", *REVISION, str(elf)).status == status


def test_tohost(drafthart: Command, here: Path) -> None:
    (here / "tohost.S").write_text(
        "_start: la t0, tohost\nli t1, 5 << 1 | 1\nsd t1, 0(t0)\n1: j 1b\n"
        ".data\n.align 6\n.globl tohost\ntohost: .dword 0\n.globl fromhost\nfromhost: .dword 0\n"
    )
    assert drafthart("asm", "tohost.S", *REVISION).status == 0
    assert drafthart("run", *REVISION, "tohost.elf").status == 5


def test_a_limit(drafthart: Command, program: Program) -> None:
    elf = program("0")
    result = drafthart("run", *REVISION, "--max-instructions", "5000", str(elf))
    assert result.status == UNFINISHED
    assert result.out == "hello\n"
    first, where = result.err.splitlines()
    assert first == "drafthart: stopped after 5000 instructions: limit reached"
    assert where.startswith("  in M-mode at 0x800000")


def test_a_hart_that_sleeps_for_good(drafthart: Command, here: Path) -> None:
    (here / "sleep.S").write_text("_start: wfi\nj _start\n")
    assert drafthart("asm", "sleep.S", *REVISION).status == 0
    result = drafthart("run", *REVISION, "sleep.elf")
    assert result.status == UNFINISHED
    assert "nothing can wake it" in result.err


def test_the_state_at_the_end(drafthart: Command, program: Program) -> None:
    elf = program()
    lines = drafthart("run", *REVISION, "--dump-state", str(elf)).out.splitlines()
    assert lines[0] == "hello"
    assert lines[1].startswith("pc 0x00000000800000")
    assert "x6/t1 0x0000000000005555" in lines
    assert "mode 3" in lines
    assert any(line.startswith("misa 0x8") for line in lines)


def test_the_commit_log(drafthart: Command, program: Program, here: Path) -> None:
    elf = program()
    result = drafthart("run", *REVISION, "--log-commits", "log", str(elf))
    assert (result.status, result.out) == (0, "hello\n")
    lines = (here / "log").read_text().splitlines()
    assert lines[0] == "core   0: 3 0x0000000080000000 (0x00001297) x5  0x0000000080001000"
    commits = [parse_commit(line) for line in lines]
    loads = [commit.loads[0].address for commit in commits if commit.loads]
    assert loads == [0x8000_1000 + offset for offset in range(7)]
    stores = [(it.address, it.value, it.size) for commit in commits for it in commit.stores]
    assert stores[0] == (0x1000_0000, ord("h"), 1)
    assert stores[-1] == (0x10_0000, 0x5555, 4)
    assert sorted(path.name for path in here.iterdir()) == ["log", "program.S", "program.elf"]


def test_traps_and_csrs_in_the_commit_log(drafthart: Command, here: Path) -> None:
    (here / "trap.S").write_text(
        "_start: la t0, handler\ncsrw mtvec, t0\n"
        "li t1, 3 << 11\ncsrc mstatus, t1\nla t0, user\ncsrw mepc, t0\nmret\n"
        "user: nop\necall\n"
        "handler: li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\n1: j 1b\n"
    )
    assert drafthart("asm", "trap.S", *REVISION).status == 0
    # Without PMP entries, U-mode may fetch nothing: the nop itself traps, and commits nothing.
    drafthart("run", *REVISION, "--log-commits", "log", "trap.elf")
    commits = [parse_commit(line) for line in (here / "log").read_text().splitlines()]
    assert {commit.mode for commit in commits} == {3}
    written = [write.name for commit in commits for write in commit.writes if write.kind == "c"]
    assert written[:3] == ["mtvec", "mstatus", "mepc"]
    assert 0x30200073 in [commit.instruction for commit in commits]
    assert 0x00000073 not in [commit.instruction for commit in commits]


DRAFT = "h@0.6.1"


def test_a_draft_needs_an_opt_in(fails: Callable[..., str], program: Program) -> None:
    elf = program(revision=DRAFT)
    error = fails("run", "--revision", DRAFT, "--log-commits", "log", str(elf))
    assert error.startswith("h@0.6.1 is not ratified (status: draft)")
    assert "h@1.0" in error
    assert "--allow-unstable h@0.6.1" in error


def test_opting_in_taints_the_log(drafthart: Command, program: Program, here: Path) -> None:
    elf = program(revision=DRAFT)
    arguments = ("run", "--revision", DRAFT, "--allow-unstable", DRAFT, "--log-commits", "log")
    assert drafthart(*arguments, str(elf)).out == "hello\n"
    first = (here / "log").read_text().splitlines()[0]
    assert json.loads(first.removeprefix("# unstable: ")) == {
        "revision": DRAFT,
        "status": "draft",
        "opt_in": "--allow-unstable h@0.6.1",
    }


def test_opting_in_by_configuration(drafthart: Command, program: Program, here: Path) -> None:
    elf = program(revision=DRAFT)
    (here / "drafthart.toml").write_text('allow-unstable = ["h@0.6.1"]\n')
    assert drafthart("run", "--revision", DRAFT, str(elf)).status == 0
    assert drafthart("run", "--revision", "h@0.6.1+hvip-independent", str(elf)).status == 2


def test_a_ratified_revision_needs_none(drafthart: Command, program: Program) -> None:
    elf = program(revision="h@1.0")
    result = drafthart("run", "--revision", "h@1.0", "--set", "GEILEN=3", str(elf))
    assert (result.status, result.out) == (0, "hello\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to run"),
        (["missing.elf"], "missing.elf: no such file"),
        (["--kernel", "missing.elf"], "--kernel needs firmware"),
        (["--bios", "missing.elf"], "missing.elf: no such file"),
        (["--set", "GEILEN", "x"], "--set GEILEN: write PARAM=VALUE"),
        (["--set", "GEILEN=many", "x"], "--set GEILEN=many: write PARAM=VALUE"),
        (["--set", "NONSENSE=1", "x"], "unknown parameter 'NONSENSE'"),
        (["--set", "GEILEN=4096", "x"], "GEILEN=4096 is not legal"),
        (["--memory", "4097", "x"], "multiples of 4096"),
        (["--log-commits", "no/where", "x"], "no/where: cannot be written"),
        (["--log-commits", "log", "missing.elf"], "missing.elf: no such file"),
    ],
)
def test_errors(fails: Callable[..., str], arguments: list[str], message: str) -> None:
    assert message in fails("run", "--revision", "h@1.0", *arguments)
