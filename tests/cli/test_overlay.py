"""`--overlay`, and what runs without numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime import gate
from drafthart.runtime.assigned import require_assigned, unassigned
from drafthart.runtime.gate import require_stable_or_opted_in

Command = Callable[..., Any]
OURS = "specs/overlays/h-0.1.yaml"
DRAFT = ("--revision", "h@0.1", "--allow-unstable", "h@0.1")
NAME = "h@0.1+overlay:numbers-0.1"

# Enters a guest by HRET, which calls M-mode at once: cause 10. It ends with that as the status.
GUEST = """\
_start:
    la      t0, trapped
    csrw    mtvec, t0
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    li      t0, 0x123
    csrw    bsscratch, t0
    la      t0, guest
    csrw    sepc, t0
    li      t0, 0x100
    csrs    sstatus, t0
    hret
guest:
    csrr    a0, sscratch
    ecall
trapped:
    csrr    t1, mcause
    slli    t1, t1, 16
    li      t2, 0x3333
    or      t1, t1, t2
    li      t0, 0x100000
    sw      t1, 0(t0)
1:  j       1b
"""


@pytest.fixture
def guest(drafthart: Command, here: Path) -> str:
    (here / "guest.S").write_text(GUEST, encoding="utf-8")
    result = drafthart("asm", "guest.S", "--revision", "h@0.1", "--overlay", OURS)
    assert (result.status, result.err) == (0, "")
    return "guest.elf"


def test_a_program_that_has_numbers_only_by_the_overlay(
    drafthart: Command, here: Path, guest: str
) -> None:
    result = drafthart(
        "run", *DRAFT, "--overlay", OURS, "--dump-state", "--log-commits", "l", guest
    )
    assert result.status == 10
    banner, ended, *_ = result.err.splitlines()
    assert banner.endswith(" is unstable (draft), opted in by --allow-unstable h@0.1")
    assert ended.startswith("drafthart: the guest ended with status 10 after ")
    assert "\n  last trap into M-mode: environment call from VS-mode (cause:10)\n" in result.err
    assert "x10/a0 0x0000000000000123" in result.out
    taint, *lines = (here / "l").read_text().splitlines()
    assert json.loads(taint.removeprefix("# unstable: ")) == {
        "revision": NAME,
        "status": "draft",
        "opt_in": "--allow-unstable h@0.1",
    }
    assert any("(0xac200073)" in line for line in lines)


def test_its_disassembly(drafthart: Command, guest: str) -> None:
    ours = drafthart("disasm", guest, "--revision", "h@0.1", "--overlay", OURS).out
    assert "hret" in ours
    assert "bsscratch" in ours
    without = drafthart("disasm", guest, "--revision", "h@0.1").out
    assert "hret" not in without
    assert "bsscratch" not in without


def test_the_assembler_without_it(fails: Callable[..., str], here: Path) -> None:
    (here / "guest.S").write_text(GUEST, encoding="utf-8")
    error = fails("asm", "guest.S", "--revision", "h@0.1")
    assert "assigns no number to the CSR bsscratch" in error
    assert error.endswith("or give it one in an overlay")


def test_without_numbers_nothing_runs(fails: Callable[..., str], guest: str) -> None:
    assert fails("run", *DRAFT, "--log-commits", "log", guest) == (
        "15 items of h@0.1 have no number: csr:hvtval, csr:hstatus, csr:hedeleg, csr:hideleg, and "
        f"11 more; bind them with --overlay {OURS}, or run without them by --allow-unassigned"
    )


def test_running_without_them(drafthart: Command, guest: str) -> None:
    # bsscratch is an illegal instruction then, at once.
    assert drafthart("run", *DRAFT, "--allow-unassigned", guest).status == 2


def test_an_overlay_that_leaves_some(fails: Callable[..., str], here: Path, guest: str) -> None:
    (here / "few.yaml").write_text(
        "overlay: few\non: h@0.1\ntitle: Not all\nchanges:\n  - id: all-but-hret\n"
        "    breaks: []\n    summary: Some.\n    replace: {csrs.mvtval.address: 0x7c0}\n"
    )
    error = fails("run", *DRAFT, "--overlay", "few.yaml", guest)
    assert error.startswith("14 items of h@0.1+overlay:few have no number: csr:hvtval, ")
    assert f"--overlay {OURS}" in error


@pytest.mark.parametrize(
    ("change", "count", "picks"),
    [
        ("hvip", 1, "virtual-machine-load-store+numbers-of-0.6"),
        ("virtual-machine-load-store", 14, "numbers-of-0.6"),
        ("henvcfg", 1, "envcfg-addresses"),
    ],
)
def test_drafts_between_two_changes(change: str, count: int, picks: str) -> None:
    order = [it.id for it in resolve("h@1.0").changes]
    expression = f"h@1.0~{len(order) - 1 - order.index(change)}"
    isa = resolve(expression)
    assert len(unassigned(isa)) == count
    with pytest.raises(DrafthartError) as caught:
        require_assigned(isa)
    noun, verb, them = ("item", "has", "it") if count == 1 else ("items", "have", "them")
    message = str(caught.value)
    assert message.startswith(
        f"{count} {noun} of {expression} {verb} no number: {unassigned(isa)[0]}"
    )
    assert f"; bind {them} with --revision {expression}+{picks}, or run without {them} " in message
    require_assigned(resolve(f"{expression}+{picks}"))


def test_several_changes_to_pick_in() -> None:
    order = [it.id for it in resolve("h@0.2").changes]
    expression = f"h@0.2~{len(order) - order.index('csr-numbers')}"
    with pytest.raises(DrafthartError, match=r"\+csr-numbers\+hgatp-number\+hfence-encodings,"):
        require_assigned(resolve(expression))


def test_the_upper_half_is_no_item_of_64_bits() -> None:
    order = [it.id for it in resolve("h@1.0").changes]
    expression = f"h@1.0~{len(order) - 1 - order.index('henvcfg')}"
    assert unassigned(resolve(expression, xlen=64)) == ["csr:henvcfg"]
    assert unassigned(resolve(expression, xlen=32)) == ["csr:henvcfg", "csr:henvcfgh"]


@pytest.mark.skipif(not gate.OWN.is_staged("h@0.1"), reason="h@0.1 is not staged here")
def test_the_gate_goes_by_the_draft_below(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_opted_in", {})
    isa = resolve("h@0.1", overlay=Path(OURS))
    with pytest.raises(DrafthartError) as caught:
        require_stable_or_opted_in(isa)
    assert str(caught.value).startswith(f"{NAME} is not ratified (status: draft)")
    assert "opt in with --allow-unstable h@0.1, " in str(caught.value)
    with pytest.raises(DrafthartError, match="not ratified"):
        require_stable_or_opted_in(isa, ["h@0.2"])
    (here / "drafthart.toml").write_text('allow-unstable = ["h@0.1"]\n')
    found = require_stable_or_opted_in(isa)
    assert (found["revision"], found["opt_in"]) == (NAME, str(here / "drafthart.toml"))


def test_the_gate_of_an_overlay_on_what_is_ratified(
    fails: Callable[..., str], drafthart: Command, program: Callable[..., Path], here: Path
) -> None:
    (here / "mine.yaml").write_text(
        "overlay: mine\non: h@1.0\ntitle: Moved\nchanges:\n  - id: moved\n    breaks: []\n"
        "    summary: Moves.\n    replace: {csrs.hgeip.address: 0xec0}\n"
    )
    elf = str(program(revision="h@1.0"))
    arguments = ("run", "--revision", "h@1.0", "--overlay", "mine.yaml", elf)
    assert "opt in with --allow-unstable h@1.0, " in fails(*arguments)
    assert drafthart(*arguments, "--allow-unstable", "h@1.0").out == "hello\n"


def test_show_and_generate(drafthart: Command) -> None:
    shown = drafthart("show", "h@0.1", "--overlay", OURS).out
    assert shown.startswith(
        f"{NAME}  Hypervisor extension, draft 0.1, with the overlay numbers-0.1"
    )
    assert "custom-hret-encoding" in shown
    data = drafthart("show", "h@0.1", "mvtval", "--format", "json", "--overlay", OURS).json
    assert data["revision"] == NAME
    header = drafthart("generate", "h@0.1", "--target", "c-header", "--overlay", OURS).out
    assert f"UNSTABLE: {NAME} is not ratified" in header
    assert "0x7c0" in header


def test_diff_shows_what_it_does(drafthart: Command) -> None:
    found = drafthart("diff", "h@0.1", "h@0.1", "--overlay", OURS, "--format", "json").json
    assert found["before"] == {"revision": "h@0.1", "status": "draft"}
    assert found["after"] == {"revision": NAME, "status": "draft"}
    assert found["changes"] == ["custom-csr-numbers", "custom-hret-encoding"]
    kinds = [difference["kind"] for difference in found["differences"]]
    assert (kinds.count("address"), kinds.count("encoding"), len(kinds)) == (14, 1, 15)


def test_check(drafthart: Command, fails: Callable[..., str], here: Path) -> None:
    result = drafthart("check", "--overlay", OURS)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"{OURS}: on h@0.1, 11 changes, ")
    text = (
        "overlay: bad\non: h@0.1\ntitle: Bad\nchanges:\n  - id: bad\n    breaks: []\n"
        "    summary: Bad.\n    replace:\n      functions.check_hret.operation: nonsense()\n"
    )
    (here / "bad.yaml").write_text(text)
    assert drafthart("check", "bad.yaml").out == "bad.yaml: the form of an overlay\n"
    assert fails("check", "--overlay", "bad.yaml").startswith("bad.yaml:9:39: ")
    assert "not both" in fails("check", "bad.yaml", "--overlay", "bad.yaml")


def test_check_goes_through_the_overlays_of_a_folder(drafthart: Command, folder: Any) -> None:
    folder.write(
        "overlays/mine.yaml",
        """
        overlay: mine
        on: h@1
        title: Mine
        changes:
          - {id: x, breaks: [], summary: X, replace: {csrs.nothing.address: 1}}
        """,
    )
    result = drafthart("check", "--specs", str(folder.root))
    assert result.status == 2
    assert folder.at("overlays/mine.yaml", "csrs.nothing") in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("show h@0.2 --overlay specs/overlays/h-0.1.yaml", "is on h@0.1, not on h@0.2"),
        ("show h@0.1 --overlay missing.yaml", "missing.yaml: "),
        (f"run --revision {NAME} x", "overlay:numbers-0.1 is no change"),
    ],
)
def test_errors(fails: Callable[..., str], arguments: str, message: str) -> None:
    assert message in fails(arguments)
