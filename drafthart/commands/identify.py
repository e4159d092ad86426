"""`drafthart identify`: which revision an implementation is of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from drafthart.arguments import Format, FormatOption
from drafthart.commands.identify_from import DumpOption, ElfOption, TraceOption, identify_from
from drafthart.commands.stability import AllowUnstableOption
from drafthart.commands.validate import complete_target
from drafthart.conformance.identify import Identification, Question
from drafthart.conformance.identify import identify as run
from drafthart.conformance.target_file import load_target
from drafthart.generator.errors import DrafthartError
from drafthart.output import say, say_json, table, track
from drafthart.runtime.gate import mixed, stability
from drafthart.runtime.resolved import resolved

EXAMPLES = (
    "drafthart identify qemu-7.2",
    "drafthart identify my-chip.yaml --format json",
    "drafthart identify drafthart:h@1.0~1",
    "drafthart identify --from-csr-dump registers.txt",
    "drafthart identify --from-trace commits.log --elf hello.elf",
)

_MOST = 12


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
    allow_unstable: AllowUnstableOption = None,
    single_changes: Annotated[
        bool,
        typer.Option(
            "--single-changes/--labels-only",
            help="Try the best revision plus or without one change.",
        ),
    ] = True,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Tell which revision TARGET is of, from what it does alone.

    Probes run once on TARGET, and on Drafthart under each named revision. What these do not agree
    on are the questions; the revisions are ranked by the part of them that TARGET answers as they
    do. Where no revision does all that TARGET does, the best is tried with single changes. What is
    found here the first time is kept for the next.
    """
    if target is None:
        identify_from(from_csr_dump, from_trace, elf, allow_unstable or (), format_)
        return
    if from_csr_dump or from_trace or elf:
        raise DrafthartError(f"{target}: name a target, a dump or a trace, but one of them only")
    chosen, _ = load_target(target)
    outcome = run(chosen, variants=single_changes, track=track)
    if format_ is Format.JSON:
        say_json(_data(outcome))
    else:
        say(*_text(outcome))


def _text(outcome: Identification) -> Iterator[str | Text | Table]:
    rows = [(it.revision, f"{it.agreement:.1%}", str(len(it.against))) for it in outcome.candidates]
    yield table(("revision", "agrees", "questions against it"), rows)
    if outcome.variants:
        yield ""
        near = [(it.revision, f"{it.agreement:.2%}") for it in outcome.variants[:_MOST]]
        yield table(("better with a single change", "agrees"), near)
    against = outcome.candidates[0].against
    if against:
        yield ""
        yield table(
            ("what", "seen", "as in", "probe"),
            [(it.what, it.seen, _range(it), it.probe) for it in against[:_MOST]],
        )
    yield ""
    yield _summary(outcome)


def _range(question: Question) -> str:
    """The labels that do so, shortened."""
    names = question.as_in
    if len(names) > 2:
        return f"{names[0]} … {names[-1]}"
    return ", ".join(names) or "none"


def _summary(outcome: Identification) -> str:
    best = " or ".join(outcome.best)
    count = len(outcome.deviations)
    more = f"; {count} answer{'' if count == 1 else 's'} of no revision" if count else ""
    lost = f"; {outcome.lost} of {outcome.probes} probes lost" if outcome.lost else ""
    alike = " (nothing observed parts them)" if len(outcome.best) > 1 else ""
    return f"{outcome.target} is {best}{alike}: {outcome.candidates[0].agreement:.1%}{more}{lost}"


def _data(outcome: Identification) -> dict[str, Any]:
    names = [it.revision for it in outcome.candidates]
    return {
        "target": outcome.target,
        "best": outcome.best,
        "summary": _summary(outcome),
        "stability": mixed(*(stability(resolved(name)) for name in names)),
        "probes": outcome.probes,
        "lost": outcome.lost,
        "questions": len(outcome.questions),
        "candidates": [
            {"revision": it.revision, "agreement": it.agreement, "against": len(it.against)}
            for it in outcome.candidates
        ],
        "variants": [
            {"revision": it.revision, "agreement": it.agreement} for it in outcome.variants
        ],
        "evidence": [
            {
                "what": it.what,
                "probe": it.probe,
                "seen": it.seen,
                "as_in": it.as_in,
                "answers": dict(it.answers),
            }
            for it in outcome.candidates[0].against
        ],
        "deviations": [
            {"what": it.what, "probe": it.probe, "seen": it.seen} for it in outcome.deviations
        ],
    }
