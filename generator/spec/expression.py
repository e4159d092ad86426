"""The algebra of revisions: `h@0.6.1`, `~2`, `+id`, `^id`, `@2021-08-16`, left to right; a base
of another choice behind a comma, `h@1.0,priv@1.11` or `zimop@0.1,h@1.0,priv@1.11`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry
from drafthart.generator.spec.dependencies import Graph, graph
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.selection import Selection
from drafthart.generator.spec.series import Series, extension_of
from drafthart.generator.spec.spec_error import SpecError

_PART = re.compile(r"([A-Za-z]\w*@[^\s~+^@,]+)((?:[~+^@][^\s~+^@,]+)*)")
_SUFFIX = re.compile(r"([~+^@])([^~+^@]+)")
_DATE = re.compile(r"\d{4}(-\d{2}){0,2}")
_MOST_PARTS = 8


@dataclass(frozen=True)
class _Step:
    """A suffix to apply to what stands before it; `lead` and `rest` are around both."""

    selection: Selection
    value: str
    series: Series
    lead: str
    rest: str

    def instead(self, suffixes: str) -> str:
        """The whole expression with other suffixes in place of this one."""
        return f"{self.lead}{self.selection.expression}{suffixes}{self.rest}"


def select(expression: str, series: Series) -> Selection:
    """What a revision expression stands for."""
    text = expression.strip()
    parts = text.split(",")
    if len(parts) > _MOST_PARTS or not all(map(_PART.fullmatch, parts)):
        raise DrafthartError(
            f"cannot read the revision {expression!r}; write it as h@0.6.1, with ~2, +change, "
            "^change or @2021-08-16 behind it, and another base as in h@1.0,priv@1.11"
        )
    return _stacked(parts, series, "")


def declared(name: str, series: Series) -> Selection:
    """A revision just as its file states it."""
    revision, base = series.revision(name), series.base(name)
    changes = tuple(series.changes(name))
    if base is None:
        return Selection(name, revision, changes, None)
    own = extension_of(name)
    if own in _extensions(extension_of(base.text), series):
        raise SpecError(base.place, f"{own} stands on itself", "correct the base")
    try:
        return Selection(name, revision, changes, select(base.text, series))
    except SpecError:  # which has the place that is wrong
        raise
    except DrafthartError as error:
        raise DrafthartError(f"{base.place}: {error}") from None


def is_modified(selection: Selection, series: Series) -> bool:
    """Is it any other than the revision that it names, as its file states it?"""
    return not selection.is_same(declared(selection.revision.id, series))


@lru_cache(maxsize=32)
def dependencies(series: Series, name: str) -> Graph:
    """The dependencies among the changes of a revision and its amendments."""
    items, _ = declared(name, series).ground(series)
    return graph(items, series.changes(name, amended=True))


def _extensions(extension: str, series: Series) -> set[str]:
    """An extension and all that its revisions stand on."""
    found: set[str] = set()
    waiting = {extension}
    while waiting:
        found |= waiting
        if len(found) > _MOST_PARTS:
            raise DrafthartError(
                f"{extension} stands on more than {_MOST_PARTS} extensions; name fewer as bases"
            )
        bases = [series.revision(it).base for name in waiting for it in series.extension(name)]
        waiting = {extension_of(base.text) for base in bases if base} - found
    return found


def _stacked(parts: list[str], series: Series, lead: str) -> Selection:
    """A part on those behind it."""
    first, *rest = parts
    selection = _part(first, series, lead, "".join(f",{part}" for part in rest))
    if not rest:
        return selection
    if selection.base is None:
        raise DrafthartError(
            f"{selection.revision.id} stands on no other revision; "
            f"write {lead}{selection.expression}"
        )
    base = _stacked(rest, series, f"{lead}{selection.expression},")
    below = [extension_of(it.revision.id) for it in base.down()]
    own = selection.base.revision.id
    # Whatever stands on the right base will do: it brings that with it.
    if extension_of(own) not in below or extension_of(selection.revision.id) in below:
        raise DrafthartError(
            f"{selection.revision.id} stands on a revision of {extension_of(own)}, "
            f"not on {rest[0]}; write {lead}{selection.expression},{own}"
        )
    return replace(selection, expression=f"{selection.expression},{base.expression}", base=base)


def _part(text: str, series: Series, lead: str, rest: str) -> Selection:
    """A revision and its suffixes."""
    parsed = _PART.fullmatch(text)
    assert parsed
    name, suffixes = parsed.groups()
    selection = declared(name, series)
    for suffix in _SUFFIX.finditer(suffixes):
        kind, value = suffix.groups()
        take = {"~": _without_last, "+": _with, "^": _without, "@": _as_of}[kind]
        changes = take(_Step(selection, value, series, lead, suffixes[suffix.end() :] + rest))
        expression = selection.expression + suffix.group()
        selection = replace(selection, expression=expression, changes=tuple(changes))
    return selection


def _without_last(step: _Step) -> list[ChangeEntry]:
    count = len(step.selection.changes)
    if not re.fullmatch("[0-9]{1,9}", step.value):
        raise DrafthartError(
            f"~{step.value} is no number of changes; write ~ and a number, such as ~2"
        )
    if int(step.value) > count:
        raise DrafthartError(
            f"~{step.value} leaves out more changes than {step.selection.expression} has; "
            f"it has {count}, so ~{count} is the most"
        )
    return list(step.selection.changes[: count - int(step.value)])


def _with(step: _Step) -> list[ChangeEntry]:
    selection, value = step.selection, step.value
    if value in selection.ids:
        raise DrafthartError(f"{selection.expression} includes {value!r} already; drop +{value}")
    found = _find(step)
    needed = dependencies(step.series, found.revision).prerequisites(value)
    missing = [it for it in needed if it not in selection.ids]
    if missing:
        picks = "".join(f"+{name}" for name in [*missing, value])
        raise DrafthartError(
            f"{value!r} builds on {_listed(missing)}, missing in {selection.expression}; "
            f"write {step.instead(picks)}"
        )
    return [*selection.changes, found]


def _find(step: _Step) -> ChangeEntry:
    """A change anywhere in the extension's revisions."""
    selection, value = step.selection, step.value
    if value.startswith("overlay:"):
        raise DrafthartError(
            f"{value} is no change; write {selection.expression} alone and give the file of the "
            "overlay beside it, with --overlay FILE"
        )
    extension = extension_of(selection.revision.id)
    known: dict[str, ChangeEntry] = {}
    for name in step.series.extension(extension):
        for change in step.series.revision(name).entries:
            known.setdefault(change.id, change)
    if value not in known:
        others = [name for name in known if name not in selection.ids]
        raise DrafthartError(
            f"unknown change {value!r} in the revisions of {extension}; "
            f"{did_you_mean(value, others)}"
        )
    return known[value]


