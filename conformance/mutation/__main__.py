"""The mutation score of the conformance suite, as Markdown.

python -m drafthart.conformance.mutation --count 110 --results mutants.jsonl
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from drafthart.conformance.mutation.judge import Judgement
from drafthart.conformance.mutation.report import report
from drafthart.conformance.mutation.run import Results, mutate

REVISIONS = ("h@0.4", "h@0.6.1", "h@1.0")
COUNT = 110
SEED = 8


def main(arguments: Sequence[str]) -> int:
    """Judge and print; the exit status is 1 if a survivor has no explanation."""
    parser = argparse.ArgumentParser(
        prog=__package__, description="The mutation score of the conformance suite"
    )
    parser.add_argument("--revision", action="append", help=f"of {', '.join(REVISIONS)}")
    parser.add_argument("--count", type=int, default=COUNT, help="mutants of each revision")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path, help="a file that keeps results, to go on with")
    chosen = parser.parse_args(arguments)
    results = Results(chosen.results)
    found: dict[str, list[Judgement]] = {}
    for revision in chosen.revision or REVISIONS:
        found[revision] = mutate(
            revision, chosen.count, chosen.seed, results, jobs=chosen.jobs, tell=_tell
        )
    lines, unexplained = report(found)
    print("\n".join(lines))
    return 1 if unexplained else 0


def _tell(one: Judgement) -> None:
    print(f"{one.outcome:8} {one.mutant}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
