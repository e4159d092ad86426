"""What is loaded where, and what the first program is told of it."""

from __future__ import annotations

import struct
from pathlib import Path

import fdt
import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images, load
from drafthart.runtime.devicetree import MachineFacts, build
from drafthart.runtime.memory import Bus, Ram

BASE = 0x8000_0000
FIRMWARE, KERNEL = b"\x13\0\0\0" * 64, b"\x6f\0\0\0" * 64


@pytest.fixture
def bus() -> Bus:
    return Bus(Ram(BASE, 16 << 20))


def facts(bus: Bus) -> MachineFacts:
    return MachineFacts(isa="rv64imac_zicsr", ram_base=bus.ram.base, ram_size=bus.ram.size)


def file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def tree_at(bus: Bus, address: int) -> fdt.FDT:
    (length,) = struct.unpack(">I", bus.ram.load(address + 4, 4))
    return fdt.parse_dtb(bus.ram.load(address, length))


def test_firmware_and_kernel(tmp_path: Path, bus: Bus) -> None:
    images = Images(bios=file(tmp_path, "fw", FIRMWARE), kernel=file(tmp_path, "kernel", KERNEL))
    loaded = load(images, bus, facts(bus))
    assert loaded.entry == BASE
    assert bus.ram.load(BASE, len(FIRMWARE)) == FIRMWARE
    assert bus.ram.load(BASE + 0x20_0000, len(KERNEL)) == KERNEL
    # OpenSBI's docs/firmware/fw_dynamic.md: magic "OSBI", version, next address, mode, options.
    block = struct.unpack("<6Q", bus.ram.load(loaded.dynamic, 48))
    assert block == (0x4942534F, 2, BASE + 0x20_0000, 1, 0, 0)


def test_a_program_alone_has_no_block_for_firmware(tmp_path: Path, bus: Bus) -> None:
    loaded = load(Images(program=file(tmp_path, "it", KERNEL)), bus, facts(bus))
    assert (loaded.entry, loaded.dynamic) == (BASE, 0)
    assert tree_at(bus, loaded.tree).exist_node("soc")


def test_initial_ram_disk_and_command_line(tmp_path: Path, bus: Bus) -> None:
    disk = bytes(range(256)) * 100
    images = Images(
        bios=file(tmp_path, "fw", FIRMWARE),
        kernel=file(tmp_path, "kernel", KERNEL),
        initrd=file(tmp_path, "disk", disk),
        append="console=ttyS0 quiet",
    )
    loaded = load(images, bus, facts(bus))
    tree = tree_at(bus, loaded.tree)
    assert tree.get_property("bootargs", "chosen").value == "console=ttyS0 quiet"
    high, low = tree.get_property("linux,initrd-start", "chosen").data
    start = high << 32 | low
    high, low = tree.get_property("linux,initrd-end", "chosen").data
    assert (high << 32 | low) - start == len(disk)
    assert bus.ram.load(start, len(disk)) == disk
    assert start % 4096 == 0
    assert BASE + 0x20_0000 + len(KERNEL) <= start < start + len(disk) <= loaded.tree
    assert len(tree.get_property("rng-seed", "chosen").data) >= 8


def test_names_of_the_extensions(tmp_path: Path, bus: Bus) -> None:
    loaded = load(Images(program=file(tmp_path, "it", KERNEL)), bus, facts(bus))
    tree = tree_at(bus, loaded.tree)
    assert tree.get_property("riscv,isa-base", "cpus/cpu@0").value == "rv64i"
    names = list(tree.get_property("riscv,isa-extensions", "cpus/cpu@0").data)
    assert names == ["i", "m", "a", "c", "zicsr"]


def test_a_tree_of_ones_own(tmp_path: Path, bus: Bus) -> None:
    blob = build(facts(bus))
    images = Images(program=file(tmp_path, "it", KERNEL), dtb=file(tmp_path, "tree", blob))
    loaded = load(images, bus, facts(bus))
    assert bus.ram.load(loaded.tree, len(blob)) == blob


@pytest.mark.parametrize("part", ["append", "initrd"])
def test_what_a_tree_of_ones_own_would_not_say(tmp_path: Path, bus: Bus, part: str) -> None:
    other = {"append": "quiet"} if part == "append" else {"initrd": file(tmp_path, "disk", b"x")}
    images = Images(
        program=file(tmp_path, "it", KERNEL),
        dtb=file(tmp_path, "tree", build(facts(bus))),
        **other,  # type: ignore[arg-type]
    )
    with pytest.raises(DrafthartError, match=f"--{part}: a kernel learns of it"):
        load(images, bus, facts(bus))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (bytes(15 << 20), "do not fit into 16 MiB .* give --memory 32M"),
    ],
)
def test_bad_initial_ram_disks(
    tmp_path: Path, bus: Bus, content: bytes | None, message: str
) -> None:
    disk = tmp_path / "disk"
    if content is not None:
        disk.write_bytes(content)
    images = Images(program=file(tmp_path, "it", KERNEL), initrd=disk)
    with pytest.raises(DrafthartError, match=message) as raised:
        load(images, bus, facts(bus))
    assert str(disk) in str(raised.value)


def test_a_kernel_in_the_firmwares_place(tmp_path: Path, bus: Bus) -> None:
    images = Images(
        bios=file(tmp_path, "fw", bytes(3 << 20)), kernel=file(tmp_path, "kernel", KERNEL)
    )
    with pytest.raises(DrafthartError, match=r"kernel: what loads at 0x80200000.* overlaps"):
        load(images, bus, facts(bus))


def test_two_programs_for_one_firmware(tmp_path: Path, bus: Bus) -> None:
    path = file(tmp_path, "it", KERNEL)
    with pytest.raises(DrafthartError, match="firmware starts only one"):
        load(Images(program=path, bios=path, kernel=path), bus, facts(bus))
