"""Impact on programs that are assembled here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.diff.choice import Report, choose, report
from drafthart.generator.diff.findings import compare
from drafthart.generator.impact.api import Impact, impact
from drafthart.generator.spec.resolve import resolve

resolved = lru_cache(resolve)
Find = Callable[..., Impact]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """The impact of A to B on a program that is assembled for `built`, or on bytes."""

    def run(
        a: str,
        b: str,
        source: str | bytes,
        *,
        built: str | None = None,
        name: str = "a.elf",
        base: int | None = None,
    ) -> Impact:
        made = _report(a, b)
        content = source
        if isinstance(content, str) and name.endswith(".elf"):
            isa = resolved(built or a)
            content = write_elf(assemble(content, isa))
        elif isinstance(content, str):
            content = content.encode()
        return impact(made, name, content, base=base)

    return run


@lru_cache
def _report(a: str, b: str) -> Report:
    return report(compare(resolved(a), resolved(b)), choose((), ()))
