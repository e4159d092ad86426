"""`drafthart campaign`: many targets, revisions and probes, over processes or a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.arguments import Format, FormatOption, complete_revision
from drafthart.campaign_report import (
    as_data,
    as_text,
    jobs,
    status_as_data,
    status_as_text,
    succeeded,
)
from drafthart.commands.stability import AllowUnstableOption, admitted, announce, by_name
from drafthart.commands.validate import ReportFormat, complete_target
from drafthart.conformance.campaign.campaign import Scheduler, count, prepare
from drafthart.conformance.campaign.campaign import run as run_jobs
from drafthart.conformance.campaign.job import Job
from drafthart.conformance.campaign.local import run_locally
from drafthart.conformance.campaign.outcome import outcomes
from drafthart.conformance.campaign.plan import Plan, named, plan_from, plan_of, read_plan
from drafthart.conformance.campaign.store import open_store
from drafthart.generator.errors import DrafthartError
from drafthart.output import advancing, say, say_json, track
from drafthart.runtime.engines import has_compiler, native_engine
from drafthart.runtime.resolved import resolved
from drafthart.validate_report import rendered

EXAMPLES = (
    "drafthart campaign run nightly.yaml --store nightly.db",
    "drafthart campaign status nightly.db",
    "drafthart campaign report nightly.db",
)
_MANY = 5000
"""Probes beside a revision from which compiling the native engine takes less than it saves."""

app = typer.Typer(
    name="campaign",
    help="Run probes of many revisions on many targets, as jobs whose results are kept.\n\n"
    "Each job's result is stored as it arrives, so that a campaign can be stopped or killed and "
    "resumed, and what changes runs again alone. See docs/campaign.md.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="\n".join(["\b", "Examples:", *(f"  {it}" for it in EXAMPLES)]),
)

StoreArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="STORE", help="The campaign's store.", show_default=False)
]
JobsOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        min=1,
        help="Jobs to run at a time [default: one for each processor].",
        show_default=False,
    ),
]
SchedulerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Run on the Dask cluster whose scheduler is there: tcp://HOST:PORT.",
        show_default=False,
    ),
]
RetryLostOption: TypeAlias = Annotated[
    bool, typer.Option("--retry-lost", help="Run again the jobs that were given up.")
]


def command(*examples: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Registers a function as the command of its name, with examples in its help."""

    def register(function: Callable[..., int]) -> Callable[..., int]:
        lines = [f"  drafthart campaign {it}" for it in examples]
        app.command(function.__name__, epilog="\n".join(["\b", "Examples:", *lines]))(function)
        return function

    return register


@command(
    "run nightly.yaml --store nightly.db",
    "run --target qemu-7.2 --target spike --revision h@1.0 --store both.db",
    "run nightly.yaml --store nightly.db --scheduler tcp://10.0.0.1:8786",
)
def run(
    store: Annotated[
        Path,
        typer.Option(
            "--store", metavar="STORE", help="Where results are kept.", show_default=False
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The campaign, in YAML.", show_default=False),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="TARGET",
            help="In place of FILE: a target. May be repeated.",
            autocompletion=complete_target,
            show_default=False,
        ),
    ] = None,
    revision: Annotated[
        list[str] | None,
        typer.Option(
            "--revision",
            metavar="REV",
            help="In place of FILE: a revision. May be repeated.",
            autocompletion=complete_revision,
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="GROUP[/ITEM]",
            help="In place of FILE: these probes, with wildcards. May be repeated.",
            show_default=False,
        ),
    ] = None,
    jobs_: JobsOption = None,
    scheduler: SchedulerOption = None,
    retry_lost: RetryLostOption = False,
    allow_unstable: AllowUnstableOption = None,
) -> int:
    """Run every job that has no result in STORE yet.

    Where STORE has this campaign already, what has changed since is run again. The exit status is
    1 if a job had to be given up, 130 after Ctrl-C, which keeps what is finished.
    """
    plan = _plan(file, target or (), revision or (), only or ())
    return _run(plan, store, jobs_, scheduler, retry_lost, allow_unstable or (), new=True)


@command("resume nightly.db", "resume nightly.db --retry-lost")
def resume(
    store: StoreArgument,
    jobs_: JobsOption = None,
    scheduler: SchedulerOption = None,
    retry_lost: RetryLostOption = False,
    allow_unstable: AllowUnstableOption = None,
) -> int:
    """Go on with the campaign in STORE, with targets and probes as they were told then."""
    with open_store(store, to_write=False) as opened:
        plan = plan_from(opened.kept())
    return _run(plan, store, jobs_, scheduler, retry_lost, allow_unstable or (), new=False)


@command("status nightly.db", "status nightly.db --format json")
def status(store: StoreArgument, format_: FormatOption = Format.TEXT) -> int:
    """Show how far a campaign is, also while it runs."""
    with open_store(store, to_write=False) as opened:
        name, counts = opened.kept().name, count(opened)
    if format_ is Format.JSON:
        say_json(status_as_data(name, counts))
    else:
        say(*status_as_text(name, counts))
    return 0


