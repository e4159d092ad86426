"""Drafthart's own specs: every state between two changes must stand by itself."""

from functools import cache
from pathlib import Path

import pytest

from drafthart.generator.spec.check_schema import SPECS
from drafthart.generator.spec.dependencies import Graph, dependencies
from drafthart.generator.spec.resolve import RevisionSummary, resolve, revisions
from drafthart.generator.spec.series import open_series

LATEST = revisions()[-1].id
# Changes that only clarify leave the items as they are.
EFFECTIVE = [change.id for change in resolve(LATEST).changes if change.items]


@cache
def graph() -> Graph:
    return dependencies(open_series(), LATEST)


@pytest.mark.parametrize("summary", revisions(), ids=lambda summary: summary.id)
def test_every_revision_resolves(summary: RevisionSummary) -> None:
    for xlen in (32, 64):
        isa = resolve(summary.id, xlen=xlen)
        assert (isa.id, isa.status) == (summary.id, summary.status)


@pytest.mark.parametrize("change", EFFECTIVE)
def test_every_intermediate_state_resolves(change: str) -> None:
    later = len(graph().order) - graph().order.index(change) - 1
    assert resolve(f"{LATEST}~{later}").changes[-1].id == change


@pytest.mark.parametrize("change", [it for it in EFFECTIVE if not graph().dependents(it)])
def test_every_change_that_nothing_builds_on_can_be_left_out(change: str) -> None:
    assert change not in [it.id for it in resolve(f"{LATEST}^{change}").changes]


@pytest.mark.parametrize("change", EFFECTIVE)
def test_every_change_can_be_picked_in_with_what_it_builds_on(change: str) -> None:
    picked = [*graph().prerequisites(change), change]
    expression = f"{LATEST}~{len(graph().order)}+{'+'.join(picked)}"
    assert [it.id for it in resolve(expression).changes] == picked


def test_as_of_a_day() -> None:
    for day in sorted({it.date for it in resolve(LATEST).changes})[::5]:
        assert {it.date <= day for it in resolve(f"{LATEST}@{day}").changes} == {True}


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.yaml")), ids=lambda path: path.name)
def test_the_first_line_tells_editors_the_schema(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    hint = "# yaml-language-server: $schema="
    assert first.startswith(hint)
    schema = (path.parent / first.removeprefix(hint)).resolve()
    assert schema.is_file()
    # Revisions and overlays say so themselves; the other schema is of item files.
    keys = {line.partition(":")[0] for line in path.read_text().splitlines()}
    kind = next((kind for kind in ("revision", "overlay") if kind in keys), "items")
    assert schema.name == f"{kind}.schema.json"
