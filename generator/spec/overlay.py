"""Overlays: a user's own file of changes on a revision, such as numbers that a draft lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.expression import select
from drafthart.generator.spec.model import Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.selection import Selection
from drafthart.generator.spec.series import Series
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.texts import MARK, OVERLAYS, SPECS, overlay_file, require_inside
from drafthart.generator.spec.yaml_file import Node, load_yaml


@dataclass(frozen=True)
class Overlay:
    """An overlay as its file states it; `folder` is where the item files of its changes lie."""

    name: str
    title: str
    on: Node
    changes: tuple[Node, ...]
    folder: Path
    place: Place

    def on_top_of(self, selection: Selection, series: Series) -> tuple[ChangeEntry, ...]:
        """Its changes, to be applied behind those selected, which must be what it is made for."""
        self._check_fits(selection, series)
        revision = f"{selection.revision.id}{MARK}{self.name}"
        entries: list[ChangeEntry] = []
        for node in self.changes:
            known = [*selection.ids, *(entry.id for entry in entries)]
            _check_id(node, known, selection)
            entries.append(ChangeEntry(node, revision, tuple(self._included(node))))
        return tuple(entries)

    def _check_fits(self, selection: Selection, series: Series) -> None:
        """A label stands for all its mixtures; a mixture for itself."""
        try:
            wanted = select(self.on.text, series)
        except SpecError:  # which has the place that is wrong
            raise
        except DrafthartError as error:
            raise DrafthartError(f"{self.on.place}: {error}") from None
        fits = wanted.revision.id == selection.revision.id
        if fits and wanted.expression != wanted.revision.id:
            fits = wanted.is_same(selection)
        if not fits:
            what = f"the overlay {self.name} is on {self.on.text}, not on {selection.expression}"
            raise SpecError(self.on.place, what, f"name {self.on.text}, or write another overlay")

    def _included(self, change: Node) -> Iterator[Node]:
        include = change.get("include")
        for file in include.sequence if include else ():
            path = self.folder / file.text
            if not path.is_file():
                what = f"no file {file.text!r} beside the overlay"
                raise SpecError(file.place, what, "correct the path")
            require_inside(path, self.folder, f"{file.place}: {file.text}")
            items = load_yaml(path, (Path(self.place.file).parent / file.text).as_posix())
            check_schema(items, "items")
            yield items


def open_overlay(path: Path) -> Overlay:
    """Read an overlay's file; see `overlay_file`."""
    file = overlay_file(path)
    node = load_yaml(file, str(path))
    check_schema(node, "overlay")
    return Overlay(
        name=node.text_of("overlay"),
        title=node.text_of("title"),
        on=node.entries["on"],
        changes=tuple(node.entries["changes"].sequence),
        folder=file.parent,
        place=node.entries["overlay"].place,
    )


def overlays(specs: Path | None = None) -> list[Path]:
    """The overlays in a folder of specs, or Drafthart's own, as `open_overlay` finds them."""
    folder = SPECS if specs is None else specs
    shown = Path("specs") if specs is None else specs
    return [shown / it.relative_to(folder) for it in sorted(folder.glob(f"{OVERLAYS}/*.yaml"))]


def _check_id(change: Node, known: list[str], selection: Selection) -> None:
    """Its id must be new, and what it requires must be there."""
    name = change.entries["id"]
    if name.text in known:
        what = f"there is a change {name.text!r} already in {selection.expression} or the overlay"
        raise SpecError(name.place, what, "give it another id")
    requires = change.get("requires")
    for node in requires.sequence if requires else ():
        if node.text not in known:
            what = f"no earlier change {node.text!r}"
            raise SpecError(node.place, what, did_you_mean(node.text, known))
