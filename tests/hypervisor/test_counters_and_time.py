"""Counters in a guest, and its view of time.

Text: riscv-isa-manual cc43c1fe, src/hypervisor.tex, "Hypervisor Counter-Enable Register
(hcounteren)", "Hypervisor Time Delta Registers (htimedelta, htimedeltah)" and "Trap Cause Codes";
0abcad44 for what scounteren alone withholds; src/machine.tex and src/supervisor.tex for mcounteren
and scounteren.
"""

from __future__ import annotations

import pytest
from bench import CODE, REVISIONS, Bench, since

ILLEGAL, VIRTUAL = 2, 22
COUNTERS = {"cycle": 0, "time": 1, "instret": 2, "hpmcounter3": 3, "hpmcounter31": 31}
ONES = (1 << 64) - 1


def read(bench: Bench, mode: str, number: int) -> int | None:
    """Read the counter in this mode; the cause of the exception."""
    bench.mode(mode).hart.pc = CODE
    trap = bench.run(f"csrr a0, {0xC00 + number:#x}")
    return None if trap is None else trap.cause


def enable(bench: Bench, number: int, *, m: int, h: int, s: int) -> None:
    """Give the counter's bit these values, and the other bits the opposite ones."""
    bit, others = 1 << number, 0xFFFF_FFFF ^ 1 << number
    for name, on in (("mcounteren", m), ("hcounteren", h), ("scounteren", s)):
        bench.write(name, bit if on else others)


def outcomes(revision: str, number: int, mode: str) -> dict[tuple[int, int, int], int | None]:
    """What a read of the counter does, by its bits in mcounteren, hcounteren and scounteren."""
    bench = Bench(revision)
    result = {}
    for m in (0, 1):
        for h in (0, 1):
            for s in (0, 1):
                enable(bench, number, m=m, h=h, s=s)
                result[m, h, s] = read(bench, mode, number)
    return result


@pytest.mark.rules("counter.hcounteren", "counter.mcounteren-first")
@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("revision", REVISIONS)
def test_counters_in_vs_mode(revision: str, name: str) -> None:
    assert outcomes(revision, COUNTERS[name], "VS") == {
        (0, 0, 0): ILLEGAL, (0, 0, 1): ILLEGAL, (0, 1, 0): ILLEGAL, (0, 1, 1): ILLEGAL,
        (1, 0, 0): VIRTUAL, (1, 0, 1): VIRTUAL, (1, 1, 0): None, (1, 1, 1): None,
    }  # fmt: skip


@pytest.mark.rules(
    "counter.hcounteren", "counter.mcounteren-first", "counter.vu", "counter.scounteren-vu"
)
@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("revision", REVISIONS)
def test_counters_in_vu_mode(revision: str, name: str) -> None:
    """What only scounteren withholds was an illegal instruction before 0abcad44."""
    by_scounteren = VIRTUAL if revision in since("h@0.6.2") else ILLEGAL
    assert outcomes(revision, COUNTERS[name], "VU") == {
        (0, 0, 0): ILLEGAL, (0, 0, 1): ILLEGAL, (0, 1, 0): ILLEGAL, (0, 1, 1): ILLEGAL,
        (1, 0, 0): VIRTUAL, (1, 0, 1): VIRTUAL, (1, 1, 0): by_scounteren, (1, 1, 1): None,
    }  # fmt: skip


@pytest.mark.rules("counter.hcounteren", "counter.mcounteren", "counter.scounteren")
@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("revision", REVISIONS)
def test_hcounteren_does_not_concern_others(revision: str, name: str) -> None:
    number = COUNTERS[name]
    for (m, _, s), cause in outcomes(revision, number, "U").items():
        assert cause == (None if m and s else ILLEGAL)
    for (m, _, _), cause in outcomes(revision, number, "HS").items():
        assert cause == (None if m else ILLEGAL)
    assert set(outcomes(revision, number, "M").values()) == {None}


@pytest.mark.rules("counter.scounteren-vu")
def test_scounteren_before_and_after_0abcad44() -> None:
    for revision, expected in (("h@0.6.2@2021-09-01", ILLEGAL), ("h@0.6.2@2021-09-05", VIRTUAL)):
        assert outcomes(revision, 0, "VU")[1, 1, 0] == expected


@pytest.mark.rules("counter.hcounteren")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_writing_a_counter_is_never_for_the_hypervisor(revision: str, mode: str) -> None:
    """f436300f: HS-mode could not write it either, so hcounteren is not the reason."""
    bench = Bench(revision)
    enable(bench, 0, m=1, h=0, s=0)
    assert read(bench, mode, 0) == VIRTUAL
    bench.mode(mode).hart.pc = CODE
    trap = bench.run("csrw 0xC00, a0")
    assert trap is not None
    assert trap.cause == ILLEGAL


@pytest.mark.rules("counter.hcounteren")
@pytest.mark.parametrize("revision", REVISIONS)
def test_hcounteren_has_32_bits(revision: str) -> None:
    bench = Bench(revision).mode("HS")
    assert bench.run("csrw hcounteren, a0\ncsrr a1, hcounteren", a0=ONES) is None
    assert bench.reg("a1") == 0xFFFF_FFFF


def seen_time(bench: Bench, mode: str) -> int:
    """Time as a read in this mode shows it, at the moment of 1000 ticks."""
    bench.mode(mode).hart.pc = CODE
    bench.place("csrr a1, time", CODE)
    bench.clock.write(1000)
    assert bench.steps(1) is None
    return bench.reg("a1")


def open_to_all(revision: str) -> Bench:
    return Bench(revision).writes(mcounteren=2, hcounteren=2, scounteren=2)


@pytest.mark.rules("time.htimedelta")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize(
    ("delta", "expected"),
    [(0, 1000), (5, 1005), (1 << 40, (1 << 40) + 1000), (ONES, 999), (ONES - 999, 0),
     (ONES - 1000, ONES), (1 << 63, (1 << 63) + 1000)],
)  # fmt: skip
@pytest.mark.parametrize("revision", REVISIONS)
def test_time_in_a_guest(revision: str, delta: int, expected: int, mode: str) -> None:
    bench = open_to_all(revision).write("htimedelta", delta)
    assert bench.read("htimedelta") == delta
    assert seen_time(bench, mode) == expected


@pytest.mark.rules("time.v0")
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_time_outside_a_guest(revision: str, mode: str) -> None:
    bench = open_to_all(revision)
    for delta in (0, 12345, ONES):
        bench.write("htimedelta", delta)
        assert seen_time(bench, mode) == 1000


@pytest.mark.rules("time.htimedelta")
@pytest.mark.parametrize("revision", REVISIONS)
def test_htimedelta_moves_only_time(revision: str) -> None:
    bench = Bench(revision).writes(mcounteren=7, hcounteren=7, htimedelta=1 << 40)
    bench.mode("VS")
    assert bench.run("csrr a1, cycle\ncsrr a2, instret") is None
    assert bench.reg("a1") < 1 << 40
    assert bench.reg("a2") < 1 << 40
