"""The device tree that tells firmware and kernels what the machine has, shaped like QEMU virt's.

Source: the Devicetree Specification 0.4, and Linux's bindings for each `compatible` below.
"""

import hashlib
import struct
from dataclasses import dataclass
from os import PathLike

import fdt

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.clock import FREQUENCY
from drafthart.runtime.devices import clint, finisher, plic, rtc, uart, virtio
from drafthart.runtime.files import read_file

_MAGIC = 0xD00DFEED
_VERSION, _COMPATIBLE_VERSION = 17, 16
_HEADER = struct.Struct(">10I")
_CPU_INTC, _PLIC, _TEST = 1, 2, 3  # phandles; harts 1 and up have those from 4 on
_RNG_SEED = list(struct.unpack(">16I", hashlib.sha512(b"drafthart").digest()))
"""What kernels begin their random numbers with: the same each time, as runs are repeatable."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What varies between machines; addresses and sizes in bytes, `timebase` in Hz.

    `isa` is the riscv,isa string ("rv64imafdch_zicsr"), `mmu` the mmu-type ("riscv,sv48"; None
    for a hart without one), `others` both of these for harts 1 and up, and `initrd` the start and
    end address of an initial RAM disk.
    """

    isa: str
    ram_base: int
    ram_size: int
    mmu: str | None = "riscv,sv57"
    others: tuple[tuple[str, str | None], ...] = ()
    bootargs: str = ""
    initrd: tuple[int, int] | None = None
    timebase: int = FREQUENCY
    stdout: str = f"/soc/serial@{uart.BASE:x}"


def build(facts: MachineFacts) -> bytes:
    """Return the flattened device tree (version 17) of a machine with these facts.

    Raises DrafthartError for bootargs that are not printable ASCII.
    """
    if not (facts.bootargs.isascii() and facts.bootargs.isprintable()):
        raise DrafthartError(
            f"bootargs {facts.bootargs!r}: only printable ASCII characters reach a kernel, "
            "take the others out"
        )
    tree = fdt.FDT()
    tree.header.version = _VERSION
    tree.header.last_comp_version = _COMPATIBLE_VERSION
    tree.root = _node(
        "/",
        {
            "#address-cells": 2,
            "#size-cells": 2,
            "compatible": "riscv-virtio",
            "model": "drafthart,virt",
        },
        _chosen(facts),
        _node("aliases", {"serial0": facts.stdout}),
        _cpus(facts),
        _node(
            f"memory@{facts.ram_base:x}",
            {"device_type": "memory", "reg": _reg(facts.ram_base, facts.ram_size)},
        ),
        _syscon("poweroff", finisher.PASS),
        _syscon("reboot", finisher.RESET),
        _soc(1 + len(facts.others)),
    )
    return bytes(tree.to_dtb())


def load_dtb(path: str | PathLike[str]) -> bytes:
    """Return the device tree blob in the file at `path`, without anything that follows it.

    Raises DrafthartError if the file cannot be read or is no complete, well-formed blob.
    """
    content = read_file(path)
    if len(content) < _HEADER.size:
        raise DrafthartError(f"{path}: too short for a device tree blob, copy it again")
    magic, total = struct.unpack_from(">2I", content)
    if magic != _MAGIC:
        raise DrafthartError(
            f"{path}: not a device tree blob (magic {magic:#010x}), compile the source with dtc"
        )
    if not _HEADER.size <= total <= len(content):
        raise DrafthartError(
            f"{path}: truncated device tree blob ({len(content)} of {total} bytes), copy it again"
        )
    blob = content[:total]
    # The library reports damage by whatever its parser stumbled over.
    try:
        root = fdt.parse_dtb(blob).root
    except Exception as error:
        raise DrafthartError(f"{path}: damaged device tree blob, build it again") from error
    if root is None:
        raise DrafthartError(f"{path}: device tree blob without a root node, build it again")
    return blob


def _node(name: str, properties: dict[str, object], *children: fdt.Node) -> fdt.Node:
    """A node; values are a string or several, a 32-bit cell or several, or True for presence."""
    node = fdt.Node(name)
    for key, value in properties.items():
        match value:
            case True:
                node.append(fdt.Property(key))
            case int():
                node.append(fdt.PropWords(key, value))
            case str():
                node.append(fdt.PropStrings(key, value))
            case [str(), *_]:
                node.append(fdt.PropStrings(key, *value))
            case [int(), *_]:
                node.append(fdt.PropWords(key, *value))
            case _:
                raise TypeError(f"{name}/{key}: {value!r}")
    for child in children:
        node.append(child)
    return node


def _cells(value: int) -> list[int]:
    """A 64-bit value as two cells, high one first."""
    return [value >> 32, value & 0xFFFF_FFFF]


