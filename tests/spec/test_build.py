# ruff: noqa: E501 - a row of a table stays on its line
import pytest
from spec_folder import Folder

from drafthart.generator.spec.model import Source, Status, View

ITEMS = "base/items.yaml"


def test_the_small_items(folder: Folder) -> None:
    isa = folder.resolve()
    assert (isa.id, isa.title, isa.status, isa.date) == (
        "base@1", "The ground", Status.RATIFIED, "2019-01-01",
    )  # fmt: skip
    assert isa.constants["LIMIT"].value == 16
    assert (isa.state["slots"].width, isa.state["slots"].count) == (64, 4)
    assert (isa.state["mode"].width, isa.state["mode"].count, isa.state["mode"].reset) == (2, 0, 3)
    assert (isa.operands["rd"].width, isa.operands["rd_c"].base) == (5, 8)
    assert isa.operands["imm"].signed
    assert isa.operands["imm"].width is None
    assert isa.pseudoinstructions["nop"].expands == ("addi x0, x0, 0",)
    assert isa.causes[2].constant == "ILLEGAL"
    assert isa.interrupts[3].name == "Software"
    assert isa.rules["check.first"].by == ("fn:check", "csr:status.ON")
    assert isa.numbers == {
        "LIMIT": 16, "GUESTS": 2, "WIDE": 1, "ILLEGAL": 2, "SOFTWARE": 3, "XLEN": 64,
    }  # fmt: skip


def test_instructions_and_functions(folder: Folder) -> None:
    isa = folder.resolve()
    addi, short, check = (
        isa.instructions["addi"],
        isa.instructions["c.addi"],
        isa.functions["check"],
    )
    assert addi.operation
    assert addi.operation.text == "X[rd] = X[rs1] + imm\n"
    assert f"{addi.operation.place}: " == folder.at(ITEMS, "X[rd]")
    assert f"{addi.place}: " == folder.at(ITEMS, "addi:\n    extension: I")
    assert (short.operation, short.expands) == (None, "addi rd, rd, imm")
    assert check.parameters == {"value": "XLEN", "size": "static"}
    assert (check.returns, check.ends, check.entry) == ("8 * size", False, False)


def test_csrs_and_fields(folder: Folder) -> None:
    status = folder.resolve().csrs["status"]
    assert (status.address, status.mode, status.width, status.read_only) == (0x300, "M", 64, False)
    level, top = status.fields["LEVEL"], status.fields["TOP"]
    assert (level.high, level.low, level.width, level.mask) == (3, 1, 3, 0b1110)
    assert (level.legal, level.reset, level.flush) == ((0, 1, 3), 1, True)
    assert (top.high, top.low) == (63, 63)
    assert isinstance(top.read, Source)
    assert folder.resolve(xlen=32).csrs["status"].fields["TOP"].high == 31


def test_arrays(folder: Folder) -> None:
    isa = folder.resolve()
    slots = {name: csr for name, csr in isa.csrs.items() if csr.array == "slot"}
    assert {name: (csr.index, csr.address) for name, csr in slots.items()} == {
        "slot2": (2, 0x3B0),
        "slot3": (3, 0x3B2),
        "slot4": (4, 0x3B4),
    }
    assert isa.csr_at[0x3B2].name == "slot3"
    folder.edit(ITEMS, '"2..4"', '"4..2"')
    assert folder.error().startswith(folder.at(ITEMS, "4..2") + "the array is empty")
    folder.edit(ITEMS, '"4..2"', '"2..4"')
    folder.edit(ITEMS, "  slot:\n", "  slot3: {address: 1, mode: M}\n  slot:\n")
    assert folder.error().startswith(folder.at(ITEMS, "slot:") + "slot3 is a CSR of its own")


def test_a_csr_without_a_number(folder: Folder) -> None:
    folder.edit(ITEMS, "address: 0x300", "address: null")
    folder.edit(ITEMS, "address: 0x3B0", "address: null")
    isa = folder.resolve()
    assert isa.csrs["status"].address is None
    assert isa.csrs["slot3"].address is None
    assert list(isa.csr_at) == [0x100]


def test_an_instruction_without_a_number(folder: Folder) -> None:
    folder.edit(ITEMS, "imm[11:0] rs1 000 rd 0010011", "unassigned")
    assert folder.resolve().instructions["addi"].encoding is None


def test_views(folder: Folder) -> None:
    window = folder.resolve().csrs["window"]
    assert window.view == View("status", {"ON": "ON"})
    assert (window.fields["ON"].low, window.fields["ON"].doc) == (0, "Running")


