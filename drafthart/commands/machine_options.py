"""The options of `drafthart run` that make the machine and say what is loaded into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.numbers import size
from drafthart.panels import MACHINE
from drafthart.runtime.clock import REALTIME_RATE
from drafthart.runtime.disk import MODES, Disk

_TICK = 10


def _disk_mode(name: str) -> str:
    if name not in MODES:
        raise typer.BadParameter(f"no mode {name!r}; there are {', '.join(MODES)}")
    return name


BiosOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--bios",
        metavar="FILE",
        help="Firmware that starts the kernel or program.",
        rich_help_panel=MACHINE,
    ),
]
KernelOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--kernel",
        metavar="FILE",
        help="What the firmware starts: an ELF file, or a Linux Image, gzipped or not.",
        rich_help_panel=MACHINE,
    ),
]
InitrdOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--initrd", metavar="FILE", help="The kernel's initial RAM disk.", rich_help_panel=MACHINE
    ),
]
AppendOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--append", metavar="TEXT", help="The kernel's command line.", rich_help_panel=MACHINE
    ),
]
DtbOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--dtb",
        metavar="FILE",
        help="A device tree instead of the machine's own.",
        rich_help_panel=MACHINE,
    ),
]
MemoryOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        parser=size,
        help="RAM: bytes, or with K, M or G [default: 256M].",
        show_default=False,
        rich_help_panel=MACHINE,
    ),
]
DiskOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--disk",
        metavar="FILE",
        help="A virtio disk: a raw image. May be repeated.",
        rich_help_panel=MACHINE,
    ),
]
DiskModeOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--disk-mode",
        metavar="MODE",
        parser=_disk_mode,
        help="write to the files, read-only, or temporary: keep changes in memory.",
        rich_help_panel=MACHINE,
    ),
]
VirtioConsoleOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--virtio-console",
        help="A virtio console behind the disks; typing goes to it once it has a driver.",
        rich_help_panel=MACHINE,
    ),
]
RealtimeOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--realtime",
        help="Let mtime follow the host's clock: runs are no longer repeatable.",
        rich_help_panel=MACHINE,
    ),
]
TickOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--instructions-per-tick",
        metavar="N",
        min=1,
        max=1_000_000,
        help="How many instructions pass in a tick of mtime, 100 ns [default: 10].",
        show_default=False,
        rich_help_panel=MACHINE,
    ),
]


def open_disks(paths: Sequence[Path] | None, mode: str, saves: bool) -> list[Disk]:
    """The disks. Raises DrafthartError where one cannot be had, or a snapshot would miss it."""
    if saves and paths and mode == "temporary":
        raise DrafthartError(
            "--disk-mode temporary: a snapshot does not keep what is on the disks; "
            "leave --save out, or choose another mode"
        )
    return [
        Disk(path, mode, lambda text: typer.echo(f"drafthart: {text}", err=True))
        for path in paths or ()
    ]


def tick_rate(asked: int | None, realtime: bool) -> int:
    """Instructions per tick of mtime."""
    if realtime and asked is not None:
        raise DrafthartError(
            "--instructions-per-tick: with --realtime the host's clock decides; leave one out"
        )
    return REALTIME_RATE if realtime else asked or _TICK
