"""`drafthart check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spec_folder import Folder

Command = Callable[..., Any]


def test_our_own_specs_are_in_order(drafthart: Command) -> None:
    found = drafthart("check --format json").json
    assert found["errors"] == []
    checked = [line.partition(":")[0] for line in found["checked"]]
    assert checked[-3:] == [
        "h@1.0@2026-08-21", "specs/h/normative-rules.yaml", "specs/overlays/h-0.1.yaml"
    ]  # fmt: skip


def test_files_alone(drafthart: Command, folder: Folder) -> None:
    names = [str(folder.root / name) for name in ("base/1.yaml", "base/items.yaml")]
    result = drafthart("check", *names)
    assert result.status == 0
    assert result.out.splitlines() == [
        f"{names[0]}: the form of a revision",
        f"{names[1]}: the form of a file of items",
    ]


def test_each_bad_file_has_its_line(drafthart: Command, here: Path) -> None:
    (here / "a.yaml").write_text("csrs: {x: {adress: 1}}\n")
    (here / "b.yaml").write_text("- no map\n")
    (here / "c.yaml").write_text("constants: {A: {value: 1, doc: Fine}}\n")
    result = drafthart("check a.yaml b.yaml c.yaml missing.yaml")
    assert result.status == 2
    assert result.out == "c.yaml: the form of a file of items\n"
    first, second, third = result.err.splitlines()
    assert first.startswith("drafthart: a.yaml:1:")
    assert second.startswith("drafthart: b.yaml:1:")
    assert third.startswith("drafthart: missing.yaml: ")


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_that_revisions_share_is_said_once(
    drafthart: Command, folder: Folder, form: str
) -> None:
    folder.edit("base/items.yaml", "X[rd] = X[rs1] + imm", "X[rd] = nonsense(imm)")
    result = drafthart("check", "--specs", str(folder.root), "--format", form)
    assert result.status == 2
    shown = result.out if form == "json" else result.err
    assert shown.count("nonsense") == 1
    assert "items.yaml:" in shown


def test_files_and_a_folder(drafthart: Command, here: Path) -> None:
    result = drafthart("check x.yaml --specs .")
    assert (result.status, result.out) == (2, "")
    assert "not both" in result.err
