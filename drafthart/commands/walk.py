"""`drafthart walk`: explain an address translation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from drafthart.arguments import Format, FormatOption
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.numbers import address
from drafthart.output import say, say_json
from drafthart.runtime.machine import Machine
from drafthart.runtime.resolved import resolved
from drafthart.runtime.snapshot import Snapshot, read_snapshot

EXAMPLES = (
    "drafthart walk later.snap --va 0x80100004",
    "drafthart walk later.snap --va 0x80100004 --as VS,store",
    "drafthart walk later.snap --va 0x80100004 --as hlvx --format json",
)

_MODES = ("M", "HS", "S", "U", "VS", "VU")
_ALIASES = {"VS-USER": "VU", "VS-SUPERVISOR": "VS"}


class _NoTerminal:
    """Nothing is typed, and nothing is shown: nothing runs."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        """No bytes."""
        return b""

    def write(self, data: bytes) -> None:
        """Show nothing."""


def walk(
    file: Annotated[
        Path, typer.Argument(metavar="SNAPSHOT", help="What `drafthart run --save` wrote.")
    ],
    virtual: Annotated[
        int,
        typer.Option(
            "--va", metavar="ADDR", parser=address, help="The virtual address to translate."
        ),
    ],
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="[MODE][,ACCESS]",
            help="For another mode (M, HS, U, VS, VU) than the hart is in, and for another access "
            "than a load: store, fetch, hlv, hlvx or hsv.",
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="FILE",
            help="The overlay of the run, unless it is one of Drafthart's.",
            show_default=False,
        ),
    ] = None,
    hart: Annotated[
        int, typer.Option("--hart", metavar="N", min=0, help="Of several harts, this one.")
    ] = 0,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Explain a two-stage translation step by step.

    Each page-table entry that is read is shown with the address where it lies, what is in it, and
    where it leads. Those of a guest lie in its own memory, so each of them is found through the
    second stage. At the end stands the physical address, or what refused it and the trap that it
    would be. The spec's own functions do the walk, those of the snapshot's revision; the snapshot
    stays as it is. No opt-in is needed: nothing runs.
    """
    from drafthart.runtime.walk import Walker

    mode, access = _as(as_)
    snapshot = read_snapshot(file)
    machine = _machine(snapshot, overlay)
    if hart >= len(machine.harts):
        count = len(machine.harts)
        raise DrafthartError(
            f"--hart {hart}: {file} has {count} hart{'s' * (count > 1)}, from 0 on"
        )
    found = Walker(machine, hart).walk(virtual, access, mode)
    from drafthart.walk_text import walk_data, walk_lines

    if format_ is Format.JSON:
        say_json({**snapshot.stability, **walk_data(found)})
        return
    stability = snapshot.stability
    say(
        f"{stability['revision']} ({stability['status']}), "
        f"after {snapshot.hart['steps']:,} instructions",
        *walk_lines(found),
    )


def _as(text: str | None) -> tuple[str | None, str]:
    """Mode and access that the option names."""
    from drafthart.runtime.walk import ACCESSES

    mode, access = None, "load"
    for word in filter(None, re.split(r"[, ]+", text or "")):
        upper = _ALIASES.get(word.upper(), word.upper().removesuffix("-MODE"))
        if upper in _MODES:
            mode = upper
        elif word.lower() in ACCESSES:
            access = word.lower()
        else:
            raise DrafthartError(
                f"--as {text}: {word!r} is neither a mode ({', '.join(_MODES)}) "
                f"nor an access ({', '.join(ACCESSES)})"
            )
    return mode, access


def _machine(snapshot: Snapshot, overlay: Path | None) -> Machine:
    """A machine in the state that was saved."""
    from drafthart.runtime.engines import python_engine

    isa = _isa(snapshot, snapshot.revision, overlay)
    others = [_isa(snapshot, it["revision"], overlay) for it in snapshot.others]
    machine = Machine(
        isa,
        python_engine(isa),
        memory=snapshot.memory,
        terminal=_NoTerminal(),
        others=[(other, python_engine(other)) for other in others],
        # Nothing will run: who saved it has opted in.
        stability=snapshot.stability,
    )
    snapshot.restore(machine)
    return machine


def _isa(snapshot: Snapshot, revision: str, overlay: Path | None) -> ISA:
    """The ISA of a hart, with the parameters of the run."""
    from drafthart.generator.spec.overlay import overlays
    from drafthart.generator.spec.texts import without_overlay

    bare = without_overlay(revision)
    paths = [overlay] if overlay is not None or bare == revision else overlays()
    for path in paths:
        isa = resolved(bare, xlen=snapshot.xlen, overlay=path)
        parameters = {
            name: value
            for name, value in snapshot.parameters.items()
            if name in isa.parameters and isa.parameters[name].value != value
        }
        if parameters:
            isa = resolved(bare, xlen=snapshot.xlen, overlay=path, parameters=parameters)
        if isa.id == revision:
            return isa
    raise DrafthartError(f"{snapshot.path}: is of {revision}; name its overlay with --overlay FILE")
