"""`drafthart lockstep`: a real program here and elsewhere, up to the first difference."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drafthart.arguments import Format, FormatOption, OverlayOption, RevisionOption
from drafthart.commands.stability import AllowUnstableOption, admitted, announce, by_name
from drafthart.generator.errors import DrafthartError
from drafthart.numbers import integer
from drafthart.output import say, say_json, table
from drafthart.runtime.assigned import require_assigned
from drafthart.runtime.gate import Stability
from drafthart.runtime.resolved import resolved

if TYPE_CHECKING:
    from rich.table import Table

    from drafthart.conformance.lockstep.entry import Side
    from drafthart.conformance.lockstep.follow import Lockstep, Parting

EXAMPLES = (
    "drafthart lockstep --revision h@1.0 --target spike hello.elf",
    "drafthart lockstep --revision h@1.0 --target qemu hello.elf",
    "drafthart lockstep --revision h@1.0 --target trace:FILE hello.elf",
    "drafthart lockstep --revision h@1.0 --target gdb:HOST:PORT hello.elf",
    "drafthart lockstep --revision h@1.0 --target spike --ignore known.yaml hello.elf",
)

DIFFERENT = 1
"""The exit status where the sides differ."""
_TARGETS = "spike, qemu, trace:FILE or gdb:HOST:PORT"
_PATIENCE = 2.0
_ENDS = {
    "program": "the program ended",
    "trace": "the other side tells no more",
    "limit": "as many as were asked for",
    "asleep": "the hart sleeps, and nothing will wake it",
    "traps": "from here on it takes one trap after the other",
    "quit": "the run was left",
}


def lockstep(
    program: Annotated[Path, typer.Argument(metavar="ELF", help="The program to run.")],
    revision: RevisionOption,
    target: Annotated[
        str, typer.Option("--target", metavar="TARGET", help=f"The other side: {_TARGETS}.")
    ],
    ignore: Annotated[
        list[Path] | None,
        typer.Option(
            "--ignore", metavar="FILE", help="Differences to pass over, with reasons. May repeat."
        ),
    ] = None,
    max_instructions: Annotated[
        int | None,
        typer.Option("--max-instructions", metavar="N", min=1, help="Compare N at most."),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="S", min=0.1, help="Seconds a target may be silent."),
    ] = 10,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PARAM=VALUE", help="Choose a parameter. May be repeated."),
    ] = None,
    allow_unstable: AllowUnstableOption = None,
    overlay: OverlayOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Run a program here and on another side, and stop at the first difference.

    Each instruction of the revision is held against what the simulator, the trace or the target
    behind a gdb stub tells of it. The exit status is 0 if they agree to the end, 1 at a difference.
    """
    parameters = {}
    for setting in settings or ():
        name, _, text = setting.partition("=")
        value = integer(text)
        if not name or value is None:
            raise DrafthartError(f"--set {setting}: write PARAM=VALUE, such as GEILEN=3")
        parameters[name] = value
    allowed = allow_unstable or ()
    with by_name(revision, allowed):
        isa = resolved(revision, parameters=parameters, overlay=overlay)
    stability = admitted(isa, allowed)
    require_assigned(isa)
    if not program.is_file():
        raise DrafthartError(f"{program}: no such file; name an ELF file")
    from drafthart.conformance.lockstep.follow import follow
    from drafthart.conformance.lockstep.ignored import read_ignored

    ignored = [it for path in ignore or () for it in read_ignored(path)]
    side = _side(target, program, timeout)
    try:
        announce(stability)
        with _progress() as progress:
            result = follow(
                isa,
                program,
                side,
                stability,
                ignored=ignored,
                limit=max_instructions,
                progress=progress,
            )
    finally:
        side.close()
    if not result.instructions and result.parting is None:
        raise DrafthartError(f"{target}: told of no instruction: nothing was compared")
    if format_ is Format.JSON:
        say_json(_data(result, stability, side.name))
    else:
        _show(result, stability, side.name)
    raise typer.Exit(DIFFERENT if result.parting is not None else 0)


def _side(target: str, program: Path, timeout: float) -> Side:
    from drafthart.conformance.gdb_remote import GdbRemote
    from drafthart.conformance.lockstep.simulators import GdbSide, QemuSide, SpikeSide
    from drafthart.conformance.lockstep.traces import TraceSide
    from drafthart.runtime.gdb.connection import parse_address

    kind, _, rest = target.partition(":")
    if target == "spike":
        return SpikeSide(program, timeout=timeout)
    if target == "qemu":
        return QemuSide(program, timeout=timeout)
    if kind == "trace" and rest:
        return TraceSide(Path(rest))
    if kind == "gdb" and rest:
        return GdbSide(GdbRemote(*parse_address(rest), timeout=timeout), target)
    raise DrafthartError(f"--target {target}: is none of {_TARGETS}")


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """The number of instructions on stderr, once it takes more than two seconds."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None, visible=False)
        start = time.monotonic()
        yield lambda done: bar.update(
            task,
            description=f"{done:,} instructions agree",
            visible=time.monotonic() - start > _PATIENCE,
        )


def _data(result: Lockstep, stability: Stability, side: str) -> dict[str, object]:
    parting = result.parting
    data: dict[str, object] = {
        **stability,
        "stability": stability,
        "target": side,
        "agree": parting is None,
        "instructions": result.instructions,
        "ended": result.ended,
        "tolerated": [
            {"what": what, "reason": reason, "times": times}
            for (what, reason), times in sorted(result.tolerated.items())
        ],
    }
    if parting is not None:
        found = asdict(parting)
        found["pc"], found["word"] = f"{parting.pc:#x}", f"{parting.word:#x}"
        found["rules"] = [
            {"id": f"rule:{id_}", "section": section, "summary": summary}
            for id_, section, summary in parting.rules
        ]
        data["difference"] = found
    return data


def _show(result: Lockstep, stability: Stability, side: str) -> None:
    head = f"{stability['revision']} ({stability['status']}) beside {side}: "
    parting = result.parting
    if parting is None:
        say(f"{head}the same for {result.instructions:,} instructions; {_ENDS[result.ended]}")
    else:
        say(f"{head}they differ at instruction {result.instructions:,}", *_lines(parting))
    if result.tolerated:
        rows = [
            (what, f"{times:,}", reason)
            for (what, reason), times in sorted(result.tolerated.items())
        ]
        say("", "tolerated:", table(["what", "times", "why"], rows))


def _lines(parting: Parting) -> Iterator[str | Table]:
    if parting.before:
        yield from ("", "before:", *(f"  {line}" for line in parting.before))
    where = f", {parting.source} there" if parting.source else ""
    yield from ("", f"{parting.mode}, {parting.pc:#x}:  {parting.text}{where}", "")
    yield table(
        ["what", "here", "there"], [(it.what, it.here, it.there) for it in parting.differing]
    )
    if parting.asynchronous:
        yield f"asynchronous? {parting.asynchronous} (docs/lockstep.md)"
    if parting.trap:
        yield f"last trap here: {parting.trap}"
    if parting.items:
        yield from ("", f"items: {' '.join(parting.items)}")
    if parting.rules:
        yield "rules:"
        for id_, section, summary in parting.rules:
            yield f"  rule:{id_}  ({section})"
            yield f"    {summary}"
