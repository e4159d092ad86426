"""From a revision expression to the ISA it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec import build
from drafthart.generator.spec.build_csrs import build_csrs
from drafthart.generator.spec.changes import ChangeEntry, apply_change
from drafthart.generator.spec.check_items import check_items
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.choices import Choices, build_parameters
from drafthart.generator.spec.content import content_hash
from drafthart.generator.spec.expression import Selection, select
from drafthart.generator.spec.item_path import DEFINITIONS
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import ISA, Change, Status
from drafthart.generator.spec.overlay import MARK, Overlay, open_overlay
from drafthart.generator.spec.series import Series, open_series
from drafthart.generator.spec.yaml_file import Node


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    """A revision for lists. `changes` counts its own, not those of its ancestors."""

    id: str
    title: str
    status: Status
    date: str
    commit: str
    parent: str | None
    changes: int


def resolve(
    expression: str,
    *,
    specs: Path | None = None,
    xlen: int = 64,
    parameters: Mapping[str, int] | None = None,
    overlay: Path | None = None,
) -> ISA:
    """The ISA that an expression such as `h@0.6.1+hvip-independent` stands for.

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
    entries = (*selection.changes, *own)
    items = series.base(selection.revision.id)
    checked = {node for named in items.sections.values() for node in named.values()}
    effects = [apply_change(items, change) for change in entries]
    _check_changed(items, checked)
    changes = tuple(
        change.resolved(effect) for change, effect in zip(entries, effects, strict=True)
    )
    isa = _build(selection, series, items, changes, xlen, parameters or {})
    check_items(isa, items)
    if patch:
        isa = _named_for(patch, own, isa)
    return replace(isa, content=content_hash(isa))


def revisions(specs: Path | None = None) -> list[RevisionSummary]:
    """All revisions, oldest first."""
    series = open_series(specs)
    found = [series.revision(name) for name in series.files]
    summaries = [
        RevisionSummary(it.id, it.title, it.status, it.date, it.commit, it.parent, len(it.changes))
        for it in found
    ]
    depths = {it.id: len(series.chain(it.id)) for it in found}
    return sorted(summaries, key=lambda it: (depths[it.id], it.date, it.id))


def _check_changed(items: Items, checked: set[Node]) -> None:
    """Items that came from changes, or that changes altered, must fit the schema as a whole."""
    for section, named in items.sections.items():
        for node in named.values():
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
    revision = selection.revision
    modified = [it.id for it in series.changes(revision.id)] != selection.ids
    newest = selection.changes[-1] if modified and selection.changes else None
    constants = build.build_constants(items)
    parameters = build_parameters(items, chosen)
    operands = build.build_operands(items)
    choices = Choices(xlen, parameters, {it.name: it.value for it in constants.values()})
    return ISA(
        id=selection.expression,
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
        instructions=build.build_instructions(items, operands),
        pseudoinstructions=build.build_pseudoinstructions(items),
        csrs=build_csrs(items, choices),
        causes=build.build_causes(items, "causes"),
        interrupts=build.build_causes(items, "interrupts"),
        functions=build.build_functions(items),
        rules=build.build_rules(items),
        changes=changes,
    )
