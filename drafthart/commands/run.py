"""`drafthart run`: run software on a revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from drafthart.arguments import OverlayOption, RevisionOption
from drafthart.commands.compare_option import CompareOption, compare_instead
from drafthart.commands.console_menu import KEYS, Menu
from drafthart.commands.console_options import (
    UNEXPECTED,
    ConsoleOption,
    ConsoleOptions,
    ExpectOption,
    TimeoutOption,
    TypeOption,
)
from drafthart.commands.engine_choice import EngineOption, LockstepOption, choose_engine
from drafthart.commands.explain_traps import (
    ExplainTraps,
    ExplainTrapsAllOption,
    ExplainTrapsJsonOption,
    ExplainTrapsLimitOption,
    ExplainTrapsOption,
    ExplainTrapsToOption,
)
from drafthart.commands.harts_options import (
    HartRevisionOption,
    QuantumOption,
    SmpOption,
    isas_of_harts,
)
from drafthart.commands.machine_options import (
    AppendOption,
    BiosOption,
    DiskModeOption,
    DiskOption,
    DtbOption,
    InitrdOption,
    KernelOption,
    MemoryOption,
    RealtimeOption,
    TickOption,
    VirtioConsoleOption,
    open_disks,
    tick_rate,
)
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
    write_snapshot,
)
from drafthart.commands.signature_option import (
    SignatureOption,
    SignatureWidthOption,
    signature_of,
)
from drafthart.commands.stability import AllowUnstableOption, admitted, announce, by_name
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.numbers import integer
from drafthart.output import writing
from drafthart.panels import INSIDE, MACHINE
from drafthart.runtime.assigned import require_assigned
from drafthart.runtime.boot import Images
from drafthart.runtime.engine import EngineDifferenceError
from drafthart.runtime.gate import mixed
from drafthart.runtime.machine import QUANTUM, Machine, Outcome
from drafthart.runtime.resolved import resolved

EXAMPLES = (
    "drafthart run --revision h@1.0 hello.elf",
    "drafthart run --revision h@1.0~1 --allow-unstable h@1.0~1 hello.elf",
    "drafthart run --revision h@1.0 --log-commits hello.log hello.elf",
    "drafthart run --revision h@1.0 --set GEILEN=3 --memory 64M hello.elf",
    "drafthart run --revision h@1.0 --engine both hello.elf",
    "drafthart run --revision h@1.0 --smp 2 hello.elf",
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
    context: typer.Context,
    revision: RevisionOption = "",
    program: Annotated[
        Path | None,
        typer.Argument(metavar="ELF", help="The program to run.", show_default=False),
    ] = None,
    bios: BiosOption = None,
    kernel: KernelOption = None,
    initrd: InitrdOption = None,
    append: AppendOption = "",
    dtb: DtbOption = None,
    memory: MemoryOption = None,
    instructions_per_tick: TickOption = None,
    smp: SmpOption = None,
    quantum: QuantumOption = None,
    hart_revision: HartRevisionOption = None,
    realtime: RealtimeOption = False,
    disk: DiskOption = None,
    disk_mode: DiskModeOption = "write",
    virtio_console: VirtioConsoleOption = False,
    max_instructions: Annotated[
        int | None,
        typer.Option(
            "--max-instructions",
            metavar="N",
            min=1,
            help=f"Stop after N, with status {UNFINISHED}.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    log_commits: Annotated[
        Path | None,
        typer.Option(
            "--log-commits",
            metavar="FILE",
            help="Write what each instruction did.",
            rich_help_panel=INSIDE,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PARAM=VALUE", help="Choose a parameter. May be repeated."),
    ] = None,
    allow_unstable: AllowUnstableOption = None,
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
    explain_traps: ExplainTrapsOption = False,
    explain_traps_to: ExplainTrapsToOption = None,
    explain_traps_json: ExplainTrapsJsonOption = None,
    explain_traps_all: ExplainTrapsAllOption = False,
    explain_traps_limit: ExplainTrapsLimitOption = None,
    console: ConsoleOption = None,
    expect: ExpectOption = None,
    type_: TypeOption = None,
    timeout_instructions: TimeoutOption = None,
    compare: CompareOption = None,
    signature: SignatureOption = None,
    signature_granularity: SignatureWidthOption = None,
    dump_state: Annotated[
        bool,
        typer.Option(
            "--dump-state", help="Print the registers and CSRs at the end.", rich_help_panel=INSIDE
        ),
    ] = False,
) -> None:
    """Run a program, or firmware and a kernel.

    The machine is like QEMU's virt. The exit status is the guest's: by tohost of Spike's
    convention, or by the test finisher. Ctrl-A x leaves. A revision that is not ratified needs
    --allow-unstable with its name, or `allow-unstable = [...]` in drafthart.toml. One with CSRs or
    instructions that have no number needs an --overlay that gives them some.
    """
    if compare is not None:
        images = Images(program, bios, kernel, dtb, append, initrd)
        allowed = allow_unstable or ()
        status = compare_instead(context, compare, images, memory, max_instructions, allowed)
        raise typer.Exit(status)
    if not revision:
        raise DrafthartError("missing option '--revision'; name one, such as --revision h@1.0")
    talk = ConsoleOptions(console, expect or (), type_ or (), timeout_instructions)
    session = Session(
        save,
        save_at,
        gdb,
        profile,
        profile_json,
        profile_folded,
        profile_every,
        talk.limit(max_instructions),
    )
    traps = ExplainTraps(
        explain_traps, explain_traps_to, explain_traps_json, explain_traps_all, explain_traps_limit
    )
    snapshot = snapshot_to_restore(restore, memory)
    parameters = _parameters(settings or ())

    def other(expression: str) -> ISA:
        with by_name(expression, allow_unstable or ()):
            names = resolved(expression, overlay=overlay).parameters
            known = {name: value for name, value in parameters.items() if name in names}
            return resolved(expression, parameters=known, overlay=overlay)

    with by_name(revision, allow_unstable or ()):
        isa = resolve_for(snapshot, revision, parameters, overlay)
    isas = isas_of_harts(isa, smp, hart_revision or (), snapshot, other)
    kinds = {it.id: it for it in isas}.values()
    if gdb is not None and len(kinds) > 1:
        raise DrafthartError("--gdb: gdb takes all harts to be alike; leave --hart-revision out")
    marks = [admitted(it, allow_unstable or ()) for it in kinds]
    stability = mixed(*marks)
    stability["revision"] = ", ".join(it.id for it in kinds)
    if not allow_unassigned:
        for it in kinds:
            require_assigned(it)
    terminal = talk.open({} if gdb else KEYS)
    shown = terminal.shown
    ram = snapshot.memory if snapshot else memory or _MEMORY
    engines = {
        it.id: choose_engine(
            it, engine, lockstep_every, python_for="--log-commits" if log_commits else None
        )
        for it in kinds
    }
    machine = Machine(
        isa,
        engines[isa.id],
        memory=ram,
        terminal=shown,
        instructions_per_tick=tick_rate(instructions_per_tick, realtime),
        disks=open_disks(disk, disk_mode, save is not None),
        console=virtio_console,
        realtime=realtime,
        stability=stability,
        others=[(it, engines[it.id]) for it in isas[1:]],
        quantum=quantum or QUANTUM,
    )
    images = Images(program, bios, kernel, dtb, append, initrd)
    with ExitStack() as stack:
        listener = session.listen()
        if listener is not None:
            stack.callback(listener.close)
        log = None
        if log_commits is not None:
            log = stack.enter_context(writing(log_commits, keep=True))
        start(machine, images, snapshot)
        left = signature_of(signature, signature_granularity, machine)
        if log is not None:
            from drafthart.runtime.commit_log import CommitLog

            CommitLog(machine, log, stability)
        announce(mixed(*marks))
        try:
            with traps.watching(machine, stability), terminal.opened(machine) as keys:
                outcome = session.run(
                    machine,
                    shown,
                    stability,
                    listener,
                    Menu(
                        keys,
                        machine,
                        save,
                        lambda path: write_snapshot(path, machine, stability),
                        told=traps.wanted_at_all,
                    ),
                )
                if engine == "both":
                    from drafthart.runtime.both_engine import BothEngine

                    assert isinstance(machine.engine, BothEngine)
                    machine.engine.check_memory()
        except EngineDifferenceError as difference:
            typer.echo(f"drafthart: {difference}", err=True)
            raise typer.Exit(DIFFERENT) from None
    if left is not None:
        left.write_after(machine, outcome)
    if dump_state:
        for line in _state(machine):
            typer.echo(line)
    status = _status(outcome)
    if outcome.reason != "interrupted" and (missed := terminal.missed()):
        status = UNEXPECTED
        for line in missed:
            typer.echo(line, err=True)
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
    for number, hart in enumerate(machine.harts):
        if len(machine.harts) > 1:
            yield f"hart {number}"
        yield from _state_of(machine.isas[number], hart)


def _state_of(isa: ISA, hart: Any) -> Iterator[str]:
    from drafthart.generator.assembly.registers import ABI_NAMES

    digits = isa.xlen // 4
    yield f"pc {hart.pc:#0{digits + 2}x}"
    for number, value in enumerate(hart.x):
        yield f"x{number}/{ABI_NAMES[number]} {value:#0{digits + 2}x}"
    for state in isa.state.values():
        value = getattr(hart, state.name)
        yield f"{state.name} {list(value) if state.count else value}"
    for number, csr in sorted(isa.csr_at.items()):
        value = hart.csr_read(number)
        if value:
            yield f"{csr.name} {value:#0{digits + 2}x}"
