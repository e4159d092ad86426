"""`drafthart riscof`: what RISCOF needs to have Drafthart as a model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

import drafthart.conformance
from drafthart.arguments import RevisionOption
from drafthart.commands.stability import AllowUnstableOption, admitted, announce, by_name
from drafthart.generator.errors import DrafthartError
from drafthart.output import say, write_folder
from drafthart.runtime.resolved import resolved

EXAMPLES = (
    "drafthart riscof models --revision h@1.0",
    "drafthart riscof models --revision h@1.0 --dut spike",
)

_NAME = "drafthart"
_PLUGIN = Path(drafthart.conformance.__path__[0], "riscof")
_FOLDER = f"riscof_{_NAME}"
"""Relative paths count from RISCOF's working folder first: this is hardly the name of another."""
_SUFFIXES = (".py", ".ld", ".h", ".yaml")


def riscof(
    revision: RevisionOption,
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A new folder for the files.", show_default=False),
    ],
    dut: Annotated[
        str,
        typer.Option(
            "--dut",
            metavar="NAME",
            help="The plugin of what is tested, riscof_NAME.py: config.ini gets a section for it.",
        ),
    ] = _NAME,
    allow_unstable: AllowUnstableOption = None,
) -> None:
    """Write a plugin and a config.ini, by which Drafthart is RISCOF's reference.

    DIR gets config.ini and the folder riscof_drafthart with the plugin. Without --dut Drafthart is
    tested, too, so that all can be tried as it stands. Tests are compiled with
    riscv64-unknown-elf-gcc.
    """
    if not dut.isidentifier():
        raise DrafthartError(
            f"--dut {dut}: is no name of a plugin; write --dut spike for riscof_spike.py"
        )
    with by_name(revision, allow_unstable or ()):
        isa = resolved(revision)
    announce(admitted(isa, allow_unstable or ()))
    files = {"config.ini": _config(isa.id, dut, allow_unstable or ())}
    for path in sorted(_PLUGIN.rglob("*")):
        if path.suffix in _SUFFIXES:
            files[f"{_FOLDER}/{path.relative_to(_PLUGIN)}"] = path.read_text(encoding="utf-8")
    write_folder(folder, files)
    say(f"wrote {folder}: config.ini, and the plugin in {_FOLDER}")


def _config(revision: str, dut: str, allowed: list[str] | tuple[()]) -> str:
    lines = [
        "[RISCOF]",
        f"ReferencePlugin={_NAME}",
        f"ReferencePluginPath={_FOLDER}",
        f"DUTPlugin={dut}",
        f"DUTPluginPath=riscof_{dut}",
        "",
        f"[{_NAME}]",
        f"revision={revision}",
        f"command={shutil.which(_NAME) or _NAME}",
        *([f"allow-unstable={' '.join(allowed)}"] if allowed else []),
        "jobs=1",
    ]
    if dut == _NAME:
        lines += [f"ispec={_FOLDER}/drafthart_isa.yaml", f"pspec={_FOLDER}/drafthart_platform.yaml"]
    else:
        specs = f"riscof_{dut}/{dut}"
        lines += ["", f"[{dut}]", f"ispec={specs}_isa.yaml", f"pspec={specs}_platform.yaml"]
    return "\n".join(lines) + "\n"
