"""`drafthart identify`: which revision an implementation is of."""

from __future__ import annotations

from typing import Annotated

import typer

from drafthart.arguments import Format, FormatOption
from drafthart.commands.identify_from import DumpOption, ElfOption, TraceOption, identify_from
from drafthart.commands.stability import AllowUnstableOption
from drafthart.commands.validate import complete_target
from drafthart.commands.write_programs import WriteProgramsOption, write_folder_of
from drafthart.conformance.delta_programs import delta_groups
from drafthart.conformance.identify import identify as run
from drafthart.conformance.target_file import load_target
from drafthart.generator.errors import DrafthartError
from drafthart.identify_report import as_data, as_text
from drafthart.output import say, say_json, track
from drafthart.runtime.gate import mixed, stability
from drafthart.runtime.resolved import resolved

EXAMPLES = (
    "drafthart identify qemu-7.2",
    "drafthart identify my-chip.yaml --format json",
    "drafthart identify drafthart:h@1.0~1",
    "drafthart identify --from-csr-dump registers.txt",
    "drafthart identify --from-trace commits.log --elf hello.elf",
)


def identify(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="A target's name, a file NAME.yaml, or drafthart:REV[:PARAMETER=VALUE,...].",
            autocompletion=complete_target,
            show_default=False,
        ),
    ] = None,
    from_csr_dump: DumpOption = None,
    from_trace: TraceOption = None,
    elf: ElfOption = None,
    programs_to: WriteProgramsOption = None,
    allow_unstable: AllowUnstableOption = None,
    single_changes: Annotated[
        bool,
        typer.Option(
            "--single-changes/--labels-only",
            help="Try the best revision with changes more or less.",
        ),
    ] = True,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Tell which revision TARGET is of, from what it does alone.

    Probes chosen to tell each change of the series run once on TARGET, and on Drafthart under each
    named revision. What these do not agree on are the questions; the revisions are ranked by the
    part of them that TARGET answers as they do. Then changes are tried more or less of the best
    one, where TARGET answers their own probes otherwise. What is found here is kept for the next
    time.
    """
    if target is None:
        identify_from(from_csr_dump, from_trace, elf, allow_unstable or (), format_)
        return
    if from_csr_dump or from_trace or elf:
        raise DrafthartError(f"{target}: name a target, a dump or a trace, but one of them only")
    chosen, known = load_target(target)
    if programs_to is not None:
        made = [(resolved(label), group) for label, group in delta_groups().items()]
        told = mixed(*(stability(isa) for isa, _ in made))
        write_folder_of(programs_to, made, chosen, chosen.parameters, told)
        return
    outcome = run(chosen, known, variants=single_changes, track=track)
    if format_ is Format.JSON:
        say_json(as_data(outcome))
    else:
        say(*as_text(outcome))
