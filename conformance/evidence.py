"""What a few facts of an implementation say about which revisions it can be of.

A fact is the value of a CSR, or an instruction that ran. A revision excludes it where it leaves no
way to it. What all revisions exclude says nothing about which it is: it is of an extension that
none of them has, or a deviation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from drafthart.conformance.elsewhere import labels
from drafthart.conformance.observe import Track
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import CSR, ISA, Field
from drafthart.runtime.resolved import resolved

EXISTS = " exists"
"""What the fact ends with that there is a CSR."""
_CAUSE = "cause"
"""What the names of CSRs end with that hold the cause of a trap."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was seen: of which item, what, and where it stands, such as line 3.

    `excluded` tells by label why it cannot be so there.
    """

    item: str
    what: str
    where: str
    excluded: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Deduction:
    """The facts that part the revisions, and those that none of them explains.

    `seen` is the number of all things looked at.
    """

    source: str
    labels: Sequence[str]
    facts: Sequence[Fact]
    unexplained: Sequence[Fact]
    seen: int
    passed_over: Sequence[str] = field(default=())

    def against(self, label: str) -> list[Fact]:
        """The facts that exclude a revision."""
        return [fact for fact in self.facts if label in fact.excluded]

    def weight(self, label: str) -> int:
        """How many CSRs and instructions are against a revision: bits of one CSR count once."""
        return len({fact.item.partition(".")[0] for fact in self.against(label)})

    @property
    def ranked(self) -> list[str]:
        """The revisions, those with the least against them first, newer before older."""
        newest_first = list(reversed(self.labels))
        return sorted(newest_first, key=self.weight)

    @property
    def possible(self) -> list[str]:
        """The revisions with nothing against them, oldest first."""
        return [label for label in self.labels if not self.against(label)]


@dataclass(frozen=True, slots=True)
class Revision:
    """A label of the series, as Drafthart chooses its parameters, and with the least of each."""

    most: ISA
    least: ISA


def revisions(track: Track) -> dict[str, Revision]:
    """The labels of the series, resolved."""
    return {label: _revision(label) for label in track(labels(), "reading the revisions")}


@cache
def _revision(label: str) -> Revision:
    most = resolved(label)
    least = {it.name: min(it.legal) for it in most.parameters.values()}
    try:
        return Revision(most, resolved(label, parameters=least))
    except DrafthartError:
        return Revision(most, most)  # what has the least of one needs more of another


def deduce(
    source: str, facts: Iterable[Fact], under: Iterable[str], passed_over: Sequence[str] = ()
) -> Deduction:
    """Sort facts, of which each counts once, by whether they part the revisions."""
    known = list(under)
    parting: dict[tuple[str, str], Fact] = {}
    unexplained: dict[tuple[str, str], Fact] = {}
    seen = set()
    for fact in facts:
        key = (fact.item, fact.what)
        seen.add(key)
        if fact.excluded:
            kind = parting if len(fact.excluded) < len(known) else unexplained
            kind.setdefault(key, fact)
    return Deduction(
        source, known, list(parting.values()), list(unexplained.values()), len(seen), passed_over
    )


def held_by(
    name: str, value: int | None, where: str, under: Mapping[str, Revision]
) -> Iterator[Fact]:
    """What it says that a CSR, by name or by number (`0x600`), exists and holds a value."""
    found = {label: csr_named(name, it.most) for label, it in under.items()}
    if not any(found.values()):
        return
    called = next(csr.name for csr in reversed(list(found.values())) if csr)
    absent = {label: "has no such CSR" for label, csr in found.items() if csr is None}
    shown = name if called == name else f"{called} at {name}"
    yield Fact(f"csr:{called}", f"{shown}{EXISTS}", where, absent)
    if value is None:
        return
    whys: dict[tuple[int, int], dict[str, str]] = {}
    for label, csr in found.items():
        if csr is not None:
            few = csr_named(name, under[label].least)
            also = {it[:2] for it in _impossible(few, value, under[label].least)} if few else None
            for low, width, why in _impossible(csr, value, under[label].most):
                if also is None or (low, width) in also:
                    whys.setdefault((low, width), {})[label] = why
    for (low, width), excluded in sorted(whys.items()):
        bits = value >> low & ((1 << width) - 1)
        item, what = _described(called, low, width, found)
        shown = f"{what} is {'set' if bits else 'clear'}" if width == 1 else f"{what} is {bits:#x}"
        yield Fact(item, shown, where, {**absent, **excluded})


def csr_named(name: str, isa: ISA) -> CSR | None:
    """A CSR with an address, by its name or by `0x` and its number."""
    if name.startswith("0x"):
        return isa.csr_at.get(int(name, 16))
    csr = isa.csrs.get(name)
    return csr if csr is not None and csr.address is not None else None


def _impossible(csr: CSR, value: int, isa: ISA) -> Iterator[tuple[int, int, str]]:
    """Bits that a CSR cannot hold so: where they begin, how many, and why."""
    rest = value
    for it in csr.fields.values():
        rest &= ~it.mask
        why = _refused(csr, it, (value & it.mask) >> it.low)
        if why:
            yield it.low, it.width, why
    if csr.fields:
        for bit in range(rest.bit_length()):
            if rest >> bit & 1:
                yield bit, 1, "has no field there"
    if csr.name.endswith(_CAUSE) and len(csr.fields) > 1:
        yield from _unknown_cause(value, isa)


def _refused(csr: CSR, it: Field, value: int) -> str:
    """Why a field cannot hold a value; "" if it can, by a choice of the implementation at least."""
    if it.kind == "RO" and it.reset and it.read is None and csr.read is None:
        return "" if value == it.reset else f"always has {it.reset:#x} in {it.name}"
    if it.kind == "WLRL" or it.legal is None or value in it.legal:
        return ""
    if tuple(it.legal) == (0,):
        return ""  # of something that this implementation may have, and Drafthart has not
    legal = ", ".join(f"{one:#x}" for one in tuple(it.legal)[:4])
    return f"allows {legal} in {it.name}"


def _unknown_cause(value: int, isa: ISA) -> Iterator[tuple[int, int, str]]:
    width = isa.xlen - 1
    code = value & ((1 << width) - 1)
    if not value >> width and code not in isa.causes and 0 < code < 1 << 6:
        yield 0, width, f"has no exception {code}"


def _described(name: str, low: int, width: int, found: Mapping[str, CSR | None]) -> tuple[str, str]:
    """The item that bits are of, in the newest revision that has a field just there, and a text."""
    for csr in reversed(list(found.values())):
        for it in csr.fields.values() if csr else ():
            if (it.low, it.width) == (low, width):
                return f"csr:{name}.{it.name}", f"{name}.{it.name} ({_range(low, width)})"
    return f"csr:{name}", f"{name} {_range(low, width)}"


def _range(low: int, width: int) -> str:
    return f"bit {low}" if width == 1 else f"bits {low + width - 1}:{low}"
