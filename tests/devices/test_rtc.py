"""The real-time clock: time, setting it, and the alarm."""

import pytest

from drafthart.runtime.clock import Clock
from drafthart.runtime.devices.rtc import EPOCH, SOURCE, Register, Rtc
from drafthart.runtime.memory import BusError


class Bench:
    """A clock at one instruction per tick, whose ticks are 100 ns."""

    def __init__(self) -> None:
        self.steps = 0
        self.line = False
        self.rtc = Rtc(Clock(1, lambda: self.steps), self._set_line)

    def _set_line(self, source: int, level: bool) -> None:
        assert source == SOURCE
        self.line = level

    def now(self) -> int:
        low = self.rtc.read(Register.TIME_LOW, 4)
        return self.rtc.read(Register.TIME_HIGH, 4) << 32 | low

    def write(self, low: int, high: int, value: int) -> None:
        self.rtc.write(high, 4, value >> 32)
        self.rtc.write(low, 4, value & 0xFFFF_FFFF)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_time_follows_mtime_from_a_fixed_day(bench: Bench) -> None:
    assert bench.now() == EPOCH == 1_577_836_800_000_000_000
    bench.steps = 25
    assert bench.now() == EPOCH + 2500


def test_the_high_half_is_of_the_low_ones_time(bench: Bench) -> None:
    low = bench.rtc.read(Register.TIME_LOW, 4)
    bench.steps = 1 << 40
    assert bench.rtc.read(Register.TIME_HIGH, 4) << 32 | low == EPOCH


def test_setting_it(bench: Bench) -> None:
    bench.steps = 7
    bench.write(Register.TIME_LOW, Register.TIME_HIGH, 0x1234_5678_9ABC_DEF0)
    assert bench.now() == 0x1234_5678_9ABC_DEF0
    bench.steps = 8
    assert bench.now() == 0x1234_5678_9ABC_DEF0 + 100


def test_the_alarm(bench: Bench) -> None:
    assert bench.rtc.next_event() is None
    bench.rtc.write(Register.IRQ_ENABLED, 4, 1)
    bench.write(Register.ALARM_LOW, Register.ALARM_HIGH, EPOCH + 950)
    assert bench.rtc.read(Register.ALARM_STATUS, 4) == 1
    assert bench.rtc.next_event() == 10
    bench.steps = 9
    bench.rtc.update()
    assert not bench.line
    bench.steps = 10
    bench.rtc.update()
    assert bench.line
    assert bench.rtc.next_event() is None
    bench.rtc.write(Register.CLEAR_INTERRUPT, 4, 1)
    assert not bench.line


def test_an_alarm_in_the_past_goes_off_at_once(bench: Bench) -> None:
    bench.rtc.write(Register.IRQ_ENABLED, 4, 1)
    bench.write(Register.ALARM_LOW, Register.ALARM_HIGH, EPOCH - 1)
    assert bench.line


def test_an_alarm_taken_back(bench: Bench) -> None:
    bench.rtc.write(Register.IRQ_ENABLED, 4, 1)
    bench.write(Register.ALARM_LOW, Register.ALARM_HIGH, EPOCH + 100)
    bench.rtc.write(Register.CLEAR_ALARM, 4, 1)
    bench.steps = 5
    bench.rtc.update()
    assert not bench.line


@pytest.mark.parametrize(("offset", "size"), [(0, 8), (2, 4), (0, 1)])
def test_other_widths_are_faults(bench: Bench, offset: int, size: int) -> None:
    with pytest.raises(BusError):
        bench.rtc.read(offset, size)
    with pytest.raises(BusError):
        bench.rtc.write(offset, size, 0)
