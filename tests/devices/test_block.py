"""The virtio disk, driven as a driver does: requests, errors, and drivers that break the rules."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.devices import virtio
from drafthart.runtime.devices.block import (
    DATA_MAX,
    FLUSH,
    GET_ID,
    IN,
    IO_ERROR,
    OK,
    OUT,
    SECTOR,
    UNSUPPORTED,
    Block,
)
from drafthart.runtime.devices.saved import device_state, restore_device
from drafthart.runtime.devices.virtio import Register, Slot
from drafthart.runtime.devices.virtqueue import DESCRIPTOR, INDIRECT, NEXT, WRITE
from drafthart.runtime.disk import Disk
from drafthart.runtime.memory import BusError, Ram

BASE, SIZE = 0x8000_0000, 1 << 20
DESCRIPTORS, AVAILABLE, USED = BASE, BASE + 0x1000, BASE + 0x2000
HEAD, STATUS, DATA = BASE + 0x3000, BASE + 0x3100, BASE + 0x4000
QUEUE = 8
SECTORS = 32
CONTENT = bytes(at * 31 % 251 for at in range(SECTORS * SECTOR))


class Driver:
    """A driver of one disk, with its RAM and the level of its interrupt."""

    def __init__(self, disk: Disk) -> None:
        self.ram = Ram(BASE, SIZE)
        self.line = False
        self.slot = Slot(Block(disk), self.ram, self._set_line, 1)
        self.made = 0
        self.status = 0

    def _set_line(self, source: int, level: bool) -> None:
        assert source == 1
        self.line = level

    def write(self, register: int, value: int) -> None:
        self.slot.write(register, 4, value)

    def read(self, register: int) -> int:
        return self.slot.read(register, 4)

    def set_up(self, size: int = QUEUE, features: int = virtio.VERSION_1) -> None:
        """The steps of section 3.1.1."""
        self.write(Register.STATUS, 0)
        self.write(Register.STATUS, virtio.ACKNOWLEDGE | virtio.DRIVER)
        for half in (0, 1):
            self.write(Register.DRIVER_FEATURES_SEL, half)
            self.write(Register.DRIVER_FEATURES, features >> 32 * half & 0xFFFF_FFFF)
        self.status = virtio.ACKNOWLEDGE | virtio.DRIVER | virtio.FEATURES_OK
        self.write(Register.STATUS, self.status)
        self.write(Register.QUEUE_SEL, 0)
        self.write(Register.QUEUE_NUM, size)
        for register, address in (
            (Register.QUEUE_DESC, DESCRIPTORS),
            (Register.QUEUE_DRIVER, AVAILABLE),
            (Register.QUEUE_DEVICE, USED),
        ):
            self.write(register, address & 0xFFFF_FFFF)
            self.write(register + 4, address >> 32)
        self.write(Register.QUEUE_READY, 1)
        self.write(Register.STATUS, self.status | virtio.DRIVER_OK)

    def describe(self, *entries: tuple[int, int, int, int]) -> None:
        self.ram.store(DESCRIPTORS, b"".join(DESCRIPTOR.pack(*it) for it in entries))

    def notify(self, head: int = 0) -> None:
        slot = self.made % QUEUE
        self.ram.store(AVAILABLE + 4 + 2 * slot, head.to_bytes(2, "little"))
        self.made += 1
        self.ram.store(AVAILABLE + 2, (self.made % (1 << 16)).to_bytes(2, "little"))
        self.write(Register.QUEUE_NOTIFY, 0)

    def request(self, kind: int, sector: int, length: int) -> int:
        """Ask for `length` bytes to or from DATA; return the status byte."""
        self.ram.store(HEAD, struct.pack("<IIQ", kind, 0, sector))
        self.ram.store(STATUS, b"\xaa")
        direction = WRITE if kind in (IN, GET_ID) else 0
        self.describe(
            (HEAD, 16, NEXT, 1),
            (DATA, length, NEXT | direction, 2),
            (STATUS, 1, WRITE, 0),
        )
        self.notify()
        return self.ram.load(STATUS, 1)[0]

    def given_back(self) -> tuple[int, int, int]:
        """The index of the used ring, and the head and length of its last entry."""
        index = int.from_bytes(self.ram.load(USED + 2, 2), "little")
        last = self.ram.load(USED + 4 + 8 * ((index - 1) % QUEUE), 8)
        return (index, *struct.unpack("<II", last))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def driver(image: Path, said: list[str]) -> Driver:
    it = Driver(Disk(image, "write", said.append))
    it.set_up()
    return it


def test_what_a_driver_finds(driver: Driver) -> None:
    assert driver.read(Register.MAGIC).to_bytes(4, "little") == b"virt"
    assert driver.read(Register.VERSION) == 2
    assert driver.read(Register.DEVICE_ID) == 2
    assert driver.read(Register.QUEUE_NUM_MAX) >= 128
    assert driver.slot.read(virtio.CONFIG, 4) == SECTORS
    assert driver.slot.read(virtio.CONFIG + 4, 4) == 0
    assert driver.slot.read(virtio.CONFIG + 20, 4) == SECTOR
    driver.write(Register.DEVICE_FEATURES_SEL, 1)
    assert driver.read(Register.DEVICE_FEATURES) & 1
    assert driver.read(0xB0) == 0xFFFF_FFFF


def test_read(driver: Driver) -> None:
    assert driver.request(IN, 3, 2 * SECTOR) == OK
    assert driver.ram.load(DATA, 2 * SECTOR) == CONTENT[3 * SECTOR : 5 * SECTOR]
    assert driver.given_back() == (1, 0, 2 * SECTOR + 1)
    assert driver.line
    assert driver.read(Register.INTERRUPT_STATUS) == virtio.USED_BUFFER
    driver.write(Register.INTERRUPT_ACK, virtio.USED_BUFFER)
    assert not driver.line


def test_write_and_flush(driver: Driver, image: Path) -> None:
    driver.ram.store(DATA, b"x" * SECTOR)
    assert driver.request(OUT, 1, SECTOR) == OK
    assert driver.given_back() == (1, 0, 1)
    assert driver.request(FLUSH, 0, 0) == OK
    assert image.read_bytes() == CONTENT[:SECTOR] + b"x" * SECTOR + CONTENT[2 * SECTOR :]


def test_name(driver: Driver) -> None:
    assert driver.request(GET_ID, 0, 20) == OK
    assert driver.ram.load(DATA, 20).rstrip(b"\0") == b"disk.img"


def test_many_rounds_wrap_the_rings(driver: Driver) -> None:
    for number in range(5 * QUEUE):
        assert driver.request(IN, number % SECTORS, SECTOR) == OK
        assert driver.ram.load(DATA, SECTOR)[0] == CONTENT[number % SECTORS * SECTOR]
    assert driver.given_back()[0] == 5 * QUEUE


def test_framing_means_nothing(driver: Driver) -> None:
    """Section 2.7.4: the head in two parts, and the status in the same buffer as the data."""
    driver.ram.store(HEAD, struct.pack("<IIQ", IN, 0, 2))
    driver.describe(
        (HEAD, 5, NEXT, 1),
        (HEAD + 5, 11, NEXT, 2),
        (DATA, 100, NEXT | WRITE, 3),
        (DATA + 100, SECTOR - 100 + 1, WRITE, 0),
    )
    driver.ram.store(DATA + SECTOR, b"\xaa")
    driver.notify()
    assert driver.ram.load(DATA, SECTOR + 1) == CONTENT[2 * SECTOR : 3 * SECTOR] + bytes([OK])


def test_no_interrupt_where_the_driver_wants_none(driver: Driver) -> None:
    driver.ram.store(AVAILABLE, b"\x01\x00")
    assert driver.request(IN, 0, SECTOR) == OK
    assert not driver.line


@pytest.mark.parametrize(
    ("kind", "sector", "length", "status"),
    [
        (IN, SECTORS, SECTOR, IO_ERROR),
        (IN, SECTORS - 1, 2 * SECTOR, IO_ERROR),
        (OUT, SECTORS, SECTOR, IO_ERROR),
        (OUT, (1 << 64) - 1, SECTOR, IO_ERROR),
        (IN, 0, SECTOR - 1, IO_ERROR),
        (OUT, 0, 7, IO_ERROR),
        (99, 0, SECTOR, UNSUPPORTED),
    ],
)
def test_what_a_disk_cannot_do(
    driver: Driver, image: Path, kind: int, sector: int, length: int, status: int
) -> None:
    assert driver.request(kind, sector, length) == status
    assert image.read_bytes() == CONTENT
    assert not driver.read(Register.STATUS) & virtio.NEEDS_RESET


def test_read_only(image: Path, said: list[str]) -> None:
    it = Driver(Disk(image, "read-only", said.append))
    it.write(Register.DEVICE_FEATURES_SEL, 0)
    assert it.read(Register.DEVICE_FEATURES) & 1 << 5
    it.set_up()
    assert it.request(OUT, 0, SECTOR) == IO_ERROR
    assert it.request(IN, 0, SECTOR) == OK
    assert image.read_bytes() == CONTENT


def test_temporary_changes(image: Path, said: list[str]) -> None:
    it = Driver(Disk(image, "temporary", said.append))
    it.set_up()
    it.ram.store(DATA, b"y" * 2 * SECTOR)
    assert it.request(OUT, 5, 2 * SECTOR) == OK
    assert it.request(IN, 4, 4 * SECTOR) == OK
    expected = CONTENT[4 * SECTOR : 5 * SECTOR] + b"y" * 2 * SECTOR
    assert it.ram.load(DATA, 4 * SECTOR) == expected + CONTENT[7 * SECTOR : 8 * SECTOR]
    assert image.read_bytes() == CONTENT


def test_a_disk_that_shrinks(driver: Driver, image: Path, said: list[str]) -> None:
    image.write_bytes(CONTENT[: 4 * SECTOR])
    assert driver.request(IN, 8, SECTOR) == IO_ERROR
    assert driver.request(IN, 9, SECTOR) == IO_ERROR
    assert driver.request(IN, 0, SECTOR) == OK
    assert len(said) == 1
    assert "shorter" in said[0]
    assert "disk.img" in said[0]


def test_a_disk_that_fills(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    assert driver.request(OUT, 0, SECTOR) == IO_ERROR
    assert driver.request(OUT, 0, SECTOR) == IO_ERROR
    assert said == [said[0]]
    assert "No space left on device" in said[0]


@pytest.mark.parametrize(
    "entries",
    [
        [(HEAD, 16, NEXT, 0)],  # a loop
        [(HEAD, 16, NEXT, 1), (DATA, SECTOR, NEXT | WRITE, 1)],  # a loop further on
        [(HEAD, 16, NEXT, QUEUE)],  # a descriptor that is not there
        [(HEAD, 16, NEXT, 1), (BASE - 1, SECTOR, WRITE, 0)],  # outside RAM
        [(HEAD, 16, NEXT, 1), (BASE + SIZE - 1, 2, WRITE, 0)],
        [(HEAD, 16, NEXT, 1), ((1 << 64) - 1, 2, WRITE, 0)],
        [(HEAD, 16, NEXT, 1), (DATA, 0xFFFF_FFFF, WRITE, 0)],  # longer than RAM
        [(HEAD, 16, NEXT, 1), (STATUS, 1, INDIRECT | WRITE, 0)],
        [(HEAD, 16, 0, 0)],  # no status
        [(STATUS, 1, WRITE, 0)],  # no head
        [(STATUS, 1, NEXT | WRITE, 1), (HEAD, 16, 0, 0)],  # in the wrong order
        [(HEAD, 15, NEXT, 1), (STATUS, 1, WRITE, 0)],
    ],
)
def test_a_driver_that_breaks_the_rules(
    driver: Driver, entries: list[tuple[int, int, int, int]]
) -> None:
    before = bytes(driver.ram.data)
    driver.describe(*entries)
    described = bytes(driver.ram.data)
    driver.notify()
    assert driver.read(Register.STATUS) & virtio.NEEDS_RESET
    assert driver.read(Register.INTERRUPT_STATUS) == virtio.CONFIG_CHANGED
    changed = bytes(driver.ram.data)
    assert changed[0x2000:] == described[0x2000:] == before[0x2000:]
    # And it goes on working after the reset that it needs.
    driver.set_up()
    driver.made = 0
    driver.ram.clear(AVAILABLE, 0x2000)
    assert driver.request(IN, 0, SECTOR) == OK


def test_a_request_that_is_too_long(image: Path, said: list[str]) -> None:
    """Buffers may overlap, so RAM does not bound a request; the device does."""
    it = Driver(Disk(image, "write", said.append))
    it.set_up()
    it.ram.store(HEAD, struct.pack("<IIQ", IN, 0, 0))
    part = SIZE - 0x4000
    assert (QUEUE - 2) * part < DATA_MAX
    # The queue of 8 is too short for that much: take one of 32.
    it.set_up(32)
    count = DATA_MAX // part + 2
    buffers = [(DATA, part, NEXT | WRITE, 2 + at) for at in range(count)]
    it.describe((HEAD, 16, NEXT, 1), *buffers, (STATUS, 1, WRITE, 0))
    it.notify()
    assert it.ram.load(STATUS, 1)[0] == IO_ERROR
    assert it.given_back()[0] == 1


def test_too_many_chains(driver: Driver) -> None:
    driver.ram.store(AVAILABLE + 2, (QUEUE + 1).to_bytes(2, "little"))
    driver.write(Register.QUEUE_NOTIFY, 0)
    assert driver.read(Register.STATUS) & virtio.NEEDS_RESET


@pytest.mark.parametrize("size", [0, 3, 512, 0xFFFF_FFFF])
def test_sizes_that_no_queue_has(driver: Driver, size: int) -> None:
    driver.set_up(size)
    assert driver.read(Register.QUEUE_READY) == 0
    assert driver.request(IN, 0, SECTOR) == 0xAA


@pytest.mark.parametrize("features", [0, virtio.VERSION_1 | 1 << 63, virtio.VERSION_1 | 1 << 28])
def test_features_that_do_not_stand(driver: Driver, features: int) -> None:
    driver.write(Register.STATUS, 0)
    for half in (0, 1):
        driver.write(Register.DRIVER_FEATURES_SEL, half)
        driver.write(Register.DRIVER_FEATURES, features >> 32 * half & 0xFFFF_FFFF)
    driver.write(Register.STATUS, virtio.FEATURES_OK)
    assert not driver.read(Register.STATUS) & virtio.FEATURES_OK


def test_a_snapshot_keeps_the_queue(driver: Driver, image: Path, said: list[str]) -> None:
    for number in range(QUEUE + 3):
        assert driver.request(IN, number, SECTOR) == OK
    state = device_state(driver.slot)
    copy = image.with_name("copy.img")
    copy.write_bytes(image.read_bytes())
    other = Driver(Disk(copy, "read-only", said.append))
    other.ram.store(BASE, bytes(driver.ram.data))
    other.made = driver.made
    assert device_state(other.slot) != state
    restore_device(other.slot, state)
    assert device_state(other.slot) == state
    assert other.request(IN, 1, SECTOR) == OK
    assert other.given_back() == (QUEUE + 4, 0, SECTOR + 1)


def test_a_damaged_snapshot_makes_no_queue(driver: Driver) -> None:
    """Sizes and indices that no queue has do not pass, though they fit the width."""
    state = device_state(driver.slot)
    state["queue_state"] = [(1 << 64) - 1] * len(state["queue_state"])
    restore_device(driver.slot, state)
    assert driver.request(IN, 1, SECTOR) == 0xAA


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_hostile_guests(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever a guest writes, to registers or to its queue: no error of the host's."""
    image = tmp_path_factory.mktemp("hostile") / "disk.img"
    image.write_bytes(CONTENT)
    it = Driver(Disk(image, "read-only", lambda text: None))
    it.set_up()
    addresses = st.sampled_from([DESCRIPTORS, HEAD, DATA, USED, BASE + SIZE - 8, 0, (1 << 64) - 4])
    entries = st.tuples(
        addresses,
        st.sampled_from([0, 1, 16, 512, 4096, 0xFFFF_FFFF]) | st.integers(0, (1 << 32) - 1),
        st.integers(0, 7),
        st.integers(0, QUEUE + 1),
    )
    for _ in range(data.draw(st.integers(1, 4))):
        it.describe(*data.draw(st.lists(entries, min_size=1, max_size=QUEUE)))
        kinds = st.sampled_from([IN, OUT, FLUSH, GET_ID, 77])
        sectors = st.integers(0, (1 << 64) - 1) | st.integers(0, SECTORS + 1)
        it.ram.store(HEAD, struct.pack("<IIQ", data.draw(kinds), 0, data.draw(sectors)))
        offsets = st.integers(0, 0x140).map(lambda at: at & ~3)
        words = st.integers(0, (1 << 32) - 1) | st.integers(0, 16)
        for offset, value in data.draw(st.lists(st.tuples(offsets, words), max_size=4)):
            it.write(offset, value)
            it.read(offset)
        it.notify(data.draw(st.integers(0, QUEUE + 1)))
        it.notify()
    assert image.read_bytes() == CONTENT


@pytest.mark.parametrize(("offset", "size"), [(2, 4), (0, 8), (1, 2), (0, 2), (0x70, 1)])
def test_other_widths_are_faults(driver: Driver, offset: int, size: int) -> None:
    with pytest.raises(BusError):
        driver.slot.read(offset, size)
    with pytest.raises(BusError):
        driver.slot.write(offset, size, 0)


# Images


def test_an_image_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DrafthartError, match=r"absent\.img: cannot be opened .*No such file"):
        Disk(tmp_path / "absent.img", "write", print)


def test_an_image_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DrafthartError, match="no regular file"):
        Disk(tmp_path, "write", print)


@pytest.mark.parametrize("size", [0, 513])
def test_an_image_without_whole_sectors(tmp_path: Path, size: int) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(size))
    with pytest.raises(DrafthartError, match=f"has {size} bytes"):
        Disk(path, "write", print)


def test_an_image_in_use(image: Path) -> None:
    first = Disk(image, "write", print)
    with pytest.raises(DrafthartError, match="another run uses this disk"):
        Disk(image, "read-only", print)
    first.close()
    Disk(image, "read-only", print)
    Disk(image, "temporary", print)
