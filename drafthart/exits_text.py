"""Traps in words, for the log of `drafthart run --explain-traps`."""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.runtime.exit_log import Enough, Entry, Folded, Summary
from drafthart.runtime.explained_trap import Decision, ExplainedTrap, Register

_COLUMNS = 80
_INDENT = " " * 6


def entry_lines(entry: Entry, hart: int | None = None) -> Iterator[str]:
    """The lines of an entry, without newlines, no wider than 80 columns where names allow it.

    `hart` is its number, where there are several.
    """
    which = "" if hart is None else f"hart {hart}  "
    if isinstance(entry, Folded):
        yield f"{_INDENT}{which}… {entry.count:,} more like this"
    elif isinstance(entry, Enough):
        yield f"{which}{entry.before} → {entry.after}  {entry.name} ({entry.item})"
        yield f"{_INDENT}enough of these: from here on they are only counted"
    else:
        yield from _trap(entry, which)


def _trap(trap: ExplainedTrap, which: str) -> Iterator[str]:
    yield f"{which}{trap.before} → {trap.after}  {trap.name} ({trap.item})"
    at = f"{trap.steps:,} instructions, at {trap.pc:#x}"
    yield from _wrapped([at, *([trap.instruction] if trap.instruction else [])], ":  ")
    yield from _wrapped([_register(it) for it in trap.registers], "  ")
    yield from _wrapped([_decision(it) for it in trap.decisions], ", ")
    rules = dict.fromkeys(rule for it in trap.decisions for rule in _rules(it))
    yield from _wrapped(list(rules), " ")


def _register(register: Register) -> str:
    meaning = f" ({register.meaning})" if register.meaning else ""
    return f"{register.name} {register.value:#x}{meaning}"


def _decision(decision: Decision) -> str:
    shown = [
        f"{name}={value}" if value is not None else f"no {name}" for name, value in decision.bits
    ]
    return " ".join(shown) or f"{decision.function}: {'yes' if decision.answer else 'no'}"


def _rules(decision: Decision) -> tuple[str, ...]:
    """The rule that the bit follows; where the answer is another one, those that say why."""
    values = [bool(value) for _, value in decision.bits]
    as_told = not values or all(value == decision.answer for value in values)
    return decision.rules[:1] if as_told or len(decision.rules) == 1 else decision.rules[1:]


def _wrapped(words: list[str], between: str) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(_INDENT + line + between + word) > _COLUMNS:
            yield _INDENT + line + between.rstrip()
            line = ""
        line += (between if line else "") + word
    if line:
        yield _INDENT + line


def summary_lines(summary: Summary, tag: str, hart: int | None = None) -> Iterator[str]:
    """What to print at the end; `tag` names the revision, `hart` one of several harts."""
    what = "traps" if summary.every_trap else "exits from V=1"
    total = sum(row[-1] for row in summary.traps)
    which = "" if hart is None else f"hart {hart}, "
    yield f"{which}{what}: {total:,}, {tag}"
    for before, after, item, name, count in summary.traps:
        yield f"{count:12,}  {before:2} → {after:2}  {item:12}  {name}"
    yield "instructions begun"
    for mode, count in summary.instructions.items():
        yield f"{count:12,}  in {mode}"
    yield f"{summary.switches:12,}  changes of V"
    yield "the engine's work"
    for name, count in summary.figures.items():
        yield f"{count:12,}  {name}"
    yield "              (accesses that a kept translation answered are not counted)"
