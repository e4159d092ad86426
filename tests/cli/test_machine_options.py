"""The options of `drafthart run` that make the machine: what is wrong says so, and ends with 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
Program = Callable[..., Path]
REVISION = ("--revision", "priv@1.12", "--engine", "python")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--disk", "absent.img"), "absent.img: cannot be opened"),
        (("--disk", "odd.img"), "odd.img: has 513 bytes"),
        (("--disk", "."), "no regular file"),
        (("--disk", "disk.img", "--disk", "disk.img"), "another run uses this disk"),
        (("--disk", "disk.img", "--disk-mode", "cow"), "no mode 'cow'"),
        (("--disk", "disk.img", "--disk-mode", "temporary", "--save", "x"), "a snapshot does not"),
        (tuple(["--disk", "disk.img"] * 9 + ["--disk-mode", "read-only"]), "9 disks"),
        (("--realtime", "--instructions-per-tick", "5"), "the host's clock decides"),
        (("--instructions-per-tick", "0"), "0 is not in the range"),
        (("--initrd", "absent.cpio"), "absent.cpio: no such file"),
        (("--initrd", "large.cpio", "--memory", "16M"), "large.cpio: "),
        (("--append", "caf\u00e9"), "only printable ASCII"),
        (("--memory", "1M"), "give --memory 16M"),
    ],
)
def test_what_cannot_be(
    drafthart: Command, program: Program, here: Path, options: tuple[str, ...], message: str
) -> None:
    elf = program()
    (here / "disk.img").write_bytes(bytes(1024))
    (here / "odd.img").write_bytes(bytes(513))
    with (here / "large.cpio").open("wb") as file:
        file.truncate(20 << 20)
    result = drafthart("run", *REVISION, *options, str(elf))
    assert result.status == 2
    assert message in " ".join(result.err.replace("│", " ").split())
    assert "Traceback" not in result.err
    assert "hello" not in result.out


def test_a_truncated_kernel(drafthart: Command, program: Program, here: Path) -> None:
    elf = program()
    (here / "kernel").write_bytes(elf.read_bytes()[:600])
    (here / "fw").write_bytes(bytes(64))
    result = drafthart("run", *REVISION, "--bios", "fw", "--kernel", "kernel")
    assert result.status == 2
    assert "kernel: truncated ELF file" in result.err


@pytest.mark.parametrize("options", [(), ("--realtime",), ("--instructions-per-tick", "1")])
def test_a_program_with_all_of_it(
    drafthart: Command, program: Program, here: Path, options: tuple[str, ...]
) -> None:
    elf = program()
    (here / "disk.img").write_bytes(bytes(1024))
    (here / "initrd").write_bytes(b"anything")
    result = drafthart(
        *("run", *REVISION, "--disk", "disk.img", "--disk-mode", "temporary"),
        *("--initrd", "initrd", "--append", "quiet", "--memory", "16M", *options, str(elf)),
    )
    assert (result.status, result.out, result.err) == (0, "hello\n", "")
