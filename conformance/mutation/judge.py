"""One mutant against the suite: is it caught, and by what?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from drafthart.conformance.expected import Record
from drafthart.conformance.groups import part
from drafthart.conformance.mutation.mutants import Mutant
from drafthart.conformance.mutation.suite import Part, Suite, engine_of, run, split
from drafthart.conformance.observe import Observed
from drafthart.conformance.verdicts import Finding, Verdict, findings
from drafthart.generator.diff.items import items as items_of
from drafthart.generator.diff.items import operations_of
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Parameter
from drafthart.runtime.engines import EngineFactory, python_engine
from drafthart.runtime.resolved import resolved

_FIRST = 96
"""Probes that are tried before all others."""
_THEN = 1800
"""Probes that are tried then."""
_MORE = 50_000
"""Steps that a mutant may take beyond twice those of the revision."""
_WRITTEN = re.compile(r"\.insn (0x[0-9a-f]+)")
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


def judge(
    mutant: Mutant,
    against: Suite,
    hint: tuple[str, str] | None = None,
    *,
    thorough: bool = False,
) -> Judgement:
    """Run the suite on a mutant until a probe catches it.

    `hint` is the group and label of a probe that did so before. Unless it is to be `thorough`, not
    all probes are tried that could see the fault but a spread of them, and what survives that
    counts as a survivor.
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
    own = None
    for one in _stages(mutant, against, affected, rest != against.rest, hint, thorough):
        there = _left_by(isa, one, engine)
        if there != one.here and one not in against.parts:
            # Some probes tell what those before them left: ask the revision for just these.
            own = own or python_engine(against.isa)
            one = replace(one, here=run(against.isa, one, own, 2 * one.steps + _MORE)[0])
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
    thorough: bool,
) -> Iterator[Part]:
    """Parts of the suite: first what is most likely to see the fault, in the end all that can."""
    # Not instrumented, and so called by every program for all we know.
    elsewhere = elsewhere or not {"decode", "expand"}.isdisjoint(affected)
    for one in against.parts:
        if hint and one.group.name == hint[0]:
            labels = [probe.label for probe in one.group.probes]
            if hint[1] in labels:
                before = sum(
                    len(it.group.probes) for it in against.parts[: against.parts.index(one)]
                )
                yield from against.chosen([before + labels.index(hint[1])])
    # Of a CSR that stands in for another those that access the other.
    csr = against.isa.csrs.get(str(mutant.key)) if mutant.section == "csrs" else None
    items = (mutant.item, f"csr:{csr.substitutes}") if csr else (mutant.item,)
    near: list[Sequence[int]] = [
        against.reach[name] for name in (*items, *affected) if name in against.reach
    ]
    near += [numbers] if (numbers := _words_beside(mutant, against)) else []
    yield from against.chosen(_spread(near, _FIRST))
    yield from against.chosen(_spread(near, _THEN))
    if not thorough:
        return
    reached = {name for function in affected for name in against.called.get(function, ())}
    first = 0
    order: list[tuple[int, int, Part]] = []
    for one in against.parts:
        count = sum(
            1 for numbers in near for n in numbers if first <= n < first + len(one.group.probes)
        )
        first += len(one.group.probes)
        if elsewhere or one.group.name in reached:
            order.append((-count, len(order), one))
    for _, _, one in sorted(order):
        yield one


def _words_beside(mutant: Mutant, against: Suite) -> list[int]:
    """The probes of words that differ from an instruction's encoding in one fixed bit or none."""
    instruction = against.isa.instructions.get(str(mutant.key))
    if mutant.section != "instructions" or instruction is None or instruction.encoding is None:
        return []
    encoding = instruction.encoding
    probes = (probe for one in against.parts for probe in one.group.probes)
    words = ((number, _WRITTEN.match(probe.action)) for number, probe in enumerate(probes))
    return [
        number
        for number, word in words
        if word and ((int(word[1], 16) ^ encoding.match) & encoding.mask).bit_count() <= 1
    ]


def _spread(sets: Sequence[Sequence[int]], count: int) -> set[int]:
    """About so many numbers, as many of each set."""
    each = max(1, count // max(1, len(sets)))
    return {
        numbers[n * len(numbers) // min(each, len(numbers))]
        for numbers in sets
        for n in range(min(each, len(numbers)))
    }


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
    item = items_of(isa).get(mutant.item)
    texts = list(operations_of(item))
    named = [it for it in re.findall(r"\w+", " ".join(texts)) if it in isa.functions]
    texts += [isa.functions[name].operation.text for name in named]
    words = set(_WORD.findall(" ".join(texts)))
    for parameter in isa.parameters.values():
        if parameter.name in words and len(parameter.legal) > 1:
            yield parameter


def _values(parameter: Parameter) -> Iterator[int]:
    near = {parameter.legal[0], parameter.legal[-1], parameter.value - 1, parameter.value + 1}
    yield from sorted(
        value for value in near if value in parameter.legal and value != parameter.value
    )
