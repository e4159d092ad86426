"""Guests that each depend on one change, and the change that a bisection finds for them.

What each depends on is from the summaries of the changes, and their commits in the manual.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.diff.path import states
from drafthart.generator.spec.series import open_series
from drafthart.runtime.bisection import Goal, Trial, bisect, judge
from drafthart.runtime.resolved import resolved

pytestmark = pytest.mark.staged

FRAME = """\
_start:
    la t0, fail
    csrw mtvec, t0
{}
    li t1, 0x5555
    j end
    .balign 4
fail:
    li t1, 0x13333
end:
    li t0, 0x100000
    sw t1, 0(t0)
1:  j 1b
"""


def has(csr: int) -> str:
    """Does well where the CSR is there."""
    return f"csrr t0, {csr:#x}"


def keeps(csr: int, bits: int) -> str:
    """Does well where these bits of the CSR can be set."""
    return f"li t0, {bits}\ncsrs {csr:#x}, t0\ncsrr t1, {csr:#x}\nand t1, t1, t0\nbne t1, t0, fail"


def without(csr: int, bits: int) -> str:
    """Does well where these bits cannot be set."""
    return f"li t0, {bits}\ncsrs {csr:#x}, t0\ncsrr t1, {csr:#x}\nand t1, t1, t0\nbnez t1, fail"


def holds(csr: int, value: int, mask: int) -> str:
    """Does well where of a value that is written these bits are as they were written."""
    return (
        f"li t0, {value}\ncsrw {csr:#x}, t0\ncsrr t1, {csr:#x}\n"
        f"xor t0, t0, t1\nli t1, {mask}\nand t0, t0, t1\nbnez t0, fail"
    )


SV39X4 = 8 << 60
SV57X4 = 10 << 60

PLANTED = [
    # good, bad, the change between them, what the guest does
    ("h@0.2", "h@0.2~21", "csr-numbers", has(0xA00)),
    ("h@0.2", "h@0.2~21", "hgatp-number", has(0xA80)),
    ("h@0.3", "h@0.3~10", "mpv-mtl-move", keeps(0x300, 1 << 39)),
    ("h@0.3", "h@0.3~10", "hgatp-root-bits-zero", holds(0xA80, SV39X4, -1) + "\n"
     + without(0xA80, 3)),
    ("h@0.4", "h@0.4~12", "hypervisor-numbers", has(0x602)),
    ("h@0.4~12", "h@0.4", "hypervisor-numbers", has(0xA02)),
    ("h@0.4", "h@0.4~12", "hypervisor-numbers", ".insn 4, 0x62000073"),
    ("h@0.4", "h@0.4~12", "hcounteren", has(0x606)),
    ("h@0.4", "h@0.4~12", "htimedelta", has(0x605)),
    ("h@0.5", "h@0.5~15", "guest-page-faults", keeps(0x302, 1 << 21)),
    ("h@0.5", "h@0.5~15", "guest-physical-trap-values", has(0x643)),
    ("h@0.5", "h@0.5~15", "trapped-instruction", has(0x64A)),
    ("h@0.5", "h@0.5~15", "vs-level-interrupts", keeps(0x304, 1 << 2)),
    ("h@0.5", "h@0.5~15", "guest-external-interrupts", has(0x607)),
    ("h@0.6", "h@0.6~9", "numbers-of-0.6", has(0x645)),
    ("h@0.6", "h@0.6~9", "hgeip-moves", has(0xE12)),
    ("h@0.6~9", "h@0.6", "hgeip-moves", has(0xE07)),
    ("h@0.6~9", "h@0.6", "virtual-machine-load-store", keeps(0x600, 1)),
    ("h@0.6", "h@0.6~9", "guest-virtual-address-bit", keeps(0x600, 1 << 6)),
    ("h@0.6.1", "h@0.6.1~17", "virtual-instruction-exceptions", keeps(0x302, 1 << 22)),
    ("h@0.6.1", "h@0.6.1~17", "vtw-returns", keeps(0x600, 1 << 21)),
    ("h@0.6.2", "h@0.6.2~21", "envcfg-addresses", has(0x60A)),
    ("h@1.0.0-rc", "h@1.0.0-rc~21", "sv57x4", holds(0x680, SV57X4, 15 << 60)),
    # Of the base, which changes with the revision.
    ("h@0.6.2", "h@0.6.1", "mconfigptr", has(0xF15)),
    ("h@0.6.1", "h@0.6.2", "envcfg", has(0x30A).replace("csrr", "la t0, 2f\ncsrw mtvec, t0\ncsrr")
     + "\nj fail\n.balign 4\n2:"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("good", "bad", "change", "body"), PLANTED, ids=[f"{it[0]}-{it[2]}" for it in PLANTED]
)
def test_the_change_is_found(tmp_path: Path, good: str, bad: str, change: str, body: str) -> None:
    image = tmp_path / "guest.elf"
    image.write_bytes(write_elf(assemble(FRAME.format(body), resolved("h@1.0"))))
    path = states(good, bad, open_series())
    asked = []

    def ask(chosen: object) -> list[bool | None]:
        assert isinstance(chosen, list)
        asked.extend(chosen)
        trials = [
            Trial(path[it].expression, image, Goal(), 16 << 20, 1000, "a test") for it in chosen
        ]
        verdicts = [judge(it) for it in trials]
        assert all(it.outcome is not None and it.outcome.steps < 1000 for it in verdicts)
        return [it.good for it in verdicts]

    assert ask([0, len(path) - 1]) == [True, False]
    before, after = bisect(len(path), ask, 1)
    assert path[after].changes == (change,)
    assert after == before + 1
    assert len(asked) <= 2 + len(path).bit_length()
