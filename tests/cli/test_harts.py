"""Options of `run` for several harts: what goes together, what is refused, what is marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ENDS = """
_start:
    bnez a0, park
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, 0(t0)
park:
    wfi
    j    park
"""


@pytest.fixture
def program(drafthart: Callable[..., Any], here: Path) -> None:
    (here / "harts.S").write_text(ENDS)
    assert drafthart("asm harts.S --revision h@1.0").status == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--smp 0", "--smp"),
        ("--smp 9", "--smp"),
        ("--smp 2 --quantum 99", "--quantum"),
        ("--hart-revision 1=h@1.0", "there is one hart; add --smp N"),
        ("--smp 2 --hart-revision 0=h@1.0", "there are harts 1 to 1, and --revision is for hart 0"),
        ("--smp 2 --hart-revision h@1.0", "write N=REV, such as 1=h@0.6.1"),
        ("--smp 2 --hart-revision 1=h@9", "h@9"),
        ("--smp 2 --hart-revision 1=h@0.6.1", "h@0.6.1 is not ratified"),
        (
            "--smp 2 --gdb :0 --hart-revision 1=h@0.6.1 --allow-unstable h@0.6.1",
            "--gdb: gdb takes all harts to be alike",
        ),
    ],
)
def test_what_is_refused(drafthart: Any, program: None, options: str, told: str) -> None:
    result = drafthart(f"run --revision h@1.0 {options} harts.elf")
    assert result.status == 2
    assert told in result.err


def test_a_mixed_run_names_both(drafthart: Any, here: Path, program: None) -> None:
    mixed = "--hart-revision 1=h@0.6.1 --allow-unstable h@0.6.1"
    result = drafthart(
        f"run --revision h@1.0 --engine python --smp 2 {mixed} --log-commits a.log "
        "--save a.snap harts.elf"
    )
    assert result.status == 0, result.err
    log = (here / "a.log").read_text().splitlines()
    mark = json.loads(log[0].partition(": ")[2])
    assert mark == {
        "revision": "h@1.0, h@0.6.1",
        "status": "draft",
        "opt_in": "--allow-unstable h@0.6.1",
    }
    shown = drafthart("snapshot a.snap --format json").json
    assert shown["revision"] == mark["revision"]
    assert [it["revision"] for it in shown["others"]] == ["h@0.6.1"]
    assert shown["others"][0]["steps"] == 0
    assert "hart 1" in drafthart("snapshot a.snap").out
    restore = "run --revision h@1.0 --engine python --restore a.snap"
    result = drafthart(restore)
    assert result.status == 2
    assert "add --hart-revision 1=h@0.6.1" in result.err
    result = drafthart(f"{restore} {mixed} --max-instructions 1 harts.elf")
    assert result.status == 124, result.err
    assert result.err.count("  hart ") == 2
