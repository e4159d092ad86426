"""Mutated and adversarial spec files: a clean error or a sound model, in little time and memory."""

from __future__ import annotations

import os

import pytest
from hostile_specs import SEED, case
from spec_fuzz import Broken, _check_c, _check_message, _check_python, run

CASES = int(os.environ.get("DRAFTHART_FUZZ_CASES", "1000"))
SECONDS = float(os.environ.get("DRAFTHART_FUZZ_SECONDS", "600"))
SEEDS = int(os.environ.get("DRAFTHART_FUZZ_SEED", "0"))


def test_hostile_specs_do_no_harm() -> None:
    jobs = 2 if CASES > 1000 else 1
    outcome = run(CASES, seed=SEEDS, jobs=jobs, seconds=SECONDS, most_findings=5)
    assert outcome.findings == [], "\n".join(outcome.findings)
    # It gets through to each stage: a fuzzer that is refused at the door shows nothing.
    assert {"load", "schema", "types", "model"} <= outcome.ends.keys()
    assert outcome.ends["model"] > outcome.cases // 50


def test_cases_are_the_same_each_time() -> None:
    cases = [case(number) for number in range(50)]
    assert cases == [case(number) for number in range(50)]
    assert sum(files != SEED for files in cases) > 40


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (_check_python, "def f(:"),
        (_check_python, "x = canary0f0drafthart()"),
        (_check_c, "/* */ canary0f0drafthart(); /* */"),
        (_check_c, "// a \\\ncanary0f0drafthart\n canary0f0drafthart();"),
        (_check_c, 'int x = 1; " broken'),
        (_check_message, "a\nb"),
        (_check_message, "a" * 3000),
    ],
)
def test_the_checks_see(check: object, text: str) -> None:
    """What the fuzzer looks for would be found."""
    with pytest.raises(Broken):
        check(text)  # type: ignore[operator]
