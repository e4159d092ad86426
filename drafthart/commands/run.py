"""`drafthart run`: run software on a revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from drafthart.arguments import OverlayOption, RevisionOption, complete_revision
from drafthart.commands.engine_choice import EngineOption, LockstepOption, choose_engine
from drafthart.commands.run_session import (
    INTERRUPTED,
    GdbOption,
    ProfileEveryOption,
    ProfileFoldedOption,
    ProfileJsonOption,
    ProfileOption,
    RestoreOption,
    SaveAtOption,
    SaveOption,
    Session,
    resolve_for,
    snapshot_to_restore,
    start,
)
from drafthart.generator.errors import DrafthartError
from drafthart.last_line import LastLine
from drafthart.numbers import integer, size
from drafthart.output import writing
from drafthart.runtime.assigned import require_assigned
from drafthart.runtime.console import Console
from drafthart.runtime.engine import EngineDifferenceError
from drafthart.runtime.gate import require_stable_or_opted_in
from drafthart.runtime.machine import Images, Machine, Outcome

EXAMPLES = (
    "drafthart run --revision h@1.0 hello.elf",
    "drafthart run --revision h@0.6.1 --allow-unstable h@0.6.1 hello.elf",
    "drafthart run --revision h@1.0 --log-commits hello.log hello.elf",
    "drafthart run --revision h@1.0 --set GEILEN=3 --memory 64M hello.elf",
    "drafthart run --revision h@1.0 --engine both hello.elf",
    "drafthart run --revision h@1.0 --save a.snap --save-at 20 hello.elf",
    "drafthart run --revision h@1.0 --restore a.snap",
    "drafthart run --revision h@1.0 --gdb :1234 hello.elf",
    "drafthart run --revision h@1.0 --profile --profile-every 1 hello.elf",
)

_MEMORY = 256 << 20

UNFINISHED = 124
"""The exit status where the guest did not end the run; that of coreutils' `timeout`."""
DIFFERENT = 3
"""The exit status where the engines differ."""


def run(
    revision: RevisionOption,
    program: Annotated[
        Path | None,
        typer.Argument(metavar="ELF", help="The program to run.", show_default=False),
    ] = None,
    bios: Annotated[
        Path | None,
        typer.Option("--bios", metavar="FILE", help="Firmware that starts the kernel or program."),
    ] = None,
    kernel: Annotated[
        Path | None, typer.Option("--kernel", metavar="FILE", help="What the firmware starts.")
    ] = None,
    dtb: Annotated[
        Path | None,
        typer.Option("--dtb", metavar="FILE", help="A device tree instead of the machine's own."),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            parser=size,
            help="RAM: bytes, or with K, M or G [default: 256M].",
            show_default=False,
        ),
    ] = None,
    max_instructions: Annotated[
        int | None,
        typer.Option(
            "--max-instructions",
            metavar="N",
            min=1,
            help=f"Stop after N, with status {UNFINISHED}.",
        ),
    ] = None,
    log_commits: Annotated[
        Path | None,
        typer.Option("--log-commits", metavar="FILE", help="Write what each instruction did."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PARAM=VALUE", help="Choose a parameter. May be repeated."),
    ] = None,
    allow_unstable: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-unstable",
            metavar="REV",
            help="Run this revision although it is not ratified. May be repeated.",
            autocompletion=complete_revision,
        ),
    ] = None,
    allow_unassigned: Annotated[
        bool,
        typer.Option(
            "--allow-unassigned",
            help="Run although the revision leaves items without number: nothing can reach them.",
        ),
    ] = False,
    overlay: OverlayOption = None,
    engine: EngineOption = None,
    lockstep_every: LockstepOption = None,
    save: SaveOption = None,
    save_at: SaveAtOption = None,
    restore: RestoreOption = None,
    gdb: GdbOption = None,
    profile: ProfileOption = False,
    profile_json: ProfileJsonOption = None,
    profile_folded: ProfileFoldedOption = None,
    profile_every: ProfileEveryOption = None,
    dump_state: Annotated[
        bool, typer.Option("--dump-state", help="Print the registers and CSRs at the end.")
    ] = False,
) -> None:
    """Run a program, or firmware and a kernel.

    The machine is like QEMU's virt. The exit status is the guest's: by tohost of Spike's
    convention, or by the test finisher. Ctrl-A x leaves. A revision that is not ratified needs
    --allow-unstable with its name, or `allow-unstable = [...]` in drafthart.toml. One with CSRs or
    instructions that have no number needs an --overlay that gives them some.
    """
    session = Session(
        save, save_at, gdb, profile, profile_json, profile_folded, profile_every, max_instructions
    )
    snapshot = snapshot_to_restore(restore, memory)
    isa = resolve_for(snapshot, revision, _parameters(settings or ()), overlay)
    stability = require_stable_or_opted_in(isa, allow_unstable or ())
    if not allow_unassigned:
        require_assigned(isa)
    terminal = Console()
    shown = LastLine(terminal)
    ram = snapshot.memory if snapshot else memory or _MEMORY
    chosen = choose_engine(
        isa, engine, lockstep_every, python_for="--log-commits" if log_commits else None
    )
    machine = Machine(isa, chosen, memory=ram, terminal=shown)
    images = Images(program, bios, kernel, dtb)
    with ExitStack() as stack:
        listener = session.listen()
        if listener is not None:
            stack.callback(listener.close)
        log = None
        if log_commits is not None:
            log = stack.enter_context(writing(log_commits, keep=True))
        start(machine, images, snapshot)
        if log is not None:
            from drafthart.runtime.commit_log import CommitLog

            CommitLog(machine, log, stability)
        try:
            with terminal:
                outcome = session.run(machine, shown, stability, listener)
                if engine == "both":
                    from drafthart.runtime.both_engine import BothEngine

                    assert isinstance(machine.engine, BothEngine)
                    machine.engine.check_memory()
        except EngineDifferenceError as difference:
            typer.echo(f"drafthart: {difference}", err=True)
            raise typer.Exit(DIFFERENT) from None
    if dump_state:
        for line in _state(machine):
            typer.echo(line)
    status = _status(outcome)
    if status not in (0, INTERRUPTED):
        from drafthart.ending import told

        for line in told(machine, outcome, shown.text, images):
            typer.echo(line, err=True)
    raise typer.Exit(status)


def _parameters(settings: Sequence[str]) -> dict[str, int]:
    parameters = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        value = integer(text)
        if not name or value is None:
            raise DrafthartError(f"--set {setting}: write PARAM=VALUE, such as GEILEN=3")
        parameters[name] = value
    return parameters


def _status(outcome: Outcome) -> int:
    if outcome.reason == "exit":
        # The system keeps 8 bits: 256 must not look like success.
        return min(outcome.status, 255) if outcome.status >= 0 else 255
    return {"quit": 0, "interrupted": INTERRUPTED}.get(outcome.reason, UNFINISHED)


def _state(machine: Machine) -> Iterator[str]:
    """A line each for pc, registers, the hart's state, and the CSRs that are not zero."""
    from drafthart.generator.assembly.registers import ABI_NAMES

    isa = machine.isa
    hart: Any = machine.hart
    digits = isa.xlen // 4
    yield f"pc {hart.pc:#0{digits + 2}x}"
    for number, value in enumerate(hart.x):
        yield f"x{number}/{ABI_NAMES[number]} {value:#0{digits + 2}x}"
    for state in isa.state.values():
        yield f"{state.name} {getattr(hart, state.name)}"
    for number, csr in sorted(isa.csr_at.items()):
        value = hart.csr_read(number)
        if value:
            yield f"{csr.name} {value:#0{digits + 2}x}"
