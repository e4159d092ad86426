"""One mutant against the suite: is it caught, and by what?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drafthart.conformance.expected import Record
from drafthart.conformance.groups import part
from drafthart.conformance.mutation.mutants import Mutant
from drafthart.conformance.mutation.suite import Part, Suite, engine_of, run, split
from drafthart.conformance.observe import Observed
from drafthart.conformance.verdicts import Finding, Verdict, findings
from drafthart.generator.diff.items import items
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Parameter
from drafthart.runtime.engines import EngineFactory, python_engine
from drafthart.runtime.resolved import resolved

_FIRST = 96
"""Probes that are tried before all others."""
_MORE = 300_000
"""Steps that a mutant may take beyond twice those of the revision."""
_WORD = re.compile(r"[A-Z][A-Z0-9_]*")

CAUGHT, SURVIVED = "caught", "survived"
BROKEN, SAME, CHOICE = "broken", "same", "choice"
"""Of no use: it does not compile, is the same engine, or is right with another parameter."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a mutant. If it was caught: the verdict, the probe's group and label, and what
    differs; if it is a choice, which."""

    mutant: str
    item: str
    kind: str
    outcome: str
    verdict: str = ""
    group: str = ""
    probe: str = ""
    seen: str = ""


def judge(mutant: Mutant, against: Suite, hint: tuple[str, str] | None = None) -> Judgement:
    """Run the suite on a mutant until a probe catches it.

    `hint` is the group and label of a probe that did so before.
    """
    try:
        isa = mutant.of(against.isa)
        text = emit_python(isa)
        engine = engine_of(text)
    except (DrafthartError, ValueError, KeyError, AssertionError, SyntaxError) as problem:
        return _judgement(mutant, BROKEN, seen=str(problem).splitlines()[0] if str(problem) else "")
    blocks, rest = split(text)
    affected = [
        name
        for name in {**against.blocks, **blocks}
        if against.blocks.get(name) != blocks.get(name)
    ]
    if not affected and rest == against.rest:
        return _judgement(mutant, SAME)
    for one in _stages(mutant, against, affected, rest != against.rest, hint):
        there = _left_by(isa, one, engine)
        found = _found(one, there, against.isa)
        if found is None:
            continue
        choice = _choice(mutant, against.isa, one, there)
        if choice:
            return _judgement(mutant, CHOICE, seen=choice)
        return _judgement(
            mutant, CAUGHT, found.verdict, found.group, found.first.probe, str(found.first)
        )
    return _judgement(mutant, SURVIVED)


def _judgement(
    mutant: Mutant,
    outcome: str,
    verdict: str = "",
    group: str = "",
    probe: str = "",
    seen: str = "",
) -> Judgement:
    return Judgement(mutant.id, mutant.item, mutant.kind, outcome, verdict, group, probe, seen)


def _stages(
    mutant: Mutant,
    against: Suite,
    affected: Sequence[str],
    elsewhere: bool,
    hint: tuple[str, str] | None,
) -> Iterator[Part]:
    """Parts of the suite: first what is most likely to see the fault, in the end all that can."""
    for one in against.parts:
        if hint and one.group.name == hint[0]:
            labels = [probe.label for probe in one.group.probes]
            if hint[1] in labels:
                before = sum(
                    len(it.group.probes) for it in against.parts[: against.parts.index(one)]
                )
                yield from against.chosen([before + labels.index(hint[1])])
    near = [against.reach[name] for name in (mutant.item, *affected) if name in against.reach]
    each = max(1, _FIRST // max(1, len(near)))
    numbers = {
        numbers[n * len(numbers) // each]
        for numbers in near
        for n in range(min(each, len(numbers)))
    }
    yield from against.chosen(numbers)
    reached = {name for function in affected for name in against.called.get(function, ())}
    first = 0
    order = []
    for one in against.parts:
        count = sum(
            1 for numbers in near for n in numbers if first <= n < first + len(one.group.probes)
        )
        first += len(one.group.probes)
        if elsewhere or one.group.name in reached:
            order.append((-count, len(order), one))
    for _, _, one in sorted(order):
        yield one


def _left_by(isa: ISA, one: Part, engine: EngineFactory) -> list[Record]:
    try:
        return run(isa, one, engine, 2 * one.steps + _MORE)[0]
    except Exception:  # whatever a faulty engine does, it is dead
        return [None] * len(one.group.probes)


def _found(one: Part, there: Sequence[Record], isa: ISA) -> Finding | None:
    """What shows most clearly that this is not the revision; a choice does not."""
    different = [
        n for n, (here, seen) in enumerate(zip(one.here, there, strict=True)) if here != seen
    ]
    if not different:
        return None
    group = part(one.group, [one.group.probes[n].label for n in different])
    observed = Observed(
        group, tuple(one.here[n] for n in different), tuple(there[n] for n in different)
    )
    for finding in findings([observed], isa):
        if finding.verdict is not Verdict.CHOICE:
            return finding
    return None


def _choice(mutant: Mutant, isa: ISA, one: Part, there: Sequence[Record]) -> str:
    """The parameter with which the revision does all that the mutant does here; "" if none does."""
    for parameter in _spoken_of(mutant, isa):
        for value in _values(parameter):
            try:
                other = resolved(isa.id, parameters={parameter.name: value})
            except DrafthartError:
                continue
            left, _ = run(other, one, python_engine(other), 2 * one.steps + _MORE)
            if left == there:
                return f"{parameter.name}={value}"
    return ""


def _spoken_of(mutant: Mutant, isa: ISA) -> Iterator[Parameter]:
    """Parameters in the operations of the item, and of the functions that it names."""
    item = items(isa).get(mutant.item)
    texts = list(_texts(item))
    named = [it for it in re.findall(r"\w+", " ".join(texts)) if it in isa.functions]
    texts += [isa.functions[name].operation.text for name in named]
    words = set(_WORD.findall(" ".join(texts)))
    for parameter in isa.parameters.values():
        if parameter.name in words and len(parameter.legal) > 1:
            yield parameter


def _texts(item: object) -> Iterator[str]:
    for name in ("operation", "read", "write", "access"):
        source = getattr(item, name, None)
        if source is not None:
            yield source.text
    for field in getattr(item, "fields", {}).values():
        if not isinstance(field, str):
            yield from _texts(field)


def _values(parameter: Parameter) -> Iterator[int]:
    near = {parameter.legal[0], parameter.legal[-1], parameter.value - 1, parameter.value + 1}
    yield from sorted(
        value for value in near if value in parameter.legal and value != parameter.value
    )
