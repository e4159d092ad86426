from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.encoding import parse_encoding
from drafthart.generator.spec.model import Encoding, Instruction, Operand, Piece, Place, Source
from drafthart.generator.spec.overlap import check_overlaps, separated
from drafthart.generator.spec.yaml_file import Node

HERE = Place("f.yaml", 7, 11)


def operand(name: str, kind: str, width: int | None) -> Operand:
    return Operand(name, kind, width, 0, False, False, None, "", HERE)


OPERANDS = {
    name: operand(name, kind, width)
    for name, kind, width in [
        ("rd", "register", 5),
        ("rs1", "register", 5),
        ("rs2", "register", 5),
        ("rd_c", "register", 3),
        ("imm", "immediate", None),
        ("zimm", "immediate", 5),
        ("csr", "csr", 12),
    ]
}


def text(value: str) -> Node:
    return Node(value, HERE, HERE)


def parse(drawn: str, constraints: Iterable[str] = ()) -> Encoding:
    encoding = parse_encoding(text(drawn), [text(it) for it in constraints], OPERANDS)
    assert encoding is not None
    return encoding


def error(drawn: str, constraints: Iterable[str] = ()) -> str:
    with pytest.raises(DrafthartError) as caught:
        parse(drawn, constraints)
    return str(caught.value)


def test_fixed_bits_and_operands() -> None:
    encoding = parse("0110000 00000 rs1 100 rd 1110011")
    assert (encoding.width, encoding.mask, encoding.match) == (32, 0xFFF0707F, 0x60004073)
    assert encoding.pieces == (Piece("rs1", 4, 0, 15), Piece("rd", 4, 0, 7))
    assert encoding.operands == ("rs1", "rd")


def test_scattered_immediates() -> None:
    branch = parse("imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011")
    assert branch.operand_bits("imm") == 13
    assert branch.extract(0xFE0008E3)["imm"] == 0x1FF0  # beqz x0, -16
    short = parse("000 imm[5] rd imm[4:0] 01", ["rd != 0", "imm != 0x10"])
    assert (short.width, short.constraints) == (16, (("rd", 0), ("imm", 16)))
    assert short.accepts(0x0085)
    assert not short.accepts(0x0001)


def test_unassigned() -> None:
    assert parse_encoding(text(" unassigned "), [], OPERANDS) is None


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        ("000 rd 0010011", "f.yaml:7:11: the encoding has 15 bits; it must have 16 or 32"),
        ("imm rs1 000 rd 0010011", "f.yaml:7:11: the operand 'imm' has no width"),
        (
            "imm[11:0] rs1 000 rdc 0010011",
            "f.yaml:7:29: unknown operand 'rdc'; did you mean 'rd_c'?",
        ),
        ("imm[11:0] rs1 0x0 rd 0010011", "f.yaml:7:25: cannot read '0x0'"),
        ("imm[11:] rs1 000 rd 0010011", "f.yaml:7:11: cannot read the bits in 'imm[11:]'"),
        ("imm[0:11] rs1 000 rd 0010011", "f.yaml:7:11: the bits 0:11 of 'imm' run upward"),
        ("csr rs1 000 zimm[5:1] 1110011", "f.yaml:7:23: 'zimm' has no bit 5; it is 5 bits wide"),
        ("imm[40:0] rs1 000 rd 0010011", "f.yaml:7:11: 'imm' has no bit 40; it is 32 bits wide"),
        ("0000000 rd rs1 000 rd 0010011", "f.yaml:7:11: bit 4 of 'rd' stands twice"),
        ("imm[6:0] rs2 rs1 000 imm[6:2] 0100011", "f.yaml:7:11: bit 6 of 'imm' stands twice"),
        ("imm[12:6] rs2 rs1 000 imm[4:0] 0100011", "f.yaml:7:11: bit 5 of 'imm' is missing"),
        ("imm[11:0] rs1 000 rd 0010001", "f.yaml:7:11: the low two bits of a 32-bit encoding"),
        ("imm[31:0]", "f.yaml:7:11: the low two bits of a 32-bit encoding"),
        ("000 imm[5] rd imm[4:0] 11", "f.yaml:7:11: the low two bits of a 16-bit encoding"),
    ],
)
def test_errors(drawn: str, message: str) -> None:
    assert error(drawn).startswith(message)


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ("rd > 0", "f.yaml:7:11: cannot read the constraint 'rd > 0'; write it as rd != 0"),
        ("rs2 != 0", "f.yaml:7:11: 'rs2' is no operand of the encoding; there are imm, rd"),
        ("rd != 32", "f.yaml:7:11: 'rd' can never be 32; correct the value"),
    ],
)
def test_errors_in_constraints(constraint: str, message: str) -> None:
    assert error("000 imm[5] rd imm[4:0] 01", [constraint]).startswith(message)


