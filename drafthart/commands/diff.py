"""`drafthart diff`: what changes from one revision to another, who breaks, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.arguments import SpecsOption, Xlen, XlenOption, complete_revision, resolved
from drafthart.commands.diff_file import as_file, compare_file, rank
from drafthart.generator.diff.choice import KINDS, Report, choose, load_ignored, report
from drafthart.generator.diff.findings import compare
from drafthart.generator.diff.rule_table import Audience, Severity, rule_table
from drafthart.output import as_json, say, write_file

EXAMPLES = (
    "drafthart diff h@0.6.1 h@1.0",
    "drafthart diff h@0.6.1 h@1.0 --only breaking --for hypervisor",
    "drafthart diff h@0.6.1 h@1.0 --only csr --only insn",
    "drafthart diff h@0.6.1~1 h@0.6.1 --operations",
    "drafthart diff h@0.6.1 h@1.0 --format html --output diff.html",
    "drafthart diff h@0.6.1 h@1.0 --fail-on breaking --for guest",
    "drafthart diff h@0.1 h@0.1 --overlay specs/overlays/h-0.1.yaml",
    "drafthart diff encoding.h h@1.0 --only breaking",
    "drafthart diff encoding.h --best",
)


class DiffFormat(StrEnum):
    """Forms of the report."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"
    LINES = "lines"


def _complete_only(incomplete: str) -> list[str]:
    words = [*map(str, Severity), *KINDS, *rule_table().rules]
    return [word for word in words if word.startswith(incomplete)]


ForOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        metavar="WHO",
        help=f"Judge for these: {', '.join(Audience)}. May be repeated.",
        autocompletion=lambda incomplete: [it for it in Audience if it.startswith(incomplete)],
        show_default=False,
    ),
]


def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="REV|FILE",
            help="A revision; or a C header, or a file or checkout of riscv-opcodes.",
            autocompletion=complete_revision,
            show_default=False,
        ),
    ],
    after: Annotated[
        str | None,
        typer.Argument(
            metavar="REV",
            help="A revision: h@1.0, or a mixture such as h@1.0~2 or h@1.0^sv57x4.",
            autocompletion=complete_revision,
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD",
            help=f"Differences of a severity ({', '.join(Severity)}), a kind of item "
            f"({', '.join(KINDS)}) or a rule. May be repeated.",
            autocompletion=_complete_only,
            show_default=False,
        ),
    ] = None,
    for_: ForOption = None,
    operations: Annotated[
        bool, typer.Option("--operations", help="Show changed operations line by line.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List what nobody can notice, too.")
    ] = False,
    fail_on: Annotated[
        Severity | None,
        typer.Option(
            "--fail-on",
            help="End with status 1 if a difference is as grave as this.",
            show_default=False,
        ),
    ] = None,
    ignore: Annotated[
        Path | None,
        typer.Option(
            "--ignore",
            metavar="FILE",
            help="Leave out what this file lists, with reasons.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        DiffFormat, typer.Option("--format", help="The form of the report.")
    ] = DiffFormat.TEXT,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the report there, not to stdout; not for text.",
            show_default=False,
        ),
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="Of a file: rank all revisions by how they fit it.")
    ] = False,
    xlen: XlenOption = Xlen.RV64,
    specs: SpecsOption = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="FILE",
            help="Put the changes of this overlay on the second revision.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Show what changes from one revision to another, who breaks, and what to do about it.

    Items are told by their identity: a field that keeps its name and moves is moved, and a
    renamed item is renamed, not lost and found. Each difference has a rule (docs/diff-rules.md),
    a severity for each audience, and the changes that brought it. The revisions may be any
    expressions, and stand in either order. With --overlay and twice the same revision: what the
    overlay does. A file of others is compared in what it says: numbers of CSRs, fields,
    instructions and causes.
    """
    file = as_file(before)
    if best:
        if file is None or after is not None or format_ not in (DiffFormat.TEXT, DiffFormat.JSON):
            raise typer.BadParameter("--best takes a file, no revision, and --format text or json")
        rank(file, specs, xlen, as_json=format_ is DiffFormat.JSON)
        return 0
    if after is None:
        raise typer.BadParameter("name the revision to compare with, or rank all with --best")
    choice = choose(only or (), for_ or ())
    entries = load_ignored(ignore) if ignore else ()
    if output and format_ is DiffFormat.TEXT:
        raise typer.BadParameter("text goes to the terminal; choose another --format for --output")
    b = resolved(after, specs, xlen, overlay)
    if file:
        found, compared = compare_file(file, b, specs, xlen)
    else:
        found, compared = compare(resolved(before, specs, xlen), b), 0
    made = report(found, choice, entries)
    _show(made, format_, output, fail_on or Severity.BREAKING, operations, everything)
    if compared and format_ is DiffFormat.TEXT:
        say(f"compared: {compared} things that {file} states")
    for entry in made.unused:
        print(f"drafthart: {entry.place}: no difference fits this entry", file=sys.stderr)
    gravest = made.gravest()
    return int(bool(fail_on and gravest and gravest.rank <= fail_on.rank))


def _show(
    made: Report,
    format_: DiffFormat,
    output: Path | None,
    fail_on: Severity,
    operations: bool,
    everything: bool,
) -> None:
    if format_ is DiffFormat.TEXT:
        from drafthart.diff_text import diff_text

        say(*diff_text(made, operations=operations, everything=everything))
    elif output:
        write_file(output, _rendered(made, format_, fail_on))
    else:
        sys.stdout.write(_rendered(made, format_, fail_on))


def _rendered(made: Report, format_: DiffFormat, fail_on: Severity) -> str:
    from drafthart.generator.diff.report.annotations import github, plain
    from drafthart.generator.diff.report.as_json import diff_data
    from drafthart.generator.diff.report.junit import junit
    from drafthart.generator.diff.report.markdown import markdown
    from drafthart.generator.diff.report.page import html_page

    def lines(found: Iterator[str]) -> str:
        return "".join(f"{line}\n" for line in found)

    match format_:
        case DiffFormat.JSON:
            return as_json(diff_data(made))
        case DiffFormat.MARKDOWN:
            return markdown(made)
        case DiffFormat.HTML:
            return html_page(made)
        case DiffFormat.JUNIT:
            return junit(made, fail_on)
        case DiffFormat.GITHUB:
            return lines(github(made))
        case _:
            return lines(plain(made))
