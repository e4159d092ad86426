"""mtime as a function of the instruction count."""

import pytest

from drafthart.runtime.clock import FREQUENCY, Clock


def test_frequency_is_that_of_qemu_virt() -> None:
    assert FREQUENCY == 10_000_000


def test_time_follows_the_engine() -> None:
    count = 0
    clock = Clock(10)
    clock.instret = lambda: count
    assert clock.now() == 0
    count = 99
    assert clock.now() == 9
    assert clock.now(100) == 10


@pytest.mark.parametrize("rate", [1, 3, 10])
@pytest.mark.parametrize("instret", [0, 1, 9, 10, 12345])
@pytest.mark.parametrize("ahead", [1, 2, 1000])
def test_instructions_until_is_exact(rate: int, instret: int, ahead: int) -> None:
    clock = Clock(rate)
    clock.write(500, instret)
    tick = clock.now(instret) + ahead
    wait = clock.instructions_until(tick, instret)
    assert clock.now(instret + wait) == tick
    assert clock.now(instret + wait - 1) == tick - 1


def test_instructions_until_a_tick_that_passed_is_zero() -> None:
    clock = Clock(10)
    assert clock.instructions_until(5, 50) == 0
    assert clock.instructions_until(4, 50) == 0


def test_skip_moves_forward_only() -> None:
    clock = Clock(10)
    clock.skip_to(1000, 55)
    assert clock.now(55) == 1000
    assert clock.now(60) == 1001
    clock.skip_to(3, 60)
    assert clock.now(60) == 1001


def test_written_time_wraps_at_64_bits() -> None:
    clock = Clock(10)
    clock.write((1 << 64) - 1, 20)
    assert clock.now(29) == (1 << 64) - 1
    assert clock.now(30) == 0
    clock.write(1 << 64 | 7, 30)
    assert clock.now(30) == 7


@pytest.mark.parametrize("rate", [0, -1])
def test_rate_must_be_positive(rate: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Clock(rate)
