import pytest
from spec_folder import Folder

from drafthart.generator.spec.rename import rename_in_code


@pytest.mark.parametrize(
    ("text", "old", "csr", "renamed"),
    [
        ("a = a.a + ba", "a", "", "NEW = NEW.a + ba"),
        ("x = s.F + t.F + F", "F", "s", "x = s.NEW + t.F + F"),
        ("s[i + t[0]].F = 1", "F", "s", "s[i + t[0]].NEW = 1"),
        ("t[s].F = 1", "F", "s", "t[s].F = 1"),
        ("if a:  # a stays\n    a(a)\n", "a", "", "if NEW:  # a stays\n    NEW(NEW)\n"),
        ("aa = ab", "a", "", "aa = ab"),
        ("f(a,\n  a) + a", "a", "", "f(NEW,\n  NEW) + NEW"),
        ("ä = a", "a", "", "ä = NEW"),
        ("broken(a", "a", "", "broken(a"),
        ("  a\n b", "a", "", "  a\n b"),
    ],
)
def test_code(text: str, old: str, csr: str, renamed: str) -> None:
    assert rename_in_code(text, old, "NEW", csr) == renamed


def test_csr(folder: Folder) -> None:
    folder.edit("base/items.yaml", "    view: {", "    substitutes: status\n    view: {")
    folder.one_change("rename: {csrs.status: stat, csrs.slot: hole}")
    isa = folder.resolve("h@1")
    assert "stat.ON and stat.LEVEL" in isa.functions["check"].operation.text
    assert "# check status first" in isa.functions["check"].operation.text
    assert isa.csrs["window"].substitutes == "stat"
    assert isa.csrs["window"].view
    assert isa.csrs["window"].view.of == "stat"
    assert isa.rules["check.first"].by == ("fn:check", "csr:stat.ON")
    read, top = isa.csrs["hole3"].read, isa.csrs["stat"].fields["TOP"].read
    assert read
    assert top
    assert (read.text, top.text) == ("return hole[index]\n", "stat.ON")
    assert list(isa.csrs)[:2] == ["stat", "window"]


def test_field(folder: Folder) -> None:
    folder.one_change("rename: {csrs.status.fields.ON: GO}")
    isa = folder.resolve("h@1")
    assert "if status.GO and" in isa.functions["check"].operation.text
    assert isa.rules["check.first"].by == ("fn:check", "csr:status.GO")
    assert isa.csrs["window"].view
    assert dict(isa.csrs["window"].view.fields) == {"ON": "GO"}
    assert list(isa.csrs["window"].fields) == ["ON"]
    assert list(isa.csrs["status"].fields) == ["GO", "LEVEL", "TOP"]


def test_names_for_numbers(folder: Folder) -> None:
    folder.edit("base/items.yaml", "legal: [0, 1, 3]", 'legal: "0..GUESTS", exists: GUESTS > 0')
    folder.one_change("rename: {constants.LIMIT: MOST, parameters.GUESTS: VMS, state.slots: bays}")
    isa = folder.resolve("h@1")
    assert "status.LEVEL != MOST" in isa.functions["check"].operation.text
    assert "bays[0]" in isa.functions["check"].operation.text
    assert isa.csrs["status"].fields["LEVEL"].legal == range(3)
    fence = isa.instructions["fence.i"].operation
    assert fence
    assert fence.text.startswith("check(MOST)")


def test_functions_instructions_and_operands(folder: Folder) -> None:
    folder.one_change(
        "rename: {functions.check: look, instructions.addi: add.i, operands.rd: rx, causes.2: '5',"
        " rules.check.first: early}"
    )
    isa = folder.resolve("h@1")
    fence, add = isa.instructions["fence.i"].operation, isa.instructions["add.i"]
    assert fence
    assert fence.text.startswith("look(LIMIT)")
    assert isa.rules["early"].by == ("fn:look", "csr:status.ON")
    assert isa.instructions["c.addi"].expands == "add.i rx, rx, imm"
    assert isa.pseudoinstructions["nop"].expands == ("add.i x0, x0, 0",)
    assert add.assembly == "rx, rs1, imm"
    assert add.encoding
    assert add.encoding.operands == ("imm", "rs1", "rx")
    assert add.operation
    assert add.operation.text == "X[rx] = X[rs1] + imm\n"
    assert isa.instructions["c.addi"].encoding
    assert isa.instructions["c.addi"].encoding.constraints == (("rx", 0),)
    assert isa.causes[5].code == 5
