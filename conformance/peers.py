"""Drafthart and another implementation on the same probes: where they differ, and why.

    python -m drafthart.conformance.peers qemu-7.2

A peer is a file in `targets/` with differences that are known, each with its reason.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from drafthart.conformance.comparison import Difference, compare
from drafthart.conformance.groups import groups
from drafthart.conformance.here import run_here
from drafthart.conformance.known import Case, explanation
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import build, record_size
from drafthart.conformance.target import Target
from drafthart.conformance.target_file import FOLDER, names, read_target
from drafthart.generator.assembly import write_elf
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.engines import python_engine

_OPTIONS = {"--json", "--all", "--table"}


@dataclass(frozen=True, slots=True)
class Peer:
    """An implementation to compare with, as its file describes it."""

    revision: str
    target: Target
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: how much was looked at, and the differences by the id of their case.

    Under "" are those that no case explains.
    """

    probes: int
    observations: int
    differences: dict[str, list[Difference]]


def load_peer(name: str) -> Peer:
    """The peer that `targets/NAME.yaml` describes."""
    target, known = read_target(FOLDER / f"{name}.yaml")
    return Peer(known.revision, target, known.cases)


def compare_with(peer: Peer) -> Comparison:
    """Run all probes on both sides; raises `DrafthartError` if a side cannot run."""
    isa = resolve(peer.revision, parameters=peer.target.parameters)
    probes = seen = 0
    found: dict[str, list[Difference]] = {case: [] for case in (*(c.id for c in peer.cases), "")}
    for group in groups(isa):
        here, there = _run(group, isa, peer.target)
        probes += len(group.probes)
        seen += len(group.probes) * record_size(group)
        for difference in compare(group, isa, here, there):
            found[explanation(difference, peer.cases)].append(difference)
    return Comparison(probes, seen, found)


def _run(group: Group, isa: ISA, target: Target) -> tuple[list[int], list[int]]:
    """The results here and there, of one and the same program."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        program = Path(folder) / f"{group.name}.elf"
        program.write_bytes(write_elf(build(group, isa, target.platform)))
        there = pool.submit(target.run, program, target.timeout)
        return run_here(isa, program, python_engine(isa)), there.result()


def main(arguments: Sequence[str]) -> int:
    """Compare and print; the exit status is 1 if anything is other than the file says."""
    options = [argument for argument in arguments if argument.startswith("-")]
    named = [argument for argument in arguments if not argument.startswith("-")]
    peers = names()
    if len(named) != 1 or named[0] not in peers or set(options) - _OPTIONS:
        print(
            f"usage: python -m {__spec__.name} [--json|--all|--table] {'|'.join(peers)}",
            file=sys.stderr,
        )
        return 2
    peer = load_peer(named[0])
    if "--table" in options:
        print("\n".join(table(peer)))
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
    wrong = any(len(comparison.differences[case.id]) != case.count for case in peer.cases)
    return 1 if wrong or comparison.differences[""] else 0


def table(peer: Peer) -> Iterator[str]:
    """The known differences as a table in Markdown, as in docs/peers.md."""
    yield f"| what | {peer.target.name} | the text | verdict |"
    yield "|---|---|---|---|"
    for case in peer.cases:
        text = f"{case.why} {case.later}".strip() + f" ({case.section})"
        yield f"| {case.what} | {case.peer} | {text} | {case.verdict}, {case.count} |"


def _report(peer: Peer, comparison: Comparison, *, everything: bool) -> Iterator[str]:
    for case in peer.cases:
        found = comparison.differences[case.id]
        changed = "" if len(found) == case.count else f"  (not {case.count} as recorded)"
        yield f"{len(found):6}  {case.verdict:9}  {case.id}{changed}"
        if everything:
            yield from (f"        {difference}" for difference in found)
    unexplained = comparison.differences[""]
    yield f"{len(unexplained):6}  unexplained"
    yield from (f"        {difference}" for difference in unexplained[: None if everything else 20])
    total = sum(map(len, comparison.differences.values()))
    yield (
        f"{peer.target.name} and Drafthart as {peer.revision}: {comparison.probes} probes, "
        f"{comparison.observations} observations, {total} of them differ."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
