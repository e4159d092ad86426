"""The CLINT: registers, software interrupt, and the moment at which the timer fires."""

import pytest

from drafthart.runtime.clock import Clock
from drafthart.runtime.devices.clint import MTIME, MTIMECMP, SIZE, Clint
from drafthart.runtime.memory import BusError

ONES = (1 << 64) - 1


class Hart:
    """The instruction count and the lines of a hart."""

    def __init__(self) -> None:
        self.instret = 0
        self.lines: dict[int, bool] = {}
        self.clock = Clock(10, lambda: self.instret)
        self.clint = Clint(self.clock, self.lines.__setitem__)


@pytest.fixture
def hart() -> Hart:
    return Hart()


def test_software_interrupt_is_bit_0(hart: Hart) -> None:
    hart.clint.write(0, 4, 0xFFFF_FFFF)
    assert hart.lines == {3: True}
    assert hart.clint.read(0, 4) == 1
    hart.clint.write(0, 4, 0xFFFF_FFFE)
    assert hart.lines == {3: False}
    assert hart.clint.read(0, 4) == 0


def test_timer_is_quiet_after_reset(hart: Hart) -> None:
    hart.clint.update()
    assert hart.lines == {7: False}
    assert hart.clint.next_event() is None


def test_timer_rises_exactly_at_its_event(hart: Hart) -> None:
    hart.clint.write(MTIMECMP, 8, 50)
    assert hart.lines == {7: False}
    tick = hart.clint.next_event()
    assert tick == 50
    hart.instret = hart.clock.instructions_until(tick) - 1
    hart.clint.update()
    assert hart.lines == {7: False}
    hart.instret += 1
    hart.clint.update()
    assert hart.lines == {7: True}
    assert hart.clint.next_event() is None
    hart.clint.write(MTIMECMP, 8, 51)
    assert hart.lines == {7: False}
    assert hart.clint.next_event() == 51


def test_writing_mtime_moves_the_timer(hart: Hart) -> None:
    hart.clint.write(MTIMECMP, 8, 1000)
    hart.clint.write(MTIME, 8, 1000)
    assert hart.lines == {7: True}
    assert hart.clint.read(MTIME, 8) == 1000
    hart.instret = 25
    assert hart.clint.read(MTIME, 8) == 1002
    hart.clint.write(MTIME, 8, 0)
    assert hart.lines == {7: False}
    assert hart.clint.next_event() == 1000


def test_comparison_is_unsigned(hart: Hart) -> None:
    hart.clint.write(MTIMECMP, 8, 5)
    hart.clint.write(MTIME, 8, ONES)
    assert hart.lines == {7: True}


def test_an_event_beyond_the_horizon_is_never(hart: Hart) -> None:
    hart.clint.write(MTIMECMP, 8, ONES)
    assert hart.clint.next_event() is None
    hart.clint.write(MTIME, 8, ONES - 1)
    assert hart.clint.next_event() == ONES


def test_halves_can_be_written_alone(hart: Hart) -> None:
    hart.clint.write(MTIMECMP + 4, 4, 0x1122_3344)
    hart.clint.write(MTIMECMP, 4, 0x5566_7788)
    assert hart.clint.read(MTIMECMP, 8) == 0x1122_3344_5566_7788
    assert hart.clint.read(MTIMECMP + 4, 4) == 0x1122_3344
    assert hart.clint.read(MTIMECMP, 4) == 0x5566_7788
    hart.clint.write(MTIME + 4, 4, 1)
    assert hart.clint.read(MTIME, 8) == 1 << 32


def test_absent_harts_read_as_zero(hart: Hart) -> None:
    for offset in (4, 0x3FFC, MTIMECMP + 8, MTIME - 8, SIZE - 8):
        hart.clint.write(offset, 4, 0xFFFF_FFFF)
        assert hart.clint.read(offset, 4) == 0
    assert hart.lines == {}


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (0, 2), (2, 4), (MTIMECMP + 4, 8), (0, 16)])
def test_other_widths_are_faults(hart: Hart, offset: int, size: int) -> None:
    with pytest.raises(BusError):
        hart.clint.read(offset, size)
    with pytest.raises(BusError):
        hart.clint.write(offset, size, 1)
