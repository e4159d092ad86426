"""RAM, the bus, and addresses that a hostile guest might choose."""

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.memory import Bus, BusError, Ram

BASE, SIZE = 0x8000_0000, 0x4000


class Recorder:
    """A device that answers with its offset and keeps what was written."""

    def __init__(self) -> None:
        self.written: list[tuple[int, int, int]] = []

    def read(self, offset: int, size: int) -> int:
        return 0xFFFF_0000_0000 | offset

    def write(self, offset: int, size: int, value: int) -> None:
        self.written.append((offset, size, value))


@pytest.fixture
def bus() -> Bus:
    return Bus(Ram(BASE, SIZE))


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("offset", [0, 1, 3, 4095])
def test_ram_takes_any_alignment_little_endian(bus: Bus, size: int, offset: int) -> None:
    value = int.from_bytes(bytes(range(1, size + 1)), "little")
    bus.write(BASE + offset, size, value)
    assert bus.read(BASE + offset, size) == value
    assert bus.ram.load(BASE + offset, size) == bytes(range(1, size + 1))
    assert bus.read(BASE + offset + size, 1) == 0


def test_write_keeps_only_the_low_bytes(bus: Bus) -> None:
    bus.write(BASE, 2, 0x1_2345)
    bus.write(BASE + 8, 8, -1)
    assert bus.read(BASE, 4) == 0x2345
    assert bus.read(BASE + 8, 8) == (1 << 64) - 1


def test_views_share_the_bytes(bus: Bus) -> None:
    ram = bus.ram
    ram.u64[1] = 0x1122_3344_5566_7788
    assert bus.read(BASE + 8, 8) == 0x1122_3344_5566_7788
    assert (ram.u8[8], ram.u16[4], ram.u32[3]) == (0x88, 0x7788, 0x1122_3344)
    assert len(ram.u8) == len(ram.data) == SIZE


@pytest.mark.parametrize(
    ("address", "size"),
    [
        (BASE - 1, 1),
        (BASE - 1, 2),
        (BASE + SIZE, 1),
        (BASE + SIZE - 1, 2),
        (BASE + SIZE - 7, 8),
        (0, 8),
        ((1 << 64) - 1, 1),
        ((1 << 64) - 4, 8),
        (1 << 64 | BASE, 4),
        (-1, 1),
        (-SIZE, 8),
        (BASE, 0),
        (BASE + 8, -8),
    ],
)
def test_nothing_outside_is_reached(bus: Bus, address: int, size: int) -> None:
    bus.ram.u8[:] = b"\xaa" * SIZE
    assert not bus.exists(address, size)
    with pytest.raises(BusError):
        bus.read(address, size)
    with pytest.raises(BusError):
        bus.write(address, size, 0)
    assert bytes(bus.ram.data) == b"\xaa" * SIZE


def test_load_and_store_are_bounded(bus: Bus) -> None:
    for address, length in [(BASE - 1, 1), (BASE + SIZE, 1), (BASE, SIZE + 1), (BASE, -1)]:
        with pytest.raises(BusError):
            bus.ram.load(address, length)
    with pytest.raises(BusError):
        bus.ram.store(BASE + SIZE - 1, b"ab")
    assert bus.ram.load(BASE + SIZE, 0) == b""


def test_device_gets_offsets_and_its_answer_is_cut(bus: Bus) -> None:
    device = Recorder()
    bus.attach(0x1000, 0x100, device)
    assert bus.read(0x1010, 4) == 0x10
    bus.write(0x10FC, 4, 0x1_0000_0007)
    assert device.written == [(0xFC, 4, 7)]


def test_access_across_a_window_edge_is_a_fault(bus: Bus) -> None:
    bus.attach(0x1000, 0x100, Recorder())
    bus.attach(0x1100, 0x100, Recorder())
    for address in (0xFFE, 0x10FE, 0x11FE):
        assert not bus.exists(address, 4)
        with pytest.raises(BusError):
            bus.read(address, 4)
    assert bus.exists(0x10FC, 4)
    assert bus.exists(0x1100, 4)


@pytest.mark.parametrize(
    ("base", "size"),
    [(BASE - 1, 2), (BASE + SIZE - 1, 16), (0x10FF, 1), (0xF00, 0x1000), (0x5000, 0), (-8, 8)],
)
def test_windows_may_not_overlap(bus: Bus, base: int, size: int) -> None:
    bus.attach(0x1000, 0x100, Recorder())
    with pytest.raises(ValueError, match="already in use"):
        bus.attach(base, size, Recorder())


@pytest.mark.parametrize(
    ("base", "size"), [(BASE, 0), (BASE, -4096), (BASE, 4095), (BASE + 1, 4096), (-4096, 4096)]
)
def test_ram_refuses_odd_sizes(base: int, size: int) -> None:
    with pytest.raises(DrafthartError, match="multiples of 4096"):
        Ram(base, size)


@pytest.mark.parametrize("size", [1 << 62, 1 << 80])
def test_ram_larger_than_the_host_is_a_clear_error(size: int) -> None:
    with pytest.raises(DrafthartError, match="ask for less"):
        Ram(0, size)


def test_clear_zeroes_just_what_it_names() -> None:
    ram = Ram(0x8000_0000, 1 << 20)
    ram.store(0x8000_0000, b"\xff" * (1 << 20))
    ram.clear(0x8000_1003, 0x2_0001)
    content = ram.load(0x8000_0000, 1 << 20)
    assert content.count(0) == 0x2_0001
    assert content[0x1003:0x2_1004] == bytes(0x2_0001)
    with pytest.raises(BusError):
        ram.clear(0x8000_0000, (1 << 20) + 1)
