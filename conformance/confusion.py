"""How well `identify` tells the labels apart: each as the target, beside all, in Markdown.

python -m drafthart.conformance.confusion
"""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.conformance.elsewhere import labels
from drafthart.conformance.identify import Identification, identify
from drafthart.conformance.target import DrafthartTarget


def confusion() -> dict[str, Identification]:
    """Label → what `identify` says of Drafthart under it."""
    return {
        label: identify(DrafthartTarget(label, name=label), variants=False) for label in labels()
    }


def table(outcomes: dict[str, Identification]) -> Iterator[str]:
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


if __name__ == "__main__":
    print("\n".join(table(confusion())))
