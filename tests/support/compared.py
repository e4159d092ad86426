"""Drafthart's own revisions and their comparisons, each made once."""

from functools import cache

from drafthart.generator.diff.findings import Comparison, compare
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve


@cache
def isa(name: str) -> ISA:
    return resolve(name)


@cache
def compared(a: str, b: str) -> Comparison:
    return compare(isa(a), isa(b))
