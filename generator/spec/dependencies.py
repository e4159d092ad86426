"""Which changes build on which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drafthart.generator.spec.changes import ChangeEntry, apply_change
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError


@dataclass(frozen=True)
class Graph:
    """Which changes of a revision build on which earlier ones."""

    order: tuple[str, ...]
    needs: dict[str, frozenset[str]]

    def prerequisites(self, change: str) -> list[str]:
        """All that a change builds on, directly or not, oldest first."""
        found: set[str] = set()
        waiting = [change]
        while waiting:
            new = self.needs[waiting.pop()] - found
            found |= new
            waiting += new
        return [name for name in self.order if name in found]

    def dependents(self, change: str) -> list[str]:
        """All that builds on a change, directly or not, oldest first."""
        return [name for name in self.order if change in self.prerequisites(name)]


def graph(items: Items, changes: Iterable[ChangeEntry]) -> Graph:
    """The dependencies among changes, from applying them all to the items, in place.

    A change builds on the newest earlier changes that touched the same item, on those that made
    what it names, and on those that it requires.
    """
    touched: dict[str, str] = {}
    created: dict[str, str] = {}
    needs: dict[str, frozenset[str]] = {}
    for change in changes:
        effects = apply_change(items, change)
        found = {touched[it] for it in effects.touched if it in touched}
        found |= {created[it] for it in effects.named if it in created}
        found |= _required(change, needs)
        needs[change.id] = frozenset(found - {change.id})
        touched |= dict.fromkeys(effects.touched, change.id)
        created |= dict.fromkeys(effects.created, change.id)
    return Graph(tuple(needs), needs)


def _required(change: ChangeEntry, earlier: dict[str, frozenset[str]]) -> set[str]:
    requires = change.node.get("requires")
    for node in requires.sequence if requires else ():
        if node.text not in earlier:
            raise SpecError(
                node.place, f"no earlier change {node.text!r}", did_you_mean(node.text, earlier)
            )
    return set(change.requires)
