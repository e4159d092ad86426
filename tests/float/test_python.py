"""The python engine's primitives against `float.h` and against fractions."""

from __future__ import annotations

import math
import struct
from array import array
from fractions import Fraction
from itertools import islice
from random import Random

import pytest
from float_cases import (
    DIRECTIONS,
    FORMATS,
    NX,
    expected,
    expected_integer,
    integers,
    operands,
    rounded,
)
from float_native import CASES, OPERATIONS, Arithmetic
from hypothesis import given
from hypothesis import strategies as st

from drafthart.runtime.floats import FloatUnit

FEW = max(CASES // 10, 150)
OPERANDS = {"sqrt": 1, "fma": 3}


class Unit(FloatUnit):
    """The primitives alone."""

    def call(self, name: str, *arguments: int, flags: int = 0) -> tuple[int, int]:
        """Result and flags of one primitive."""
        self.float_flags = flags
        result = getattr(self, f"float_{name}")(*arguments)
        assert type(result) is int
        assert type(self.float_flags) is int
        return result, self.float_flags


UNIT = Unit()


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("name", OPERATIONS)
def test_results_and_flags_follow_from_exact_values(name: str, size: int, rm: int) -> None:
    made = operands(Random(f"python {name} {size} {rm}"), size)
    for _ in range(FEW):
        values = list(islice(made, OPERANDS.get(name, 2)))
        bits, flags = expected(name, values, rm, size)
        shown = [hex(value) for value in values]
        assert (shown, *UNIT.call(name, *values, rm, size)) == (shown, bits, flags)
        # With the flag for inexact set, another way leads to the same.
        assert (shown, *UNIT.call(name, *values, rm, size, flags=NX)) == (shown, bits, flags | NX)


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("name", OPERATIONS)
def test_results_and_flags_are_those_of_c(soft: Arithmetic, name: str, size: int, rm: int) -> None:
    made = operands(Random(f"python and c {name} {size} {rm}"), size)
    cases = [array("Q", islice(made, CASES // 3)) for _ in range(3)]
    for flags in (0, NX):
        results, raised = soft.run(name, size, rm, cases, flags)
        for index, values in enumerate(zip(*cases, strict=True)):
            ours = UNIT.call(name, *values[: OPERANDS.get(name, 2)], rm, size, flags=flags)
            assert (values, *ours) == (values, results[index], raised[index])


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("to", [4, 8])
@pytest.mark.parametrize("size", [4, 8])
def test_conversions_to_integers(size: int, to: int, rm: int) -> None:
    half = 1 << 8 * to - 1
    for bits in islice(operands(Random(f"python to {size} {to} {rm}"), size), FEW):
        signed, flags = expected_integer(bits, rm, size, -half, half - 1)
        assert UNIT.call("to_signed", bits, rm, size, to) == (signed % (2 * half), flags)
        wanted = expected_integer(bits, rm, size, 0, 2 * half - 1)
        assert UNIT.call("to_unsigned", bits, rm, size, to) == wanted


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("source", [4, 8])
@pytest.mark.parametrize("size", [4, 8])
def test_conversions_from_integers(size: int, source: int, rm: int) -> None:
    half = 1 << 8 * source - 1
    for value in islice(integers(Random(f"python from {size} {source} {rm}"), source), FEW):
        signed = (value ^ half) - half
        for name, number in (("signed", signed), ("unsigned", value)):
            wanted = rounded(Fraction(number), rm, size) if number else (0, 0)
            assert UNIT.call(f"from_{name}", value, rm, source, size) == wanted


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize(("source", "size"), [(4, 8), (8, 4)])
def test_conversions_between_formats(soft: Arithmetic, source: int, size: int, rm: int) -> None:
    for bits in islice(operands(Random(f"python convert {source} {rm}"), source), FEW):
        wanted = soft.call(f"convert_{source}_{size}", bits, rm)
        assert UNIT.call("convert", bits, rm, source, size) == wanted


@pytest.mark.parametrize("size", [4, 8])
def test_comparisons(soft: Arithmetic, size: int) -> None:
    made = operands(Random(f"python compare {size}"), size)
    for a, b in islice(zip(made, made, strict=False), 4 * FEW):
        for name in ("equal", "less", "less_equal"):
            assert UNIT.call(name, a, b, size) == soft.call(f"{name}_{size}", a, b)


@given(st.floats(), st.floats())
def test_to_nearest_even_is_pythons_own_addition(x: float, y: float) -> None:
    form = FORMATS[8]
    a, b, wanted = (struct.unpack("<Q", struct.pack("<d", value))[0] for value in (x, y, x + y))
    result, flags = UNIT.call("add", a, b, 0, 8)
    assert result == (form.nan if form.is_nan(wanted) else wanted)
    if math.isfinite(x + y):
        assert flags == (NX if Fraction(x) + Fraction(y) != Fraction(x + y) else 0)
