"""`drafthart linux`: what it hands to `drafthart run`, and what it refuses."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from drafthart.cli import main
from drafthart.generator.errors import DrafthartError
from drafthart.linux import programs


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files of one's own, and nothing that could fetch."""
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("Image", "busybox", "fw.bin", "disk.cpio"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "kvm.ko").write_bytes(b"\x7fELF" + bytes(60) + b"\0depends=\0")
    (tmp_path / "needy.ko").write_bytes(b"\x7fELF" + bytes(60) + b"\0depends=kvm\0")
    return tmp_path


def has_compiler() -> bool:
    try:
        return bool(programs.find_compiler())
    except DrafthartError:
        return False


OWN = "--kernel Image --bios fw.bin"


def command(capsys: pytest.CaptureFixture[str], line: str) -> list[str]:
    assert main(["linux", "--print-command", *shlex.split(line)]) == 0
    words = shlex.split(capsys.readouterr().out)
    assert words[:2] == ["drafthart", "run"]
    return words


def value(words: list[str], option: str) -> str:
    assert words.count(option) == 1
    return words[words.index(option) + 1]


def refused(capsys: pytest.CaptureFixture[str], line: str) -> str:
    assert main(["linux", *shlex.split(line)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("drafthart: ")
    assert error.count("\n") == 1
    return error


def test_a_shell_with_files_of_ones_own(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = command(capsys, f"{OWN} --busybox busybox --module kvm.ko --module needy.ko")
    assert value(words, "--revision") == "h@1.0"
    assert value(words, "--kernel") == "Image"
    assert value(words, "--bios") == "fw.bin"
    disk = Path(value(words, "--initrd")).read_bytes()
    assert b"lib/kvm.ko\0" in disk
    assert b"kvm.ko\nneedy.ko\n" in disk
    assert b"bin/busybox\0" in disk


def test_the_same_disk_is_the_same_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"{OWN} --busybox busybox"
    assert command(capsys, line) == command(capsys, line)
    (files / "busybox").write_bytes(b"another")
    assert len(list((files / "cache/linux/disks").iterdir())) == 1
    command(capsys, line)
    assert len(list((files / "cache/linux/disks").iterdir())) == 2


def test_other_options_go_to_run(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"{OWN} --initrd disk.cpio --engine both --memory 1G --append quiet --set VMIDLEN=7"
    words = command(capsys, line)
    assert value(words, "--engine") == "both"
    assert value(words, "--memory") == "1G"
    assert value(words, "--set") == "VMIDLEN=7"
    assert value(words, "--append").endswith(" quiet")
    assert value(words, "--initrd") == "disk.cpio"


@pytest.mark.skipif(not has_compiler(), reason="Debian's gcc-riscv64-linux-gnu is absent")
@pytest.mark.parametrize(
    ("line", "option", "limit"),
    [
        ("--kvm", "--max-instructions", "3000000000"),
        ("--nested", "--max-instructions", "8000000000"),
        ("--kvm --expect OK", "--timeout-instructions", "3000000000"),
        ("--kvm --max-instructions 7", "--max-instructions", "7"),
        ("--kvm --max-instructions=7", "--max-instructions=7", ""),
    ],
)
def test_a_program_must_end(
    files: Path, capsys: pytest.CaptureFixture[str], line: str, option: str, limit: str
) -> None:
    words = command(capsys, f"{OWN} {line}")
    assert [it for it in words if it.endswith("instructions") or "instructions=" in it] == [option]
    if limit:
        assert value(words, option) == limit


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--kvm --nested", "choose one"),
        (f"{OWN} --initrd disk.cpio --kvm", "leave them out"),
        ("--module kvm.ko", "add --kernel FILE"),
        (f"{OWN} --busybox busybox --module needy.ko", "needy.ko: needs kvm before it"),
        (f"{OWN} --busybox busybox --module busybox", "is no kernel module"),
        (f"{OWN} --busybox none", "none: no such file"),
        (f"{OWN} --initrd disk.cpio --no-such-option", "--no-such-option"),
    ],
)
def test_what_is_refused(
    files: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    assert message in refused(capsys, line)


def test_without_a_compiler(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "COMPILERS", ("no-such-gcc",))
    assert "gcc-riscv64-linux-gnu" in refused(capsys, f"{OWN} --kvm")
    assert main(["linux", *shlex.split(f"{OWN} --busybox busybox --print-command")]) == 0
    assert "without the programs that use KVM" in capsys.readouterr().err


def test_a_program_that_cannot_be_compiled(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = files / "bad-gcc"
    compiler.write_text("#!/bin/sh\necho 'no such target' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(programs, "COMPILERS", (str(compiler),))
    assert "failed: no such target" in refused(capsys, f"{OWN} --kvm")


@pytest.mark.skipif(not has_compiler(), reason="Debian's gcc-riscv64-linux-gnu is absent")
@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_programs_need_no_floating_point(name: str, files: Path) -> None:
    content = programs.compile_program(name, programs.find_compiler())
    assert content[:4] == b"\x7fELF"
    # e_flags of the RISC-V ELF psABI: bit 0 is RVC, bits 2:1 the floating-point ABI, 0 if soft.
    assert content[48] & 6 == 0
    assert programs.compile_program(name, programs.find_compiler()) == content
