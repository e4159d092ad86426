"""The log of traps: which registers of which draft hold what, why a trap went where it did, counts.

The guest is the hypervisor of examples/drafts, whose exits are known from its source: the guest
calls, reads a device at guest physical address 0x10000004 by way of 0x80100004, calls, reads
hstatus, waits, calls. What each draft's trap leaves is from riscv-isa-manual, src/hypervisor.tex:
at 6a92b89b (0.1) the guest physical address in stval and the virtual one in hvtval, at b8e20ea5
(0.4) the virtual one alone, from 899457ca on (0.5) the physical one shifted in htval, the
transformed instruction in htinst, and a cause of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drafthart.exits_text import entry_lines
from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.overlay import overlays
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import has_compiler, native_engine, python_engine
from drafthart.runtime.exit_log import Enough, Entry, ExitLog, Folded, Summary
from drafthart.runtime.explained_trap import ExplainedTrap
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine
from drafthart.runtime.transitions import MODES

SOURCE = Path(__file__).resolve().parents[2] / "examples/drafts/hypervisor.S"
DRAFTS = ("0.1", "0.4", "0.6.1", "1.0")
ENGINES = {"python": python_engine, "native": native_engine}
NATIVE = pytest.param(
    "native", marks=pytest.mark.skipif(not has_compiler(), reason="no C compiler here")
)

LOOP = """
    .option norvc
    .globl _start
_start:
    la t0, handler
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, 1 << 39 | 1 << 11
    csrs mstatus, t0
    la t0, guest
    csrw mepc, t0
    li s0, COUNT
    mret
guest:
    BODY
    addi s0, s0, -1
    bnez s0, guest
    ebreak
handler:
    csrr t1, mcause
    li t2, 3
    beq t1, t2, end
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    mret
end:
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    j end
"""
"""A guest of M-mode alone: BODY, COUNT times, then EBREAK."""


class Terminal:
    """No input; forgets the output."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


@cache
def isa_of(label: str) -> ISA:
    # 0.1 has no numbers for its CSRs.
    overlay = next(iter(overlays())) if label == "0.1" else None
    return resolve(f"h@{label}", overlay=overlay)


def machine(label: str, elf: Path, engine: str) -> Machine:
    isa = isa_of(label)
    made = Machine(
        isa, ENGINES[engine](isa), memory=16 << 20, terminal=Terminal(), stability=stability(isa)
    )
    made.boot(Images(elf))
    return made


