"""`float.h` against the host's arithmetic, against fractions, and with and without the host."""

from __future__ import annotations

from array import array
from fractions import Fraction
from itertools import islice
from random import Random

import pytest
from float_cases import (
    DIRECTIONS,
    FORMATS,
    NV,
    NX,
    RMM,
    expected,
    expected_integer,
    integers,
    operands,
    rounded,
)
from float_native import CASES, OPERATIONS, Arithmetic

FEW = max(CASES // 10, 150)
"""Cases where fractions compute what is expected."""


def columns(seed: str, size: int, count: int) -> list[array[int]]:
    """Three columns of operands."""
    made = operands(Random(seed), size)
    return [array("Q", islice(made, count)) for _ in range(3)]


def differences(
    cases: list[array[int]], one: tuple[array[int], bytes], other: tuple[array[int], bytes]
) -> list[str]:
    """The first cases whose results or flags differ."""
    if one == other:
        return []
    found = [
        f"{' '.join(f'{column[i]:#x}' for column in cases)}: "
        f"{one[0][i]:#x} {one[1][i]:05b} and {other[0][i]:#x} {other[1][i]:05b}"
        for i in range(len(one[1]))
        if (one[0][i], one[1][i]) != (other[0][i], other[1][i])
    ]
    return found[:5]


@pytest.mark.parametrize("rm", [rm for rm in DIRECTIONS if rm != RMM])
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("name", OPERATIONS)
def test_results_and_flags_are_the_hosts(soft: Arithmetic, name: str, size: int, rm: int) -> None:
    cases = columns(f"host {name} {size} {rm}", size, CASES)
    ours, theirs = soft.run(name, size, rm, cases), soft.host(name, size, rm, cases)
    if name == "fma":
        # What infinity times zero plus a quiet NaN raises, the standard leaves open.
        form = FORMATS[size]
        for index, (a, b, c) in enumerate(zip(*cases, strict=True)):
            if {a & ~form.sign, b & ~form.sign} == {0, form.infinity} and form.is_nan(c):
                assert (ours[0][index], ours[1][index]) == (form.nan, NV)
                theirs[0][index] = form.nan
                theirs = theirs[0], theirs[1][:index] + bytes([NV]) + theirs[1][index + 1 :]
    assert differences(cases, ours, theirs) == []


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_short_way_through_the_host_changes_nothing(
    soft: Arithmetic, fast: Arithmetic, name: str, size: int, rm: int
) -> None:
    cases = columns(f"fast {name} {size} {rm}", size, CASES)
    for flags in (0, NX, 31):
        slow = soft.run(name, size, rm, cases, flags)
        assert differences(cases, fast.run(name, size, rm, cases, flags), slow) == []


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("name", OPERATIONS)
def test_results_and_flags_follow_from_exact_values(
    soft: Arithmetic, name: str, size: int, rm: int
) -> None:
    cases = columns(f"exact {name} {size} {rm}", size, FEW)
    count = {"sqrt": 1, "fma": 3}.get(name, 2)
    wanted = [expected(name, values[:count], rm, size) for values in zip(*cases, strict=True)]
    exact = array("Q", [bits for bits, _ in wanted]), bytes(flags for _, flags in wanted)
    assert differences(cases, soft.run(name, size, rm, cases), exact) == []


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("to", [4, 8])
@pytest.mark.parametrize("size", [4, 8])
def test_conversions_to_integers(soft: Arithmetic, size: int, to: int, rm: int) -> None:
    half = 1 << 8 * to - 1
    for bits in islice(operands(Random(f"to {size} {to} {rm}"), size), FEW):
        signed, flags = expected_integer(bits, rm, size, -half, half - 1)
        assert soft.call(f"to_signed_{size}_{to}", bits, rm) == (signed % (2 * half), flags)
        wanted = expected_integer(bits, rm, size, 0, 2 * half - 1)
        assert soft.call(f"to_unsigned_{size}_{to}", bits, rm) == wanted


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize("source", [4, 8])
@pytest.mark.parametrize("size", [4, 8])
def test_conversions_from_integers(soft: Arithmetic, size: int, source: int, rm: int) -> None:
    half = 1 << 8 * source - 1
    for value in islice(integers(Random(f"from {size} {source} {rm}"), source), FEW):
        signed = (value ^ half) - half
        for name, number in (("signed", signed), ("unsigned", value)):
            wanted = rounded_or_zero(number, rm, size)
            assert soft.call(f"from_{name}_{source}_{size}", value, rm) == wanted


@pytest.mark.parametrize("rm", DIRECTIONS)
@pytest.mark.parametrize(("source", "size"), [(4, 8), (8, 4)])
def test_conversions_between_formats(
    soft: Arithmetic, fast: Arithmetic, source: int, size: int, rm: int
) -> None:
    form, other = FORMATS[source], FORMATS[size]
    for bits in islice(operands(Random(f"convert {source} {rm}"), source), 2 * FEW):
        sign = other.sign if bits & form.sign else 0
        if form.is_nan(bits):
            wanted = other.nan, NV if form.is_signaling(bits) else 0
        elif bits & ~form.sign == form.infinity:
            wanted = sign | other.infinity, 0
        elif bits & ~form.sign == 0:
            wanted = sign, 0
        else:
            wanted = rounded(form.value(bits), rm, size)
        assert soft.call(f"convert_{source}_{size}", bits, rm) == wanted
        assert fast.call(f"convert_{source}_{size}", bits, rm) == wanted


@pytest.mark.parametrize("size", [4, 8])
def test_comparisons(soft: Arithmetic, size: int) -> None:
    form = FORMATS[size]
    made = operands(Random(f"compare {size}"), size)
    for a, b in islice(zip(made, made, strict=False), 4 * FEW):
        quiet = NV if form.is_signaling(a) or form.is_signaling(b) else 0
        if form.is_nan(a) or form.is_nan(b):
            wanted = [(0, quiet), (0, NV), (0, NV)]
        else:
            # Infinities as numbers beyond all others.
            x, y = (
                form.value(value & ~form.sign) * (-1 if value & form.sign else 1)
                for value in (a, b)
            )
            wanted = [(int(x == y), 0), (int(x < y), 0), (int(x <= y), 0)]
        names = ("equal", "less", "less_equal")
        assert [soft.call(f"{name}_{size}", a, b) for name in names] == wanted


def rounded_or_zero(value: int, rm: int, size: int) -> tuple[int, int]:
    """An integer as a float."""
    return rounded(Fraction(value), rm, size) if value else (0, 0)