def _without(step: _Step) -> list[ChangeEntry]:
    selection, value = step.selection, step.value
    if value not in selection.ids:
        raise DrafthartError(
            f"{selection.expression} has no change {value!r}; {did_you_mean(value, selection.ids)}"
        )
    graphs = _graphs(selection, step.series)
    later = [
        name
        for name in selection.ids
        if name != value
        and any(value in it.prerequisites(name) for it in graphs if name in it.needs)
    ]
    if later:
        verb, them = ("builds", "it") if len(later) == 1 else ("build", "them")
        drops = "".join(f"^{name}" for name in [*reversed(later), value])
        raise DrafthartError(
            f"{_listed(later)} in {selection.expression} {verb} on {value!r}; "
            f"leave {them} out too: {step.instead(drops)}"
        )
    return [change for change in selection.changes if change.id != value]


def _as_of(step: _Step) -> list[ChangeEntry]:
    """What was there by the end of a day, month or year, amendments included."""
    selection, value = step.selection, step.value
    if not _is_date(value):
        raise DrafthartError(
            f"@{value} is no date; write it as @2021-08-16, or @2021-08 or @2021 for its last day"
        )
    amendments = [it for it in selection.revision.amendments if it.id not in selection.ids]
    known = [*selection.changes, *amendments]
    kept = [change for change in known if change.date[: len(value)] <= value]
    root = step.series.chain(selection.revision.id)[0]
    begun = bool(root.include) and root.date[: len(value)] <= value
    if not kept and not begun:
        first = min([*(change.date for change in known), *([root.date] if root.include else [])],
                    default="")  # fmt: skip
        remedy = f"the first is of {first}" if first else "it has none"
        raise DrafthartError(f"{selection.expression} has no change as of {value}; {remedy}")
    names = [change.id for change in kept]
    for found in _graphs(replace(selection, changes=tuple(kept)), step.series):
        for name in names:
            missing = [it for it in found.needs.get(name, ()) if it not in names]
            if missing:
                raise DrafthartError(
                    f"as of {value}, {name!r} stands without {_listed(missing)}, which it builds "
                    f"on; choose another date, or leave it out: "
                    f"{step.instead(f'^{name}@{value}')}"
                )
    return kept


def _is_date(value: str) -> bool:
    """Is this a day, a month or a year?"""
    try:
        date.fromisoformat(value + "-01" * (2 - value.count("-")))
    except ValueError:
        return False
    return bool(_DATE.fullmatch(value))


def _graphs(selection: Selection, series: Series) -> list[Graph]:
    """Dependencies of all the selected changes: those picked in come from other revisions."""
    names = dict.fromkeys([selection.revision.id, *(it.revision for it in selection.changes)])
    amended = {
        change.revision
        for change in selection.changes
        if change in series.revision(change.revision).amendments
    }
    # A later revision's graph has the changes of those before it, but not their amendments.
    latest = [
        name
        for name in names
        if name in amended
        or not any(
            name != other and name in [it.id for it in series.chain(other)] for other in names
        )
    ]
    return [dependencies(series, name) for name in latest]


def _listed(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" and {quoted[-1]}"