def log(
    label: str, elf: Path, engine: str, limit: int = 0, *, every_trap: bool = False
) -> tuple[list[Entry], Summary, int]:
    """What is told of a run that ends well, the summary, and the instructions in all."""
    made = machine(label, elf, engine)
    told: list[Entry] = []
    listener = ExitLog(made.isa, made.engine, told.append, limit=limit, every_trap=every_trap)
    outcome = made.run(100_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    return told, listener.finish(), outcome.steps


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("exits")

    @cache
    def image(label: str) -> Path:
        path = folder / f"{label}.elf"
        program = assemble(
            SOURCE.read_text(encoding="utf-8"),
            isa_of(label),
            include=lambda name: (SOURCE.parent / name).read_text(encoding="utf-8"),
        )
        path.write_bytes(write_elf(program))
        return path

    return image


def loop(tmp_path: Path, body: str, count: int) -> Path:
    text = LOOP.replace("BODY", body).replace("COUNT", str(count))
    path = tmp_path / "loop.elf"
    path.write_bytes(write_elf(assemble(text, isa_of("1.0"))))
    return path


def traps(entries: list[Entry]) -> Iterator[ExplainedTrap]:
    yield from (it for it in entries if isinstance(it, ExplainedTrap))


def named(trap: ExplainedTrap) -> dict[str, int]:
    return {it.name: it.value for it in trap.registers}


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_exits_are_those_of_the_draft(draft: str, images: Any) -> None:
    found = [*traps(log(draft, images(draft), "python")[0])]
    old = draft in ("0.1", "0.4")
    refused = "cause:2" if old else "cause:22"
    # In 0.6.1, what scounteren withholds from VU-mode is for the guest's kernel, which then calls.
    withheld = ("VS", "HS", "cause:10") if draft == "0.6.1" else ("VU", "HS", refused)
    assert [(it.before, it.after, it.item) for it in found] == [
        ("VS", "HS", "cause:10"),
        ("VS", "HS", "cause:13" if old else "cause:21"),
        ("VS", "HS", "cause:10"),
        ("VS", "HS", refused),
        ("VS", "HS", refused),
        ("VS", "HS", "cause:10"),
        ("VS", "HS", "cause:10"),
        withheld,
        ("VS", "HS", "cause:10"),
    ]
    assert found[0].instruction == "ecall"
    assert found[3].instruction == "csrr t0, hstatus"
    assert found[4].instruction == "wfi"


REPORTED = {
    "0.1": ({"stval": 0x1000_0004, "hvtval": 0x8010_0004}, 0x1000_0004),
    "0.4": ({"stval": 0x8010_0004}, None),
    "0.6.1": ({"stval": 0x8010_0004, "htval": 0x400_0001, "htinst": 0x2583}, 0x1000_0004),
    "1.0": ({"stval": 0x8010_0004, "htval": 0x400_0001, "htinst": 0x2583}, 0x1000_0004),
}


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_fault_of_the_second_stage_tells_the_draft_s_registers(draft: str, images: Any) -> None:
    fault = [*traps(log(draft, images(draft), "python")[0])][1]
    registers, guest = REPORTED[draft]
    assert named(fault) == registers
    assert fault.guest_physical == guest
    assert fault.instruction == "lw a1, 4(t0)"


def test_the_meaning_of_each_register_is_told(images: Any) -> None:
    fault = [*traps(log("1.0", images("1.0"), "python")[0])][1]
    assert {it.name: it.meaning for it in fault.registers} == {
        "stval": "guest virtual",
        "htval": "guest physical 0x10000004",
        "htinst": "lw a1, 0 bytes into the access",
    }


@pytest.mark.parametrize("draft", DRAFTS)
def test_delegation_names_bit_and_rule(draft: str, images: Any) -> None:
    call = next(traps(log(draft, images(draft), "python")[0]))
    to_s, to_vs = call.decisions
    assert (to_s.answer, to_s.bits) == (True, (("medeleg.ECALL_FROM_VS", 1),))
    assert to_s.rules[0] == "rule:trap.delegation"
    assert not to_vs.answer
    assert to_vs.rules[0] == "rule:hedeleg.effect"
    # 7f6ae3c8 (0.6) on, an environment call from VS-mode cannot be delegated there.
    name, value = to_vs.bits[0]
    assert (name, value) in (("hedeleg.ECALL_FROM_VS", 0), ("hedeleg[10]", None))
    assert (value is None) == ("ECALL_FROM_VS" not in isa_of(draft).csrs["hedeleg"].fields)


def test_where_the_g_stage_overrules_the_bit_the_rule_for_it_is_named(images: Any) -> None:
    fault = [*traps(log("0.4", images("0.4"), "python")[0])][1]
    assert "rule:hedeleg.g-stage" in fault.decisions[1].rules


@pytest.mark.parametrize("engine", ["python", NATIVE])
@pytest.mark.parametrize("draft", ["0.4", "1.0"])
def test_instructions_in_each_mode_are_exact(draft: str, engine: str, images: Any) -> None:
    _, summary, steps = log(draft, images(draft), engine)
    assert sum(summary.instructions.values()) == steps
    # Two instructions in VU-mode, says guest.inc.
    assert summary.instructions["VU"] == 2
    stepped = machine(draft, images(draft), "python")
    counts = [0] * MODES
    while True:
        hart = stepped.hart
        mode = hart.V << 2 | hart.mode
        before = hart.steps
        outcome = stepped.run(1)
        counts[mode] += hart.steps - before
        if outcome.reason == "exit":
            break
    names = {"HS": 1, "M": 3, "VU": 4, "VS": 5}
    assert summary.instructions == {name: counts[number] for name, number in names.items()}


@pytest.mark.skipif(not has_compiler(), reason="no C compiler here")
@pytest.mark.parametrize("draft", ["0.4", "1.0"])
@pytest.mark.parametrize("every_trap", [False, True])
def test_both_engines_tell_the_same(draft: str, every_trap: bool, images: Any) -> None:
    ours, our_summary, _ = log(draft, images(draft), "python", every_trap=every_trap)
    theirs, their_summary, _ = log(draft, images(draft), "native", every_trap=every_trap)
    assert ours == theirs
    assert our_summary.traps == their_summary.traps
    assert our_summary.instructions == their_summary.instructions
    assert our_summary.switches == their_summary.switches


def test_every_trap_includes_those_within_the_guest(images: Any) -> None:
    told, _, _ = log("1.0", images("1.0"), "python", every_trap=True)
    modes = {(it.before, it.after) for it in traps(told)}
    assert ("VS", "VS") in modes
    assert any(it.item.startswith("interrupt:") for it in traps(told))


@pytest.mark.parametrize("engine", ["python", NATIVE])
def test_the_same_exit_again_is_folded(engine: str, tmp_path: Path) -> None:
    told, summary, _ = log("1.0", loop(tmp_path, "ecall", 2000), engine, 16)
    first, folded, last = told
    assert isinstance(first, ExplainedTrap)
    assert (first.item, first.before, first.after) == ("cause:10", "VS", "M")
    assert folded == Folded(1999)
    assert isinstance(last, ExplainedTrap)
    assert last.item == "cause:3"
    assert [*entry_lines(folded)] == ["      … 1,999 more like this"]
    assert {row[2]: row[4] for row in summary.traps} == {"cause:10": 2000, "cause:3": 1}
    # ECALL, ADDI, BNEZ each time round, then EBREAK.
    assert summary.instructions["VS"] == 3 * 2000 + 1
    # In and out each time: MRET and the trap.
    assert summary.switches == 2 * 2001


def test_enough_of_a_kind_is_enough(tmp_path: Path) -> None:
    body = "ecall\n csrr t3, mscratch"
    told, summary, _ = log("1.0", loop(tmp_path, body, 50), "python", 2)
    assert [type(it) for it in told] == [
        *[ExplainedTrap] * 4,
        *[Enough] * 2,
        ExplainedTrap,
    ]
    assert {row[2]: row[4] for row in summary.traps} == {
        "cause:10": 50,
        "cause:2": 50,
        "cause:3": 1,
    }


def test_lines_fit_80_columns(images: Any) -> None:
    for draft in DRAFTS:
        for entry in log(draft, images(draft), "python")[0]:
            assert all(len(line) <= 80 for line in entry_lines(entry))
