"""Comparing revisions by name, for programs."""

from __future__ import annotations

from pathlib import Path

from drafthart.generator.diff.findings import Comparison, compare
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve


def diff(
    a: str | ISA,
    b: str | ISA,
    *,
    specs: Path | None = None,
    xlen: int = 64,
    overlay: Path | None = None,
) -> Comparison:
    """What changes from one revision to another, each difference with its rule and severities.

    `a` and `b` are expressions such as `h@0.6.1~2`, or resolved ISAs. `specs`, `xlen` and `overlay`
    are those of `resolve` for what is given as an expression; the overlay is put on `b` alone.
    Raises `DrafthartError` for what `resolve` refuses.
    """
    before = resolve(a, specs=specs, xlen=xlen) if isinstance(a, str) else a
    after = resolve(b, specs=specs, xlen=xlen, overlay=overlay) if isinstance(b, str) else b
    return compare(before, after)
