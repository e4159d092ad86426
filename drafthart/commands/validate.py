"""`drafthart validate`: hold an implementation to a revision."""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drafthart.arguments import RevisionOption
from drafthart.commands.engine_choice import EngineOption
from drafthart.commands.random_probes import RandomOption, SeedOption, random_probes
from drafthart.commands.stability import AllowUnstableOption, admitted, announce, by_name
from drafthart.commands.write_programs import WriteProgramsOption, write_programs
from drafthart.conformance.coverage_of_probes import KINDS, Coverage, coverage
from drafthart.conformance.expected import program_of
from drafthart.conformance.groups import groups, part
from drafthart.conformance.probes.program import source
from drafthart.conformance.randomized.generate import random_groups
from drafthart.conformance.target import Target
from drafthart.conformance.target_file import load_target, names
from drafthart.conformance.validate import Validation, admitted_parameters
from drafthart.conformance.validate import validate as run
from drafthart.generator.errors import DrafthartError
from drafthart.output import say, say_json, table, track, write_file
from drafthart.runtime.engines import has_compiler, native_engine
from drafthart.runtime.gate import Stability
from drafthart.runtime.gate import stability as stability_of
from drafthart.runtime.resolved import resolved
from drafthart.runtime.taint import require_result_of
from drafthart.validate_report import GRAVE, as_text, rendered

EXAMPLES = (
    "drafthart validate qemu-7.2 --revision h@1.0",
    "drafthart validate my-chip.yaml --revision h@1.0 --only instructions",
    "drafthart validate spike --revision h@1.0 --only 'csr-*/csr:hstatus'",
    "drafthart validate qemu-7.2 --revision h@1.0 --format junit > report.xml",
    "drafthart validate drafthart:h@1.0~1 --revision h@1.0 --save-programs found",
    "drafthart validate spike --revision h@1.0 --random 2000 --seed 7",
    "drafthart validate --coverage --revision h@1.0 --only csr-access",
    "drafthart validate my-chip.yaml --revision h@1.0 --write-programs programs",
)

_MANY = 5000
"""Probes from which compiling the native engine takes less time than it saves."""


class ReportFormat(StrEnum):
    """For people, tools, CI servers or browsers."""

    TEXT = "text"
    SUMMARY = "summary"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"
    HTML = "html"


def complete_target(incomplete: str) -> list[str]:
    """Targets for the shell's completion."""
    return [name for name in (*names(), "drafthart:") if name.startswith(incomplete)]


def validate(
    revision: RevisionOption,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="A target's name, a file NAME.yaml, or drafthart:REV[:PARAMETER=VALUE,...].",
            autocompletion=complete_target,
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="GROUP[/ITEM]",
            help="These probes, with wildcards: returns, '*/insn:hlv.*'. May be repeated.",
            show_default=False,
        ),
    ] = None,
    random: RandomOption = None,
    seed: SeedOption = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show known differences and legal choices too.")
    ] = False,
    save_programs: Annotated[
        Path | None,
        typer.Option(
            "--save-programs",
            metavar="DIR",
            help="Write the shortest program of each deviation, source and ELF.",
            show_default=False,
        ),
    ] = None,
    programs_to: WriteProgramsOption = None,
    show_coverage: Annotated[
        bool,
        typer.Option("--coverage", help="Show what the probes exercise, without a target."),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Groups to run at a time [default: one for each processor].",
            show_default=False,
        ),
    ] = None,
    engine: EngineOption = None,
    allow_unstable: AllowUnstableOption = None,
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="The form of the report.")
    ] = ReportFormat.TEXT,
) -> int:
    """Run probes made from REV on TARGET, and judge each difference.

    A difference is a deviation, a legal choice, not implemented, inconclusive (the target died or
    hung), or known from the target's file. With a deviation come the items and rules that it
    touches, the section of the text, and the revisions that do as TARGET does. Values of the
    spec's parameters are found out where the target's file does not tell them.

    The exit status is 0 if TARGET conforms, 1 if not, and 2 for an error.
    """
    with by_name(revision, allow_unstable or ()):
        isa = resolved(revision)
    probes = random_probes(random, seed, only, programs_to)
    if show_coverage:
        chosen_groups = random_groups(isa, *probes, track) if probes else groups(isa, only or ())
        _say_coverage(coverage(chosen_groups, isa, track), format_, stability_of(isa))
        return 0
    if programs_to is not None:
        stability = admitted(isa, allow_unstable or ())
        announce(stability)
        write_programs(programs_to, target, revision, only or (), stability)
        return 0
    if target is None:
        raise DrafthartError(f"TARGET is missing; name one of {', '.join(names())}, or a file")
    stability = admitted(isa, allow_unstable or ())
    announce(stability)
    chosen, known = load_target(target)
    outcome = run(
        chosen,
        known,
        revision,
        only=only or (),
        random=probes,
        engine=_engine(engine, revision, chosen, only or (), random),
        jobs=jobs or os.cpu_count() or 1,
        track=track,
    )
    if stability["status"] == "ratified":
        require_result_of(outcome.isa.id, stability, target)
    if save_programs is not None:
        _save(outcome, chosen, save_programs)
    if format_ is ReportFormat.TEXT:
        say(*as_text(outcome, everything=show_all))
    else:
        typer.echo(rendered(outcome, stability, format_, chosen.platform), nl=False)
    return 0 if outcome.conforms else 1


def _engine(
    asked: str | None,
    revision: str,
    target: Target,
    only: list[str] | tuple[()],
    random: int | None,
) -> str:
    """The engine to expect by, compiled before several processes want it."""
    told = admitted_parameters(revision, target)
    isa = resolved(revision, parameters=told)
    if asked is None:
        count = random or sum(len(group.probes) for group in groups(isa, only))
        asked = "native" if count >= _MANY and has_compiler() else "python"
    if asked == "native":
        native_engine(isa)
    return asked


def _save(outcome: Validation, target: Target, folder: Path) -> None:
    """The shortest program of each finding that counts against the target, source and ELF."""
    folder.mkdir(parents=True, exist_ok=True)
    isa = resolved(outcome.isa.id, parameters=outcome.told)
    for number, finding in enumerate(outcome.of(*GRAVE), start=1):
        name = re.sub(r"[^\w.]+", "-", finding.probe).strip("-")[:60]
        group = part(outcome.groups[finding.group], [finding.probe])
        path = folder / f"{number:03}-{name}.S"
        write_file(path, source(group, isa, target.platform))
        write_file(path.with_suffix(".elf"), program_of(group, isa, target.platform))


def _say_coverage(found: Coverage, format_: ReportFormat, stability: Stability) -> None:
    if format_ is ReportFormat.JSON:
        say_json({"revision": stability["revision"], "stability": stability, **asdict(found)})
        return
    if format_ is not ReportFormat.TEXT:
        raise DrafthartError("--coverage: comes as text or json; choose one of these")
    rows = []
    for kind, name in KINDS.items():
        have = sum(it.startswith(f"{kind}:") for it in found.items)
        left = [it for it in found.items_left if it.startswith(f"{kind}:")]
        rows.append(
            (name, str(have), str(len(left)), ", ".join(it.partition(":")[2] for it in left))
        )
    rules = (str(len(found.rules)), str(len(found.rules_left)), ", ".join(found.rules_left))
    say(
        table(("", "exercised", "left", "those left"), [*rows, ("rules", *rules)]),
        f"{found.probes} probes of {stability['revision']}",
    )
