"""Empty virtio-mmio slots."""

import pytest

from drafthart.runtime.devices.virtio import SIZE, EmptySlot
from drafthart.runtime.memory import BusError


def test_a_driver_finds_no_device() -> None:
    slot = EmptySlot()
    assert slot.read(0, 4).to_bytes(4, "little") == b"virt"
    assert slot.read(4, 4) == 2
    assert slot.read(8, 4) == 0


def test_everything_else_is_zero_and_ignores_writes() -> None:
    slot = EmptySlot()
    for offset in range(0, SIZE, 4):
        slot.write(offset, 4, 0xFFFF_FFFF)
        if offset > 4:
            assert slot.read(offset, 4) == 0
    assert slot.read(0x100, 1) == 0
    assert slot.read(0, 4) == 0x7472_6976


@pytest.mark.parametrize(("offset", "size"), [(2, 4), (0, 8), (1, 2)])
def test_other_widths_are_faults(offset: int, size: int) -> None:
    with pytest.raises(BusError):
        EmptySlot().read(offset, size)
    with pytest.raises(BusError):
        EmptySlot().write(offset, size, 0)
