# ruff: noqa: E501 - a row of a table stays on its line
import json

import pytest
from jsonschema import Draft202012Validator
from spec_folder import Folder

from drafthart.generator.spec.resolve import revisions
from drafthart.generator.spec.texts import SPECS

ITEMS = "base/items.yaml"


@pytest.mark.parametrize("name", ["items", "revision"])
def test_the_schemas_are_valid_and_closed(name: str) -> None:
    path = SPECS / "schema" / f"{name}.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)

    def walk(part: object) -> None:
        if isinstance(part, dict):
            if "properties" in part:
                assert part["additionalProperties"] is False
                for key, value in part["properties"].items():
                    assert "description" in value or "$ref" in value or key in ("32", "64"), key
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(schema)


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("    address: 0x300\n", "    adress: 0x300\n", "adress", "unknown key 'adress'; did you mean 'address'?"),
        ("    address: 0x300\n", "", "status:\n", "'address' is missing; add it"),
        ("    mode: M\n    doc: What", "    mode: X\n    doc: What", "X\n", "'X' is none of U, S, HS, VS, M; use one of these"),
        ("ON: {bits: 0,", "ON: {bits: top,", "top", "'top' is not allowed; expected: Bit number, "),
        ("count: 4,", "count: four,", "four", "expected a number, found 'four'; expected: Makes an array"),
        ("flush: true", "flush: 1", "1}\n      TOP", "'1' is none of true, false, tagged; use one of these"),
        ("constants:\n", "constant:\n", "constant:\n", "unknown key 'constant'; did you mean 'constants'?"),
        ("  LIMIT: {value", "  LI-MIT: {value", "LI-MIT", "'LI-MIT' is no name for this; correct it"),
        ("    expands: addi rd", "    operation: pass\n    expands: addi rd", "c.addi:", "exactly one of operation and expands must stand here; write one"),
        ("by: [fn:check, csr:status.ON]", "by: []", "[], section", "a list is not allowed; expected: Ids of the items"),
        ("legal: [0, 1, 3]", "legal: {}", "{}", "a map is not allowed; expected: Values that a write can set"),
    ],
)  # fmt: skip
def test_errors_in_items(folder: Folder, old: str, new: str, at: str, message: str) -> None:
    folder.edit(ITEMS, old, new)
    assert folder.error().startswith(folder.at(ITEMS, at) + message)


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("breaks: []", "breaks: [people]", "people", "'people' is none of software, hardware, tools"),
        ("date: 2020-01-01", "date: 2020-1-1", "2020-1-1", "'2020-1-1' is not allowed; expected: A day"),
        ("    date: 2020-01-01\n", "", "id: the-change", "'date' is missing; add it"),
        ("constants.A", "constant.A", "constant.A", "'constant.A' is no path of an item"),
        ("base: base@1\n", "", "revision: h@1", "exactly one of include and parent (or base) must stand here"),
        ("remove: [state.mode]", "remove: [mode]", "mode]", "'mode' is not allowed; expected: section.name"),
    ],
)  # fmt: skip
def test_errors_in_revisions(folder: Folder, old: str, new: str, at: str, message: str) -> None:
    folder.one_change("add: {constants.A: {value: 1}}\nremove: [state.mode]")
    folder.edit("h/1.yaml", old, new)
    assert folder.error("h@1").startswith(folder.at("h/1.yaml", at) + message)


def test_changed_items_are_checked_as_a_whole(folder: Folder) -> None:
    folder.one_change("add: {csrs.status.fields.NEW: {bits: 5, kind: WARLORD}}")
    assert folder.error("h@1").startswith(folder.at("h/1.yaml", "WARLORD") + "'WARLORD' is none of")
    folder.one_change("replace: {csrs.status.mode: Z}")
    assert folder.error("h@1").startswith(folder.at("h/1.yaml", "Z}") + "'Z' is none of")
    folder.one_change("remove: [csrs.status.address]")
    assert folder.error("h@1").startswith(folder.at("base/items.yaml", "status:\n"))


def test_a_text_that_is_no_map(folder: Folder) -> None:
    folder.write("base/items.yaml", "- a\n- b\n")
    assert folder.error().startswith(f"{folder.root}/base/items.yaml:1:1: expected a map, found a")


def test_our_own_specs_fit() -> None:
    assert {it.id.partition("@")[0] for it in revisions()} >= {"priv"}
