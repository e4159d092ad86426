"""What `drafthart run` does beside running: snapshots, debugging, profiles."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.output import as_json, say, table, track, write_file, writing
from drafthart.panels import INSIDE, SNAPSHOTS
from drafthart.runtime.boot import Images
from drafthart.runtime.gate import Stability
from drafthart.runtime.machine import Machine, Outcome, Terminal
from drafthart.runtime.resolved import resolved

if TYPE_CHECKING:
    from rich.table import Table

    from drafthart.commands.console_menu import Menu
    from drafthart.runtime.gdb.connection import Listener
    from drafthart.runtime.profile import Row, Sampler, Tracer
    from drafthart.runtime.snapshot import Snapshot

INTERRUPTED = 130
"""The exit status after Ctrl-C."""
_SHOWN = 40
"""Rows of a profile's table."""
_EVERY = 997
"""A prime: a loop whose length divides the period would show in one place only."""

SaveOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="FILE",
        help="Write a snapshot when the run ends, or stops.",
        rich_help_panel=SNAPSHOTS,
    ),
]
SaveAtOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--save-at",
        metavar="N",
        min=0,
        help="Write it when N instructions have run since the boot, and go on.",
        rich_help_panel=SNAPSHOTS,
    ),
]
RestoreOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--restore",
        metavar="FILE",
        help="Go on from a snapshot; programs are for symbols.",
        rich_help_panel=SNAPSHOTS,
    ),
]
GdbOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--gdb",
        metavar="[HOST]:PORT",
        help="Wait for gdb, and let it debug. Port 0: any free.",
        rich_help_panel=INSIDE,
    ),
]
ProfileOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--profile", help="Show which functions took the instructions.", rich_help_panel=INSIDE
    ),
]
ProfileJsonOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--profile-json", metavar="FILE", help="Write that table as JSON.", rich_help_panel=INSIDE
    ),
]
ProfileFoldedOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--profile-folded",
        metavar="FILE",
        help="Write call stacks for flame graphs; counts each instruction.",
        rich_help_panel=INSIDE,
    ),
]
ProfileEveryOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--profile-every",
        metavar="N",
        min=1,
        help=f"Sample every N instructions; 1 counts each [default: {_EVERY}].",
        show_default=False,
        rich_help_panel=INSIDE,
    ),
]


@dataclass(frozen=True, slots=True)
class Session:
    """The options. Raises DrafthartError where they do not go together."""

    save: Path | None
    save_at: int | None
    gdb: str | None
    profile: bool
    profile_json: Path | None
    profile_folded: Path | None
    profile_every: int | None
    max_instructions: int | None

    def __post_init__(self) -> None:
        if self.save_at is not None and self.save is None:
            raise DrafthartError("--save-at: says when and not where; add --save FILE")
        if self.profile_every is not None and not self.profiles:
            raise DrafthartError("--profile-every: there is no profile; add --profile")
        if self.profile_folded is not None and (self.profile_every or 1) > 1:
            raise DrafthartError(
                "--profile-folded: follows each call, so it cannot sample; "
                "leave --profile-every out"
            )
        if self.gdb is not None:
            from drafthart.runtime.gdb.connection import parse_address

            parse_address(self.gdb)
            for name, value in (
                ("--max-instructions", self.max_instructions),
                ("--save-at", self.save_at),
                ("--profile", self.profiles or None),
            ):
                if value is not None:
                    raise DrafthartError(f"{name}: does not go with --gdb; leave one of them out")
        for path in (self.save, self.profile_json, self.profile_folded):
            # Better now than when the run is over.
            if path is not None and not os.access(path.resolve().parent, os.W_OK):
                raise DrafthartError(f"{path}: cannot be written; check the path")

    @property
    def profiles(self) -> bool:
        """Is there a profile to make?"""
        return self.profile or self.profile_json is not None or self.profile_folded is not None

    def run(
        self,
        machine: Machine,
        terminal: Terminal,
        stability: Stability,
        listener: Listener | None,
        menu: Menu,
    ) -> Outcome:
        """Run the machine to its end, or to Ctrl-C if there is something to write then."""
        if listener is not None:
            from drafthart.runtime.gdb.server import Server

            outcome = Server(machine, terminal, listener, _tell).run()
        else:
            outcome = _Run(self, machine, stability, menu).run()
        if self.save is not None and self.save_at is None:
            write_snapshot(self.save, machine, stability)
        return outcome

    def listen(self) -> Listener | None:
        """The socket for gdb, if one is asked for."""
        if self.gdb is None:
            return None
        from drafthart.runtime.gdb.connection import Listener, parse_address

        return Listener(*parse_address(self.gdb))


