"""A label with some changes more or less: what it is called, and what goes with each change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from drafthart.conformance.elsewhere import labels
from drafthart.generator.spec.dependencies import Graph
from drafthart.generator.spec.expression import dependencies
from drafthart.generator.spec.series import open_series
from drafthart.runtime.resolved import resolved


@dataclass(frozen=True, slots=True)
class Near:
    """A label, and the ids of the changes that it has besides, and that it lacks."""

    label: str
    more: frozenset[str] = frozenset()
    less: frozenset[str] = frozenset()

    @property
    def expression(self) -> str:
        """What to give for a revision: `h@0.6.1+later^own`."""
        order = _graph(self.label).order
        more = [it for it in order if it in self.more]
        less = [it for it in reversed(order) if it in self.less]
        return "".join([self.label, *(f"+{it}" for it in more), *(f"^{it}" for it in less)])

    def has(self, change: str) -> bool:
        """Is the change in effect?"""
        return change in self.more or (change in _own(self.label) and change not in self.less)

    def plus(self, change: str) -> Near:
        """With the change, and those that it builds on."""
        needed = {change, *_graph(self.label).prerequisites(change)}
        missing = {it for it in needed if it not in _own(self.label)}
        return Near(self.label, self.more | missing, self.less - needed)

    def minus(self, change: str) -> Near:
        """Without the change, and those that build on it."""
        gone = {change, *_graph(self.label).dependents(change)}
        return Near(self.label, self.more - gone, self.less | (gone & _own(self.label)))

    def __str__(self) -> str:
        order = _graph(self.label).order
        more = ", ".join(f"`{it}`" for it in order if it in self.more)
        less = ", ".join(f"`{it}`" for it in order if it in self.less)
        parts = [self.label, f"plus {more}" if more else "", f"without {less}" if less else ""]
        return ", ".join(part for part in parts if part)


@cache
def _own(label: str) -> frozenset[str]:
    """The changes of the label's own extension that are in effect."""
    return frozenset(it.id for it in resolved(label).changes).intersection(_graph(label).order)


@cache
def _graph(label: str) -> Graph:
    """The dependencies of all changes of the series, up to the newest label and its amendments."""
    newest = labels(label.partition("@")[0])[-1]
    return dependencies(open_series(None), newest)
