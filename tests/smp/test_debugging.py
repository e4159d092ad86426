"""What one sees of several harts: threads of gdb, commit logs, profiles, the state at the end."""

from __future__ import annotations

import io
from pathlib import Path

from several_harts import FINISH, Screen, load, machine

from drafthart.ending import told
from drafthart.runtime.boot import Images
from drafthart.runtime.commit_log import CommitLog
from drafthart.runtime.gdb.stub import Stub
from drafthart.runtime.machine import Outcome
from drafthart.runtime.profile import Sampler, Tracer
from drafthart.runtime.trace import parse_commit

STABLE = {"revision": "h@1.0", "status": "ratified", "opt_in": None}

APART = f"""
    .globl _start
    _start:
        bnez a0, second
    first:
        addi s0, s0, 1
        nop
        j first
    second:
        addi s0, s0, 2
        nop
        nop
        j second
    {FINISH}
"""


class Wire:
    """The debugger's side, which asks for nothing while the guest runs."""

    def interrupted(self) -> bool:
        return False

    def send(self, packet: bytes) -> None:
        raise AssertionError(packet)


def test_a_hart_is_a_thread_of_gdb(tmp_path: Path) -> None:
    it = machine("native", 2, 100)
    symbols = load(it, tmp_path, APART)
    stub = Stub(it)

    def ask(packet: str) -> bytes:
        answer = stub.answer(packet.encode(), Wire())  # type: ignore[arg-type]
        assert isinstance(answer, bytes)
        return answer

    def register(number: int) -> int:
        return int.from_bytes(bytes.fromhex(ask(f"p{number:x}").decode()), "little")

    assert ask("qfThreadInfo") == b"m1,2"
    assert ask("?") == b"T05thread:1;"
    assert bytes.fromhex(ask("qThreadExtraInfo,2").decode()) == b"hart 1, M-mode"
    assert [ask(packet) for packet in ("T1", "T2", "T3", "Hg3")] == [b"OK", b"OK", b"E03", b"E03"]
    # A breakpoint of hart 1, and then one of hart 0.
    assert ask(f"Z0,{symbols['second']:x},4") == b"OK"
    assert ask("vCont;c") == b"T05swbreak:;thread:2;"
    assert ask("qC") == b"QC2"
    assert (register(10), register(32)) == (1, symbols["second"])
    assert ask("Hg1") == b"OK"
    assert register(10) == 0
    # Looking at a hart is no turn; a step is one.
    assert it.turn == 1
    before = [hart.steps for hart in it.harts]
    assert ask("vCont;s:1;c") == b"T05thread:1;"
    assert ask("vCont;s:1;c") == b"T05thread:1;"
    assert [hart.steps for hart in it.harts] == [before[0] + 2, before[1]]
    assert ask(f"z0,{symbols['second']:x},4") == b"OK"
    assert ask(f"Z0,{symbols['first'] + 4:x},4") == b"OK"
    assert ask("vCont;c:1") == b"T05swbreak:;thread:1;"
    # What is written goes to the hart that is looked at.
    assert ask("Hg2") == b"OK"
    assert ask("P8=7b00000000000000") == b"OK"
    assert it.harts[1].x[8] == 0x7B
    assert it.harts[0].x[8] != 0x7B


def test_a_commit_log_names_the_hart(tmp_path: Path) -> None:
    it = machine("python", 3, 100)
    load(it, tmp_path, APART)
    log = io.BytesIO()
    CommitLog(it, log, STABLE)  # type: ignore[arg-type]
    it.run(600)
    commits = [parse_commit(line) for line in log.getvalue().decode().splitlines()]
    assert [commit.hart for commit in commits if commit is not None] == [
        hart for hart in (0, 1, 2, 0, 1, 2) for _ in range(100)
    ]


def test_profiles_add_up(tmp_path: Path) -> None:
    it = machine("native", 2, 100)
    load(it, tmp_path, APART)
    tracer = Tracer(it)
    it.run(1000)
    assert sum(row.instructions for row in tracer.rows()) == 1000
    other = machine("native", 2, 100)
    load(other, tmp_path, APART)
    sampler = Sampler(other, 7)
    for _ in range(100):
        other.run(7)
        sampler.sample()
    assert sum(row.instructions for row in sampler.rows()) == 700


def test_the_end_tells_of_each_hart(tmp_path: Path) -> None:
    it = machine("python", 2, 100, terminal=Screen())
    load(it, tmp_path, "_start: bnez a0, 1f\n j _start\n1: wfi\n j 1b")
    outcome = it.run(1000)
    lines = list(told(it, outcome, "", Images()))
    assert lines == [
        "drafthart: stopped after 1000 instructions: limit reached",
        "  hart 0 in M-mode at 0x80000000 <_start>",
        "  hart 1 in M-mode at 0x8000000c <_start+0xc>, asleep",
    ]
    asleep = list(told(it, Outcome("asleep", 0, 9), "", Images()))
    assert "all harts sleep and nothing can wake them" in asleep[0]
