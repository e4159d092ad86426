"""A small checkout to take the steps in: made-up specs, and a ledger with one feature, h@1."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec_folder import Folder, change

from drafthart.runtime.staging.area import Area
from drafthart.runtime.staging.ledger import Exit, Feature, Ledger, State, Step
from drafthart.runtime.staging.moves import Moves
from drafthart.runtime.staging.templates import MANIFEST

BASE_DAY = "2020-01-01"


@pytest.fixture
def specs(tmp_path: Path) -> Folder:
    """base@1, ratified, and h@1, a draft that adds an instruction, a CSR field and a cause."""
    root = tmp_path / "checkout" / "specs"
    root.mkdir(parents=True)
    folder = Folder(root)
    folder.revision(
        "1",
        change(
            "everything",
            """
            add:
              csrs.status.fields.NEW: {bits: 9, kind: WARL, doc: Shiny}
              causes.5: {name: Trouble, constant: TROUBLE, doc: What it says}
              rules.new.one: {summary: It is new, by: [csr:status.NEW], section: New}
              instructions.move:
                extension: Xmove
                encoding: 0000000 00000 rs1 010 rd 0010011
                operation: |
                  X[rd] = X[rs1]
            """,
        ),
    )
    return folder


@pytest.fixture
def area(specs: Folder) -> Area:
    """The checkout; its feature h@1 is staged, and base@1 is not in the ledger."""
    made = Area(specs.root.parent)
    made.manifest("h@1").parent.mkdir(parents=True)
    made.manifest("h@1").write_text(MANIFEST.format(name="h@1"))
    made.ledger.write_text(Ledger({"h@1": feature()}).text())
    return made


@pytest.fixture
def moves(area: Area) -> Moves:
    """Its steps, of the day after everything began."""
    return Moves(area, "2020-01-02")


def feature(name: str = "h@1") -> Feature:
    """A staged feature, all of whose exit conditions but its spec's status are met."""
    return Feature(
        id=name,
        title="Something new",
        owner="someone",
        tracking="somewhere",
        since=BASE_DAY,
        why="for the tests",
        exit=(
            Exit("its spec says ratified", check="spec-ratified"),
            Exit("it resolves", check="resolves"),
            Exit("no gap is known", check="no-gaps"),
            Exit("people looked at it", met="2019-12-31"),
        ),
        gaps=(),
        removal="nobody needs it",
        notice_days=30,
        history=(Step(BASE_DAY, State.PROPOSED, "new"), Step(BASE_DAY, State.STAGED, "ready")),
    )
