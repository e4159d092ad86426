"""`drafthart linux`: boot Debian's kernel on a revision, and KVM guests in it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.arguments import complete_revision
from drafthart.generator.errors import DrafthartError
from drafthart.linux import initramfs, packages, programs
from drafthart.linux.modules import needed_by, read_module
from drafthart.linux.waiting import waiting
from drafthart.output import write_file
from drafthart.runtime.cache import cache_folder

EXAMPLES = (
    "drafthart linux",
    "drafthart linux --kvm",
    "drafthart linux --nested --expect 'init speaks'",
    "drafthart linux --revision h@1.0~1 --allow-unstable h@1.0~1 --kvm",
    "drafthart linux --kernel Image --busybox busybox --bios fw_dynamic.bin",
    "drafthart linux --kvm --print-command",
)

CONTEXT_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""What is not an option here is one of `drafthart run`."""

DEFAULT = "h@1.0"

_COMMAND_LINE = (
    # Firmware and kernel speak at once, and on the same console.
    "earlycon console=ttyS0 "
    # Tests and checks of no use here, which take a slow hart's time.
    "cryptomgr.notests lsm=capability ipv6.disable=1 audit=0 nokaslr no4lvl no5lvl"
)
_MEMORY = {"exits": "256M", "vmm": "512M", "shell": "512M"}
_LIMIT = {"exits": 3_000_000_000, "vmm": 8_000_000_000}
"""Instructions after which a program has failed: a kernel that panics stands still for ever."""

FileOption: TypeAlias = Path | None


def linux(
    context: typer.Context,
    revision: Annotated[
        str,
        typer.Option(
            "--revision",
            metavar="REV",
            help="The revision that the kernel boots on.",
            autocompletion=complete_revision,
        ),
    ] = DEFAULT,
    kvm: Annotated[
        bool, typer.Option("--kvm", help="Run our program that uses KVM, and end with its status.")
    ] = False,
    nested: Annotated[
        bool, typer.Option("--nested", help="Boot the same kernel as KVM guest, to its init.")
    ] = False,
    kernel: Annotated[
        FileOption,
        typer.Option("--kernel", metavar="FILE", help="A kernel's Image instead of Debian's."),
    ] = None,
    modules: Annotated[
        list[Path] | None,
        typer.Option(
            "--module",
            metavar="FILE",
            help="A module for that kernel; in order, if there are several.",
        ),
    ] = None,
    busybox: Annotated[
        FileOption,
        typer.Option("--busybox", metavar="FILE", help="A static busybox instead of Debian's."),
    ] = None,
    bios: Annotated[
        FileOption,
        typer.Option("--bios", metavar="FILE", help="Firmware instead of Debian's OpenSBI."),
    ] = None,
    initrd: Annotated[
        FileOption,
        typer.Option("--initrd", metavar="FILE", help="A RAM disk instead of the one made here."),
    ] = None,
    append: Annotated[
        str, typer.Option("--append", metavar="TEXT", help="More for the kernel's command line.")
    ] = "",
    update: Annotated[
        bool, typer.Option("--update", help="Fetch Debian's current packages, if there are newer.")
    ] = False,
    print_command: Annotated[
        bool,
        typer.Option("--print-command", help="Print the `drafthart run` that does this, and end."),
    ] = False,
) -> None:
    """Boot Linux to a shell, on the revision of your choice.

    Kernel, busybox and firmware are Debian trixie's packages for riscv64, fetched once and kept;
    nothing is installed. --kvm and --nested compile programs of ours, so they need a C compiler for
    RISC-V. All other options are those of `drafthart run`: --allow-unstable, --smp, --memory,
    --engine, --expect, --set, --explain-traps, --save and so on. Ctrl-A x leaves.
    """
    first = _first_program(kvm, nested)
    if initrd is not None and (first != "shell" or modules or busybox):
        raise DrafthartError(
            "--initrd: is the whole disk, so --kvm, --nested, --module and --busybox can add "
            "nothing; leave them out"
        )
    if modules and kernel is None:
        raise DrafthartError("--module: goes with a kernel of your own; add --kernel FILE")
    needed = [
        name
        for name, given in (
            (packages.KERNEL, kernel),
            (packages.FIRMWARE, bios),
            (packages.BUSYBOX, busybox or initrd or (first != "shell") or None),
        )
        if given is None
    ]
    compiled = {} if initrd is not None else _programs(needed_for=first)
    kept = packages.fetch(needed, update=update)
    image = kernel or kept[packages.KERNEL].file("Image")
    if initrd is None:
        disk_modules = _modules(modules or (), kept, with_virtio=first == "shell")
        with waiting("Making the RAM disk"):
            if first == "shell":
                box = busybox or kept[packages.BUSYBOX].file("busybox")
                content = initramfs.shell_disk(box, disk_modules, compiled, image)
            else:
                guest = image if first == "vmm" else None
                content = initramfs.program_disk(first, disk_modules, compiled, guest)
        initrd = _keep(content)
    command = [
        *("--revision", revision),
        *("--bios", str(bios or kept[packages.FIRMWARE].file("fw_dynamic.bin"))),
        *("--kernel", str(image)),
        *("--initrd", str(initrd)),
        *("--append", f"{_COMMAND_LINE} {append}".strip()),
        *_defaults(first, context.args),
        *context.args,
    ]
    if print_command:
        typer.echo(shlex.join(["drafthart", "run", *command]))
        return
    from drafthart.cli import main

    raise typer.Exit(main(["run", *command]))


