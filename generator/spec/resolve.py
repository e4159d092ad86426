"""From a revision expression to the ISA it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec import build
from drafthart.generator.spec.build_csrs import build_csrs
from drafthart.generator.spec.changes import ChangeEntry, apply_change
from drafthart.generator.spec.check_items import check_counts, check_items
from drafthart.generator.spec.check_schema import check_name, check_schema
from drafthart.generator.spec.choices import Choices, build_parameters
from drafthart.generator.spec.content import content_hash
from drafthart.generator.spec.expression import declared, is_modified, select
from drafthart.generator.spec.item_path import DEFINITIONS
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import ISA, Change, Status
from drafthart.generator.spec.overlay import Overlay, open_overlay
from drafthart.generator.spec.selection import Selection
from drafthart.generator.spec.series import Series, open_series
from drafthart.generator.spec.texts import MARK


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    """A revision for lists. `changes` counts its own, not those of its ancestors.

    `base` is the expression of what it stands on, and `amended` the one that has all amendments.
    """

    id: str
    title: str
    status: Status
    date: str
    commit: str
    parent: str | None
    base: str | None
    changes: int
    amendments: int
    amended: str | None


def resolve(
    expression: str,
    *,
    specs: Path | None = None,
    xlen: int = 64,
    parameters: Mapping[str, int] | None = None,
    overlay: Path | None = None,
) -> ISA:
    """The ISA that an expression such as `h@0.6.1+hvip-independent,priv@1.11` stands for.

    `specs` is a folder of specs in place of Drafthart's own, `parameters` are choices that differ
    from the defaults, and `overlay` is a file of further changes, such as numbers that the draft
    leaves open. Raises `DrafthartError` with file, line and column where the specs are wrong.
    """
    if xlen not in (32, 64):
        raise DrafthartError(f"XLEN {xlen} is not supported; use 32 or 64")
    series = open_series(specs)
    selection = select(expression, series)
    patch = open_overlay(overlay) if overlay else None
    own = patch.on_top_of(selection, series) if patch else ()
    items, changes = selection.apply(series)
    changes += [change.resolved(apply_change(items, change)) for change in own]
    _check_changed(items, selection.bottom.ground(series)[0])
    isa = _build(selection, series, items, tuple(changes), xlen, parameters or {})
    check_items(isa, items)
    if patch:
        isa = _named_for(patch, own, isa)
    return replace(isa, content=content_hash(isa))


def revisions(specs: Path | None = None) -> list[RevisionSummary]:
    """All revisions, oldest first; those that others stand on come before them."""
    series = open_series(specs)
    summaries = [_summary(name, series) for name in series.files]
    depths = {it.id: (_level(it.id, series), len(series.chain(it.id))) for it in summaries}
    return sorted(summaries, key=lambda it: (depths[it.id], it.date, it.id))


def _summary(name: str, series: Series) -> RevisionSummary:
    it, base = series.revision(name), series.base(name)
    newest = max((change.date for change in it.amendments), default=None)
    return RevisionSummary(
        id=it.id,
        title=it.title,
        status=it.status,
        date=it.date,
        commit=it.commit,
        parent=it.parent,
        base=base.text if base else None,
        changes=len(it.changes),
        amendments=len(it.amendments),
        amended=f"{it.id}@{newest}" if newest else None,
    )


def _level(name: str, series: Series) -> int:
    """How many revisions stand below this one, each on the next."""
    level, below = 0, declared(name, series).base
    while below:
        level, below = level + 1, below.base
    return level


def _check_changed(items: Items, root: Items) -> None:
    """Items that came from changes, or that changes altered, must fit the schema as a whole."""
    checked = {node for named in root.sections.values() for node in named.values()}
    for section, named in items.sections.items():
        for name, node in named.items():
            check_name(section, name, node.key)
            if node not in checked:
                check_schema(node, "items", DEFINITIONS[section])


def _named_for(overlay: Overlay, changes: tuple[ChangeEntry, ...], isa: ISA) -> ISA:
    """The ISA said to be what it is: the user's own, and so a draft, whatever it is made from."""
    return replace(
        isa,
        id=f"{isa.id}{MARK}{overlay.name}",
        title=f"{isa.title}, with the overlay {overlay.name}: {overlay.title}",
        status=Status.DRAFT,
        date=max([isa.date, *(change.date for change in changes)]),
    )


def _build(
    selection: Selection,
    series: Series,
    items: Items,
    changes: tuple[Change, ...],
    xlen: int,
    chosen: Mapping[str, int],
) -> ISA:
    check_counts(items)
    revision = selection.revision
    modified = is_modified(selection, series)
    newest = selection.changes[-1] if modified and selection.changes else None
    constants = build.build_constants(items)
    parameters = build_parameters(items, chosen)
    operands = build.build_operands(items)
    choices = Choices(xlen, parameters, {it.name: it.value for it in constants.values()})
    return ISA(
        id=selection.expression,
        base=selection.base.expression if selection.base else "",
        title=f"{revision.title}, modified: {selection.expression}" if modified else revision.title,
        # A mixture was never ratified as such.
        status=Status.DRAFT if modified else revision.status,
        date=newest.date if newest else revision.date,
        commit=newest.node.entries["commit"].sequence[-1].text if newest else revision.commit,
        xlen=xlen,
        constants=constants,
        parameters=parameters,
        state=build.build_state(items, xlen),
        operands=operands,
        instructions=build.build_instructions(items, operands, choices),
        pseudoinstructions=build.build_pseudoinstructions(items, choices),
        csrs=build_csrs(items, choices),
        causes=build.build_causes(items, "causes"),
        interrupts=build.build_causes(items, "interrupts"),
        functions=build.build_functions(items),
        rules=build.build_rules(items),
        changes=changes,
    )
