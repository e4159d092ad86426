"""The states of the patch series on the way from one revision to another, change by change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.expression import declared, select
from drafthart.generator.spec.selection import Selection
from drafthart.generator.spec.series import Series, extension_of

_END = re.compile(r"([^~+^@,]+@[^~+^@,]+)(?:~(\d+))?")


@dataclass(frozen=True, slots=True)
class State:
    """A state by its expression, and the ids of the changes that make it of the one before.

    The changes are taken back on the way to an older revision. The first state has none.
    """

    expression: str
    changes: tuple[str, ...]


def states(first: str, last: str, series: Series) -> list[State]:
    """All states from one revision to another, both included; either may be the older one.

    Where a revision stands on a newer base than the one before, the changes of the base come
    first. Raises `DrafthartError` for anything but revisions of one extension and `~n` of them.
    """
    start, end = (_end(it, series) for it in (first, last))
    names = [[it.id for it in series.chain(name)] for name, _ in (start, end)]
    if end[0] in names[0][:-1] or (start[0] == end[0] and start[1] < end[1]):
        return _reversed(states(last, first, series))
    if start[0] not in names[1]:
        raise DrafthartError(
            f"{start[0]} and {end[0]} are not of one series; "
            "name two revisions of one extension, such as two of h"
        )
    chain = names[1][names[1].index(start[0]) :]
    found = [State(first, ())]
    before = select(first, series)
    for name in chain:
        found += _steps(name, before, series)
        before = declared(name, series)
    # The revision of `end` was gone through to its last change.
    if end[1]:
        found = found[: -end[1]]
    if start[0] == end[0] and start[1] == end[1]:
        found = found[:1]
    found[-1] = State(last, found[-1].changes) if len(found) > 1 else found[-1]
    return found


def _end(expression: str, series: Series) -> tuple[str, int]:
    select(expression, series)
    match = _END.fullmatch(expression.strip())
    if match is None:
        raise DrafthartError(
            f"{expression}: to go from state to state, name a revision, or one without its last "
            "changes, such as h@1.0~2"
        )
    return match[1], int(match[2] or 0)


def _steps(name: str, before: Selection, series: Series) -> Iterator[State]:
    """From `before`, a state of this revision or the one before, to the whole of it."""
    whole = declared(name, series)
    left = [it.id for it in whole.changes if it.id not in before.ids]
    if before.base is not None and whole.base is not None and before.revision.id != name:
        yield from _of_base(f"{name}~{len(left)}" if left else name, before.base, whole.base)
    for index, change in enumerate(left, 1):
        rest = len(left) - index
        yield State(f"{name}~{rest}" if rest else name, (change,))


def _of_base(name: str, before: Selection, after: Selection) -> Iterator[State]:
    new = [it for it in after.ids if it not in before.ids]
    gone = [it for it in before.ids if it not in after.ids]
    if gone or extension_of(before.revision.id) != extension_of(after.revision.id):
        yield State(name, (*gone, *new))
        return
    for index, change in enumerate(new, 1):
        rest = "".join(f"^{it}" for it in reversed(new[index:]))
        base = f",{after.expression}{rest}" if rest else ""
        yield State(name + base, (change,))


def _reversed(found: list[State]) -> list[State]:
    """The same states from the last to the first."""
    changes = [(), *(it.changes for it in reversed(found[1:]))]
    return [State(it.expression, made) for it, made in zip(reversed(found), changes, strict=True)]
