"""Probes chosen to tell each change of the series from its absence.

Which they are stands in deltas.yaml; what they see is always found out anew. They are chosen by

    python -m drafthart.conformance.deltas
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("deltas.yaml")
_REASONS = Path(__file__).with_name("untold.yaml")


@dataclass(frozen=True, slots=True, order=True)
class Delta:
    """A probe that tells a change, and the revision that its program is made for."""

    made_for: str
    group: str
    label: str


@cache
def deltas() -> Mapping[str, tuple[Delta, ...]]:
    """Change → the probes that tell it, in the order of the series; none where no probe does."""
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {
        change: tuple(
            Delta(made_for, group, label)
            for made_for, groups in (chosen or {}).items()
            for group, found in groups.items()
            for label in found
        )
        for change, chosen in read.items()
    }


@cache
def untold() -> Mapping[str, str]:
    """Change → why no probe tells it, for those that alter the engine all the same."""
    read: dict[str, str] = yaml.safe_load(_REASONS.read_text(encoding="utf-8"))
    return read


if __name__ == "__main__":
    from drafthart.conformance.deltas_search import write

    write(FILE)
