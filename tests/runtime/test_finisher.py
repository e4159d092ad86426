"""The test finisher: the values that end a run."""

import pytest

from drafthart.runtime.devices import Exit
from drafthart.runtime.devices.finisher import Finisher
from drafthart.runtime.memory import BusError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0x5555, Exit(0)),
        (0x7_5555, Exit(0)),
        (0x3333 | 7 << 16, Exit(7)),
        (0x3333 | 0xFFFF << 16, Exit(0xFFFF)),
        (0x3333, Exit(1)),
        (0x7777, Exit(0, reset=True)),
    ],
)
def test_exits(value: int, expected: Exit) -> None:
    seen: list[Exit] = []
    Finisher(seen.append).write(0, 4, value)
    assert seen == [expected]


def test_a_half_word_is_enough() -> None:
    seen: list[Exit] = []
    Finisher(seen.append).write(0, 2, 0x5555)
    assert seen == [Exit(0)]


@pytest.mark.parametrize(("offset", "value"), [(0, 0), (0, 0x5554), (0, 0x5555 << 16), (4, 0x5555)])
def test_other_values_and_registers_are_ignored(offset: int, value: int) -> None:
    seen: list[Exit] = []
    finisher = Finisher(seen.append)
    finisher.write(offset, 4, value)
    assert seen == []
    assert finisher.read(offset, 4) == 0


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (0, 8), (1, 2), (2, 4)])
def test_other_widths_are_faults(offset: int, size: int) -> None:
    finisher = Finisher(lambda exit_: None)
    with pytest.raises(BusError):
        finisher.read(offset, size)
    with pytest.raises(BusError):
        finisher.write(offset, size, 0x5555)
