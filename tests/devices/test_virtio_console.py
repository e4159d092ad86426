"""The virtio console: what is shown, what is typed, and when buffers come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images
from drafthart.runtime.devices import virtio
from drafthart.runtime.devices.saved import device_state, restore_device
from drafthart.runtime.devices.virtio import Register, Slot
from drafthart.runtime.devices.virtio_console import MESSAGE_MAX, RECEIVE, TRANSMIT, Console
from drafthart.runtime.devices.virtqueue import DESCRIPTOR, WRITE
from drafthart.runtime.engines import engine_named
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine
from drafthart.runtime.memory import Ram
from drafthart.runtime.snapshot import read_snapshot, save_snapshot

BASE = 0x8000_0000
DATA = BASE + 0x8000
OK = virtio.ACKNOWLEDGE | virtio.DRIVER | virtio.FEATURES_OK | virtio.DRIVER_OK


class Driver:
    """A driver of a console, with its RAM and the level of its interrupt."""

    def __init__(self) -> None:
        self.ram = Ram(BASE, 4 << 20)
        self.shown: list[bytes] = []
        self.line = False
        self.console = Console(self.shown.append)
        self.slot = Slot(self.console, self.ram, self._set_line, 3)
        self.made = [0, 0]

    def _set_line(self, source: int, level: bool) -> None:
        assert source == 3
        self.line = level

    def write(self, register: int, value: int) -> None:
        self.slot.write(register, 4, value)

    def set_up(self) -> None:
        self.write(Register.STATUS, virtio.ACKNOWLEDGE | virtio.DRIVER)
        self.write(Register.DRIVER_FEATURES_SEL, 1)
        self.write(Register.DRIVER_FEATURES, virtio.VERSION_1 >> 32)
        self.write(Register.STATUS, OK & ~virtio.DRIVER_OK)
        for queue in (RECEIVE, TRANSMIT):
            self.write(Register.QUEUE_SEL, queue)
            self.write(Register.QUEUE_NUM, 8)
            for number, register in enumerate(
                (Register.QUEUE_DESC, Register.QUEUE_DRIVER, Register.QUEUE_DEVICE)
            ):
                self.write(register, self.part(queue, number))
            self.write(Register.QUEUE_READY, 1)
        self.write(Register.STATUS, OK)

    def part(self, queue: int, number: int) -> int:
        """The address of the descriptors, the available and the used ring."""
        return BASE + 0x3000 * queue + 0x1000 * number

    def give(self, queue: int, address: int, length: int) -> None:
        """Make a buffer available, and notify."""
        entry = DESCRIPTOR.pack(address, length, WRITE if queue == RECEIVE else 0, 0)
        at = self.made[queue] % 8
        self.ram.store(self.part(queue, 0) + DESCRIPTOR.size * at, entry)
        self.ram.store(self.part(queue, 1) + 4 + 2 * at, at.to_bytes(2, "little"))
        self.made[queue] += 1
        self.ram.store(self.part(queue, 1) + 2, self.made[queue].to_bytes(2, "little"))
        self.write(Register.QUEUE_NOTIFY, queue)

    def used(self, queue: int) -> list[int]:
        """The lengths of the buffers that came back."""
        ring = self.part(queue, 2)
        count = int.from_bytes(self.ram.load(ring + 2, 2), "little")
        return [
            int.from_bytes(self.ram.load(ring + 4 + 8 * at + 4, 4), "little") for at in range(count)
        ]

    def type(self, data: bytes) -> None:
        self.console.receive(data)
        self.slot.offer(RECEIVE)


@pytest.fixture
def driver() -> Driver:
    driver = Driver()
    driver.set_up()
    return driver


def test_it_is_a_console_without_features(driver: Driver) -> None:
    assert driver.slot.read(Register.DEVICE_ID, 4) == 3
    driver.write(Register.DEVICE_FEATURES_SEL, 0)
    assert driver.slot.read(Register.DEVICE_FEATURES, 4) == 0
    assert driver.slot.read(Register.STATUS, 4) == OK


def test_what_is_transmitted_is_shown(driver: Driver) -> None:
    driver.ram.store(DATA, b"hello\n")
    driver.give(TRANSMIT, DATA, 6)
    assert driver.shown == [b"hello\n"]
    assert driver.used(TRANSMIT) == [0]
    assert driver.line


def test_a_buffer_waits_for_typing(driver: Driver) -> None:
    driver.give(RECEIVE, DATA, 16)
    assert driver.used(RECEIVE) == []
    assert not driver.line
    driver.type(b"ls\r")
    assert driver.used(RECEIVE) == [3]
    assert driver.ram.load(DATA, 3) == b"ls\r"
    assert driver.line


def test_typing_waits_for_a_buffer_and_fills_several(driver: Driver) -> None:
    driver.type(b"abcde")
    driver.give(RECEIVE, DATA, 3)
    driver.give(RECEIVE, DATA + 8, 3)
    driver.give(RECEIVE, DATA + 16, 3)
    assert driver.used(RECEIVE) == [3, 2]
    assert driver.ram.load(DATA, 3) + driver.ram.load(DATA + 8, 2) == b"abcde"


def test_a_message_without_bound_is_not_shown(driver: Driver) -> None:
    driver.give(TRANSMIT, BASE, MESSAGE_MAX + 1)
    assert driver.shown == []
    assert driver.used(TRANSMIT) == [0]


def test_what_was_typed_is_part_of_its_state(driver: Driver) -> None:
    driver.type(b"xyz")
    other = Driver()
    restore_device(other.console, device_state(driver.console))
    restore_device(other.slot, device_state(driver.slot))
    other.give(RECEIVE, DATA, 8)
    assert other.ram.load(DATA, 3) == b"xyz"


class Typist:
    """A terminal at which `typed` was typed before the guest began."""

    quit = False
    at_end = True

    def __init__(self, typed: bytes) -> None:
        self.typed = typed
        self.shown = b""

    def poll(self) -> bytes:
        data, self.typed = self.typed, b""
        return data

    def write(self, data: bytes) -> None:
        self.shown += data


ECHO = """
    .equ SLOT, 0x10001000
