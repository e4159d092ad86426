"""Fetching Debian's packages: with tools that pretend, and packages made here."""

from __future__ import annotations

import io
import lzma
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.linux.modules import needed_by, read_module, without_signature
from drafthart.linux.packages import BUSYBOX, FIRMWARE, KERNEL, fetch

REAL = "linux-image-6.12.1-riscv64"
INSIDE = {
    REAL: {
        "boot/vmlinux-6.12.1-riscv64": b"kernel",
        "usr/lib/modules/6.12.1/kernel/arch/riscv/kvm/kvm.ko.xz": b"module",
        "usr/lib/modules/6.12.1/kernel/drivers/virtio/virtio_mmio.ko.xz": b"mmio",
        "usr/lib/modules/6.12.1/kernel/drivers/block/virtio_blk.ko.xz": b"block",
    },
    BUSYBOX: {"usr/bin/busybox": b"busybox"},
    FIRMWARE: {"usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin": b"firmware"},
}

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is absent")

APT_GET = """\
case "$1" in
indextargets) echo 'Debian|Debian|file:///nowhere/debian/' ;;
update) [ -n "$APT_CONFIG" ] ;;
download) cp "$SERVER/$3"_*.deb . ;;
esac
"""
APT_CACHE = f"""\
echo Package: $3
case $3 in {KERNEL}) echo 'Depends: {REAL} (= 6.12.1-1)' ;; *) echo 'Depends: libc6' ;; esac
echo Size: 1000
"""


