"""Commit traces in Spike's format: exact lines, the way back, and lines that are none."""

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.trace import Commit, Load, Store, Write, format_commit, parse_commit

PC = 0x8000_0000

CASES = [
    (
        Commit(PC, 0x297, 4, 3, (Write("x", 5, PC),)),
        "core   0: 3 0x0000000080000000 (0x00000297) x5  0x0000000080000000",
    ),
    (
        Commit(PC + 4, 0x4505, 2, 1, (Write("x", 10, 1),)),
        "core   0: 1 0x0000000080000004 (0x4505) x10 0x0000000000000001",
    ),
    (Commit(PC, 0x13, 4, 0), "core   0: 0 0x0000000080000000 (0x00000013)"),
    (
        Commit(PC, 0x0002B283, 4, 3, (Write("x", 5, 0xABCD),), (Load(0x8000_1000),)),
        "core   0: 3 0x0000000080000000 (0x0002b283) x5  0x000000000000abcd mem 0x0000000080001000",
    ),
    (
        Commit(PC, 0x00510023, 4, 3, stores=(Store(0x8000_1000, 7, 1),)),
        "core   0: 3 0x0000000080000000 (0x00510023) mem 0x0000000080001000 0x07",
    ),
    (
        Commit(PC, 0x00511023, 4, 3, stores=(Store(0x8000_1000, 0xBEEF, 2),)),
        "core   0: 3 0x0000000080000000 (0x00511023) mem 0x0000000080001000 0xbeef",
    ),
    (
        Commit(PC, 0x00513023, 4, 3, stores=(Store(0x8000_1000, 1, 8),)),
        "core   0: 3 0x0000000080000000 (0x00513023) mem 0x0000000080001000 0x0000000000000001",
    ),
    (
        Commit(PC, 0x30529073, 4, 3, (Write("c", 773, PC, "mtvec"),)),
        "core   0: 3 0x0000000080000000 (0x30529073) c773_mtvec 0x0000000080000000",
    ),
    (
        Commit(
            PC,
            0x0805A52F,
            4,
            3,
            (Write("x", 10, 1),),
            (Load(0x8000_1000),),
            (Store(0x8000_1000, 3, 4),),
        ),
        "core   0: 3 0x0000000080000000 (0x0805a52f) x10 0x0000000000000001"
        " mem 0x0000000080001000 mem 0x0000000080001000 0x00000003",
    ),
    (
        Commit(PC, 0xD20000D3, 4, 3, (Write("f", 1, 0), Write("c", 1, 0, "fflags"))),
        "core   0: 3 0x0000000080000000 (0xd20000d3)"
        " f1  0x0000000000000000 c1_fflags 0x0000000000000000",
    ),
    (
        Commit(PC, 0x297, 4, 3, (Write("x", 5, PC, width=32),), hart=12, xlen=32),
        "core  12: 3 0x80000000 (0x00000297) x5  0x80000000",
    ),
]


@pytest.mark.parametrize(("commit", "line"), CASES)
def test_lines_are_as_spike_writes_them(commit: Commit, line: str) -> None:
    assert format_commit(commit) == line


@pytest.mark.parametrize(("commit", "line"), CASES)
def test_lines_are_read_back(commit: Commit, line: str) -> None:
    assert parse_commit(line + "\n") == commit


def test_x0_is_left_out_but_f0_is_not() -> None:
    writes = (Write("x", 0, 0), Write("f", 0, 1))
    line = format_commit(Commit(PC, 0x13, 4, 3, writes))
    assert line == "core   0: 3 0x0000000080000000 (0x00000013) f0  0x0000000000000001"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "core   0: 0x0000000080000000 (0x00000297) auipc   t0, 0x0",
        "core   0: >>>>  _start",
        "core   0: exception trap_illegal_instruction, epc 0x0000000080000000",
        "core   0: 2 0x0000000080000000 (0x00000297)",
        "core   0: 3 0x0000000080000000 (0x297)",
        "core   0: 3 0x80 (0x00000297)",
        "core   0: 3 0x0000000080000000 (0x00000297) x5",
        "core   0: 3 0x0000000080000000 (0x00000297) x5  0x12g4",
        "core   0: 3 0x0000000080000000 (0x00000297) e8 m1 l4 v1  0x00",
        "core   0: 3 0x0000000080000000 (0x00000297) mem",
        "core   0: 3 0x0000000080000000 (0x00000297) mem 0x10 0x20 0x30",
        "core " + "1" * 5000 + ": 3 0x0000000080000000 (0x00000297)",
        "core   0: 3 0x0000000080000000 (0x00000297) x\u0665  0x0000000080000000",
        "a\nb",
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(DrafthartError, match="not a commit") as caught:
        parse_commit(line)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
