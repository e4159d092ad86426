"""`drafthart tour`: one hypervisor, one guest, two drafts, and what parts them."""

from __future__ import annotations

import shlex
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from drafthart.commands.tour_firmware import find_firmware
from drafthart.commands.tour_runs import (
    FIRST,
    DemoRun,
    assemble_demo,
    demo_source,
    differing,
    responsible,
    run_demo,
)
from drafthart.generator.assembly import Program, write_elf
from drafthart.generator.diff.differences import between
from drafthart.generator.spec.model import ISA, Change, Status
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.output import say, table, write_file

EXAMPLES = (
    "drafthart tour",
    "drafthart tour --firmware build/platform/generic/firmware/fw_jump.bin",
)

OLD, NEW = "h@0.6.1", "h@1.0"

_WIDTH = 78


def tour(
    firmware: Annotated[
        Path | None,
        typer.Option(
            "--firmware",
            metavar="FILE",
            help="OpenSBI's fw_jump.bin; if not given, Debian's, which is fetched if need be.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a small hypervisor under two drafts, and find the changes that part them.

    Takes less than a minute. The exit status is 0 only if everything went as the drafts have it.
    """
    steps = _Steps()
    steps.begin(
        "The revisions",
        "A revision of the hypervisor extension is a list of changes on its parent. These are "
        "known; only a ratified one runs without further ado.",
        "drafthart revisions",
    )
    _show_revisions(steps)
    old, new = resolve(OLD), resolve(NEW)

    steps.begin(
        "A hypervisor",
        "The demo hypervisor runs in HS-mode, gives a guest two stages of page tables and a timer, "
        "and asks the hart questions on which drafts disagree. It is assembled once.",
        f"drafthart asm {_shown(demo_source())} -o demo.elf --revision={NEW} --base=0x80200000",
    )
    program = assemble_demo(new)
    _show_program(steps, program, assemble_demo(old))

    firmware = find_firmware(firmware, "Fetching Debian's package opensbi …")
    with tempfile.TemporaryDirectory(prefix="drafthart-") as folder:
        demo = Path(folder) / "demo.elf"
        write_file(demo, write_elf(program))
        _run_both(steps, old, new, firmware, demo)
    steps.finish()


def _run_both(steps: _Steps, old: ISA, new: ISA, firmware: Path, demo: Path) -> None:
    steps.begin(
        "The ratified extension",
        "Debian's OpenSBI boots on a hart of 1.0 and starts the demo. Lines begin with who speaks.",
        f"drafthart run --revision={NEW} --bios={_shown(firmware)} demo.elf",
    )
    last = run_demo(new, firmware, demo, _console_line)
    say("")
    _check_run(steps, last, "1.0")

    steps.begin(
        "The same bytes under a draft",
        "0.6.1 was never ratified, so it runs only for those who name it. The firmware boots as "
        "before; its banner is left out.",
        f"drafthart run --revision={OLD} --allow-unstable={OLD} --bios={_shown(firmware)} demo.elf",
    )
    first = run_demo(old, firmware, demo, _WithoutBanner())
    say("")
    _check_run(steps, first, "0.6.1")

    parted = list(differing(first, last))
    count = len(between(old, new))
    steps.begin(
        "What parts them, and since when",
        f"{count} changes lie between the two. To find those that matter here, the demo now runs "
        f"on harts in between: {NEW}~n is 1.0 without its last n changes.",
    )
    _check_same_story(steps, first, last)

    def run(expression: str) -> DemoRun:
        found = run_demo(resolve(expression), firmware, demo)
        answers, newer = found.answers, last.answers
        news = sum(answers.get(question) == newer[question] for question in parted)
        say(f"    {expression:<10}  {news} of {len(parted)} answers are those of 1.0")
        return found

    causes = responsible(old, new, first, last, run)
    say("")
    rows = ((first.answers[it], last.answers.get(it, ""), it) for it in parted)
    say(table((OLD, NEW, "question"), rows), "")
    _show_causes(causes)
    steps.expect(bool(parted), "the drafts disagree")
    steps.expect(all(causes.get(it) for it in parted), "each answer is traced to a change")


def _show_revisions(steps: _Steps) -> None:
    known = revisions()
    rows = ((it.id, str(it.status), it.date, str(it.changes)) for it in known)
    say(table(("revision", "status", "date", "changes"), rows), "")
    status = {it.id: it.status for it in known}
    steps.expect(status.get(NEW) is Status.RATIFIED, f"{NEW} is ratified")
    steps.expect(status.get(OLD) is Status.DRAFT, f"{OLD} is a draft")


def _show_program(steps: _Steps, program: Program, other: Program) -> None:
    rows = (
        (it.name, f"{it.address:#x}", str(it.size), "zeros" if it.zeroed else "bytes")
        for it in program.sections
    )
    say(table(("section", "address", "size", ""), rows), "")
    steps.expect(
        program.sections == other.sections, f"assembled for {OLD}, it has the very same bytes"
    )


def _check_run(steps: _Steps, run: DemoRun, draft: str) -> None:
    letters = run.fact("Boot HART Base ISA")
    steps.expect("h" in letters.partition("_")[0][4:], f"OpenSBI finds h in the hart: {letters}")
    ended = run.outcome.reason == "exit" and run.outcome.status == 0
    steps.expect(ended, f"it ended well, after {run.outcome.steps} instructions")
    verdict = run.lines[-1] if run.lines else ""
    steps.expect(verdict.endswith(f": {draft}"), f"the hart's answers are those of {draft}")


def _check_same_story(steps: _Steps, first: DemoRun, last: DemoRun) -> None:
    """Beside the answers, and what follows from them, the two runs must not differ."""
    stories = [
        [line for line in run.lines[:-1] if not line.startswith("probe: ")] for run in (first, last)
    ]
    steps.expect(stories[0] == stories[1], "guest and hypervisor went the same way in both")
    say("")


def _show_causes(causes: dict[str, list[Change]]) -> None:
    """Each change once, with the questions that it answers anew."""
    changes = {change.id: change for found in causes.values() for change in found}
    for change in sorted(changes.values(), key=lambda it: it.date):
        say(f"  {change.id}  ({change.revision}, {change.date}, commit {change.commits[0]})")
        for question, found in causes.items():
            if change in found:
                say(f"    {question}")
        say(*textwrap.wrap(change.summary, _WIDTH, initial_indent="    ", subsequent_indent="    "))
        say("")


def _console_line(text: str) -> None:
    say(f"  | {text}".rstrip())


class _WithoutBanner:
    """Shows what the demo prints; of what the firmware printed before, only its name."""

    def __init__(self) -> None:
        self._begun = False

    def __call__(self, text: str) -> None:
        self._begun = self._begun or text.startswith(FIRST)
        if self._begun or text.startswith("OpenSBI "):
            _console_line(text)


def _shown(path: Path) -> str:
    """A path as short as a shell here understands it."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


class _Steps:
    """Numbered headings with an explanation each, and what was expected of them."""

    def __init__(self) -> None:
        self._number = 0
        self._failed: list[str] = []

    def begin(self, title: str, text: str, *commands: str) -> None:
        """Start a step; `commands` do the same on their own."""
        self._number += 1
        say(*([""] if self._number > 1 else []), f"{self._number}. {title}", "")
        say(*_wrapped(text), "")
        for command in commands:
            first, *more = textwrap.wrap(
                command, _WIDTH - 8, break_long_words=False, break_on_hyphens=False
            )
            say(" \\\n".join([f"  $ {first}", *(f"      {line}" for line in more)]), "")

    def expect(self, condition: bool, what: str) -> None:
        """Say whether something is as expected."""
        say(f"  {'ok ' if condition else 'NOT'} {what}")
        if not condition:
            self._failed.append(f"step {self._number}: {what}")

    def finish(self) -> None:
        """Exit with status 1 if anything was not as expected."""
        if not self._failed:
            say("", "That was the tour; docs/tour.md tells more about what you saw.")
            return
        for failure in self._failed:
            print(f"drafthart: not as expected: {failure}", file=sys.stderr)
        raise typer.Exit(1)


def _wrapped(text: str) -> Iterable[str]:
    return textwrap.wrap(text, _WIDTH)
