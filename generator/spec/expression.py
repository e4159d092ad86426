"""The algebra of revisions: `h@0.6.1`, `~2`, `+id`, `^id`, `@2021-08-16`, left to right."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry
from drafthart.generator.spec.dependencies import Graph, dependencies
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.series import RevisionFile, Series

_EXPRESSION = re.compile(r"([A-Za-z]\w*@[^\s~+^@]+)((?:[~+^@][^\s~+^@]+)*)")
_SUFFIX = re.compile(r"([~+^@])([^~+^@]+)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Selection:
    """The changes that an expression picks out, in the order to apply them."""

    expression: str
    revision: RevisionFile
    changes: tuple[ChangeEntry, ...]

    @property
    def ids(self) -> list[str]:
        """The ids of the changes."""
        return [change.id for change in self.changes]


def select(expression: str, series: Series) -> Selection:
    """What a revision expression stands for."""
    parsed = _EXPRESSION.fullmatch(expression.strip())
    if not parsed:
        raise DrafthartError(
            f"cannot read the revision {expression!r}; write it as h@0.6.1, with ~2, +change, "
            "^change or @2021-08-16 behind it"
        )
    name, suffixes = parsed.groups()
    revision = series.revision(name)
    selection = Selection(name, revision, tuple(series.changes(name)))
    for suffix in _SUFFIX.finditer(suffixes):
        kind, value = suffix.groups()
        step = {"~": _without_last, "+": _with, "^": _without, "@": _as_of}[kind]
        rest = suffixes[suffix.end() :]
        changes = step(selection, value, series, rest)
        selection = replace(
            selection, expression=selection.expression + suffix.group(), changes=tuple(changes)
        )
    return selection


def _without_last(
    selection: Selection, value: str, _series: Series, _rest: str
) -> list[ChangeEntry]:
    count = len(selection.changes)
    if not re.fullmatch("[0-9]{1,9}", value):
        raise DrafthartError(f"~{value} is no number of changes; write ~ and a number, such as ~2")
    if int(value) > count:
        raise DrafthartError(
            f"~{value} leaves out more changes than {selection.expression} has; "
            f"it has {count}, so ~{count} is the most"
        )
    return list(selection.changes[: count - int(value)])


def _with(selection: Selection, value: str, series: Series, rest: str) -> list[ChangeEntry]:
    if value in selection.ids:
        raise DrafthartError(f"{selection.expression} includes {value!r} already; drop +{value}")
    found = _find(value, selection, series)
    graph = dependencies(series, found.revision)
    missing = [it for it in graph.prerequisites(value) if it not in selection.ids]
    if missing:
        picks = "".join(f"+{name}" for name in [*missing, value])
        raise DrafthartError(
            f"{value!r} builds on {_listed(missing)}, missing in {selection.expression}; "
            f"write {selection.expression}{picks}{rest}"
        )
    return [*selection.changes, found]


def _find(value: str, selection: Selection, series: Series) -> ChangeEntry:
    """A change anywhere in the extension's revisions."""
    if value.startswith("overlay:"):
        raise DrafthartError(
            f"{value} is no change; write {selection.expression} alone and give the file of the "
            "overlay beside it, with --overlay FILE"
        )
    extension = selection.revision.id.partition("@")[0]
    known: dict[str, ChangeEntry] = {}
    for name in series.extension(extension):
        for change in series.revision(name).changes:
            known.setdefault(change.id, change)
    if value not in known:
        others = [name for name in known if name not in selection.ids]
        raise DrafthartError(
            f"unknown change {value!r} in the revisions of {extension}; "
            f"{did_you_mean(value, others)}"
        )
    return known[value]


def _without(selection: Selection, value: str, series: Series, rest: str) -> list[ChangeEntry]:
    if value not in selection.ids:
        raise DrafthartError(
            f"{selection.expression} has no change {value!r}; {did_you_mean(value, selection.ids)}"
        )
    graphs = _graphs(selection, series)
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
            f"leave {them} out too: {selection.expression}{drops}{rest}"
        )
    return [change for change in selection.changes if change.id != value]


def _as_of(selection: Selection, value: str, series: Series, _rest: str) -> list[ChangeEntry]:
    if not _DATE.fullmatch(value):
        raise DrafthartError(f"@{value} is no date; write it as @2021-08-16")
    kept = [change for change in selection.changes if change.date <= value]
    if not kept:
        first = min((change.date for change in selection.changes), default="")
        remedy = f"the first is of {first}" if first else "it has none"
        raise DrafthartError(f"{selection.expression} has no change as of {value}; {remedy}")
    names = [change.id for change in kept]
    for graph in _graphs(selection, series):
        for name in names:
            missing = [it for it in graph.needs.get(name, ()) if it not in names]
            if missing:
                raise DrafthartError(
                    f"as of {value}, {name!r} stands without {_listed(missing)}, which it builds "
                    f"on; choose another date, or leave it out: "
                    f"{selection.expression}^{name}@{value}"
                )
    return kept


def _graphs(selection: Selection, series: Series) -> list[Graph]:
    """Dependencies of all the selected changes: those picked in come from other revisions."""
    names = dict.fromkeys([selection.revision.id, *(it.revision for it in selection.changes)])
    latest = [
        name
        for name in names
        if not any(
            name != other and name in [it.id for it in series.chain(other)] for other in names
        )
    ]
    return [dependencies(series, name) for name in latest]


def _listed(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" and {quoted[-1]}"
