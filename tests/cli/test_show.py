"""`drafthart show`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from spec_folder import Folder

from drafthart.generator.diff.items import items

Command = Callable[..., Any]


def test_a_revision(drafthart: Command, folder: Folder) -> None:
    result = drafthart("show", "h@1", "--specs", str(folder.root))
    assert result.out.splitlines() == [
        "h@1  Draft 1",
        "draft, 2020-12-31, riscv-isa-manual abcdef01, RV64, on base@1",
        "",
        "date        revision  change",
        "2020-01-01  h@1       moved",
        "2020-01-01  h@1       added",
        "",
        "item",
        "csr:status.NEW  Shiny",
    ]


def test_a_revision_with_its_base(drafthart: Command, folder: Folder) -> None:
    result = drafthart("show", "h@1", "--resolved", "--specs", str(folder.root))
    assert "insn:addi" in result.out
    found = drafthart("show h@1 --resolved --format json --specs", str(folder.root))
    assert found.status == 2
    found = drafthart("show", "h@1", "--resolved", "--format", "json", "--specs", str(folder.root))
    assert "addi" in found.json["instructions"]


def test_a_csr_is_drawn(drafthart: Command, folder: Folder) -> None:
    result = drafthart("show", "h@1", "csr:status", "--specs", str(folder.root))
    lines = result.out.splitlines()
    assert lines[:9] == [
        "csr:status  in h@1",
        "",
        "What goes on",
        "",
        "   63  62 10   9   8 7 6     4 3 1  0",
        "┌─────┬─────┬─────┬───┬───────┬───┬────┐",
        "│ TOP │  0  │ NEW │ 0 │ LEVEL │ 0 │ ON │",
        "└─────┴─────┴─────┴───┴───────┴───┴────┘",
        "   1     53    1    2     3     3   1",
    ]
    assert "LEVEL  6:4   WARL  0, 1, 3" in lines
    assert "2020-01-01  h@1  changed by moved" in lines


def test_an_instruction_is_drawn(drafthart: Command, folder: Folder) -> None:
    result = drafthart("show", "base@1", "addi", "--specs", str(folder.root))
    lines = result.out.splitlines()
    assert lines[4:9] == [
        " 31 20 19 15 14 12 11 7 6       0",
        "┌─────┬─────┬─────┬────┬─────────┐",
        "│ imm │ rs1 │ 000 │ rd │ 0010011 │",
        "└─────┴─────┴─────┴────┴─────────┘",
        "   12    5     3    5       7",
    ]
    assert "    X[rd] = X[rs1] + imm" in lines
    assert any(line.split() == ["match", "0x00000013"] for line in lines)


def test_a_function(drafthart: Command, folder: Folder) -> None:
    result = drafthart("show", "base@1", "fn:check", "--specs", str(folder.root))
    assert "(value: XLEN, size: static) -> 8 * size" in result.out
    assert "    return value\n" in result.out


def test_items_as_json(drafthart: Command, folder: Folder) -> None:
    specs = ("--format", "json", "--specs", str(folder.root))
    field = drafthart("show", "h@1", "status.LEVEL", *specs).json
    assert field["id"] == "csr:status.LEVEL"
    assert (field["high"], field["low"], field["mask"], field["reset"]) == (6, 4, 0x70, 1)
    assert field["legal"] == [0, 1, 3]
    assert field["changes"] == ["moved"]
    csr = drafthart("show", "h@1", "status", *specs).json
    assert csr["address"] == 0x300
    assert [it["id"] for it in csr["fields"]][-1] == "csr:status.NEW"
    instruction = drafthart("show", "h@1", "c.addi", *specs).json
    assert (instruction["width"], instruction["match"]) == (16, 1)
    assert instruction["operands"]["imm"] == [
        {"high": 5, "low": 5, "at": 12},
        {"high": 4, "low": 0, "at": 2},
    ]


@pytest.mark.parametrize("xlen", ["32", "64"])
def test_xlen(drafthart: Command, folder: Folder, xlen: str) -> None:
    specs = ("--format", "json", "--specs", str(folder.root))
    field = drafthart("show", "base@1", "status.TOP", "--xlen", xlen, *specs).json
    assert field["high"] == int(xlen) - 1


def test_every_item_can_be_shown(drafthart: Command, folder: Folder) -> None:
    for id_ in items(folder.resolve("h@1")):
        for form in ("text", "json"):
            result = drafthart("show", "h@1", id_, "--format", form, "--specs", str(folder.root))
            assert result.status == 0, (id_, result.err)
            assert id_ in result.out


def test_real_pictures_fit_into_80_columns(drafthart: Command) -> None:
    for item in ("mstatus", "hstatus", "henvcfg", "hlv.b", "sd", "amoadd.w", "c.addi16sp"):
        result = drafthart("show", "h@1.0", item)
        assert result.status == 0, result.err
        assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "cannot read the revision 'nonsense'"),
        (["h@9"], "unknown revision 'h@9'"),
        (["h@1", "statsu"], "h@1 has no item statsu; did you mean"),
        (["h@1", "csr:"], "h@1 has no item csr:"),
        (["h@1~3"], "~3"),
    ],
)
def test_errors(
    fails: Callable[..., str], folder: Folder, arguments: list[str], message: str
) -> None:
    assert message in fails("show", *arguments, "--specs", str(folder.root))
