"""Drafthart's own specs: every state between two changes must stand by itself."""

from functools import cache
from pathlib import Path

import pytest

from drafthart.generator.spec.dependencies import Graph
from drafthart.generator.spec.expression import dependencies
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.series import extension_of, open_series
from drafthart.generator.spec.texts import SPECS

SUMMARIES = {summary.id: summary for summary in revisions()}
LATEST = {extension_of(name): name for name in SUMMARIES}
"""Extension → its newest revision."""


def own(isa: ISA) -> list[str]:
    """The changes of its own extension."""
    extension = extension_of(isa.id)
    return [it.id for it in isa.changes if extension_of(it.revision) == extension]


@cache
def graph(latest: str) -> Graph:
    return dependencies(open_series(), latest)


def on_one_hart(latest: str, changes: list[str]) -> str:
    """The base for changes of H: MTL and MPV lay where 1.12 has VS, until they moved."""
    early = latest.startswith("h@") and "mpv-mtl-move" not in changes
    return ",priv@1.12^vector-status" if early else ""


def everything(latest: str) -> str:
    """All changes, amendments included."""
    return SUMMARIES[latest].amended or latest


# Changes that only clarify leave the items as they are.
EFFECTIVE = [
    (latest, change.id)
    for extension, latest in LATEST.items()
    for change in resolve(everything(latest)).changes
    if change.items and extension_of(change.revision) == extension
]
IN_LABELS = [
    (name, count)
    for name in SUMMARIES
    for count, change in enumerate(reversed(open_series().revision(name).changes), 1)
    if (LATEST[extension_of(name)], change.id) in EFFECTIVE and name not in LATEST.values()
]


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_revision_resolves(name: str) -> None:
    for xlen in (32, 64):
        isa = resolve(name, xlen=xlen)
        assert (isa.id, isa.status) == (name, SUMMARIES[name].status)


@pytest.mark.parametrize(("latest", "change"), EFFECTIVE)
def test_every_intermediate_state_resolves(latest: str, change: str) -> None:
    order = graph(latest).order
    at = order.index(change) + 1
    expression = f"{everything(latest)}~{len(order) - at}{on_one_hart(latest, [*order[:at]])}"
    assert own(resolve(expression))[-1] == change


@pytest.mark.parametrize(("name", "count"), IN_LABELS)
def test_every_state_within_a_label_resolves_on_its_own_base(name: str, count: int) -> None:
    assert resolve(f"{name}~{count}").base == (SUMMARIES[name].base or "")


@pytest.mark.parametrize(
    ("latest", "change"), [it for it in EFFECTIVE if not graph(it[0]).dependents(it[1])]
)
def test_every_change_that_nothing_builds_on_can_be_left_out(latest: str, change: str) -> None:
    assert change not in own(resolve(f"{everything(latest)}^{change}"))


@pytest.mark.parametrize(("latest", "change"), EFFECTIVE)
def test_every_change_can_be_picked_in_with_what_it_builds_on(latest: str, change: str) -> None:
    picked = [*graph(latest).prerequisites(change), change]
    expression = f"{latest}~{len(own(resolve(latest)))}+{'+'.join(picked)}"
    assert own(resolve(expression + on_one_hart(latest, picked))) == picked


@pytest.mark.parametrize("latest", LATEST.values())
def test_as_of_a_day(latest: str) -> None:
    dates = {it.id: it.date for it in resolve(everything(latest)).changes}
    order = graph(latest).order
    for day in sorted({dates[it] for it in order})[::5]:
        base = on_one_hart(latest, [it for it in order if dates[it] <= day])
        assert {dates[it] <= day for it in own(resolve(f"{latest}@{day}{base}"))} == {True}


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.yaml")), ids=lambda path: path.name)
def test_the_first_line_tells_editors_the_schema(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    hint = "# yaml-language-server: $schema="
    assert first.startswith(hint)
    schema = (path.parent / first.removeprefix(hint)).resolve()
    assert schema.is_file()
    # Revisions and overlays say so themselves; the other schema is of item files.
    keys = {line.partition(":")[0] for line in path.read_text().splitlines()}
    kind = next(
        (kind for kind in ("revision", "overlay", "normative-rules") if kind in keys), "items"
    )
    assert schema.name == f"{kind}.schema.json"
