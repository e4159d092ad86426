"""The RAM disk: an init, modules, and programs, in a folder tree that Linux can start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from drafthart.linux.cpio import Entry, archive, character_device, file, folder, link
from drafthart.runtime.files import read_file

INIT = b"""\
#!/bin/busybox sh
# The first process: gives a shell, and powers the machine off when it is left.
export PATH=/bin:/kvm HOME=/tmp TERM=${TERM:-vt100}
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in $(cat /lib/modules.order); do
    insmod "/lib/$module"
done
echo
echo "Linux $(uname -r) on $(uname -m). Leave with exit."
[ -e /kvm/exits ] && [ -e /dev/kvm ] && echo "Programs that use KVM: exits, vmm."
cd /
setsid cttyhack sh
poweroff -f
"""
"""Starts busybox's shell."""


def shell_disk(
    busybox: Path, modules: Mapping[str, bytes], programs: Mapping[str, bytes], image: Path | None
) -> bytes:
    """A disk that boots to a prompt; with `image`, it has the guest of the VMM too."""
    entries = [
        *_common(modules, programs, image),
        folder("sys"),
        folder("tmp"),
        folder("bin"),
        file("bin/busybox", read_file(busybox), executable=True),
        link("bin/sh", "busybox"),
        file("init", INIT, executable=True),
    ]
    return archive(entries)


def program_disk(
    first: str, modules: Mapping[str, bytes], programs: Mapping[str, bytes], image: Path | None
) -> bytes:
    """A disk whose first process is one of `programs`."""
    return archive([*_common(modules, programs, image), link("init", f"kvm/{first}")])


def guest_disk(guest: bytes) -> bytes:
    """The disk of a KVM guest: its first process, and nothing else."""
    return archive([*_devices(), file("init", guest, executable=True)])


def _devices() -> Sequence[Entry]:
    # The kernel opens the console for init before anything could mount /dev.
    return (folder("dev"), character_device("dev/console", 5, 1), folder("proc"))


def _common(
    modules: Mapping[str, bytes], programs: Mapping[str, bytes], image: Path | None
) -> Sequence[Entry]:
    order = "".join(f"{name}\n" for name in modules).encode()
    entries = [
        *_devices(),
        folder("lib"),
        file("lib/modules.order", order),
        *(file(f"lib/{name}", content) for name, content in modules.items()),
    ]
    if programs:
        entries.append(folder("kvm"))
        entries.extend(
            file(f"kvm/{name}", programs[name], executable=True) for name in ("exits", "vmm")
        )
    if programs and image is not None:
        entries.append(file("kvm/guest.cpio", guest_disk(programs["guest"])))
        entries.append(file("kvm/Image", read_file(image)))
    return entries