class Server:
    """Debian, as these tests have it: packages in a folder, and tools that take them from there."""

    def __init__(self, folder: Path) -> None:
        self.packages = folder / "server"
        self.tools = folder / "bin"
        self.cache = folder / "cache"
        for path in (self.packages, self.tools):
            path.mkdir()
        for name, content in INSIDE.items():
            self.offer(name, content)
        self.tool("apt-get", APT_GET)
        self.tool("apt-cache", APT_CACHE)

    def offer(self, name: str, content: dict[str, bytes], version: str = "1-1") -> Path:
        work = self.packages.parent / f"make-{name}"
        for path, data in content.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_bytes(data)
        control = work / "DEBIAN/control"
        control.parent.mkdir(parents=True, exist_ok=True)
        control.write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: riscv64\n"
            "Maintainer: Nobody <nobody@example.org>\nDescription: a test\n"
        )
        target = self.packages / f"{name}_{version}_riscv64.deb"
        command = ["dpkg-deb", "--root-owner-group", "-b", str(work), str(target)]
        subprocess.run(command, check=True, capture_output=True)
        shutil.rmtree(work)
        return target

    def tool(self, name: str, script: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\nSERVER={self.packages}\n{script}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def vanish(self) -> None:
        self.tool("apt-get", "echo 'E: Failed to fetch it: Could not connect' >&2; exit 100\n")

    def left(self) -> list[str]:
        """Unpacked folders, whole or not."""
        store = self.cache / "linux"
        kept = ("apt", "downloads", "lock")
        return sorted(path.name for path in store.iterdir() if path.name not in kept)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server(tmp_path)
    monkeypatch.setenv("DRAFTHART_CACHE", str(server.cache))
    monkeypatch.setenv("PATH", f"{server.tools}{os.pathsep}{os.environ['PATH']}")
    return server


def test_what_is_needed_is_taken_out_and_kept(server: Server) -> None:
    found = fetch([KERNEL, BUSYBOX, FIRMWARE])
    assert found[KERNEL].file("Image").read_bytes() == b"kernel"
    assert found[KERNEL].file("kvm.ko.xz").read_bytes() == b"module"
    assert found[BUSYBOX].file("busybox").read_bytes() == b"busybox"
    assert found[FIRMWARE].file("fw_dynamic.bin").read_bytes() == b"firmware"
    assert not list((server.cache / "linux" / "downloads").iterdir())
    server.vanish()
    assert fetch([KERNEL, BUSYBOX, FIRMWARE]) == found


def test_only_what_is_asked_for_is_fetched(server: Server) -> None:
    fetch([FIRMWARE])
    assert server.left() == [f"{FIRMWARE}_1-1_riscv64", "packages.json"]


def test_an_update_takes_the_newer_and_leaves_no_older(server: Server) -> None:
    fetch([FIRMWARE, BUSYBOX])
    next(server.packages.glob(f"{FIRMWARE}_*")).unlink()
    server.offer(FIRMWARE, {next(iter(INSIDE[FIRMWARE])): b"newer"}, "2-1")
    found = fetch([FIRMWARE], update=True)
    assert found[FIRMWARE].file("fw_dynamic.bin").read_bytes() == b"newer"
    assert server.left() == [
        *(f"{BUSYBOX}_1-1_riscv64", f"{FIRMWARE}_2-1_riscv64"),
        "packages.json",
    ]


def test_a_damaged_cache_is_fetched_again(server: Server) -> None:
    found = fetch([FIRMWARE])
    found[FIRMWARE].file("fw_dynamic.bin").unlink()
    assert fetch([FIRMWARE])[FIRMWARE].file("fw_dynamic.bin").is_file()
    (server.cache / "linux/packages.json").write_text("[1]")
    assert fetch([FIRMWARE]) == found


def test_no_server_answers(server: Server) -> None:
    server.vanish()
    with pytest.raises(DrafthartError, match=r"Could not connect; try again, or .*--kernel FILE"):
        fetch([KERNEL])
    assert server.left() == []


def test_a_package_that_ends_early(server: Server) -> None:
    package = next(server.packages.glob(f"{REAL}_*"))
    whole = package.read_bytes()
    package.write_bytes(whole[:-100])
    with pytest.raises(DrafthartError, match=r"linux-image-6\.12\.1\S+ is damaged \("):
        fetch([KERNEL])
    assert server.left() == []
    package.write_bytes(whole)
    assert fetch([KERNEL])[KERNEL].file("Image").read_bytes() == b"kernel"


def test_a_package_without_busybox(server: Server) -> None:
    next(server.packages.glob(f"{BUSYBOX}_*")).unlink()
    server.offer(BUSYBOX, {"usr/bin/other": b"x"})
    with pytest.raises(DrafthartError, match="has no usr/bin/busybox"):
        fetch([BUSYBOX])


def test_a_machine_whose_sources_are_not_debian(server: Server) -> None:
    server.tool("apt-get", "echo 'Ubuntu|Ubuntu|http://example.org/ubuntu/'\n")
    with pytest.raises(DrafthartError, match="name no server of Debian"):
        fetch([KERNEL])


def test_a_machine_without_apt(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DrafthartError, match="has no apt-get and no apt-cache and no dpkg-deb"):
        fetch([KERNEL])


def test_links_in_a_package_are_not_followed(server: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    work = tmp_path / "linked.tar"
    with tarfile.open(work, "w") as archive:
        member = tarfile.TarInfo("./usr/bin/busybox")
        member.type, member.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(member, io.BytesIO())
    server.tool("dpkg-deb", f"cat {work}\n")
    with pytest.raises(DrafthartError, match="has no usr/bin/busybox"):
        fetch([BUSYBOX])


ELF = b"\x7fELF" + bytes(60) + b"\0license=GPL\0depends=virtio,virtio_ring\0name=x\0"


def signed(module: bytes) -> bytes:
    """As the kernel's scripts/sign-file leaves it: data, its description, a mark."""
    description = bytes([0, 0, 2, 0, 0, 0, 0, 0]) + (7).to_bytes(4, "big")
    return module + b"0123456" + description + b"~Module signature appended~\n"


def test_a_signature_is_taken_off() -> None:
    assert without_signature(signed(ELF)) == ELF
    assert without_signature(ELF) == ELF


def test_a_module_that_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "x.ko.xz"
    path.write_bytes(lzma.compress(signed(ELF)))
    assert read_module(path) == ELF
    assert needed_by(ELF) == ["virtio", "virtio_ring"]


def test_a_file_that_is_no_module(tmp_path: Path) -> None:
    path = tmp_path / "x.ko.xz"
    path.write_bytes(b"nothing")
    with pytest.raises(DrafthartError, match=r"x\.ko\.xz: cannot be decompressed"):
        read_module(path)
    path = tmp_path / "x.ko"
    path.write_bytes(b"nothing")
    with pytest.raises(DrafthartError, match=r"x\.ko: is no kernel module"):
        read_module(path)
