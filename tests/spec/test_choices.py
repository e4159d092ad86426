import pytest
from spec_folder import Folder

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.choices import evaluate
from drafthart.generator.spec.model import Place
from drafthart.generator.spec.yaml_file import Node

ITEMS = "base/items.yaml"
HERE = Place("f.yaml", 3, 4)


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("A > 0", True),
        ("A == 2 and B", False),
        ("not B or missing_is_fine == 1", True),
        ("0 < A <= 2 != 3", True),
        ("(A >= 0x2) and XLEN == 64", True),
        ("A", True),
    ],
)
def test_conditions(condition: str, value: bool) -> None:
    names = {"A": 2, "B": 0, "XLEN": 64, "missing_is_fine": 1}
    assert bool(evaluate(Node(condition, HERE, HERE), names)) is value


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("A >", "cannot read 'A >'"),
        ("AA > 1", "unknown parameter 'AA'; did you mean 'A'?"),
        ("A or unknown", "unknown parameter 'unknown'"),
        ("A + 1", "a condition cannot hold 'A + 1'"),
        ("f(A)", "a condition cannot hold 'f(A)'"),
        ("A.b", "a condition cannot hold 'A.b'"),
        ("A is A", "a condition cannot hold 'A is A'"),
        ("'text'", "a condition cannot hold \"'text'\""),
        ("(" * 1000 + "A" + ")" * 1000, "the condition is too long; use at most 200 characters"),
        ("(" * 99 + "A", "cannot read"),
        ("not " * 50, "cannot read"),
    ],
)
def test_conditions_that_are_refused(condition: str, message: str) -> None:
    with pytest.raises(DrafthartError) as caught:
        evaluate(Node(condition, HERE, HERE), {"A": 2})
    assert str(caught.value).startswith(f"f.yaml:3:4: {message}")


def test_parameters(folder: Folder) -> None:
    isa = folder.resolve(parameters={"GUESTS": 4})
    guests, wide = isa.parameters["GUESTS"], isa.parameters["WIDE"]
    assert (guests.value, guests.default, guests.legal) == (4, 2, range(5))
    assert (wide.value, wide.legal, wide.origin) == (1, (0, 1), "")
    assert isa.numbers["GUESTS"] == 4


def test_parameters_that_are_refused(folder: Folder) -> None:
    assert folder.error(parameters={"GUESTS": 5}) == (
        "parameter GUESTS=5 is not legal; use one of 0..4"
    )
    assert folder.error(parameters={"WIDE": 2}).endswith("use one of 0, 1")
    assert folder.error(parameters={"GUEST": 1}) == (
        "unknown parameter 'GUEST'; did you mean 'GUESTS'?"
    )
    folder.edit(ITEMS, "default: 2", "default: 7")
    assert folder.error().startswith(folder.at(ITEMS, "7, legal") + "the default 7 is not legal")


@pytest.mark.parametrize(
    ("legal", "values"),
    [
        ("[0, 1, 3]", (0, 1, 3)),
        ("[0, WIDE]", (0, 1)),
        ('"0..GUESTS"', range(3)),
        ("GUESTS", range(5)),
        ("WIDE", (0, 1)),
        ('"0x1..5"', range(1, 6)),
    ],
)
def test_legal_values_of_fields(folder: Folder, legal: str, values: object) -> None:
    folder.edit(ITEMS, "legal: [0, 1, 3]", f"legal: {legal}")
    assert folder.resolve().csrs["status"].fields["LEVEL"].legal == values


@pytest.mark.parametrize(
    ("legal", "at", "message"),
    [
        ("[0, NONE]", "NONE", "'NONE' is no number, parameter or constant"),
        ('"5..1"', "5..1", "the range 5..1 is empty"),
        ("GUEST", "GUEST,", "unknown parameter 'GUEST'; did you mean 'GUESTS'?"),
        ("[0, 8]", "[0, 8]", "a legal value does not fit status.LEVEL; use 0 to 7"),
        ("[LIMIT]", "[LIMIT]", "a legal value does not fit status.LEVEL; use 0 to 7"),
    ],
)
def test_legal_values_that_are_refused(folder: Folder, legal: str, at: str, message: str) -> None:
    folder.edit(ITEMS, "legal: [0, 1, 3]", f"legal: {legal}")
    assert folder.error().startswith(folder.at(ITEMS, at) + message)


def test_existence_depends_on_parameters_and_xlen(folder: Folder) -> None:
    folder.edit(ITEMS, "  window:\n", "  narrow: {address: 0x310, mode: M, xlen: 32}\n  window:\n")
    folder.edit(ITEMS, "ON: {bits: 0,", "ON: {bits: 0, exists: GUESTS > 2,")
    folder.edit(ITEMS, 'instances: "2..4"', 'instances: "2..4"\n    exists: index <= GUESTS')
    few, many = folder.resolve(), folder.resolve(parameters={"GUESTS": 4})
    assert list(few.csrs) == ["status", "window", "slot2"]
    assert list(many.csrs) == ["status", "window", "slot2", "slot3", "slot4"]
    assert "ON" not in few.csrs["status"].fields
    assert few.csrs["window"].fields == {}
    assert "ON" in many.csrs["window"].fields
    assert "narrow" in folder.resolve(xlen=32).csrs
    assert folder.error(xlen=128) == "XLEN 128 is not supported; use 32 or 64"


def test_instructions_exist_by_parameters_and_xlen(folder: Folder) -> None:
    folder.edit(ITEMS, "    doc: Add.\n", "    doc: Add.\n    exists: GUESTS > 2 and XLEN == 64\n")
    folder.edit(ITEMS, "  c.addi:\n", "  c.addi:\n    exists: GUESTS > 2 and XLEN == 64\n")
    folder.edit(ITEMS, '0, 0"]}', '0, 0"], exists: GUESTS > 2 and XLEN == 64}')
    few, many = folder.resolve(), folder.resolve(parameters={"GUESTS": 4})
    assert list(few.instructions) == ["fence.i"]
    assert list(few.pseudoinstructions) == []
    assert list(many.instructions) == ["addi", "fence.i", "c.addi"]
    assert list(many.pseudoinstructions) == ["nop"]
    assert list(folder.resolve(parameters={"GUESTS": 4}, xlen=32).instructions) == ["fence.i"]


def test_what_expands_needs_what_it_expands_to(folder: Folder) -> None:
    folder.edit(ITEMS, "    doc: Add.\n", "    doc: Add.\n    exists: GUESTS > 2\n")
    error = folder.error()
    assert error.startswith(folder.at(ITEMS, "addi rd, rd, imm"))
    assert "there is no instruction 'addi' to expand to" in error


def test_conditions_of_instructions_are_checked(folder: Folder) -> None:
    folder.edit(ITEMS, "    doc: Add.\n", "    doc: Add.\n    exists: GUEST > 2\n")
    assert folder.error() == folder.at(ITEMS, "GUEST > 2") + (
        "unknown parameter 'GUEST'; did you mean 'GUESTS'?"
    )
