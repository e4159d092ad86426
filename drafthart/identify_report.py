"""What `drafthart identify` found, for people and for tools."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import Any

from rich.table import Table
from rich.text import Text

from drafthart.conformance.identify import Identification, Question
from drafthart.conformance.verdicts import Finding
from drafthart.output import table
from drafthart.runtime.gate import mixed, stability
from drafthart.runtime.resolved import resolved

_MOST = 12


def as_text(outcome: Identification) -> Iterator[str | Text | Table]:
    """The ranked revisions, what speaks against the best, and the answer last."""
    rows = [(it.revision, f"{it.agreement:.1%}", str(len(it.against))) for it in outcome.candidates]
    yield table(("revision", "agrees", "questions against it"), rows)
    against = outcome.candidates[0].against
    if against:
        yield ""
        yield table(
            ("what", "seen", "as in", "probe"),
            [(it.what, it.seen, _range(it), it.probe) for it in against[:_MOST]],
        )
        if len(against) > _MOST:
            yield f"… and {len(against) - _MOST} more; --format json has all"
    if outcome.variants:
        yield ""
        best = (outcome.best[-1], str(outcome.differing))
        tried = [(it.near.expression, str(it.differing)) for it in outcome.variants[:_MOST]]
        yield table(("with changes more or less", "observations unexplained"), [best, *tried])
    if outcome.deviations:
        yield ""
        yield table(
            ("as in no revision", "seen", outcome.answer.label, "probe"),
            [
                (it.first.what, it.first.there, it.first.here, _of(it))
                for it in outcome.deviations[:_MOST]
            ],
        )
        if len(outcome.deviations) > _MOST:
            yield f"… and {len(outcome.deviations) - _MOST} more; --format json has all"
    yield ""
    yield fill(summary(outcome), 80, break_long_words=False, break_on_hyphens=False)
    if outcome.answer.more or outcome.answer.less:
        yield f"As a revision: {outcome.answer.expression}"


def summary(outcome: Identification) -> str:
    """The answer in a sentence: what it is, which choices it makes, and what is of no revision."""
    said = str(outcome.answer)
    others = [it for it in outcome.equivalent if it != outcome.answer.expression]
    if others and not outcome.variants:
        said = f"{' or '.join(outcome.best)} (nothing observed parts them)"
    elif others:
        said += f" (or {', '.join(others)}: nothing observed parts them)"
    parts = [f"{outcome.target} is {said}"]
    if outcome.inferred:
        chosen = ", ".join(f"{name}={value}" for name, value in sorted(outcome.inferred.items()))
        parts.append(f"its choices: {chosen}")
    count = len(outcome.deviations)
    parts.append(f"{count or 'no'} deviation{'' if count == 1 else 's'} from any draft")
    if outcome.lost:
        parts.append(f"{outcome.lost} of {outcome.probes} probes lost")
    return "; ".join(parts)


def as_data(outcome: Identification) -> dict[str, Any]:
    """The same and more, for JSON."""
    names = [it.revision for it in outcome.candidates]
    return {
        "target": outcome.target,
        "summary": summary(outcome),
        "best": outcome.best,
        "revision": outcome.answer.expression,
        "label": outcome.answer.label,
        "plus": sorted(outcome.answer.more),
        "without": sorted(outcome.answer.less),
        "equivalent": outcome.equivalent,
        "parameters": {"told": dict(outcome.told), "inferred": dict(outcome.inferred)},
        "stability": mixed(*(stability(resolved(name)) for name in names)),
        "probes": outcome.probes,
        "lost": outcome.lost,
        "questions": len(outcome.questions),
        "unexplained": outcome.differing,
        "candidates": [
            {"revision": it.revision, "agreement": it.agreement, "against": len(it.against)}
            for it in outcome.candidates
        ],
        "variants": [
            {"revision": it.near.expression, "unexplained": it.differing} for it in outcome.variants
        ],
        "evidence": [
            {
                "what": it.what,
                "probe": it.probe,
                "seen": it.seen,
                "as_in": it.as_in,
                "answers": dict(it.answers),
            }
            for it in outcome.candidates[0].against
        ],
        "deviations": [
            {
                "what": it.first.what,
                "probe": it.probe,
                "seen": it.first.there,
                "expected": it.first.here,
                "probes": len(it.probes),
                "known": it.why,
            }
            for it in outcome.deviations
        ],
    }


def _range(question: Question) -> str:
    """The labels that do so, shortened."""
    names = question.as_in
    if len(names) > 2:
        return f"{names[0]} … {names[-1]}"
    return ", ".join(names) or "none"


def _of(finding: Finding) -> str:
    known = f" (known: {finding.why.partition(': ')[0]})" if finding.why else ""
    return f"{finding.probe}{known}"
