"""What a revision expression picks out: changes in order, and what they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drafthart.generator.spec.changes import ChangeEntry, apply_change
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import Change
from drafthart.generator.spec.series import RevisionFile, Series, extension_of
from drafthart.generator.spec.spec_error import SpecError


@dataclass(frozen=True)
class Selection:
    """The changes that an expression picks out, in the order to apply them."""

    expression: str
    revision: RevisionFile
    changes: tuple[ChangeEntry, ...]
    """Those of its own extension."""
    base: Selection | None
    """What they stand on; nothing for a root."""

    @property
    def ids(self) -> list[str]:
        """The ids of the changes of its extension."""
        return [change.id for change in self.changes]

    @property
    def bottom(self) -> Selection:
        """What everything stands on: a revision of an extension with a root."""
        return [*self.down()][-1]

    def down(self) -> Iterator[Selection]:
        """This, what it stands on, and so on to the root."""
        yield self
        if self.base:
            yield from self.base.down()

    def is_same(self, other: Selection) -> bool:
        """Do both come to the same?"""
        if extension_of(self.revision.id) != extension_of(other.revision.id):
            return False
        if self.ids != other.ids:
            return False
        if self.base is None or other.base is None:
            return self.base is other.base
        return self.base.is_same(other.base)

    def ground(self, series: Series) -> tuple[Items, list[Change]]:
        """The items that its changes start from, and the changes that made them."""
        if self.base is None:
            return series.root(self.revision.id), []
        items, changes = self.base.apply(series)
        items.origins.clear()  # only what stands on the base counts as brought by an extension
        return items, changes

    def apply(self, series: Series) -> tuple[Items, list[Change]]:
        """The items that result, and all changes that made them, those of the base first."""
        items, changes = self.ground(series)
        below = {change.id: change for change in changes}
        for change in self.changes:
            if first := below.get(change.id):
                what = f"the change {change.id!r} is already at {first.place}"
                raise SpecError(change.node.entries["id"].place, what, "give it another id")
            changes.append(change.resolved(apply_change(items, change)))
        if self.base is None:
            items.origins.clear()
        return items, changes