class _Run:
    """A run that stops on its way, to save and to sample."""

    def __init__(
        self, session: Session, machine: Machine, stability: Stability, menu: Menu
    ) -> None:
        self._session = session
        self._menu = menu
        self._machine = machine
        self._stability = stability
        every = session.profile_every or (1 if session.profile_folded else _EVERY)
        self._tracer: Tracer | None = None
        self._sampler: Sampler | None = None
        if session.profiles:
            from drafthart.runtime.profile import Sampler, Tracer

            if every == 1:
                self._tracer = Tracer(machine)
            else:
                self._sampler = Sampler(machine, every)

    def run(self) -> Outcome:
        session = self._session
        interruptible = session.save is not None or session.profiles
        with _interrupts(self._machine) if interruptible else _nothing() as interrupted:
            outcome = self._to_the_end(interrupted)
        if session.save_at is not None and outcome.steps < session.save_at:
            raise DrafthartError(
                f"{session.save}: was not written, as the run ended after {outcome.steps} "
                f"instructions, before --save-at {session.save_at}"
            )
        self._report(outcome)
        return outcome

    def _to_the_end(self, interrupted: Callable[[], bool]) -> Outcome:
        machine, session = self._machine, self._session
        start = machine.steps
        end = None if session.max_instructions is None else start + session.max_instructions
        save_at = session.save_at
        if save_at is not None and save_at < start:
            raise DrafthartError(
                f"--save-at {save_at}: the snapshot is of {start} instructions; name a later one"
            )
        menu = self._menu

        def stop() -> bool:
            return menu.asked() or interrupted()

        sample_at = None if self._sampler is None else start + self._sampler.every
        while True:
            goals = [goal for goal in (end, save_at, sample_at) if goal is not None]
            steps = machine.steps
            outcome = machine.run(min(goals) - steps if goals else None, interrupted=stop)
            if outcome.reason == "interrupted" and menu.asked():
                menu.serve()
                continue
            if outcome.reason != "limit":
                return outcome
            if outcome.steps == save_at and session.save is not None:
                write_snapshot(session.save, machine, self._stability)
                save_at = None
            if self._sampler is not None and outcome.steps == sample_at:
                self._sampler.sample()
                sample_at = outcome.steps + self._sampler.every
            if outcome.steps == end:
                return outcome

    def _report(self, outcome: Outcome) -> None:
        source = self._tracer or self._sampler
        if source is None:
            return
        session, rows = self._session, source.rows()
        every = 1 if self._sampler is None else self._sampler.every
        if session.profile_json is not None:
            data = {
                **self._stability,
                "stability": self._stability,
                "every": every,
                "instructions": sum(row.instructions for row in rows),
                "functions": [
                    {"function": it.function, "mode": it.mode, "instructions": it.instructions}
                    for it in rows
                ],
            }
            write_file(session.profile_json, as_json(data))
        if session.profile_folded is not None and self._tracer is not None:
            write_file(session.profile_folded, _folded(self._tracer, self._stability))
        if session.profile:
            say(*_table(rows, every, outcome, self._stability))


def _folded(tracer: Tracer, stability: Stability) -> str:
    """Stacks as flame-graph viewers read them; below an unratified revision, which it names."""
    root = "" if stability["status"] == "ratified" else f"{_tag(stability)};"
    return "".join(
        f"{root}{';'.join(name.replace(';', ':') for name in stack)} {count}\n"
        for stack, count in tracer.stacks()
    )


def _table(
    rows: list[Row], every: int, outcome: Outcome, stability: Stability
) -> Iterator[str | Table]:
    total = sum(row.instructions for row in rows)
    how = "each counted" if every == 1 else f"sampled every {every}"
    tag = "" if stability["status"] == "ratified" else f"  {_tag(stability)}"
    yield f"profile: {total} instructions, {how}{tag}"
    if not rows:
        yield f"only {outcome.steps} ran; count each with --profile-every 1"
        return
    modes: Counter[str] = Counter()
    for row in rows:
        modes[row.mode] += row.instructions
    yield "  ".join(f"{mode} {_share(count, total)}" for mode, count in modes.most_common())
    yield ""
    shown = [
        (str(it.instructions).rjust(12), _share(it.instructions, total), it.mode, it.function)
        for it in rows[:_SHOWN]
    ]
    yield table(("instructions", " share", "mode", "function"), shown)
    if len(rows) > _SHOWN:
        rest = sum(row.instructions for row in rows[_SHOWN:])
        yield f"{rest:12}  {_share(rest, total)}        {len(rows) - _SHOWN} more"


def _tag(stability: Stability) -> str:
    return f"{stability['revision']} ({stability['status']})"


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:5.1f}%"


def start(machine: Machine, images: Images, snapshot: Snapshot | None) -> None:
    """Boot the images, or go on from the snapshot; the images then tell symbols only."""
    if snapshot is None:
        machine.boot(images)
        return
    if images.program is not None or images.bios is not None:
        machine.boot(images)
    snapshot.restore(machine)


def resolve_for(
    snapshot: Snapshot | None, revision: str, chosen: Mapping[str, int], overlay: Path | None
) -> ISA:
    """The ISA of a run: with the parameters of the snapshot that it goes on from, if any."""
    isa = resolved(revision, parameters=chosen, overlay=overlay)
    if snapshot is None:
        return isa
    snapshot.require_revision(isa)
    kept = {
        name: value
        for name, value in snapshot.parameters.items()
        if name not in chosen and name in isa.parameters and isa.parameters[name].value != value
    }
    if kept:
        isa = resolved(revision, parameters={**kept, **chosen}, overlay=overlay)
    snapshot.require_same(isa)
    return isa


def snapshot_to_restore(path: Path | None, memory: int | None) -> Snapshot | None:
    """The snapshot at `path`; DrafthartError if it has not as much memory as asked for."""
    if path is None:
        return None
    from drafthart.runtime.snapshot import read_snapshot

    snapshot = read_snapshot(path)
    if memory is not None and memory != snapshot.memory:
        raise DrafthartError(
            f"{path}: has {snapshot.memory} bytes of RAM; leave --memory out, or give as many"
        )
    return snapshot


def write_snapshot(path: Path, machine: Machine, stability: Stability) -> None:
    """Write a snapshot, whole or not at all."""
    from drafthart.runtime.snapshot import save_snapshot

    with writing(path) as file:
        save_snapshot(machine, file, stability, lambda blocks: track(blocks, "Saving"))


def _tell(text: str) -> None:
    typer.echo(f"drafthart: {text}", err=True)


@contextmanager
def _interrupts(machine: Machine) -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends the run between two instructions, so that there is a state to save.

    The second one ends the process as ever.
    """
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        machine.hart.attention()

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _nothing() -> Iterator[Callable[[], bool]]:
    yield lambda: False
