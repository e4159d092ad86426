# ruff: noqa: E501 - a row of a table stays on its line
import pytest
from spec_folder import Folder, change

ITEMS = "base/items.yaml"
FILE = "h/1.yaml"


def test_each_kind_of_change(folder: Folder) -> None:
    folder.one_change(
        """
        rename: {csrs.status.fields.LEVEL: RANK}
        remove: [pseudoinstructions.nop, csrs.status.fields.TOP, csrs.slot.step]
        replace:
          csrs.status.fields.RANK.bits: "4:1"
          instructions.fence.i.encoding: 000000000000 00000 010 00000 0001111
          constants.LIMIT: {value: 3}
        add:
          csrs.extra: {address: 0x310, mode: M, fields: {A: {bits: 0, kind: WARL}}}
          csrs.extra.fields.B: {bits: 1, kind: WARL}
          csrs.status.constant: 0
          rules.check.last: {summary: Last, by: [csr:status.RANK]}
          causes.9: {name: Nine, constant: NINE}
        """
    )
    isa = folder.resolve("h@1")
    status = isa.csrs["status"]
    assert list(status.fields) == ["ON", "RANK"]
    assert (status.fields["RANK"].high, status.constant) == (4, 0)
    assert isa.pseudoinstructions == {}
    assert isa.csrs["slot3"].address == 0x3B1
    assert list(isa.csrs["extra"].fields) == ["A", "B"]
    fence = isa.instructions["fence.i"].encoding
    assert fence
    assert fence.match == 0x200F
    assert isa.constants["LIMIT"].value == 3
    assert isa.causes[9].name == "Nine"
    check = isa.functions["check"].operation
    assert "status.RANK != LIMIT" in check.text
    assert f"{check.place}: " == folder.at(ITEMS, "# check status first")


def test_what_a_change_touches(folder: Folder) -> None:
    folder.one_change(
        """
        rename: {csrs.status: state_of_things}
        add: {csrs.extra: {address: 1, mode: M, fields: {A: {bits: 0, kind: WARL}}}}
        replace: {rules.check.first.summary: New}
        """
    )
    (change_,) = folder.resolve("h@1").changes
    assert set(change_.items) == {
        *(f"csr:{name}" for name in ("status", "state_of_things", "extra", "extra.A")),
        *(f"csr:{csr}.{field}" for csr in ("status", "state_of_things") for field in ("ON", "LEVEL", "TOP")),
        "rule:check.first",
    }  # fmt: skip
    assert (change_.id, change_.commits, change_.revision) == ("the-change", ("abcdef01",), "h@1")
    assert (change_.date, change_.summary) == ("2020-01-01", "It is the-change.")


def test_origins(folder: Folder) -> None:
    folder.one_change(
        """
        rename: {csrs.status.fields.ON: GO, csrs.window: door}
        replace: {csrs.status.fields.TOP: {bits: 63, kind: RO}}
        add:
          csrs.status.fields.NEW: {bits: 8, kind: WARL}
          csrs.extra: {address: 1, mode: M, fields: {A: {bits: 0, kind: WARL}}}
          parameters.P: {default: 0, legal: [0, 1]}
        """
    )
    folder.revision("2", change("more", "rename: {csrs.extra: final}"), "h@1")
    isa = folder.resolve("h@2")
    fields = isa.csrs["status"].fields
    assert {name: field.origin for name, field in fields.items()} == {
        "GO": "", "LEVEL": "", "TOP": "", "NEW": "h",
    }  # fmt: skip
    assert isa.csrs["door"].origin == ""
    assert (isa.csrs["final"].origin, isa.csrs["final"].fields["A"].origin) == ("h", "h")
    assert (isa.parameters["P"].origin, isa.functions["check"].origin) == ("h", "")