_start:
    li   s0, SLOT
    lw   a0, 8(s0)
    li   a1, 3
    bne  a0, a1, fail
    li   a0, 3
    sw   a0, 0x70(s0)
    li   a0, 1
    sw   a0, 0x24(s0)
    sw   a0, 0x20(s0)
    li   a0, 11
    sw   a0, 0x70(s0)
    la   s1, queues
    li   s2, 0
queue:
    sw   s2, 0x30(s0)
    li   a0, 8
    sw   a0, 0x38(s0)
    sw   s1, 0x80(s0)
    addi a1, s1, 0x400
    sw   a1, 0x90(s0)
    addi a1, a1, 0x200
    sw   a1, 0xa0(s0)
    li   a0, 1
    sw   a0, 0x44(s0)
    li   a1, 0x800
    add  s1, s1, a1
    addi s2, s2, 1
    li   a0, 2
    bne  s2, a0, queue
    li   a0, 15
    sw   a0, 0x70(s0)
    # A buffer of 4 bytes to receive into.
    la   s1, queues
    la   s3, buffer
    sd   s3, 0(s1)
    li   a0, 4 | 2 << 32
    sd   a0, 8(s1)
    li   a0, 1
    sh   a0, 0x402(s1)
    sw   zero, 0x50(s0)
wait:
    lhu  a0, 0x602(s1)
    beqz a0, wait
    # Send back as much as came.
    lw   a2, 0x608(s1)
    li   a1, 0x800
    add  s2, s1, a1
    sd   s3, 0(s2)
    sw   a2, 8(s2)
    li   a0, 1
    sh   a0, 0x402(s2)
    sw   a0, 0x50(s0)
    li   a0, 0x5555
    j    end
fail:
    li   a0, 0x13333
end:
    li   a1, 0x100000
    sw   a0, 0(a1)
    j    .
    .bss
    .balign 4096
queues: .zero 4096
buffer: .zero 16
"""


@pytest.mark.parametrize("name", ["python", "native"])
def test_a_guest_that_echoes(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    isa = isa_of("h@1.0")
    path = tmp_path_factory.mktemp("console") / "echo.elf"
    path.write_bytes(write_elf(assemble(ECHO, isa, base=BASE)))
    terminal = Typist(b"ping!")
    machine = Machine(
        isa, engine_named(name, isa), memory=16 << 20, terminal=terminal, console=True
    )
    machine.boot(Images(program=path))
    machine.next_poll = 1000  # typed when the driver is up
    outcome = machine.run(1_000_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert terminal.shown == b"ping"


def test_a_snapshot_has_the_console(tmp_path: Path) -> None:
    isa = isa_of("h@1.0")

    def made(*, console: bool) -> Machine:
        engine = engine_named("python", isa)
        return Machine(isa, engine, memory=4 << 20, terminal=Typist(b""), console=console)

    machine = made(console=True)
    with (tmp_path / "it.snap").open("wb") as file:
        save_snapshot(machine, file, stability(isa))
    snapshot = read_snapshot(tmp_path / "it.snap")
    snapshot.restore(made(console=True))
    with pytest.raises(DrafthartError, match="was saved with --virtio-console"):
        snapshot.restore(made(console=False))
