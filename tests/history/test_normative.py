"""The manual's names of normative rules, joined to ours.

normative-names.txt has the names in normative_rule_defs/hypervisor.yaml at 532f2c9d. With a clone
of the riscv-isa-manual in DRAFTHART_MANUAL they are compared with that file itself.
"""

import os
import re
from pathlib import Path

import pytest

from drafthart.conformance.coverage import named_rules, normative_names
from drafthart.generator.diff.items import items
from drafthart.generator.history.clone import open_clone
from drafthart.generator.history.normative import check, files, normative_rules
from drafthart.generator.spec.resolve import resolve, revisions

NAMES = (Path(__file__).parent / "normative-names.txt").read_text(encoding="utf-8").split()
JOINED = normative_rules("h")
assert JOINED
TESTS = Path(__file__).parents[1]


def test_every_name_of_the_manual_is_mapped_in_its_order() -> None:
    assert list(JOINED.rules) == NAMES
    assert len(set(NAMES)) == len(NAMES) == 288


@pytest.mark.skipif("DRAFTHART_MANUAL" not in os.environ, reason="DRAFTHART_MANUAL names no clone")
def test_these_are_the_names_that_the_manual_has() -> None:
    with open_clone(Path(os.environ["DRAFTHART_MANUAL"])) as clone:
        text = clone.run("cat-file", "-p", f"{JOINED.commit}:{JOINED.file}")
    found = [
        name
        for many, one in re.findall(r"^ *- (?:names: \[([^]]*)\]|name: (\S+))", text, re.MULTILINE)
        for name in (many or one).split(", ")
    ]
    assert found == NAMES


def test_all_that_is_joined_exists_in_the_amended_revision() -> None:
    (path,) = files()
    assert check(path) == JOINED
    assert JOINED.on == next(it.amended for it in revisions() if it.id == "h@1.0")
    known = {id_ for xlen in (32, 64) for id_ in items(resolve(JOINED.on, xlen=xlen))}
    assert {id_ for rule in JOINED.rules.values() for id_ in rule.ours} <= known


def test_what_has_no_rule_says_why() -> None:
    assert [it.name for it in JOINED.rules.values() if not it.rules and not it.why] == []


def test_tests_exercise_every_name_that_has_a_rule() -> None:
    exercised, without, left = normative_names(named_rules(TESTS))
    assert left == []
    assert len(exercised) + len(without) == len(NAMES)


def test_the_way_back() -> None:
    assert JOINED.of("rule:wfi.vtw") == ["norm:hstatus_vtw_op", "norm:H_virtinst_wfi_vtw1_tw0"]
    assert JOINED.of("rule:pmp.lock") == []
