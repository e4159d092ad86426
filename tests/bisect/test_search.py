"""The search alone, and the way between two revisions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafthart.generator.diff.differences import between
from drafthart.generator.diff.path import states
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.series import open_series
from drafthart.runtime.bisection import bisect, require_range
from drafthart.runtime.gate import Stability
from drafthart.runtime.resolved import resolved


@given(
    st.integers(2, 200).flatmap(lambda count: st.tuples(st.just(count), st.integers(1, count - 1))),
    st.integers(1, 8),
    st.sets(st.integers(1, 198)),
)
def test_neighbours_are_found(at: tuple[int, int], width: int, silent: set[int]) -> None:
    count, first_bad = at
    silent -= {0, count - 1}
    asked: list[int] = []

    def ask(chosen: Sequence[int]) -> list[bool | None]:
        assert 0 < len(chosen) <= width
        assert not set(asked) & set(chosen)
        asked.extend(chosen)
        return [None if it in silent else it < first_bad for it in chosen]

    good, bad = bisect(count, ask, width)
    told = [it for it in range(count) if it not in silent]
    assert good == max(it for it in told if it < first_bad)
    assert bad == min(it for it in told if it >= first_bad)
    if not silent and width == 1:
        assert len(asked) <= count.bit_length()


@pytest.mark.parametrize(
    ("first", "last"),
    [("h@1.0~2", "h@1.0"), ("h@0.6.2~20", "h@0.6.1~1"), ("h@0.6.1", "h@0.6.2~20"),
     ("h@1.0", "h@1.0"), ("priv@1.12~3", "priv@1.12~1")],
)  # fmt: skip
def test_each_state_is_one_change_from_the_next(first: str, last: str) -> None:
    path = states(first, last, open_series())
    assert (path[0].expression, path[-1].expression) == (first, last)
    isas = [resolved(it.expression) for it in path]
    for index in range(1, len(path)):
        made = [it.id for it in between(isas[index - 1], isas[index])]
        assert made == list(path[index].changes)
        assert len(made) == 1


def test_both_ways_are_the_same() -> None:
    there = states("h@0.6", "h@0.6.2", open_series())
    back = states("h@0.6.2", "h@0.6", open_series())
    assert [it.expression for it in back] == [it.expression for it in reversed(there)]
    assert [it.changes for it in back[1:]] == [it.changes for it in reversed(there[1:])]


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("h@9", "h@1.0", "unknown revision"),
        ("h@1.0", "priv@1.12", "not of one series"),
        ("h@1.0^pbmte-without-svpbmt", "h@1.0", "without its last changes"),
    ],
)
def test_ways_that_there_are_not(first: str, last: str, told: str) -> None:
    with pytest.raises(DrafthartError, match=told):
        states(first, last, open_series())


def told(revision: str, opt_in: str | None) -> Stability:
    status = "draft" if opt_in else "ratified"
    return {"revision": revision, "status": status, "opt_in": opt_in}


def test_what_opts_in_to_the_states_between() -> None:
    ratified, draft = told("h@1", None), told("h@0", "--allow-unstable h@0")
    assert require_range(ratified, ratified, (), []) == ""
    assert require_range(draft, ratified, ("h@0",), ["h@1~1"]) == (
        "--allow-unstable h@0, for what lies between h@0 and h@1"
    )
    with pytest.raises(DrafthartError, match="opt in to them with --allow-unstable h@1"):
        require_range(ratified, ratified, (), ["h@1~1"])
    assert "h@1" in require_range(ratified, ratified, ("h@1",), ["h@1~1"])