def _first_program(kvm: bool, nested: bool) -> str:
    if kvm and nested:
        raise DrafthartError("--kvm and --nested: choose one")
    return "exits" if kvm else "vmm" if nested else "shell"


def _programs(needed_for: str) -> dict[str, bytes]:
    """Our programs; for a shell they are an extra, so it starts without them too."""
    try:
        compiler = programs.find_compiler()
    except DrafthartError as error:
        if needed_for != "shell":
            raise
        typer.echo(f"drafthart: without the programs that use KVM: {error}", err=True)
        return {}
    return {name: programs.compile_program(name, compiler) for name in programs.PROGRAMS}


def _modules(
    given: Sequence[Path], kept: dict[str, packages.Kept], *, with_virtio: bool
) -> dict[str, bytes]:
    """File name → content, in the order to load them; Debian's for --disk are `with_virtio`."""
    paths = list(given)
    if packages.KERNEL in kept:
        names = (*(packages.VIRTIO if with_virtio else ()), packages.KVM)
        paths += [kept[packages.KERNEL].file(name) for name in names]
    found: dict[str, bytes] = {}
    for path in paths:
        module = read_module(path)
        loaded = {name.removesuffix(".ko").replace("-", "_") for name in found}
        missing = [name for name in needed_by(module) if name.replace("-", "_") not in loaded]
        if missing:
            raise DrafthartError(
                f"{path}: needs {', '.join(missing)} before it; name each with --module FILE"
            )
        found[path.name.removesuffix(".xz")] = module
    return found


def _keep(disk: bytes) -> Path:
    """The RAM disk as a file; the same content is the same file."""
    folder = cache_folder() / "linux" / "disks"
    path = folder / f"{hashlib.sha256(disk).hexdigest()[:16]}.cpio"
    if not path.is_file() or path.stat().st_size != len(disk):
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.cpio"), key=lambda it: it.stat().st_mtime)[:-_DISKS]:
            old.unlink(missing_ok=True)
        write_file(path, disk)
    return path


_DISKS = 6
"""How many disks are kept."""


def _defaults(first: str, given: Sequence[str]) -> list[str]:
    """How much memory and how many instructions, unless the user says something of it."""
    names = {word.partition("=")[0] for word in given}
    defaults = []
    if not names & {"--memory", "--restore"}:
        defaults += ["--memory", _MEMORY[first]]
    if first in _LIMIT and not names & {"--max-instructions", "--timeout-instructions", "--gdb"}:
        option = "--timeout-instructions" if "--expect" in names else "--max-instructions"
        defaults += [option, str(_LIMIT[first])]
    return defaults
