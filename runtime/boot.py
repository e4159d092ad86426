"""Loading: firmware, kernel, initial RAM disk and device tree, and what the first one is told.

A kernel starts as Linux documents it for RISC-V (Documentation/arch/riscv/boot.rst), firmware as
OpenSBI documents fw_dynamic and fw_jump. From the base of RAM upwards lie the firmware and the
kernel; from its end downwards the block for fw_dynamic, the device tree, and the initial RAM disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.runtime import devicetree, loader
from drafthart.runtime.files import read_file
from drafthart.runtime.memory import PAGE, Bus, Ram

KERNEL_OFFSET = 0x20_0000
"""Where OpenSBI's generic fw_jump looks for its payload, from the base of RAM."""

_DYNAMIC_MAGIC = 0x4942534F
_DYNAMIC_VERSION = 2
_SUPERVISOR = 1


@dataclass(frozen=True, slots=True)
class Images:
    """Files to load: firmware, kernel or payload, initial RAM disk, device tree.

    `append` is the kernel's command line, for the machine's own device tree.
    """

    program: Path | None = None
    bios: Path | None = None
    kernel: Path | None = None
    dtb: Path | None = None
    append: str = ""
    initrd: Path | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What lies in RAM now. Addresses are physical, those of symbols and functions as linked.

    `entry` is the first instruction; a1 gets `tree`, and a2 gets `dynamic`, the block that
    fw_dynamic wants (0: there is none).
    """

    entry: int
    tree: int
    dynamic: int
    symbols: Mapping[str, int]
    functions: Sequence[loader.Function]
    tohost: int | None
    fromhost: int | None


def load(images: Images, bus: Bus, facts: devicetree.MachineFacts) -> Loaded:
    """Load the images into the RAM of `bus`; `facts` are those of the machine.

    Raises DrafthartError for files that are missing, damaged, too large or do not go together.
    """
    first, payload = _what_to_start(images)
    ram = bus.ram
    image = loader.load_image(first, bus, default_address=ram.base)
    next_address = ram.base + KERNEL_OFFSET
    symbols, functions, end = dict(image.symbols), list(image.functions), image.end
    if payload is not None:
        kernel = loader.load_image(payload, bus, default_address=next_address)
        if kernel.start < image.end and image.start < kernel.end:
            raise DrafthartError(
                f"{payload}: what loads at {kernel.start:#x}..{kernel.end:#x} overlaps {first} "
                f"at {image.start:#x}..{image.end:#x}; link it elsewhere"
            )
        next_address = kernel.entry
        symbols |= kernel.symbols
        functions += kernel.functions
        end = max(end, kernel.end)
    top = ram.end - PAGE
    dynamic = 0
    if images.bios is not None:
        # What OpenSBI's fw_dynamic wants in a2; fw_jump and fw_payload do not look.
        words = (_DYNAMIC_MAGIC, _DYNAMIC_VERSION, next_address, _SUPERVISOR, 0, 0)
        dynamic = top
        ram.store(dynamic, b"".join(word.to_bytes(8, "little") for word in words))
    tree = _place_data(images, ram, facts, end, top)
    return Loaded(
        entry=image.entry,
        tree=tree,
        dynamic=dynamic,
        symbols=symbols,
        functions=functions,
        tohost=image.tohost,
        fromhost=image.fromhost,
    )


def _what_to_start(images: Images) -> tuple[Path, Path | None]:
    """The image that starts, and the one that it starts."""
    if images.bios is None and images.kernel is not None:
        raise DrafthartError(
            "--kernel needs firmware that starts it: add --bios FILE, or name the file alone"
        )
    if images.bios is None:
        if images.program is None:
            raise DrafthartError("nothing to run: name an ELF file, or --bios FILE")
        return images.program, None
    if images.program and images.kernel:
        raise DrafthartError(
            f"both --kernel {images.kernel} and {images.program} given: firmware starts only one"
        )
    return images.bios, images.kernel or images.program


def _place_data(
    images: Images, ram: Ram, facts: devicetree.MachineFacts, end: int, top: int
) -> int:
    """Put the initial RAM disk and the device tree below `top`; return the tree's address.

    `end` is where the programs end.
    """
    if images.dtb is not None:
        for option, value in (("--initrd", images.initrd), ("--append", images.append)):
            if value:
                raise DrafthartError(
                    f"{option}: a kernel learns of it from the device tree, and --dtb gives "
                    "another; leave one of them out, or write it into the tree's /chosen"
                )
    disk = None if images.initrd is None else read_file(images.initrd)

    def tree_for(start: int) -> bytes:
        if images.dtb is not None:
            return devicetree.load_dtb(images.dtb)
        chosen = None if disk is None else (start, start + len(disk))
        return devicetree.build(replace(facts, bootargs=images.append, initrd=chosen))

    # The length of a tree does not depend on the addresses in it.
    tree_address = (top - len(tree_for(0))) & -PAGE
    lowest = max(end, ram.base + KERNEL_OFFSET)
    if tree_address < lowest:
        raise DrafthartError(
            f"no room for the device tree in {ram.size >> 20} MiB: "
            f"give --memory {_enough(ram, lowest + ram.end - tree_address)}M or more"
        )
    start = tree_address
    if disk is not None:
        start = (tree_address - len(disk)) & -PAGE
        if start < lowest:
            enough = _enough(ram, lowest + ram.end - start)
            raise DrafthartError(
                f"{images.initrd}: {len(disk)} bytes do not fit into {ram.size >> 20} MiB "
                f"beside the kernel: give --memory {enough}M or more"
            )
        ram.store(start, disk)
    ram.store(tree_address, tree_for(start))
    return tree_address


def _enough(ram: Ram, end: int) -> int:
    """MiB of RAM so that it ends at `end` or behind, rounded up to a power of two."""
    mebibytes = -(-(end - ram.base) // (1 << 20))
    return max(16, 1 << (mebibytes - 1).bit_length())
