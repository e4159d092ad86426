"""The programs of examples/kvm, compiled for the guest."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.cache import read_entry, write_entry

PROGRAMS = {
    "exits": ("sys.c", "vm.c", "exits.c", "page.S"),
    "vmm": ("sys.c", "vm.c", "tree.c", "vmm.c"),
    "guest": ("sys.c", "guest.c"),
}
"""Program → its sources."""

COMPILERS = ("riscv64-linux-gnu-gcc", "riscv64-unknown-elf-gcc", "riscv64-elf-gcc")

FLAGS = (
    # Any hart on which Linux runs; no C library.
    "-march=rv64imac",
    "-mabi=lp64",
    "-Os",
    "-ffreestanding",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-nostdlib",
    "-static",
    "-no-pie",
    "-s",
    "-Wl,--build-id=none,-z,noexecstack,-z,separate-code,-z,max-page-size=4096",
)

_PATIENCE = 60
"""Seconds for the compiler."""


def sources() -> Path:
    """The folder of the programs."""
    return Path(str(files("drafthart.examples") / "kvm"))


def find_compiler() -> str:
    """The C compiler for RISC-V. Raises DrafthartError if there is none."""
    for name in COMPILERS:
        path = shutil.which(name)
        if path is not None:
            return path
    raise DrafthartError(
        "no C compiler for RISC-V: the programs that use KVM are compiled here; install Debian's "
        f"package gcc-riscv64-linux-gnu, or another that has {', '.join(COMPILERS[1:])}"
    )


def compile_program(name: str, compiler: str) -> bytes:
    """A program as static ELF file. Raises DrafthartError where the compiler fails."""
    folder = sources()
    key = _key(name, compiler, folder)
    kept = read_entry("linux-programs", key)
    if kept is not None:
        return kept
    with tempfile.TemporaryDirectory(prefix="drafthart-") as work:
        target = Path(work) / name
        paths = [str(folder / source) for source in PROGRAMS[name]]
        done = _call([compiler, *FLAGS, "-o", str(target), *paths])
        if done.returncode or not target.is_file():
            reason = (done.stderr.strip().splitlines() or ["no message"])[0]
            raise DrafthartError(f"{folder / name}: {compiler} failed: {reason}")
        content = target.read_bytes()
    write_entry("linux-programs", key, content)
    return content


def _key(name: str, compiler: str, folder: Path) -> str:
    digest = hashlib.sha256()
    version = _call([compiler, "--version"]).stdout
    for text in (name, version, *FLAGS):
        digest.update(text.encode() + b"\0")
    for path in sorted(folder.iterdir()):
        if path.suffix in (".c", ".h", ".S"):
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _call(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DrafthartError(f"{command[0]}: cannot be run ({error}); reinstall it") from None