@command(
    "report nightly.db",
    "report nightly.db --format json > nightly.json",
    "report nightly.db --target qemu-7.2 --revision h@1.0 --format html > qemu.html",
)
def report(
    store: StoreArgument,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="TARGET", help="This target alone.", show_default=False),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option("--revision", metavar="REV", help="This revision alone.", show_default=False),
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show known differences and legal choices too.")
    ] = False,
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="The form of the report.")
    ] = ReportFormat.TEXT,
) -> int:
    """Judge the results in STORE as `validate` does, without running a target.

    The exit status is 0 if all came to an end and conforms, 1 if not, and 2 for an error.
    """
    with open_store(store, to_write=False) as opened:
        name = opened.kept().name
        found = list(outcomes(opened, track, target=target, revision=revision))
    if not found:
        asked = " beside ".join(filter(None, [target, revision]))
        raise DrafthartError(f"{store}: has no {asked}; see drafthart campaign status {store}")
    if format_ is ReportFormat.TEXT:
        say(*as_text(found, everything=show_all))
    elif format_ is ReportFormat.JSON:
        say_json(as_data(name, found))
    elif len(found) > 1:
        raise DrafthartError(
            f"--format {format_}: is of one target and revision; "
            "choose with --target and --revision"
        )
    else:
        (one,) = found
        if one.validation is None:
            raise DrafthartError(f"{store}: no job of this has come to an end; resume the campaign")
        typer.echo(rendered(one.validation, one.stability, format_, one.platform), nl=False)
    return 0 if succeeded(found) else 1


def _plan(
    file: Path | None, targets: Sequence[str], revisions: Sequence[str], only: Sequence[str]
) -> Plan:
    if file is not None:
        if targets or revisions or only:
            raise DrafthartError(f"{file}: says what to run; leave out the options, or the file")
        return read_plan(file)
    if not targets or not revisions:
        raise DrafthartError("FILE is missing; name one, or --target and --revision")
    name = f"{', '.join(targets)} beside {', '.join(revisions)}"
    return plan_of(
        {
            "name": f"{name}, only {', '.join(only)}" if only else name,
            "targets": [named(text, Path()) for text in targets],
            "revisions": revisions,
            "only": only,
        }
    )


def _run(
    plan: Plan,
    path: Path,
    workers: int | None,
    scheduler: str | None,
    retry_lost: bool,
    allowed: Sequence[str],
    *,
    new: bool,
) -> int:
    plan = _admitted(plan, allowed)
    with open_store(path, to_write=True, new=new) as store:
        left = prepare(plan, store, retry_lost=retry_lost)
        if scheduler is None:
            _require_here(left)
            _compile(left, plan)
        try:
            with advancing("running jobs") as begin:
                advance = begin(len(left))
                run_jobs(
                    left,
                    store,
                    _scheduler(plan, workers, scheduler),
                    partial(advance, 1),
                )
        except KeyboardInterrupt:
            after = count(store).values()
            kept = sum(it.finished for it in after)
            total = sum(it.jobs for it in after)
            typer.echo(
                f"drafthart: stopped; {kept} of {jobs(total)} are finished and kept: "
                f"drafthart campaign resume {path}",
                err=True,
            )
            return 130
        after = count(store).values()
    total, lost = sum(it.jobs for it in after), sum(it.lost for it in after)
    given_up = f"{lost} given up" if lost else "none given up"
    say(
        f"{plan.name}: {jobs(total)}, {len(left)} of them run now, {given_up}",
        f"the results: drafthart campaign report {path}",
    )
    return 1 if lost else 0


def _admitted(plan: Plan, allowed: Sequence[str]) -> Plan:
    """The plan with the stability of its revisions. Raises `DrafthartError` without an opt-in."""
    told = {}
    for revision in plan.revisions:
        with by_name(revision, allowed):
            isa = resolved(revision)
        told[revision] = admitted(isa, allowed)
        announce(told[revision])
    return replace(plan, stability=told)


def _require_here(left: Sequence[Job]) -> None:
    for job in {job.target.name: job for job in left}.values():
        if job.target.missing:
            raise DrafthartError(
                f"{job.target.name}: {job.target.missing}; install it, or correct its file"
            )


def _compile(left: Sequence[Job], plan: Plan) -> None:
    """The native engine where it pays, before several processes want it."""
    probes: dict[tuple[str, tuple[tuple[str, int], ...]], int] = {}
    for job in left:
        key = job.revision, job.parameters
        probes[key] = probes.get(key, 0) + len(job.group.probes)
    for (revision, parameters), number in probes.items():
        if plan.engine == "native" or (plan.engine is None and number >= _MANY and has_compiler()):
            native_engine(resolved(revision, parameters=dict(parameters)))


def _scheduler(plan: Plan, workers: int | None, scheduler: str | None) -> Scheduler:
    if scheduler is None:
        return partial(run_locally, workers=workers or os.cpu_count() or 1, retries=plan.retries)
    from drafthart.conformance.campaign.dask_cluster import run_on_cluster

    return partial(run_on_cluster, scheduler=scheduler, retries=plan.retries)
