"""`drafthart bisect`: which change of the series makes a guest fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from drafthart.arguments import Format, FormatOption, complete_revision
from drafthart.bisect_text import Found, found_data, found_text, places_at
from drafthart.commands.compare import LIMIT, MEMORY, ImageArgument, LimitOption, MemoryOption
from drafthart.commands.console_options import text_of
from drafthart.commands.stability import AllowUnstableOption, admitted, announce, by_name
from drafthart.generator.diff.differences import between
from drafthart.generator.diff.path import State, states
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.series import open_series
from drafthart.output import advancing, say, say_json
from drafthart.runtime.bisection import Goal, Trial, Verdict, judge, require_range
from drafthart.runtime.bisection import bisect as search
from drafthart.runtime.boot import Images
from drafthart.runtime.files import read_file
from drafthart.runtime.gate import Stability, mixed, stability
from drafthart.runtime.processes import processes
from drafthart.runtime.resolved import resolved
from drafthart.runtime.side_by_side import Parting, side_by_side

EXAMPLES = (
    "drafthart bisect guest.elf --good h@0.6.1 --bad h@1.0 --allow-unstable h@0.6.1",
    "drafthart bisect guest.elf --good h@1.0 --bad h@0.6.1 --allow-unstable h@0.6.1 --exit 0",
    "drafthart bisect guest.elf --good h@0.6.1 --bad h@1.0 --allow-unstable h@0.6.1 --expect PASS",
)

Run = Callable[[Sequence[Trial]], list[Verdict]]


def bisect(
    image: ImageArgument,
    good: Annotated[
        str,
        typer.Option(
            "--good",
            metavar="REV",
            help="A revision under which the guest does well.",
            autocompletion=complete_revision,
            show_default=False,
        ),
    ],
    bad: Annotated[
        str,
        typer.Option(
            "--bad",
            metavar="REV",
            help="A revision under which it does not; older or newer.",
            autocompletion=complete_revision,
            show_default=False,
        ),
    ],
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect", metavar="TEXT", help="It does well if it prints TEXT.", show_default=False
        ),
    ] = None,
    exit_: Annotated[
        int | None,
        typer.Option(
            "--exit",
            metavar="N",
            min=0,
            help="It does well if it ends with status N [default: 0].",
            show_default=False,
        ),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(
            "--script",
            metavar="FILE",
            help="Call FILE with a revision and the image: status 0 is good, 125 unknown, "
            "others are bad.",
            show_default=False,
        ),
    ] = None,
    max_instructions: LimitOption = LIMIT,
    memory: MemoryOption = MEMORY,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Runs at the same time [default: one for each core].",
            show_default=False,
        ),
    ] = None,
    allow_unstable: AllowUnstableOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Name the one change between two revisions that makes a guest fail.

    Runs the guest in the states between the two, change by change of the series, and of the base
    where that changes. Then shows the change, where the runs before and after it part, and what
    of the program it touches. Opting in to the unratified ends, by name, opts in to the states
    between them. Each run is bounded by --max-instructions, and runs on the python engine.
    """
    goal = _goal(expect, exit_, script)
    read_file(image)
    allowed = allow_unstable or ()
    path = states(good, bad, open_series())
    first, last = _admitted(good, allowed), _admitted(bad, allowed)
    opt_in = require_range(first, last, allowed, [it.expression for it in path[1:-1]])
    told = mixed(first, last)
    announce(told)
    trials = [Trial(it.expression, image, goal, memory, max_instructions, opt_in) for it in path]
    with _runner(jobs or os.cpu_count() or 1) as (run, width):
        found = _search(path, trials, run, width, goal)
    if goal.script is None:
        found = _explained(found, image, memory, max_instructions, opt_in)
    if format_ is Format.JSON:
        say_json(found_data(found, told))
    else:
        say(*found_text(found))


def _goal(expect: str | None, status: int | None, script: Path | None) -> Goal:
    if sum(it is not None for it in (expect, status, script)) > 1:
        raise typer.BadParameter("give one of --expect, --exit and --script")
    if script is not None and not (script.is_file() and os.access(script, os.X_OK)):
        raise DrafthartError(f"{script}: is no program; check the path, and chmod +x it")
    text = text_of("--expect", expect).replace(b"\r", b"") if expect is not None else None
    if text == b"":
        raise DrafthartError("--expect: an empty text is always there; name one")
    return Goal(text, status or 0, script)


def _admitted(revision: str, allowed: Sequence[str]) -> Stability:
    with by_name(revision, allowed):
        isa = resolved(revision)
    return admitted(isa, allowed)


@contextmanager
def _runner(jobs: int) -> Iterator[tuple[Run, int]]:
    """What runs trials, and how many at once."""
    if jobs == 1:
        yield lambda trials: [judge(it) for it in trials], 1
        return
    with processes(jobs) as pool:
        yield lambda trials: list(pool.map(judge, trials)), jobs


def _search(path: list[State], trials: list[Trial], run: Run, width: int, goal: Goal) -> Found:
    if len(path) < 2:
        raise DrafthartError("--good and --bad are the same revision; name two")
    known: dict[int, Verdict] = {}
    with advancing("Running the guest") as begin:
        advance = begin(2 + len(path).bit_length())

        def ask(chosen: Sequence[int]) -> list[bool | None]:
            found = run([trials[it] for it in chosen])
            known.update(zip(chosen, found, strict=True))
            advance(1)
            return [it.good for it in found]

        ends = (0, len(path) - 1)
        ask(ends)
        for index, option, wanted in ((0, "--good", True), (len(path) - 1, "--bad", False)):
            verdict = known[index]
            if verdict.good is None:
                raise DrafthartError(f"{option} {path[index].expression}: {verdict.why}")
            if verdict.good is not wanted:
                does = "does well" if verdict.good else "does not do well"
                raise DrafthartError(
                    f"{option} {path[index].expression}: the guest {does} ({verdict.why}); "
                    "choose another revision, or another --expect, --exit or --script"
                )
        before, after = search(len(path), ask, width)
    return Found(path, before, after, known)


def _explained(found: Found, image: Path, memory: int, limit: int, opt_in: str) -> Found:
    """With where the runs part, and what that is in the program."""
    isas = tuple(resolved(path.expression) for path in (found.before, found.after))
    a, b = isas
    told = (stability(a, opt_in or None), stability(b, opt_in or None))
    with advancing("Comparing the two runs") as begin:
        begin(1)
        parted = side_by_side((a, b), told, Images(program=image), memory=memory, limit=limit)
    parting = parted if isinstance(parted, Parting) else None
    places: list[Any] = places_at(a, b, image, parting)
    return Found(
        found.path, found.good, found.bad, found.verdicts, between(a, b), parting, tuple(places)
    )