@st.composite
def drawings(draw: st.DrawFn) -> str:
    """Encodings with an immediate cut into pieces at random, between registers and fixed bits."""
    width = draw(st.integers(1, 15))
    cuts = sorted(draw(st.sets(st.integers(1, width), max_size=4)) | {0, width})
    slices = [f"imm[{high - 1}:{low}]" for low, high in pairwise(cuts)]
    others = draw(st.lists(st.sampled_from(["rd", "rs1"]), unique=True))
    rest = 30 - width - 5 * len(others)
    bits = draw(st.text("01", min_size=rest, max_size=rest))
    cut = draw(st.integers(0, rest))
    parts = draw(st.permutations([*slices, *others, bits[:cut], bits[cut:]]))
    return " ".join([*(part for part in parts if part), "11"])


@given(drawings(), st.integers(0, 2**32 - 1))
def test_encoding_and_decoding_are_inverse(drawn: str, noise: int) -> None:
    encoding = parse(drawn)
    word = (noise & ~encoding.mask) | encoding.match
    assert encoding.accepts(word)
    values = encoding.extract(word)
    assert encoding.insert(values) == word
    assert all(value < 1 << encoding.operand_bits(name) for name, value in values.items())
    assert encoding.extract(encoding.insert(values)) == values


def instruction(name: str, encoding: Encoding, line: int) -> Instruction:
    operation = Source("pass", HERE)
    place = Place("f.yaml", line, 3)
    return Instruction(name, "X", encoding, "", operation, None, "", place, "")


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        (("csr rs1 000 rd 1110011",), ("csr rs1 001 rd 1110011",), True),
        (("csr rs1 000 rd 1110011",), ("csr 00000 000 rd 1110011",), False),
        (("csr rs1 000 rd 1110011", "rs1 != 0"), ("csr 00000 000 rd 1110011",), True),
        (("csr rs1 000 rd 1110011", "rs1 != 1"), ("csr 00000 000 rd 1110011",), False),
        (
            ("csr zimm[0] 0000 000 rd 1110011", "zimm != 0", "zimm != 1"),
            ("csr rs1 000 rd 1110011",),
            True,
        ),
        (("000 imm[5] rd imm[4:0] 01", "rd != 0"), ("000 imm[5] 00000 imm[4:0] 01",), True),
        (("000 imm[5] rd imm[4:0] 01", "imm != 0"), ("000 imm[5] 00000 imm[4:0] 01",), False),
    ],
)
def test_overlaps(one: tuple[str, ...], two: tuple[str, ...], apart: bool) -> None:
    first, second = (parse(drawn, rest) for drawn, *rest in (one, two))
    pair = [instruction("first", first, 1), instruction("second", second, 9)]
    if apart:
        check_overlaps(pair)
        check_overlaps(pair[::-1])
        return
    with pytest.raises(DrafthartError) as caught:
        check_overlaps(pair)
    assert str(caught.value).startswith("f.yaml:9:3: second claims words of first, at f.yaml:1:3;")


@given(st.data())
def test_separated_agrees_with_trying_all_words(data: st.DataObject) -> None:
    """On 16-bit encodings with few free bits every word can be tried."""

    def draw() -> Encoding:
        fixed = data.draw(st.lists(st.sampled_from(["0", "1"]), min_size=3, max_size=3))
        names = data.draw(st.permutations(["imm[0]", "imm[1]", "rd[0]", "rd[1]", *fixed]))
        limits = st.tuples(st.sampled_from(["imm", "rd"]), st.integers(0, 3))
        rules = [f"{name} != {value}" for name, value in data.draw(st.lists(limits, max_size=4))]
        return parse(" ".join(["0000000", *names, "01"]), rules)

    one, two = draw(), draw()
    both = any(one.accepts(word) and two.accepts(word) for word in range(1, 1 << 9, 4))
    if (one.match ^ two.match) & one.mask & two.mask or separated(one, two):
        assert not both
