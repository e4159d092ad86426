"""Which legal choices of a target explain what it does as no label would."""

from __future__ import annotations

from collections.abc import Sequence

from drafthart.conformance.answers import Answers
from drafthart.conformance.comparison import Difference
from drafthart.conformance.infer import values_to_try
from drafthart.runtime.resolved import resolved


def choices_of(
    answers: Answers, expression: str, unexplained: Sequence[Difference]
) -> dict[str, int]:
    """Parameter → value, for those that explain some of these differences."""
    isa = resolved(expression)
    trials = [
        {it.name: value}
        for it in isa.parameters.values()
        for value in values_to_try(it, unexplained, isa)
    ]
    asked = [(expression, answers.parameters | trial) for trial in trials]
    told = answers.ask(asked, "looking for its choices")
    start = _differing(answers, expression, {})
    gains = [
        (len(answers.against(left)), number) for number, left in enumerate(told) if left is not None
    ]
    chosen: dict[str, int] = {}
    least = start
    for alone, number in sorted(gains):
        trial = trials[number]
        if alone < start and not trial.keys() & chosen.keys():
            left = _differing(answers, expression, chosen | trial)
            if left < least:
                chosen |= trial
                least = left
    return chosen


def _differing(answers: Answers, expression: str, chosen: dict[str, int]) -> int:
    (left,) = answers.ask([(expression, answers.parameters | chosen)], "comparing")
    return len(answers.against(left)) if left is not None else 1 << 30
