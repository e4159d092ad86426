"""`drafthart bisect` and `drafthart compare` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]

# Does well where hstatus.VTW can be set, from 0.6.1 on.
SOURCE = """\
_start:
    la t0, fail
    csrw mtvec, t0
    li t0, 1 << 21
    csrs 0x600, t0
    csrr t1, 0x600
    and t1, t1, t0
    beqz t1, fail
    li t2, 0x10000000
    li t1, 'y'
    sb t1, 0(t2)
    li t1, 0x5555
    j end
    .balign 4
fail:
    li t1, 0x33333
end:
    li t0, 0x100000
    sw t1, 0(t0)
1:  j 1b
"""
ENDS = "--good h@0.6.1 --bad h@0.6.1~1 --allow-unstable h@0.6.1 --allow-unstable h@0.6.1~1"


@pytest.fixture
def guest(drafthart: Command, here: Path) -> Path:
    (here / "guest.S").write_text(SOURCE)
    assert drafthart("asm guest.S --revision h@1.0 -o guest.elf").status == 0
    return here / "guest.elf"


def wide(good: str, bad: str) -> str:
    names = dict.fromkeys((good, bad))
    return f"--good {good} --bad {bad} " + " ".join(f"--allow-unstable {it}" for it in names)


def test_bisect_tells_the_change_and_where_the_runs_part(drafthart: Command, guest: Path) -> None:
    result = drafthart(f"bisect guest.elf --jobs 1 {wide('h@0.6.1~13', 'h@0.6.1~17')}")
    assert result.status == 0, result.err
    change, _, rest = result.out.partition("\n")
    assert change == "vtw-returns"
    assert "  h@0.6.1  2020-05-14 6248b128\n" in rest
    assert "They part after 5 instructions, the last of which is\n" in rest
    assert "    t1 0x0 → 0x200200000\n" in rest
    assert "csr:hstatus.VTW  0x1, 0x0\n" in rest
    assert "  0x80000010 <_start+0x10>  csrs hstatus, t0\n" in rest
    assert "likely: field-removed csr:hstatus.VTW" in rest


@pytest.mark.parametrize("how", ["--expect y", "--exit 0", "--script ./ask"])
def test_ways_to_tell_good_from_bad(drafthart: Command, guest: Path, here: Path, how: str) -> None:
    script = here / "ask"
    text = '#!/bin/sh\ncase "$1" in *~17) exit 1;; *~15|*~16) exit 125;; esac\n'
    script.write_text(text)
    script.chmod(0o755)
    ends = wide("h@0.6.1~13", "h@0.6.1~17")
    data = drafthart(f"bisect guest.elf --jobs 1 {ends} {how} --format json").json
    assert data["format"] == "drafthart-bisect/1"
    assert data["stability"]["status"] == "draft"
    changes = ["vtw-returns"]
    if "script" in how:
        changes += ["virtual-instruction-in-vu", "virtual-instruction-exceptions"]
    assert data["changes"] == changes
    assert (data["parting"] is None) is ("script" in how)


def test_runs_side_by_side_in_processes(drafthart: Command, guest: Path) -> None:
    result = drafthart(f"bisect guest.elf --jobs 2 {wide('h@0.6.1~13', 'h@0.6.1~17')}")
    assert result.out.startswith("vtw-returns\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--good h@9 --bad h@1.0", "unknown revision 'h@9'"),
        ("--good h@0.6.1 --bad h@0.6.1~1", "h@0.6.1 is not ratified"),
        ("--good h@1.0 --bad priv@1.12", "not of one series"),
        (f"{ENDS} --expect y --exit 1", "give one of --expect, --exit and --script"),
        (f"{ENDS} --script none", "none: is no program"),
        (f"{ENDS} --expect ''", "--expect: an empty text is always there"),
        ("--good h@1.0 --bad h@1.0", "are the same revision"),
    ],
)
def test_refused(fails: Command, guest: Path, arguments: str, told: str) -> None:
    assert told in fails(f"bisect guest.elf {arguments}").replace("opted in", "")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("", "--bad h@0.6.1~1: the guest does well (status 0 after 16 instructions); choose"),
        ("--exit 7", "--good h@0.6.1: the guest does not do well (status 0 after 16 "),
    ],
)
def test_ends_that_are_not_as_told(drafthart: Command, guest: Path, how: str, told: str) -> None:
    result = drafthart(f"bisect guest.elf {ENDS} --jobs 1 {how}")
    assert (result.status, result.out) == (2, "")
    assert result.err.splitlines()[1].startswith(f"drafthart: {told}")


def test_no_image(fails: Command, here: Path) -> None:
    assert "none.elf: no such file" in fails("bisect none.elf --good h@1.0~1 --bad h@1.0")


def test_compare(drafthart: Command, guest: Path) -> None:
    allow = "--allow-unstable h@0.6.1 --allow-unstable h@0.6.1~17"
    result = drafthart(f"compare h@0.6.1~17 h@0.6.1 guest.elf {allow}")
    assert result.status == 1
    assert "They part after 5 instructions, the last of which is\n" in result.out
    assert "    by vtw-returns  2020-05-14 6248b128\n" in result.out
    data = drafthart("compare h@1.0 h@1.0 guest.elf --format json").json
    assert (data["parted"], data["outcome"]["status"]) == (False, 0)
    assert data["stability"]["status"] == "ratified"


def test_compare_stops_at_the_limit(drafthart: Command, here: Path) -> None:
    (here / "loop.S").write_text("_start: j _start\n")
    assert drafthart("asm loop.S --revision h@1.0").status == 0
    result = drafthart("compare h@1.0 h@1.0 loop.elf --max-instructions 50000")
    assert (result.status, result.out) == (
        0,
        "h@1.0 and h@1.0 do the same: still runs after 50000 instructions\n",
    )


def test_run_compares(drafthart: Command, fails: Command, guest: Path) -> None:
    result = drafthart("run --compare h@0.6 h@1.0 guest.elf --allow-unstable h@0.6")
    assert result.status == 1
    assert "csr:hstatus.VTW  0x0, 0x1\n" in result.out
    assert "--engine: does not go with --compare" in fails(
        "run --compare h@1.0 h@1.0 guest.elf --engine python"
    )
    assert "nothing to run" in fails("run --compare h@1.0 h@1.0")
    assert "missing option '--revision'" in fails("run guest.elf")
