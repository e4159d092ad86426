"""The PLIC: gateways, priorities, thresholds, claim and completion."""

import pytest

from drafthart.runtime.devices.plic import SIZE, SOURCES, Plic
from drafthart.runtime.memory import BusError

MEIP, SEIP = 11, 9
PENDING = 0x1000


def enable(context: int, word: int = 0) -> int:
    return 0x2000 + 0x80 * context + 4 * word


def threshold(context: int) -> int:
    return 0x20_0000 + 0x1000 * context


def claim(context: int) -> int:
    return threshold(context) + 4


class Bench:
    """A PLIC and the lines it drives."""

    def __init__(self) -> None:
        self.lines: dict[int, bool] = {}
        self.plic = Plic(self.lines.__setitem__)

    def write(self, offset: int, value: int) -> None:
        self.plic.write(offset, 4, value)

    def read(self, offset: int) -> int:
        return self.plic.read(offset, 4)


@pytest.fixture
def bench() -> Bench:
    """Sources 1, 2, 10 and 40 have priority 1, and are enabled for S-mode."""
    bench = Bench()
    for source in (1, 2, 10, 40):
        bench.write(4 * source, 1)
    bench.write(enable(1), 1 << 1 | 1 << 2 | 1 << 10)
    bench.write(enable(1, 1), 1 << 40 - 32)
    return bench


def test_claim_and_completion_of_a_level(bench: Bench) -> None:
    bench.plic.set_source(10, True)
    assert bench.lines == {MEIP: False, SEIP: True}
    assert bench.read(PENDING) == 1 << 10
    assert bench.read(claim(1)) == 10
    assert bench.lines[SEIP] is False
    assert bench.read(PENDING) == 0
    assert bench.read(claim(1)) == 0
    # The level is still high: completion raises the request again.
    bench.write(claim(1), 10)
    assert bench.lines[SEIP] is True
    assert bench.read(claim(1)) == 10
    bench.plic.set_source(10, False)
    bench.write(claim(1), 10)
    assert bench.lines[SEIP] is False
    assert bench.read(claim(1)) == 0


def test_a_request_stays_although_the_level_falls(bench: Bench) -> None:
    bench.plic.set_source(2, True)
    bench.plic.set_source(2, False)
    assert bench.lines[SEIP] is True
    assert bench.read(claim(1)) == 2


def test_no_second_request_while_in_service(bench: Bench) -> None:
    bench.plic.set_source(2, True)
    assert bench.read(claim(1)) == 2
    bench.plic.set_source(2, False)
    bench.plic.set_source(2, True)
    assert bench.lines[SEIP] is False
    bench.write(claim(1), 2)
    assert bench.lines[SEIP] is True


def test_highest_priority_first_then_lowest_number(bench: Bench) -> None:
    bench.write(4 * 40, 5)
    for source in (10, 2, 40, 1):
        bench.plic.set_source(source, True)
    assert bench.read(PENDING + 4) == 1 << 40 - 32
    assert [bench.read(claim(1)) for _ in range(5)] == [40, 1, 2, 10, 0]


def test_threshold_masks_the_line_but_not_the_claim(bench: Bench) -> None:
    bench.write(threshold(1), 1)
    bench.plic.set_source(10, True)
    assert bench.lines[SEIP] is False
    bench.write(4 * 10, 2)
    assert bench.lines[SEIP] is True
    bench.write(threshold(1), 7)
    assert bench.lines[SEIP] is False
    assert bench.read(claim(1)) == 10


def test_priority_0_never_interrupts(bench: Bench) -> None:
    bench.write(4 * 10, 0)
    bench.plic.set_source(10, True)
    assert bench.lines[SEIP] is False
    assert bench.read(claim(1)) == 0
    bench.write(4 * 10, 1)
    assert bench.lines[SEIP] is True


def test_contexts_are_independent(bench: Bench) -> None:
    bench.write(enable(0), 1 << 10)
    bench.plic.set_source(10, True)
    assert bench.lines == {MEIP: True, SEIP: True}
    assert bench.read(claim(0)) == 10
    assert bench.lines == {MEIP: False, SEIP: False}
    assert bench.read(claim(1)) == 0


@pytest.mark.parametrize("number", [0, 3, SOURCES, 1 << 31, 0xFFFF_FFFF])
def test_foreign_completions_are_ignored(bench: Bench, number: int) -> None:
    bench.plic.set_source(10, True)
    assert bench.read(claim(1)) == 10
    bench.write(claim(1), number)
    bench.write(claim(0), 10)  # not enabled for M-mode
    assert bench.lines[SEIP] is False


def test_disabling_withdraws_the_line(bench: Bench) -> None:
    bench.plic.set_source(10, True)
    bench.write(enable(1), 0)
    assert bench.lines[SEIP] is False


def test_registers_keep_only_what_exists(bench: Bench) -> None:
    bench.write(0, 7)
    bench.write(4, 0xFFFF_FFFF)
    bench.write(threshold(0), 0xFFFF_FFFF)
    bench.write(enable(0), 0xFFFF_FFFF)
    bench.write(PENDING, 0xFFFF_FFFF)
    assert bench.read(0) == 0
    assert bench.read(4) == 7
    assert bench.read(threshold(0)) == 7
    assert bench.read(enable(0)) == 0xFFFF_FFFE
    assert bench.read(PENDING) == 0


@pytest.mark.parametrize("offset", [4 * SOURCES, PENDING + 12, 0x200C, 0x2100, 0x20_2000, SIZE - 4])
def test_reserved_space_is_zero(bench: Bench, offset: int) -> None:
    bench.write(offset, 0xFFFF_FFFF)
    assert bench.read(offset) == 0


@pytest.mark.parametrize(("offset", "size"), [(4, 1), (4, 2), (2, 4), (8, 8)])
def test_other_widths_are_faults(bench: Bench, offset: int, size: int) -> None:
    with pytest.raises(BusError):
        bench.plic.read(offset, size)
    with pytest.raises(BusError):
        bench.plic.write(offset, size, 0)


@pytest.mark.parametrize("number", [0, -1, SOURCES])
def test_sources_that_do_not_exist(bench: Bench, number: int) -> None:
    with pytest.raises(ValueError, match="no source"):
        bench.plic.set_source(number, True)