@pytest.mark.parametrize(
    ("items", "at", "message"),
    [
        ("add: {constants.LIMIT: {value: 1}}", "constants.LIMIT", "constants.LIMIT exists already, at "),
        ("add: {csrs.status.fields.ON: {bits: 9, kind: RO}}", "csrs.status", "csrs.status.fields.ON exists already, at "),
        ("add: {csrs.status.mode: M}", "csrs.status", "csrs.status.mode exists already, at "),
        ("add: {csrs.stats.fields.X: {bits: 9, kind: RO}}", "csrs.stats", "there is no csr:stats; did you mean 'status'?"),
        ("add: {csrs.status.fields.X.flush: true}", "csrs.status", "status has no field 'X'; there are ON, LEVEL, TOP"),
        ("add: {csrs.status.colour: red}", "csrs.status", "'colour' is no attribute here; there are "),
        ("add: {csrs.status.fields: {}}", "csrs.status", "cannot read the path 'csrs.status.fields'"),
        ("add: {functions.check.a.b: 1}", "functions.", "'functions.check.a.b' goes too deep"),
        ("add: {functions.check.operations: 1}", "functions.", "'operations' is no attribute of functions; did you mean 'operation'?"),
        ("replace: {functions.chek: {operation: pass}}", "functions.", "there is no fn:chek; did you mean 'check'?"),
        ("replace: {functions.check.ends: true}", "functions.", "functions.check.ends is not set; use add"),
        ("replace: {instructions.fence.j.encoding: '1'}", "instructions.", "there is no insn:fence.j.encoding"),
        ("replace: {csrs.status.fields.OFF.bits: 1}", "csrs.", "status has no field 'OFF'"),
        ("replace: {csrs.slot.fields.OFF.bits: 1}", "csrs.", "slot has no field 'OFF'"),
        ("remove: [causes.3]", "causes.3", "there is no cause:3"),
        ("remove: [rules.check.first.doc]", "rules.", "there is no rule:check.first.doc"),
        ("rename: {functions.chek: x}", "functions.", "there is no fn:chek; did you mean 'check'?"),
        ("rename: {functions.check.doc: x}", "functions.", "functions.check.doc is an attribute; rename items and fields only"),
        ("rename: {csrs.status.fields.ON: TOP}", "TOP", "csrs.status.fields.TOP exists already"),
        ("rename: {csrs.status: window}", "window", "csrs.window exists already"),
    ],
)  # fmt: skip
def test_errors(folder: Folder, items: str, at: str, message: str) -> None:
    folder.one_change(items)
    assert folder.error("h@1").startswith(folder.at(FILE, at) + message)


def test_the_order_within_a_change(folder: Folder) -> None:
    """Rename, remove, replace, add: a removed item may be added again under its old name."""
    folder.one_change(
        """
        add: {constants.LIMIT: {value: 7}}
        replace: {constants.MOST.value: 5}
        rename: {constants.LIMIT: MOST}
        remove: [causes.2]
        """
    )
    isa = folder.resolve("h@1")
    assert {it.name: it.value for it in isa.constants.values()} == {"MOST": 5, "LIMIT": 7}


def test_removing_what_is_still_in_use(folder: Folder) -> None:
    folder.one_change("remove: [functions.check]")
    assert folder.error("h@1").startswith(folder.at(ITEMS, "fn:check") + "rule:check.first names")


def test_a_field_added_by_replacing_its_csr_is_not_the_bases(folder: Folder) -> None:
    folder.one_change(
        "replace: {csrs.status: {address: 1, mode: M, fields: "
        "{ON: {bits: 0, kind: RO}, NEW: {bits: 1, kind: RO}}}}\nremove: [rules.check.first]"
    )
    folder.edit("base/items.yaml", "status.ON and status.LEVEL", "1 and 1")
    isa = folder.resolve("h@1")
    fields = isa.csrs["status"].fields
    assert {name: field.origin for name, field in fields.items()} == {"ON": "", "NEW": "h"}
    assert "csr:status.LEVEL" in isa.changes[0].items


def test_items_in_files_of_their_own(folder: Folder) -> None:
    folder.revision("1", change("a", more="include: [1/new.yaml, 1/more.yaml]"))
    folder.write(
        "h/1/new.yaml",
        """
        constants:
          LIMIT: {value: 7}
          NEW: {value: 8}
        """,
    )
    folder.write("h/1/more.yaml", "causes:\n  5: {name: Five, constant: FIVE}\n")
    isa = folder.resolve("h@1")
    assert {it.name: it.value for it in isa.constants.values()} == {"LIMIT": 7, "NEW": 8}
    assert set(isa.changes[0].items) == {"const:LIMIT", "const:NEW", "cause:5"}
    assert isa.causes[5].origin == "h"
    assert f"{isa.causes[5].place}: " == folder.at("h/1/more.yaml", "5: ")


def test_errors_in_included_files(folder: Folder) -> None:
    folder.revision("1", change("a", more="include: [1/new.yaml]"))
    folder.write("h/1/nw.yaml", "constants: {A: {value: 1}}\n")
    assert folder.error("h@1") == (
        folder.at(FILE, "1/new.yaml") + "no file '1/new.yaml' here; did you mean '1/nw.yaml'?"
    )
    folder.write("h/1/new.yaml", "constants: {A: {valu: 1}}\n")
    assert folder.error("h@1").startswith(folder.at("h/1/new.yaml", "valu") + "unknown key 'valu'")
    folder.write("h/1/new.yaml", "constants: {A: {value: 1}}\n")
    folder.edit(FILE, "[1/new.yaml]", "[1/new.yaml, 1/nw.yaml]")
    assert folder.error("h@1").startswith(
        folder.at("h/1/nw.yaml", "A") + "const:A is already defined"
    )
    folder.edit(FILE, "1/nw.yaml", "../base/items.yaml")
    assert folder.error("h@1").startswith(
        folder.at(FILE, "../base") + "'../base/items.yaml' is not"
    )
