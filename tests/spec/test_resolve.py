from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from spec_folder import Folder, change

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.content import content_hash
from drafthart.generator.spec.model import Status
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.show import show

ITEMS = "base/items.yaml"


def test_revisions(folder: Folder) -> None:
    folder.revision("1", change("a") + change("b"), date="2020-02-02")
    folder.revision("0.9", change("c"), "h@1", status="frozen")
    found = revisions(folder.root)
    assert [it.id for it in found] == ["base@1", "h@1", "h@0.9"]
    assert (found[0].parent, found[0].changes, found[0].commit) == (None, 0, "")
    assert (found[1].title, found[1].date, found[1].changes) == ("Draft 1", "2020-02-02", 2)
    assert (found[2].status, found[2].parent, found[2].commit) == (Status.FROZEN, "h@1", "abcdef01")


def test_no_such_folder() -> None:
    with pytest.raises(
        DrafthartError, match=r"^/no/where: no such folder; name a folder of specs$"
    ):
        resolve("h@1", specs=Path("/no/where"))


def test_places_name_files_as_the_user_did(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.root)
    isa = resolve("base@1", specs=Path())
    assert isa.constants["LIMIT"].place.file == "base/items.yaml"


def test_our_own_specs_resolve_without_the_machines_paths() -> None:
    isa = resolve("priv@1.12")
    assert {it.place.file.split("/")[0] for it in isa.instructions.values()} == {"specs"}


def test_content_hash(folder: Folder) -> None:
    folder.revision("1", change("a", "add: {constants.A: {value: 1}}"))
    one = folder.resolve("h@1")
    assert len(one.content) == 64
    assert folder.resolve("h@1") == one
    folder.edit(ITEMS, "constants:\n", "# moves every place down\nconstants:\n")
    moved = folder.resolve("h@1")
    assert moved.constants["LIMIT"].place != one.constants["LIMIT"].place
    assert moved.content == one.content
    others = [
        folder.resolve("h@1", xlen=32),
        folder.resolve("h@1", parameters={"GUESTS": 3}),
        folder.resolve("h@1~1"),
        folder.resolve("base@1"),
        replace(one, content=content_hash(replace(one, title="Another"))),
    ]
    assert len({it.content for it in [one, *others]}) == 6


def test_show(folder: Folder) -> None:
    folder.one_change(
        """
        add:
          csrs.status.fields.NEW: {bits: "9:8", kind: WARL, doc: New}
          csrs.extra: {address: null, mode: HS}
          instructions.hx:
            extension: H
            encoding: 0000000 00000 rs1 111 rd 1110011
            operation: pass
          instructions.hy: {extension: H, encoding: unassigned, operation: pass}
          causes.20: {name: Twenty, constant: TWENTY}
          interrupts.12: {name: Twelve, constant: TWELVE}
          rules.new: {summary: It is new, by: [insn:hx], section: News}
          parameters.P: {default: 1, legal: "0..2", doc: A choice}
        """
    )
    isa = folder.resolve("h@1")
    assert show(isa) == {
        "id": "h@1",
        "base": "base@1",
        "status": "draft",
        "date": "2020-12-31",
        "commit": "abcdef01",
        "stability": {"revision": "h@1", "status": "draft", "opt_in": None},
        "csrs": {
            "status": {
                "address": 0x300,
                "mode": "M",
                "fields": {"NEW": {"bits": [9, 8], "kind": "WARL", "doc": "New"}},
            },
            "extra": {"address": None, "mode": "HS", "fields": {}},
        },
        "instructions": {
            "hx": {"match": 0x7073, "mask": 0xFFF0707F, "operands": ["rs1", "rd"]},
            "hy": {"match": None, "mask": None, "operands": []},
        },
        "causes": {"20": "Twenty"},
        "interrupts": {"12": "Twelve"},
        "rules": {"new": {"summary": "It is new", "section": "News", "by": ["insn:hx"]}},
        "parameters": {"P": {"default": 1, "legal": "0..2", "doc": "A choice"}},
    }
    everything: dict[str, Any] = show(isa, resolved=True)
    assert list(everything["csrs"]["status"]["fields"]) == ["ON", "LEVEL", "TOP", "NEW"]
    assert everything["causes"] == {"2": "Illegal instruction", "20": "Twenty"}
    assert {"addi", "hx", "c.addi"} <= everything["instructions"].keys()
