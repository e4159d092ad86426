"""Items by id and by what people type."""

from __future__ import annotations

import pytest
from spec_folder import Folder

from drafthart.generator.diff.items import find, items
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA


@pytest.fixture
def isa(folder: Folder) -> ISA:
    return folder.resolve()


def test_every_kind_has_its_prefix(isa: ISA) -> None:
    known = items(isa)
    for id_ in (
        "insn:addi", "pseudo:nop", "csr:status", "csr:status.ON", "cause:2", "interrupt:3",
        "fn:check", "rule:check.first", "param:GUESTS", "state:mode", "operand:rd", "const:LIMIT",
    ):  # fmt: skip
        assert id_ in known


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("csr:status.ON", "csr:status.ON"),
        ("status", "csr:status"),
        ("status.ON", "csr:status.ON"),
        ("STATUS", "csr:status"),
        ("addi", "insn:addi"),
        ("ADDI", "insn:addi"),
        ("ILLEGAL", "cause:2"),
        ("illegal", "cause:2"),
        ("2", "cause:2"),
        ("guests", "param:GUESTS"),
        ("check.first", "rule:check.first"),
    ],
)
def test_bare_names(isa: ISA, name: str, expected: str) -> None:
    assert find(isa, name)[0] == expected


def test_an_unknown_name_suggests(isa: ISA) -> None:
    with pytest.raises(DrafthartError, match=r"base@1 has no item statu; did you mean .*status"):
        find(isa, "statu")


def test_an_ambiguous_name_lists(folder: Folder) -> None:
    folder.one_change("add: {interrupts.2: {name: Other, constant: OTHER}}")
    with pytest.raises(DrafthartError, match=r"give one id: cause:2, interrupt:2"):
        find(folder.resolve("h@1"), "2")
