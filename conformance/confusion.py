"""How well `identify` tells revisions apart, as Markdown: each label, and single changes less.

python -m drafthart.conformance.confusion
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drafthart.conformance.deltas import untold
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.identify import Identification, identify
from drafthart.conformance.near import Near
from drafthart.conformance.series import Step, same_engine, steps
from drafthart.conformance.target import DrafthartTarget


def confusion() -> dict[str, Identification]:
    """Label → what `identify` says of Drafthart under it."""
    return {it: named(it) for it in labels()}


def named(expression: str) -> Identification:
    """What `identify` says of Drafthart under a revision."""
    return identify(DrafthartTarget(expression, name=expression))


def table(outcomes: Mapping[str, Identification]) -> Iterator[str]:
    """Percent of the questions that each label (columns) answers as the target (rows) does."""
    yield "| target | " + " | ".join(label.partition("@")[2] for label in labels()) + " |"
    yield "|---" * (len(labels()) + 1) + "|"
    for label, outcome in outcomes.items():
        agreement = {it.revision: it.agreement for it in outcome.candidates}
        cells = [
            f"**{agreement[it]:.0%}**" if it in outcome.best else f"{agreement[it]:.0%}"
            for it in labels()
        ]
        yield f"| {label} | {' | '.join(cells)} |"


def left_out() -> dict[str, str]:
    """Change → the newest label without it, for changes that show; oldest first."""
    newest = labels()[-1]
    return {it.change.id: f"{newest}^{it.change.id}" for it in _own() if not reason(it)}


def reason(step: Step) -> str:
    """Why the newest label without a change is not told from it; "" if it can be."""
    newest = labels()[-1]
    needed = Near(newest).minus(step.change.id).less - {step.change.id}
    if needed:
        others = sorted(needed)
        more = f" and {len(others) - 2} more" if len(others) > 2 else ""
        return f"others build on it: {', '.join(others[:2])}{more}"
    if same_engine(f"{newest}^{step.change.id}") == same_engine(newest):
        return "the engine is the same without it: no program can tell"
    return untold().get(step.change.id, "")


def variants(outcomes: Mapping[str, Identification]) -> Iterator[str]:
    """What is said of each single change less, and whether it is right."""
    yield "| target | answer | explains as much |"
    yield "|---|---|---|"
    for expression, outcome in outcomes.items():
        others = [it for it in outcome.equivalent if it != outcome.answer.expression]
        yield f"| {expression} | {outcome.answer} | {', '.join(others)} |"


def not_told() -> Iterator[str]:
    """The changes that the newest label without them does not show, with the reason."""
    yield "| change | of | reason |"
    yield "|---|---|---|"
    for step in _own():
        if why := reason(step):
            yield f"| {step.change.id} | {step.label} | {why} |"


def _own() -> list[Step]:
    return [it for it in steps() if not it.amendment]


def main() -> None:
    """Print the three tables."""
    print("\n".join([*table(confusion()), ""]), flush=True)
    outcomes = {it: named(it) for it in left_out().values()}
    print("\n".join([*variants(outcomes), "", *not_told()]))


if __name__ == "__main__":
    main()
