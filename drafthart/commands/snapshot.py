"""`drafthart snapshot`: what a snapshot holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from drafthart.arguments import Format, FormatOption
from drafthart.output import say, say_json, table
from drafthart.runtime.machine import RAM_BASE
from drafthart.runtime.snapshot import Snapshot, read_snapshot

EXAMPLES = (
    "drafthart snapshot later.snap",
    "drafthart snapshot later.snap --format json",
)


def snapshot(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `drafthart run --save` wrote.")
    ],
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show what a snapshot holds: revision and status, where the hart is, memory, devices.

    The checksum is checked first. No opt-in is needed: nothing runs.
    """
    data = _data(read_snapshot(file))
    if format_ is Format.JSON:
        say_json(data)
        return
    hart = data["hart"]
    rows = [
        ("revision", f"{data['revision']} ({data['status']})"),
        ("opt-in", data["opt_in"] or "none needed"),
        ("format", str(data["format"])),
        ("spec", f"content {data['content'][:16]}, RV{data['xlen']}"),
        ("parameters", " ".join(f"{k}={v}" for k, v in data["parameters"].items())),
        ("instructions", f"{hart['steps']}, of which {hart['trapped']} trapped"),
        ("pc", _place(hart)),
        *((f"hart {number}", _place(it)) for number, it in enumerate(data["others"], 1)),
        ("memory", f"{data['memory'] >> 20} MiB at {data['ram_base']}"),
        ("devices", ", ".join(data["devices"])),
    ]
    say(table(("", ""), rows, header=False))


def _data(snapshot: Snapshot) -> dict[str, Any]:
    """All but the registers and what is in RAM."""
    return {
        **snapshot.stability,
        "stability": snapshot.stability,
        "format": snapshot.format,
        "content": snapshot.content,
        "xlen": snapshot.xlen,
        "parameters": snapshot.parameters,
        "hart": _hart(snapshot.mode, snapshot.hart),
        "others": [
            {"revision": it["revision"], **_hart(it["mode"], it["hart"])} for it in snapshot.others
        ],
        "memory": snapshot.memory,
        "ram_base": f"{RAM_BASE:#x}",
        "devices": [*snapshot.devices, *(["htif"] if snapshot.htif is not None else [])],
    }


def _hart(mode: str, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "mode": mode,
        "pc": f"{state['pc']:#x}",
        "steps": state["steps"],
        "trapped": state["trapped"],
        "sleeping": bool(state["sleeping"]),
    }


def _place(hart: dict[str, Any]) -> str:
    return f"{hart['pc']} in {hart['mode']}{', asleep' if hart['sleeping'] else ''}"
