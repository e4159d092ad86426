"""The score as Markdown: by revision, by kind, and the survivors with their explanations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from drafthart.conformance.mutation.judge import CAUGHT, CHOICE, SAME, SURVIVED, Judgement

_SURVIVORS = Path(__file__).with_name("survivors.yaml")


def explanations() -> dict[str, tuple[str, str]]:
    """Of survivors: id → (verdict, reason). `equivalent` if no program could tell, else `open`."""
    told = yaml.safe_load(_SURVIVORS.read_text(encoding="utf-8")) or {}
    return {
        mutant: (group["verdict"], group["why"]) for group in told for mutant in group["mutants"]
    }


def report(found: Mapping[str, Sequence[Judgement]]) -> tuple[list[str], list[str]]:
    """The lines, and the survivors without explanation."""
    told = explanations()
    every = [one for some in found.values() for one in some]
    lines = [*_by_revision(found, told), "", *_by_kind(every, told), "", *_survivors(every, told)]
    left = [one.mutant for one in every if one.outcome == SURVIVED and one.mutant not in told]
    return lines, left


def _counts(some: Sequence[Judgement], told: Mapping[str, tuple[str, str]]) -> tuple[int, int, int]:
    """Caught, survived, and equivalent ones among them."""
    caught = sum(one.outcome == CAUGHT for one in some)
    survivors = [one.mutant for one in some if one.outcome == SURVIVED]
    equivalent = sum(told.get(it, ("", ""))[0] == "equivalent" for it in survivors)
    return caught, len(survivors) - equivalent, equivalent


def score(some: Sequence[Judgement]) -> float:
    """The share that is caught of those that a program can tell; 1 if there are none."""
    caught, survived, _ = _counts(some, explanations())
    return caught / (caught + survived) if caught + survived else 1.0


def _row(name: str, some: Sequence[Judgement], told: Mapping[str, tuple[str, str]]) -> str:
    caught, survived, equivalent = _counts(some, told)
    share = f"{100 * caught / (caught + survived):.1f} %" if caught + survived else ""
    every = caught + survived + equivalent
    return f"| {name} | {every} | {equivalent} | {caught} | {survived} | {share} |"


_HEAD = ("mutants | equivalent | caught | survive | score |", "---|---|---|---|---|")


def _by_revision(
    found: Mapping[str, Sequence[Judgement]], told: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    yield f"| revision | {_HEAD[0]}"
    yield f"|---|{_HEAD[1]}"
    for revision, some in found.items():
        yield _row(revision, some, told)
    every = [one for some in found.values() for one in some]
    yield _row("all", every, told)
    counts = Counter(one.outcome for one in every)
    verdicts = Counter(one.verdict for one in every if one.outcome == CAUGHT)
    yield ""
    yield (
        f"Left out: {counts[SAME]} that are the same engine, and {counts[CHOICE]} that are right "
        f"with another parameter. Caught by: "
        f"{', '.join(f'{name} {count}' for name, count in verdicts.most_common())}."
    )


def _by_kind(every: Sequence[Judgement], told: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    yield f"| kind | {_HEAD[0]}"
    yield f"|---|{_HEAD[1]}"
    for kind in sorted({one.kind for one in every if one.outcome in (CAUGHT, SURVIVED)}):
        yield _row(kind, [one for one in every if one.kind == kind], told)


def _survivors(every: Sequence[Judgement], told: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    yield "| survivor | verdict | why |"
    yield "|---|---|---|"
    for one in every:
        if one.outcome == SURVIVED:
            verdict, why = told.get(one.mutant, ("", ""))
            yield f"| {one.mutant.replace('|', '¦')} | {verdict} | {why} |"