def _reg(base: int, size: int) -> list[int]:
    return [*_cells(base), *_cells(size)]


def _chosen(facts: MachineFacts) -> fdt.Node:
    properties: dict[str, object] = {"stdout-path": facts.stdout, "rng-seed": _RNG_SEED}
    if facts.bootargs:
        properties["bootargs"] = facts.bootargs
    if facts.initrd is not None:
        start, end = facts.initrd
        properties["linux,initrd-start"] = _cells(start)
        properties["linux,initrd-end"] = _cells(end)
    return _node("chosen", properties)


def _controller(hart: int) -> int:
    """The phandle of a hart's interrupt controller."""
    return _CPU_INTC if hart == 0 else _TEST + hart


def _wires(harts: int, lines: tuple[int, ...]) -> list[int]:
    """These interrupts of each hart."""
    return [cell for hart in range(harts) for line in lines for cell in (_controller(hart), line)]


def _cpus(facts: MachineFacts) -> fdt.Node:
    harts = ((facts.isa, facts.mmu), *facts.others)
    return _node(
        "cpus",
        {"#address-cells": 1, "#size-cells": 0, "timebase-frequency": facts.timebase},
        *(_cpu(number, *it) for number, it in enumerate(harts)),
    )


def _cpu(number: int, isa: str, mmu: str | None) -> fdt.Node:
    controller = _node(
        "interrupt-controller",
        {
            "#address-cells": 0,
            "#interrupt-cells": 1,
            "interrupt-controller": True,
            "compatible": "riscv,cpu-intc",
            "phandle": _controller(number),
        },
    )
    properties: dict[str, object] = {
        "device_type": "cpu",
        "reg": number,
        "status": "okay",
        "compatible": "riscv",
        "riscv,isa": isa,
        **_extensions(isa),
    }
    if mmu is not None:
        properties["mmu-type"] = mmu
    return _node(f"cpu@{number:x}", properties, controller)


def _extensions(isa: str) -> dict[str, object]:
    """The same as newer kernels read it: the base, and the name of each extension."""
    single, *longer = isa.split("_")
    width = len("rv64")
    return {
        "riscv,isa-base": single[: width + 1],
        "riscv,isa-extensions": [*single[width:], *longer],
    }


def _syscon(name: str, value: int) -> fdt.Node:
    return _node(
        name,
        {"compatible": f"syscon-{name}", "regmap": _TEST, "offset": 0, "value": value},
    )


def _soc(harts: int) -> fdt.Node:
    slots = (
        _node(
            f"virtio_mmio@{base:x}",
            {
                "compatible": "virtio,mmio",
                "reg": _reg(base, virtio.SIZE),
                "interrupts": virtio.FIRST_SOURCE + slot,
                "interrupt-parent": _PLIC,
            },
        )
        for slot in range(virtio.SLOTS)
        for base in [virtio.BASE + slot * virtio.SIZE]
    )
    return _node(
        "soc",
        {"#address-cells": 2, "#size-cells": 2, "compatible": "simple-bus", "ranges": True},
        _node(
            f"test@{finisher.BASE:x}",
            {
                "compatible": ["sifive,test1", "sifive,test0", "syscon"],
                "reg": _reg(finisher.BASE, finisher.SIZE),
                "phandle": _TEST,
            },
        ),
        _node(
            f"clint@{clint.BASE:x}",
            {
                "compatible": ["sifive,clint0", "riscv,clint0"],
                "reg": _reg(clint.BASE, clint.SIZE),
                "interrupts-extended": _wires(
                    harts, (clint.SOFTWARE_INTERRUPT, clint.TIMER_INTERRUPT)
                ),
            },
        ),
        _node(
            f"plic@{plic.BASE:x}",
            {
                "compatible": ["sifive,plic-1.0.0", "riscv,plic0"],
                "reg": _reg(plic.BASE, plic.SIZE),
                "interrupts-extended": _wires(harts, plic.CONTEXT_LINES),
                "interrupt-controller": True,
                "#interrupt-cells": 1,
                "#address-cells": 0,
                "riscv,ndev": plic.SOURCES - 1,
                "phandle": _PLIC,
            },
        ),
        _node(
            f"serial@{uart.BASE:x}",
            {
                "compatible": "ns16550a",
                "reg": _reg(uart.BASE, uart.SIZE),
                "interrupts": uart.SOURCE,
                "interrupt-parent": _PLIC,
                "clock-frequency": uart.CLOCK,
            },
        ),
        _node(
            f"rtc@{rtc.BASE:x}",
            {
                "compatible": "google,goldfish-rtc",
                "reg": _reg(rtc.BASE, rtc.SIZE),
                "interrupts": rtc.SOURCE,
                "interrupt-parent": _PLIC,
            },
        ),
        *slots,
    )
