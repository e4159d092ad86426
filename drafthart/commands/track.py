"""`drafthart track`: what the manual changed since the newest commit that the specs record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from drafthart import output
from drafthart.arguments import Format, FormatOption, SpecsOption
from drafthart.generator.errors import DrafthartError
from drafthart.generator.history import manual as history
from drafthart.generator.history.chapters import CHAPTERS, chapter_files
from drafthart.generator.history.clone import Clone, open_clone
from drafthart.generator.history.manual import Touch
from drafthart.generator.history.skeleton import as_yaml, change_ids, skeleton
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve, revisions

EXAMPLES = (
    "drafthart track --manual ../riscv-isa-manual",
    "drafthart track --manual ../riscv-isa-manual --since 2024-01-01",
    "drafthart track --manual ../riscv-isa-manual --skeleton 07feb44e",
    "drafthart track --manual ../riscv-isa-manual --format json",
)

_SHORT = 8
_MOST = 8
"""Items to show beside a commit; a commit that rewrites the chapter names hundreds."""


def track(
    manual: Annotated[
        Path,
        typer.Option(
            "--manual",
            metavar="CLONE",
            help="A clone of the riscv-isa-manual: its work tree, or a bare one.",
            show_default=False,
        ),
    ],
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="COMMIT|DATE",
            help="Begin behind this commit, or on this day, instead of behind what is recorded.",
            show_default=False,
        ),
    ] = None,
    skeleton_of: Annotated[
        str | None,
        typer.Option(
            "--skeleton",
            metavar="COMMIT",
            help="Print a change in YAML to fill in for this commit.",
            show_default=False,
        ),
    ] = None,
    chapters: Annotated[
        list[str] | None,
        typer.Option(
            "--chapter",
            metavar="NAME",
            help="A chapter by its file's name. May be repeated. [default: hypervisor]",
            show_default=False,
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
    specs: SpecsOption = None,
) -> None:
    """List the commits of the manual that touch H's chapter and are in no revision yet.

    Each with the sections that it touches, the items that its changed lines name, and whether it
    looks editorial: the words are the same, only space and markup differ. The chapter is followed
    through renames. The clone is only read, at the commit that it has checked out.
    """
    isa = resolve(revisions(specs)[-1].id, specs=specs)
    with open_clone(manual) as clone:
        files = chapter_files(clone, [_stem(name) for name in chapters or CHAPTERS])
        begin = history.start(clone, since, specs)
        found = history.commits(clone, files, begin)
        if skeleton_of is not None:
            commit = history.one_commit(clone, skeleton_of, found)
            _say_skeleton(history.touch(clone, isa, commit, files), format_, specs)
            return
        touches = [
            history.touch(clone, isa, commit, files) for commit in output.track(found, "reading")
        ]
        if format_ is Format.JSON:
            output.say_json(_data(clone, isa, begin, touches))
        else:
            output.say(*_report(clone, begin, touches))


def _stem(name: str) -> str:
    return re.sub(r"\.(?:tex|adoc)$", "", name.rpartition("/")[2])


def _say_skeleton(touch: Touch, format_: Format, specs: Path | None) -> None:
    if not touch.files:
        what = f"{touch.commit.hash[:_SHORT]} touches no file of the chapter"
        raise DrafthartError(f"--skeleton: {what}; choose one of those that are listed")
    taken = change_ids(specs)
    if format_ is Format.JSON:
        output.say_json(skeleton(touch, taken))
    else:
        output.say(*as_yaml(touch, taken).splitlines())


def _data(clone: Clone, isa: ISA, begin: history.Start, touches: Sequence[Touch]) -> dict[str, Any]:
    return {
        "since": asdict(begin),
        "tip": clone.tip,
        "revision": isa.id,
        "commits": [
            asdict(touch.commit)
            | {
                "editorial": touch.editorial,
                "removed": touch.lines[0],
                "added": touch.lines[1],
                "files": list(touch.files),
                "sections": list(touch.sections),
                "items": list(touch.items),
            }
            for touch in touches
        ],
    }


def _report(
    clone: Clone, begin: history.Start, touches: Sequence[Touch]
) -> Iterator[str | Text | Table]:
    editorial = sum(touch.editorial for touch in touches)
    count = f"{len(touches)} commit{'' if len(touches) == 1 else 's'}"
    yield Text(f"{count}, {editorial} of them editorial, up to {clone.tip[:_SHORT]}", style="bold")
    yield f"since {begin.shown}"
    if touches:
        yield ""
        yield output.table(("date", "commit", "subject, section, items"), map(_row, touches))


def _row(touch: Touch) -> tuple[str | Text, ...]:
    commit = touch.commit
    said = Text(_line(commit.subject))
    if touch.editorial:
        said.append("  (editorial)", style="dim")
    if touch.sections:
        more = f" and {len(touch.sections) - 1} more" if len(touch.sections) > 1 else ""
        said.append(f"\n{_line(touch.sections[0])}{more}", style="dim")
    if touch.items:
        rest = len(touch.items) - _MOST
        more = f" and {rest} more" if rest > 0 else ""
        said.append(f"\n{', '.join(touch.items[:_MOST])}{more}", style="dim")
    return commit.date, commit.hash[:_SHORT], said


def _line(text: str) -> str:
    """A text from the clone, which may hold anything, as one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
