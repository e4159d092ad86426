"""The device tree: read back with the library, and with the reference tools where they exist."""

import dataclasses
import random
import shutil
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import fdt
import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.devicetree import MachineFacts, build, load_dtb

FACTS = MachineFacts(
    isa="rv64imafdch_zicsr_zifencei",
    ram_base=0x8000_0000,
    ram_size=0x1_4000_0000,
    mmu="riscv,sv48",
    bootargs='console=ttyS0 "quoted"',
    initrd=(0x8400_0000, 0x8450_0000),
)


def cells(tree: fdt.FDT, path: str, name: str) -> list[int]:
    return list(tree.get_property(name, path).data)


def test_header_is_well_formed() -> None:
    blob = build(FACTS)
    magic, total, structure, strings, reserved, version, compatible, boot, *_ = struct.unpack_from(
        ">10I", blob
    )
    assert (magic, total, version, compatible, boot) == (0xD00DFEED, len(blob), 17, 16, 0)
    assert reserved % 8 == structure % 4 == 0
    assert structure < strings < total


def test_chosen_and_memory() -> None:
    tree = fdt.parse_dtb(build(FACTS))
    assert tree.get_property("stdout-path", "chosen").value == "/soc/serial@10000000"
    assert tree.get_property("bootargs", "chosen").value == FACTS.bootargs
    assert cells(tree, "chosen", "linux,initrd-start") == [0, 0x8400_0000]
    assert cells(tree, "chosen", "linux,initrd-end") == [0, 0x8450_0000]
    assert cells(tree, "memory@80000000", "reg") == [0, 0x8000_0000, 1, 0x4000_0000]


def test_what_is_not_given_is_absent() -> None:
    plain = dataclasses.replace(FACTS, bootargs="", initrd=None, mmu=None)
    tree = fdt.parse_dtb(build(plain))
    for name in ("bootargs", "linux,initrd-start", "linux,initrd-end"):
        assert not tree.exist_property(name, "chosen")
    assert not tree.exist_property("mmu-type", "cpus/cpu@0")


def test_hart() -> None:
    tree = fdt.parse_dtb(build(FACTS))
    assert tree.get_property("timebase-frequency", "cpus").value == 10_000_000
    assert tree.get_property("riscv,isa", "cpus/cpu@0").value == FACTS.isa
    assert tree.get_property("mmu-type", "cpus/cpu@0").value == "riscv,sv48"
    controller = "cpus/cpu@0/interrupt-controller"
    assert tree.get_property("compatible", controller).value == "riscv,cpu-intc"
    assert tree.exist_property("interrupt-controller", controller)


@pytest.mark.parametrize(
    ("node", "compatible", "base", "size"),
    [
        ("test@100000", ["sifive,test1", "sifive,test0", "syscon"], 0x10_0000, 0x1000),
        ("clint@2000000", ["sifive,clint0", "riscv,clint0"], 0x200_0000, 0x1_0000),
        ("plic@c000000", ["sifive,plic-1.0.0", "riscv,plic0"], 0xC00_0000, 0x60_0000),
        ("serial@10000000", ["ns16550a"], 0x1000_0000, 0x100),
        ("virtio_mmio@10001000", ["virtio,mmio"], 0x1000_1000, 0x1000),
        ("virtio_mmio@10008000", ["virtio,mmio"], 0x1000_8000, 0x1000),
    ],
)
def test_map_of_qemu_virt(node: str, compatible: list[str], base: int, size: int) -> None:
    tree = fdt.parse_dtb(build(FACTS))
    assert tree.get_property("compatible", f"soc/{node}").data == compatible
    assert cells(tree, f"soc/{node}", "reg") == [0, base, 0, size]


def test_interrupt_wiring() -> None:
    tree = fdt.parse_dtb(build(FACTS))
    hart = tree.get_property("phandle", "cpus/cpu@0/interrupt-controller").value
    plic = tree.get_property("phandle", "soc/plic@c000000").value
    assert cells(tree, "soc/clint@2000000", "interrupts-extended") == [hart, 3, hart, 7]
    assert cells(tree, "soc/plic@c000000", "interrupts-extended") == [hart, 11, hart, 9]
    assert cells(tree, "soc/plic@c000000", "riscv,ndev") == [95]
    assert cells(tree, "soc/serial@10000000", "interrupts") == [10]
    for slot in range(8):
        node = f"soc/virtio_mmio@{0x1000_1000 + slot * 0x1000:x}"
        assert cells(tree, node, "interrupts") == [1 + slot]
        assert cells(tree, node, "interrupt-parent") == [plic]


