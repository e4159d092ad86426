"""Drafthart and another implementation on the same probes: where they differ, and why.

    python -m drafthart.conformance.peers qemu-7.2
    python -m drafthart.conformance.peers qemu-7.2 h@0.6.1

A peer is a file in `targets/` with differences that are known, each with its reason, beside one
revision or several.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from drafthart.conformance.comparison import Difference
from drafthart.conformance.expected import Record, expected, program_of
from drafthart.conformance.groups import groups
from drafthart.conformance.infer import choices_for
from drafthart.conformance.known import Case, explanation
from drafthart.conformance.observe import Observed, observe
from drafthart.conformance.probes.program import meaning
from drafthart.conformance.target import Target
from drafthart.conformance.target_file import FOLDER, names, read_target
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.engines import EngineFactory, has_compiler, native_engine, python_engine
from drafthart.runtime.resolved import resolved

_OPTIONS = {"--json", "--all", "--table"}


@dataclass(frozen=True, slots=True)
class Peer:
    """An implementation to compare with beside a revision, as its file describes it."""

    revision: str
    target: Target
    cases: tuple[Case, ...]

    @property
    def isa(self) -> ISA:
        """The revision, with the peer's choices of those that it leaves."""
        return self.under(self.revision)

    def under(self, revision: str) -> ISA:
        """Another revision with the same choices, as far as it leaves them."""
        return resolved(revision, parameters=choices_for(revision, self.target.parameters))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: how much was looked at, and the differences by the id of their case.

    Under "" are those that no case explains, under `wrongly` those of a case with `as_in` in which
    the peer does not do as that revision says.
    """

    probes: int
    observations: int
    differences: dict[str, list[Difference]]
    wrongly: list[Difference]


def load_peer(name: str, revision: str = "") -> Peer:
    """The peer that `targets/NAME.yaml` describes, beside a revision of which it knows something.

    The first of them if none is given. Raises `DrafthartError` for another.
    """
    target, known = read_target(FOLDER / f"{name}.yaml")
    revision = revision or known.revision
    if revision not in known.revisions:
        raise DrafthartError(
            f"{name}: nothing is known beside {revision}; name one of {', '.join(known.revisions)}"
        )
    return Peer(revision, target, known.beside(revision))


def revisions_of(name: str) -> tuple[str, ...]:
    """The revisions beside which `targets/NAME.yaml` knows something."""
    return read_target(FOLDER / f"{name}.yaml")[1].revisions


def compare_with(peer: Peer) -> Comparison:
    """Run all probes on both sides; raises `DrafthartError` if a side cannot run."""
    isa = peer.isa
    engine = "native" if has_compiler() else "python"
    seen = observe(groups(isa), isa, peer.target, engine=engine)
    found: dict[str, list[Difference]] = {case.id: [] for case in peer.cases}
    found[""] = []
    wrongly = []
    elsewhere = {case.id: case.as_in for case in peer.cases if case.as_in}
    for one in seen:
        left: dict[str, Mapping[str, Record]] = {}
        for difference in one.differences(isa):
            case = explanation(difference, peer.cases)
            found[case].append(difference)
            if case in elsewhere:
                revision = elsewhere[case]
                if revision not in left:
                    left[revision] = _left_under(revision, one, peer)
                record = left[revision][difference.probe]
                told = meaning(one.group, isa, record or [])
                if told.get(difference.what) != difference.there:
                    wrongly.append(difference)
    lost = [Difference(label, "end", "an end", "lost") for one in seen for label in one.lost]
    found[""] += lost
    return Comparison(
        sum(len(one.group.probes) for one in seen),
        sum(one.observations for one in seen),
        found,
        wrongly,
    )


def _left_under(revision: str, one: Observed, peer: Peer) -> dict[str, Record]:
    """What each probe of a group leaves under another revision, by its label."""
    program = program_of(one.group, peer.isa, peer.target.platform)
    under = peer.under(revision)
    left = expected(one.group, program, under, _engine(under))
    return {probe.label: record for probe, record in zip(one.group.probes, left, strict=True)}


def _engine(isa: ISA) -> EngineFactory:
    return native_engine(isa) if has_compiler() else python_engine(isa)


def main(arguments: Sequence[str]) -> int:
    """Compare and print; the exit status is 1 if anything is other than the file says."""
    options = [argument for argument in arguments if argument.startswith("-")]
    named = [argument for argument in arguments if not argument.startswith("-")]
    peers = names()
    if len(named) not in (1, 2) or named[0] not in peers or set(options) - _OPTIONS:
        print(
            f"usage: python -m {__spec__.name} [--json|--all|--table] {'|'.join(peers)} [REVISION]",
            file=sys.stderr,
        )
        return 2
    try:
        peer = load_peer(*named)
    except DrafthartError as error:
        print(error, file=sys.stderr)
        return 2
    if "--table" in options:
        print("\n".join(table(*named)))
        return 0
    if peer.target.missing:
        print(f"{peer.target.name}: {peer.target.missing}", file=sys.stderr)
        return 2
    comparison = compare_with(peer)
    if "--json" in options:
        print(json.dumps(asdict(comparison), indent=1))
    else:
        for line in _report(peer, comparison, everything="--all" in options):
            print(line)
    found = comparison.differences
    wrong = any(len(found[case.id]) != case.counts[peer.revision] for case in peer.cases)
    return 1 if wrong or found[""] or comparison.wrongly else 0


def table(name: str, revision: str = "") -> Iterator[str]:
    """The known differences as a table in Markdown, as in docs/peers.md.

    Of a revision that is not the first, only those that do not count beside the first too.
    """
    peer = load_peer(name, revision)
    first, *others = revisions_of(name)
    yield f"| what | {peer.target.name} | the text | verdict |"
    yield "|---|---|---|---|"
    for case in peer.cases:
        if peer.revision != first and first in case.counts:
            continue
        text = f"{case.why} {case.later}".strip() + f" ({case.section})"
        counts = [str(case.counts[peer.revision])]
        if peer.revision == first:
            counts += [f"{case.counts[it]} ({it})" for it in others if it in case.counts]
        verdict = ", ".join([case.verdict, *counts])
        yield f"| {case.what} | {case.peer} | {text} | {verdict} |"


def _report(peer: Peer, comparison: Comparison, *, everything: bool) -> Iterator[str]:
    for case in peer.cases:
        found = comparison.differences[case.id]
        count = case.counts[peer.revision]
        changed = "" if len(found) == count else f"  (not {count} as recorded)"
        yield f"{len(found):6}  {case.verdict:9}  {case.id}{changed}"
        if everything:
            yield from (f"        {difference}" for difference in found)
    unexplained = comparison.differences[""]
    yield f"{len(unexplained):6}  unexplained"
    yield from (f"        {difference}" for difference in unexplained[: None if everything else 20])
    for difference in comparison.wrongly:
        yield f"        not as the case's other revision says: {difference}"
    total = sum(map(len, comparison.differences.values()))
    yield (
        f"{peer.target.name} and Drafthart as {peer.revision}: {comparison.probes} probes, "
        f"{comparison.observations} observations, {total} of them differ."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
