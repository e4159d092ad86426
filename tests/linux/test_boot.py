"""`drafthart linux`: to a prompt, through KVM, and through a kernel that is KVM's guest.

What is expected is what Linux and our programs say on QEMU too; where a draft parts from it, what
the draft's text says of the instruction that fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.linux import packages, programs
from drafthart.runtime.engines import has_compiler

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("DRAFTHART_LINUX"),
        reason="fetches Debian's packages and boots Linux: set DRAFTHART_LINUX=1, or tox -e linux",
    ),
    pytest.mark.skipif(not has_compiler(), reason="no C compiler is installed"),
]

CODE = "import sys; from drafthart.cli import main; sys.exit(main())"
EXITS = """\
exits: write of 1 bytes at 0x10000000: 0x4b
exits: write of 4 bytes at 0x10000004: 0x12345678
exits: read of 4 bytes at 0x10000008: 0x1234cafe
exits: read of 1 bytes at 0x1000000c: 0xfe
exits: read of 8 bytes at 0x10000010: 0x123456789abcdef
exits: write of 8 bytes at 0x10000018: 0x1234cafe
exits: write of 8 bytes at 0x10000020: 0xfe
exits: write of 8 bytes at 0x10000028: 0x123456789abcdef
exits: SBI call 0x8000001, function 0x7, of 0x111 and 0x222
exits: write of 8 bytes at 0x10000030: 0x0
exits: write of 8 bytes at 0x10000038: 0x333
exits: shutdown
exits: OK
"""
INIT = "Run /init as init process"
GUEST_SPEAKS = r"\n  \| \[ *[0-9.]+\] guest: init speaks: Linux 6\.\S+ on riscv64\n"
IN_THE_GUEST = 1_200_000_000
"""Instructions after which the nested guest boots, and is not through yet."""


@pytest.fixture(scope="module", autouse=True)
def fetched() -> None:
    """Debian's packages and a compiler; else there is nothing to test."""
    try:
        packages.fetch([packages.KERNEL, packages.BUSYBOX, packages.FIRMWARE])
        programs.find_compiler()
    except DrafthartError as error:
        pytest.skip(str(error))


def drafthart(*arguments: str) -> tuple[int, str]:
    """Exit status, and what was on the console, with no carriage returns."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", CODE, *arguments, "--engine", "native"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=600,
        check=False,
    )
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    return done.returncode, text.replace("\r", "")


def test_the_prompt() -> None:
    status, console = drafthart(
        *("linux", "--expect", "/ # ", "--type", "echo $((6 * 7)); poweroff -f\n"),
        *("--expect", "\n42\n", "--timeout-instructions", "3000000000"),
    )
    assert INIT in console
    assert "built-in shell (ash)" in console
    assert status == 0, console[-2000:]


@pytest.mark.parametrize(
    ("settings", "mode", "bits"),
    [((), "Sv57x4", 14), (("--set", "SV57X4=0", "--set", "VMIDLEN=7"), "Sv48x4", 7)],
)
def test_kvm(settings: tuple[str, ...], mode: str, bits: int) -> None:
    status, console = drafthart("linux", "--kvm", *settings)
    assert INIT in console
    assert re.search(r"kvm \[1\]: hypervisor extension available", console)
    assert f"using {mode} G-stage page table format" in console
    assert f"VMID {bits} bits available" in console
    assert EXITS in console
    assert status == 0


@pytest.mark.parametrize("revision", ["h@0.6.2", "h@1.0.0-rc"])
def test_kvm_under_late_drafts(revision: str) -> None:
    status, console = drafthart(
        "linux", "--kvm", "--revision", revision, "--allow-unstable", revision
    )
    assert EXITS in console
    assert status == 0


def test_kvm_under_061_misses_henvcfg() -> None:
    """CSR 0x60a came with 0.6.2: writing it is an illegal instruction before."""
    status, console = drafthart(
        *("linux", "--kvm", "--revision", "h@0.6.1", "--allow-unstable", "h@0.6.1"),
        *("--expect", "end Kernel panic"),
    )
    assert status == 0
    assert "hypervisor extension available" in console
    assert "Oops - illegal instruction" in console
    value = re.search(r"badaddr: ([0-9a-f]{16}) cause: 0000000000000002", console)
    assert value is not None
    assert int(value[1], 16) & 0xFFF0_707F == 0x60A0_1073  # csrw henvcfg
    assert "exits: " not in console


def test_kvm_without_floating_point() -> None:
    status, console = drafthart("linux", "--kvm", "--set", "FLEN=0")
    assert EXITS in console
    assert status == 0


def test_two_harts() -> None:
    status, console = drafthart("linux", "--kvm", "--smp", "2")
    assert "smp: Brought up 1 node, 2 CPUs" in console
    assert EXITS in console
    assert status == 0


def test_a_disk_and_a_virtio_console(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(4 << 20))
    status, console = drafthart(
        *("linux", "--disk", str(disk), "--virtio-console", "--append", "console=hvc0"),
        *(
            "--expect",
            "/ # ",
            "--type",
            "tty; printf written > /dev/vda; sync; cat /proc/partitions\n",
        ),
        *("--expect", "/dev/hvc0\n", "--expect", " 4096 vda\n"),
        *("--timeout-instructions", "1500000000"),
    )
    assert status == 0, console
    assert disk.read_bytes().startswith(b"written\0")


def test_the_status_is_that_of_the_program(tmp_path: Path) -> None:
    """A kernel whose KVM is not loaded: the program cannot open it."""
    kept = packages.fetch([packages.KERNEL])[packages.KERNEL]
    status, console = drafthart("linux", "--kvm", "--kernel", str(kept.file("Image")))
    assert "exits: /dev/kvm: error 2\n" in console
    assert status == 1


def test_a_nested_guest_and_a_snapshot_of_it(tmp_path: Path) -> None:
    snapshot = tmp_path / "nested.snap"
    status, whole = drafthart(
        *("linux", "--nested", "--save", str(snapshot), "--save-at", str(IN_THE_GUEST))
    )
    assert re.search(GUEST_SPEAKS, whole)
    assert whole.count(INIT) == 2
    assert "vmm: OK\n" in whole
    assert status == 0
    status, rest = drafthart("run", "--revision", "h@1.0", "--restore", str(snapshot))
    assert whole.endswith(rest)
    assert rest.count(INIT) == 1
    assert re.search(GUEST_SPEAKS, rest)
    assert status == 0