def test_power_off_and_reboot_use_the_finisher() -> None:
    tree = fdt.parse_dtb(build(FACTS))
    test = tree.get_property("phandle", "soc/test@100000").value
    for name, value in (("poweroff", 0x5555), ("reboot", 0x7777)):
        assert tree.get_property("compatible", name).value == f"syscon-{name}"
        assert tree.get_property("regmap", name).value == test
        assert tree.get_property("offset", name).value == 0
        assert tree.get_property("value", name).value == value


def test_dtc_accepts_it_without_a_warning(tmp_path: Path) -> None:
    dtc = shutil.which("dtc")
    if dtc is None:
        pytest.skip("dtc is not installed (device-tree-compiler)")
    (tmp_path / "a.dtb").write_bytes(build(FACTS))
    command = [dtc, "-I", "dtb", "-O", "dts", str(tmp_path / "a.dtb")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert 'bootargs = "console=ttyS0 \\"quoted\\"";' in done.stdout
    assert "linux,initrd-start = <0x00 0x84000000>;" in done.stdout


def test_fdtdump_reads_it(tmp_path: Path) -> None:
    fdtdump = shutil.which("fdtdump")
    if fdtdump is None:
        pytest.skip("fdtdump is not installed (device-tree-compiler)")
    (tmp_path / "a.dtb").write_bytes(build(FACTS))
    command = [fdtdump, str(tmp_path / "a.dtb")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 'stdout-path = "/soc/serial@10000000";' in done.stdout


@pytest.mark.parametrize("bootargs", ["a\nb", "caf\u00e9", "nul\0", "\x1b[0m"])
def test_bootargs_must_be_printable_ascii(bootargs: str) -> None:
    with pytest.raises(DrafthartError, match="printable ASCII") as caught:
        build(dataclasses.replace(FACTS, bootargs=bootargs))
    assert "\n" not in str(caught.value)


def test_the_same_facts_give_the_same_bytes() -> None:
    assert build(FACTS) == build(FACTS)


def test_load_returns_the_blob_without_padding(tmp_path: Path) -> None:
    blob = build(FACTS)
    file = tmp_path / "a.dtb"
    file.write_bytes(blob + bytes(100))
    assert load_dtb(file) == blob


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xd0\x0d\xfe\xed", "too short"),
        (b'/dts-v1/;\n/ { compatible = "riscv-virtio"; };\n', "compile the source with dtc"),
        (struct.pack(">10I", 0xD00DFEED, 39, *[0] * 8), "truncated"),
        (struct.pack(">10I", 0xD00DFEED, 41, *[0] * 8), "truncated"),
        (struct.pack(">10I", 0xD00DFEED, 40, 40, 40, 40, 17, 16, 0, 0, 0), "damaged"),
        (struct.pack(">10I2Q2I", 0xD00DFEED, 64, 56, 60, 40, 17, 16, 0, 0, 4, 0, 0, 9, 0), "root"),
    ],
)
def test_bad_blobs(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "a.dtb"
    file.write_bytes(content)
    with pytest.raises(DrafthartError, match=message) as caught:
        load_dtb(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    blob = build(FACTS)
    file = tmp_path / "a.dtb"
    for length in range(0, len(blob), 7):
        file.write_bytes(blob[:length])
        with pytest.raises(DrafthartError):
            load_dtb(file)


def test_no_damage_escapes_as_another_error(tmp_path: Path) -> None:
    blob = build(FACTS)
    file = tmp_path / "a.dtb"
    choose = random.Random(1)
    for _ in range(500):
        content = bytearray(blob)
        content[choose.randrange(len(blob))] = choose.choice((0, 1, 0x7F, 0x80, 0xFF))
        file.write_bytes(content)
        with suppress(DrafthartError):
            load_dtb(file)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(DrafthartError, match=r"no such file|directory"):
            load_dtb(path)