def test_views_with_names_and_bits_of_their_own(folder: Folder) -> None:
    folder.edit(
        ITEMS,
        "    view: {of: status, fields: [ON]}\n",
        "    view: {of: status, fields: {RUN: ON, RANK: LEVEL}}\n"
        '    fields:\n      RANK: {bits: "6:4", kind: RO, doc: Here}\n'
        "      SUM: {bits: 7, kind: RO, read: status.ON}\n"
        "  outer:\n    address: 0x101\n    mode: U\n"
        "    view: {of: window, fields: {LAST: RANK}}\n",
    )
    csrs = folder.resolve().csrs
    rank = csrs["window"].fields["RANK"]
    assert (rank.high, rank.low, rank.kind, rank.doc, rank.legal) == (6, 4, "RO", "Here", (0, 1, 3))
    assert csrs["window"].fields["RUN"].low == 0
    assert "SUM" in csrs["window"].fields
    assert csrs["window"].view == View("status", {"RUN": "ON", "RANK": "LEVEL"})
    assert csrs["outer"].view == View("status", {"LAST": "LEVEL"})
    assert (csrs["outer"].fields["LAST"].name, csrs["outer"].fields["LAST"].high) == ("LAST", 6)


@pytest.mark.parametrize(
    ("view", "at", "message"),
    [
        ("{of: statu, fields: [ON]}", "statu, f", "there is no CSR 'statu' to view; did you mean 'status'?"),
        ("{of: status, fields: [OFF]}", "OFF", "status has no field 'OFF'"),
        ("{of: window, fields: [ON]}", "window, f", "window is a view of itself"),
        ("{of: status, fields: [ON]}\n    fields: {X: {bits: 3, kind: RO}}", "X: {", "window is a view and has no storage for X"),
    ],
)  # fmt: skip
def test_views_that_are_refused(folder: Folder, view: str, at: str, message: str) -> None:
    folder.edit(ITEMS, "{of: status, fields: [ON]}", view)
    assert folder.error().startswith(folder.at(ITEMS, at) + message)


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ('bits: "3:1"', 'bits: "1:3"', "1:3", "the bits 1:3 run upward"),
        ("ON: {bits: 0,", "ON: {bits: 2,", "LEVEL: {", "status.LEVEL overlaps ON, at "),
        ("{32: 31, 64: 63}", "{32: 31}", "{32: 31}", "status.TOP has no bits for XLEN 64"),
        ("    mode: M\n    doc: W", "    mode: M\n    width: 32\n    doc: W", "63},", "status.TOP has bit 63, but status 32 bits"),
        ("reset: 1", "reset: 9", "9, flush", "the reset 9 needs more bits; at most 7"),
        ("address: 0x300", "address: 0x100", "window:", "window and status are both at 0x100"),
        ("address: 0x3B0", "address: 0xFFE", "slot:", "slot3 is at 0x1000"),
        ("    view: {", "    substitutes: stat\n    view: {", "stat\n", "there is no CSR 'stat' to substitute; did you mean 'status'?"),
        ("expands: addi rd", "expands: addu rd", "addu", "there is no instruction 'addu' to expand to; did you mean 'addi'?"),
        ("expands: addi rd", "expands: c.addi rd", "c.addi rd", "there is no instruction 'c.addi' to expand to"),
        ('["addi x0', '["adi x0', "adi x0", "there is no instruction 'adi' to expand to"),
        ("by: [fn:check, csr:status.ON]", "by: [fn:check, csr:status.OFF]", "csr:status.OFF", "rule:check.first names csr:status.OFF, which is not there"),
        ("constant: SOFTWARE", "constant: ILLEGAL", "3: {name", "the name ILLEGAL stands for a cause at "),
        ("  LIMIT: {value", "  status: {value: 1}\n  LIMIT: {value", "status:\n", "the name status stands for a constant at "),
        ("  2: {name", "  64: {name", "64: {name", "the code 64 is too large"),
        ("00000 001 00000 0001111", "00000 000 00000 0010011", "fence.i:", "fence.i claims words of addi, at "),
        ("rs1 000 rd 0010011", "rs1 00 rd 0010011", "imm[11:0] rs1", "the encoding has 31 bits"),
    ],
)  # fmt: skip
def test_errors(folder: Folder, old: str, new: str, at: str, message: str) -> None:
    folder.edit(ITEMS, old, new)
    assert folder.error().startswith(folder.at(ITEMS, at) + message)


def test_items_defined_twice(folder: Folder) -> None:
    folder.write("base/more.yaml", "constants:\n  LIMIT: {value: 1}\n")
    folder.edit("base/1.yaml", "[items.yaml]", "[items.yaml, more.yaml]")
    assert folder.error() == (
        folder.at("base/more.yaml", "LIMIT")
        + "const:LIMIT is already defined at "
        + folder.at(ITEMS, "LIMIT: {")[:-2]
        + "; remove one of them"
    )
    folder.edit("base/1.yaml", "more.yaml", "mode.yaml")
    assert folder.error() == (
        folder.at("base/1.yaml", "mode.yaml")
        + "no file 'mode.yaml' here; did you mean 'more.yaml'?"
    )
