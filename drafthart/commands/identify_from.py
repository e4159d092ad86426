"""The options of `drafthart identify` for what says less than a target that runs probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.table import Table

from drafthart.arguments import Format
from drafthart.commands.stability import announce
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.evidence import Deduction, Fact
from drafthart.generator.errors import DrafthartError
from drafthart.output import say, say_json, table, track
from drafthart.runtime.assigned import require_assigned
from drafthart.runtime.gate import Stability, mixed, require_stable_or_opted_in, stability
from drafthart.runtime.resolved import resolved

DumpOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--from-csr-dump",
        metavar="FILE",
        help="In place of TARGET: a dump of CSRs, as debuggers print it or as JSON.",
        show_default=False,
    ),
]
TraceOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--from-trace",
        metavar="FILE",
        help="In place of TARGET: a trace, in a form that lockstep reads.",
        show_default=False,
    ),
]
ElfOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--elf",
        metavar="ELF",
        help="The program of the trace: run it under each revision that may run, too.",
        show_default=False,
    ),
]
_MOST = 12


def identify_from(
    dump: Path | None, trace: Path | None, elf: Path | None, allowed: Sequence[str], format_: Format
) -> None:
    """Say which revisions a dump or a trace leaves possible.

    Raises `DrafthartError` if it is none, or for options that do not go together.
    """
    if (dump is None) == (trace is None) or (elf is not None and trace is None):
        raise DrafthartError("name one of TARGET, --from-csr-dump and --from-trace [--elf]")
    if elf is not None and not elf.is_file():
        raise DrafthartError(f"{elf}: no such file; name the program of the trace")
    from drafthart.conformance.from_dump import from_dump
    from drafthart.conformance.from_trace import Replay, from_trace, replayed

    found: Deduction
    runs: list[Replay] = []
    left_out: list[str] = []
    if dump is not None:
        found = from_dump(dump, track=track)
    else:
        assert trace is not None
        found = from_trace(trace, track=track)
        if elf is not None:
            may_run, left_out = _admitted(allowed)
            runs = replayed(trace, elf, may_run, track=track)
    if format_ is Format.JSON:
        replays = [
            {
                "revision": it.revision,
                "instructions": it.instructions,
                "agrees": not it.parting,
                "difference": it.parting,
                "items": list(it.items),
                "rules": list(it.rules),
            }
            for it in runs
        ]
        say_json({**_data(found), "replays": replays, "not_run": left_out})
        return
    say(*_text(found))
    if runs:
        say("", table(("revision", "instructions alike", "then"), [
            (it.revision, f"{it.instructions:,}", it.parting or "to the end") for it in runs
        ]))  # fmt: skip
    if left_out:
        say(f"not run: {_listed(left_out, labels())}; opt in by --allow-unstable REV")
    say("", _summary(found))


def _admitted(allowed: Sequence[str]) -> tuple[dict[str, Stability], list[str]]:
    """The revisions that may run, and those that need an opt-in or cannot be reached."""
    may_run: dict[str, Stability] = {}
    left_out = []
    for label in labels():
        isa = resolved(label)
        try:
            told = require_stable_or_opted_in(isa, allowed)
            require_assigned(isa)
        except DrafthartError:
            left_out.append(label)
            continue
        announce(told)
        may_run[label] = told
    return may_run, left_out


def _text(found: Deduction) -> Iterator[str | Table]:
    rows = []
    for label in found.ranked:
        against = found.against(label)
        count = f"impossible ({found.weight(label)})" if against else "possible"
        rows.append((label, count, _reason(against[0], label) if against else ""))
    yield table(("revision", "", "because"), rows)
    if found.facts:
        yield ""
        yield table(
            ("what parts them", "where", "possible in"),
            [(it.what, it.where, _left(it, found)) for it in _telling(found)],
        )
    if found.unexplained:
        yield ""
        yield table(
            ("in no revision", "where"), [(it.what, it.where) for it in found.unexplained[:_MOST]]
        )


def _telling(found: Deduction) -> list[Fact]:
    """The facts that leave the fewest revisions."""
    return sorted(found.facts, key=lambda it: -len(it.excluded))[:_MOST]


def _left(fact: Fact, found: Deduction) -> str:
    return _listed([label for label in found.labels if label not in fact.excluded], found.labels)


def _listed(names: Sequence[str], order: Sequence[str]) -> str:
    """Labels, with three or more that follow each other as the first and the last of them."""
    runs: list[list[str]] = []
    for label in names:
        if runs and order.index(runs[-1][-1]) + 1 == order.index(label):
            runs[-1].append(label)
        else:
            runs.append([label])
    parts = [f"{it[0]} … {it[-1]}" if len(it) > 2 else ", ".join(it) for it in runs]
    return ", ".join(parts)


def _reason(fact: Fact, label: str) -> str:
    return f"{fact.what} ({fact.where}); it {fact.excluded[label]}"


def _summary(found: Deduction) -> str:
    seen = f"{found.seen} things seen, {len(found.facts)} of them part the revisions"
    if not found.possible:
        best = found.ranked[0]
        return f"{found.source}: no revision is possible; least is against {best}; {seen}"
    if len(found.possible) == len(found.labels):
        return f"{found.source}: any revision is possible; {seen}"
    *most, last = found.possible
    names = f"{', '.join(most)} or {last}" if most else last
    return f"{found.source}: {names} is possible; {seen}"


def _data(found: Deduction) -> dict[str, Any]:
    return {
        "source": found.source,
        "possible": found.possible,
        "summary": _summary(found),
        "stability": mixed(*(stability(resolved(label)) for label in found.labels)),
        "seen": found.seen,
        "candidates": [
            {
                "revision": label,
                "possible": label in found.possible,
                "against": [
                    {"item": it.item, "what": it.what, "where": it.where, "why": it.excluded[label]}
                    for it in found.against(label)
                ],
            }
            for label in found.ranked
        ],
        "unexplained": [
            {"item": it.item, "what": it.what, "where": it.where} for it in found.unexplained
        ],
        "passed_over": list(found.passed_over),
    }
