"""Debian's Linux on the machine: it boots, finds the devices, uses a disk, and starts again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.linux.cpio import archive, character_device, file, folder
from drafthart.linux.modules import read_module
from drafthart.linux.packages import FIRMWARE, KERNEL, Kept, fetch
from drafthart.runtime.boot import Images
from drafthart.runtime.disk import Disk
from drafthart.runtime.engines import engine_named, has_compiler
from drafthart.runtime.machine import Machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("DRAFTHART_LINUX"),
        reason="fetches Debian's packages and boots Linux: set DRAFTHART_LINUX=1, or tox -e linux",
    ),
    pytest.mark.skipif(not has_compiler(), reason="no C compiler is installed"),
]

APPEND = (
    "cryptomgr.notests lsm=capability ipv6.disable=1 audit=0 nokaslr no4lvl no5lvl "
    "earlycon console=ttyS0"
)
LIMIT = 3_000_000_000
SECTOR = 512
GREETING = b"what the host wrote to the disk\n"
REPLY = b"the guest was here\n"

HELLO = """
    _start:
        li   a7, 64
        li   a0, 1
        la   a1, text
        li   a2, 6
        ecall                           # write
        j    off
    text: .ascii "hello\\n"
        .balign 4
"""

USES_THE_DISK = f"""
    _start:
        la   a0, dev
        la   a1, dev
        la   a2, devtmpfs
        li   a3, 0
        li   a4, 0
        li   a7, 40
        ecall                           # mount
        la   s0, mmio
        call load
        la   s0, blk
        call load
        la   a1, disk
        li   a2, 2
        call open
        mv   s1, a0
        la   a1, buffer
        li   a2, {2 * SECTOR}
        li   a7, 63
        ecall                           # read
        li   a7, 64
        li   a0, 1
        la   a1, buffer
        li   a2, {len(GREETING)}
        ecall                           # write what the disk says
        la   t0, buffer
        lbu  t0, {SECTOR}(t0)
        bnez t0, off                    # the second time round
        mv   a0, s1
        la   a1, reply
        li   a2, {SECTOR}
        li   a3, {SECTOR}
        li   a7, 68
        ecall                           # pwrite64
        mv   a0, s1
        li   a7, 82
        ecall                           # fsync
        li   a2, 0x1234567
        j    reboot
    load:
        mv   s2, ra
        mv   a1, s0
        li   a2, 0
        call open
        la   a1, nothing
        li   a2, 0
        li   a7, 273
        ecall                           # finit_module
        mv   ra, s2
        ret
    open:                               # a1: the path, a2: 0 to read, 2 to read and write
        li   a0, -100
        li   a3, 0
        li   a7, 56
        ecall                           # openat
        ret
    dev: .asciz "/dev"
    devtmpfs: .asciz "devtmpfs"
    mmio: .asciz "/virtio_mmio.ko"
    blk: .asciz "/virtio_blk.ko"
    disk: .asciz "/dev/vda"
    nothing: .asciz ""
    reply: .ascii "{REPLY.decode().strip()}\\n"
        .zero {SECTOR - len(REPLY)}
        .balign 4
"""

END = f"""
    off:
        li   a2, 0x4321fedc
    reboot:
        li   a0, 0xfee1dead
        li   a1, 0x28121969
        li   a7, 142
        ecall
    1:  j    1b
        .data
    buffer: .zero {2 * SECTOR}
"""


class Recorder:
    """A terminal that keeps what is shown."""

    quit = False
    at_end = True

    def __init__(self) -> None:
        self.shown = b""

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.shown += data


@pytest.fixture(scope="module")
def packages() -> Mapping[str, Kept]:
    try:
        return fetch([KERNEL, FIRMWARE])
    except DrafthartError as error:
        pytest.skip(str(error))


def ram_disk(folder_: Path, packages: Mapping[str, Kept], init: str, *modules: str) -> Path:
    program = assemble(init + END, isa_of("h@1.0"), base=0x10000)
    path = folder_ / "initrd"
    path.write_bytes(
        archive(
            [
                folder("dev"),
                character_device("dev/console", 5, 1),
                file("init", write_elf(program), executable=True),
                *(
                    file(f"{name}.ko", read_module(packages[KERNEL].file(f"{name}.ko.xz")))
                    for name in modules
                ),
            ]
        )
    )
    return path


def boot(
    packages: Mapping[str, Kept],
    initrd: Path,
    terminal: Recorder,
    *disks: Disk,
    parameters: tuple[tuple[str, int], ...] = (),
) -> Machine:
    isa = isa_of("h@1.0", parameters)
    machine = Machine(
        isa, engine_named("native", isa), memory=256 << 20, terminal=terminal, disks=disks
    )
    machine.boot(
        Images(
            bios=packages[FIRMWARE].file("fw_dynamic.bin"),
            kernel=packages[KERNEL].file("Image"),
            append=APPEND,
            initrd=initrd,
        )
    )
    return machine


@pytest.mark.parametrize(
    "parameters", [(), (("MISALIGNED", 0),), (("HARDWARE_AD", 1),), (("FLEN", 0),)]
)
def test_linux_boots(
    tmp_path: Path, packages: Mapping[str, Kept], parameters: tuple[tuple[str, int], ...]
) -> None:
    """Whatever of these the hart leaves to firmware and kernel."""
    terminal = Recorder()
    initrd = ram_disk(tmp_path, packages, HELLO)
    outcome = boot(packages, initrd, terminal, parameters=parameters).run(LIMIT)
    assert b"Run /init as init process" in terminal.shown
    assert b"hello" in terminal.shown.split(b"Run /init")[1]
    assert (outcome.reason, outcome.status) == ("exit", 0)
    text = terminal.shown.decode()
    assert "random: crng init done" in text
    assert "setting system clock to 2020-01-01T00:00:0" in text
    kernel = "\n".join(line for line in text.splitlines() if line.startswith("["))
    assert "BUG" not in kernel
    assert "Oops" not in kernel


def test_linux_uses_a_disk_and_starts_again(tmp_path: Path, packages: Mapping[str, Kept]) -> None:
    terminal = Recorder()
    image = tmp_path / "disk.img"
    image.write_bytes(GREETING.ljust(64 * SECTOR, b"\0"))
    initrd = ram_disk(tmp_path, packages, USES_THE_DISK, "virtio_mmio", "virtio_blk")
    disk = Disk(image, "write", print)
    outcome = boot(packages, initrd, terminal, disk).run(LIMIT)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert terminal.shown.count(b"OpenSBI v") == 2
    assert terminal.shown.count(GREETING.replace(b"\n", b"\r\n")) == 2
    assert terminal.shown.count(b"Restarting system") == 1
    expected = GREETING.ljust(SECTOR, b"\0") + REPLY
    assert image.read_bytes() == expected.ljust(64 * SECTOR, b"\0")


def test_two_boots_are_the_same_to_the_step(tmp_path: Path, packages: Mapping[str, Kept]) -> None:
    seen = set()
    for _ in range(2):
        terminal = Recorder()
        machine = boot(packages, ram_disk(tmp_path, packages, HELLO), terminal)
        outcome = machine.run(LIMIT)
        seen.add((outcome, terminal.shown))
    assert len(seen) == 1
