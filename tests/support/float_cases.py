"""Operands of every class for tests of floating point, and the standard's results for them.

The results are computed with fractions, from the definition: the exact value, then one rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

NX, UF, OF, DZ, NV = 1, 2, 4, 8, 16
RNE, RTZ, RDN, RUP, RMM = range(5)
DIRECTIONS = (RNE, RTZ, RDN, RUP, RMM)
UNARY = ("sqrt",)
BINARY = ("add", "sub", "mul", "div")


@dataclass(frozen=True)
class Format:
    """A binary interchange format: its size in bytes and the bits of its parts."""

    size: int
    exponent_bits: int
    fraction_bits: int

    @property
    def bias(self) -> int:
        """What is added to an exponent."""
        return (1 << self.exponent_bits - 1) - 1

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << 8 * self.size - 1

    @property
    def infinity(self) -> int:
        """Positive infinity."""
        return ((1 << self.exponent_bits) - 1) << self.fraction_bits

    @property
    def quiet(self) -> int:
        """The bit that tells a quiet NaN from a signaling one."""
        return 1 << self.fraction_bits - 1

    @property
    def nan(self) -> int:
        """RISC-V's canonical NaN."""
        return self.infinity | self.quiet

    @property
    def least_exponent(self) -> int:
        """Of normal numbers."""
        return 1 - self.bias

    def is_nan(self, bits: int) -> bool:
        """Is it any NaN?"""
        return bits & ~self.sign > self.infinity

    def is_signaling(self, bits: int) -> bool:
        """Is it a signaling NaN?"""
        return self.is_nan(bits) and not bits & self.quiet

    def value(self, bits: int) -> Fraction:
        """The exact value of a finite number."""
        biased = (bits & ~self.sign) >> self.fraction_bits
        fraction = bits & (1 << self.fraction_bits) - 1
        if biased:
            fraction |= 1 << self.fraction_bits
        exponent = max(biased, 1) - self.bias - self.fraction_bits
        value = Fraction(fraction) * Fraction(2) ** exponent
        return -value if bits & self.sign else value


FORMATS = {4: Format(4, 8, 23), 8: Format(8, 11, 52)}


def operands(random: Random, size: int) -> Iterator[int]:
    """Floats without end, all classes and their borders far more often than by chance."""
    form = FORMATS[size]
    fraction = (1 << form.fraction_bits) - 1
    most = form.infinity - 1
    least = 1 << form.fraction_bits
    one = form.bias << form.fraction_bits
    previous = one
    while True:
        kind = random.randrange(16)
        if kind == 0:
            bits = 0
        elif kind == 1:
            bits = random.choice((1, 2, 3, fraction, fraction - 1, random.randint(1, fraction)))
        elif kind == 2:
            bits = least + random.choice((0, 1, 2, random.randint(0, fraction)))
        elif kind == 3:
            bits = most - random.choice((0, 1, 2, random.randint(0, fraction)))
        elif kind == 4:
            infinity = form.infinity
            bits = random.choice((infinity, form.nan, infinity | 1, infinity | fraction))
        elif kind == 5:
            bits = form.infinity | random.randint(1, fraction)
        elif kind in (6, 7):
            # Near a power of two.
            exponent = random.randint(1, 2 * form.bias) << form.fraction_bits
            bits = exponent + random.randint(-3, 3)
        elif kind in (8, 9):
            # Few bits in the fraction: exact results and ties.
            exponent = form.bias + random.randint(-30, 30)
            bits = exponent << form.fraction_bits
            below = random.randint(6, form.fraction_bits)
            bits |= (random.getrandbits(6) << form.fraction_bits - below) & fraction
        elif kind in (10, 11):
            # Near the last operand: cancellation.
            bits = previous + random.randint(-4, 4)
        elif kind == 12:
            # Near the borders of the integers.
            exponent = form.bias + random.choice((-1, 0, 30, 31, 32, 33, 51, 52, 53, 62, 63, 64))
            middle = fraction // 2
            offset = random.choice((-2, -1, 0, 1, 2, fraction, middle, middle + 1))
            bits = (exponent << form.fraction_bits) + offset
        elif kind == 13:
            # A product or quotient of such lies around the least normal number.
            around = random.choice((-form.bias // 2, -form.bias, form.bias // 2))
            near = random.randint(-form.fraction_bits, form.fraction_bits)
            exponent = (form.bias + around + near) % (2 * form.bias + 1)
            bits = exponent << form.fraction_bits | random.randint(0, fraction)
        else:
            bits = random.randint(0, form.infinity)
        bits %= form.sign
        previous = bits
        yield bits ^ form.sign if random.getrandbits(1) else bits


def integers(random: Random, size: int) -> Iterator[int]:
    """Unsigned integers of `size` bytes without end, borders more often."""
    bits = 8 * size
    while True:
        kind = random.randrange(4)
        if kind == 0:
            value = random.getrandbits(random.randint(1, bits))
        elif kind == 1:
            value = (1 << random.randint(0, bits)) + random.randint(-2, 2)
        elif kind == 2:
            # A few bits at the top, and one at some distance: ties.
            top = random.randint(0, bits - 1)
            second = max(top - random.choice((23, 24, 25, 52, 53, 54)), 0)
            value = 1 << top | 1 << second | random.getrandbits(1)
        else:
            value = -random.getrandbits(random.randint(1, bits))
        yield value % (1 << bits)


def rounded_integer(value: Fraction, rm: int) -> int:
    """The integer that a rounding direction gives."""
    below = math.floor(value)
    rest = value - below
    if rest == 0 or rm == RDN or (rm == RTZ and value > 0):
        return below
    if rm in (RUP, RTZ):
        return below + 1
    if rest != Fraction(1, 2):
        return below + (rest > Fraction(1, 2))
    if rm == RNE:
        return below + below % 2
    return below + (value > 0)


def rounded(value: Fraction, rm: int, size: int) -> tuple[int, int]:
    """The bits of an exact value other than zero, rounded, and the flags."""
    form = FORMATS[size]
    precision = form.fraction_bits
    size_of = abs(value)
    exponent = size_of.numerator.bit_length() - size_of.denominator.bit_length()
    if size_of < Fraction(2) ** exponent:
        exponent -= 1
    sign = form.sign if value < 0 else 0

    def to_multiple(of: int) -> Fraction:
        unit = Fraction(2) ** of
        return rounded_integer(value / unit, rm) * unit

    unbounded = abs(to_multiple(exponent - precision))
    tiny = unbounded < Fraction(2) ** form.least_exponent
    result = to_multiple(max(exponent, form.least_exponent) - precision)
    flags = 0
    if result != value:
        flags = NX | (UF if tiny else 0)
    if unbounded >= Fraction(2) ** (form.bias + 1):
        toward_zero = rm == RTZ or rm == (RUP if sign else RDN)
        return sign | (form.infinity - toward_zero), OF | NX
    return sign | _bits(abs(result), form), flags


def _bits(value: Fraction, form: Format) -> int:
    """A magnitude that the format has."""
    unit = Fraction(2) ** (form.least_exponent - form.fraction_bits)
    steps = int(value / unit)
    shift = max(steps.bit_length() - form.fraction_bits - 1, 0)
    return (steps >> shift) + (shift << form.fraction_bits)


def expected(name: str, values: Sequence[int], rm: int, size: int) -> tuple[int, int]:
    """Result and flags of add, sub, mul, div, sqrt or fma as RISC-V defines them."""
    form = FORMATS[size]
    a, b, c = (*values, 0, 0, 0)[:3]
    if name == "sub":
        return expected("add", (a, b if form.is_nan(b) else b ^ form.sign), rm, size)
    magnitudes = [value & ~form.sign for value in values]
    flags = NV if any(map(form.is_signaling, values)) else 0
    if name == "fma" and set(magnitudes[:2]) == {0, form.infinity}:
        return form.nan, NV
    if any(map(form.is_nan, values)):
        return form.nan, flags
    if name == "fma":
        return _fma(a, b, c, rm, form)
    if name == "add":
        return _fma(a, form.bias << form.fraction_bits, b, rm, form)
    if name == "sqrt":
        return _sqrt(a, rm, form)
    sign = (a ^ b) & form.sign
    if name == "mul":
        if set(magnitudes) == {0, form.infinity}:
            return form.nan, NV
        if form.infinity in magnitudes:
            return sign | form.infinity, 0
        if 0 in magnitudes:
            return sign, 0
        return rounded(form.value(a) * form.value(b), rm, size)
    assert name == "div"
    if magnitudes[0] == magnitudes[1] and magnitudes[0] in (0, form.infinity):
        return form.nan, NV
    if magnitudes[0] == form.infinity:
        return sign | form.infinity, 0
    if magnitudes[1] == 0:
        return sign | form.infinity, DZ
    if magnitudes[0] == 0 or magnitudes[1] == form.infinity:
        return sign, 0
    return rounded(form.value(a) / form.value(b), rm, size)


def _fma(a: int, b: int, c: int, rm: int, form: Format) -> tuple[int, int]:
    sign = (a ^ b) & form.sign
    if form.infinity in (a & ~form.sign, b & ~form.sign):
        if c & ~form.sign == form.infinity and c & form.sign != sign:
            return form.nan, NV
        return sign | form.infinity, 0
    if c & ~form.sign == form.infinity:
        return c, 0
    product, addend = form.value(a) * form.value(b), form.value(c)
    if product + addend:
        return rounded(product + addend, rm, form.size)
    if product == 0 and addend == 0 and sign == c & form.sign:
        return sign, 0
    return (form.sign if rm == RDN else 0), 0


def _sqrt(a: int, rm: int, form: Format) -> tuple[int, int]:
    if a & ~form.sign == 0:
        return a, 0
    if a & form.sign:
        return form.nan, NV
    if a == form.infinity:
        return a, 0
    # An integer root of many bits; one more bit stands for what is left.
    value = form.value(a)
    scale = 4 ** (form.bias + 100)
    whole = int(value * scale)
    root = math.isqrt(whole)
    exact = Fraction(2 * root + (root * root != whole), 2 * math.isqrt(scale))
    return rounded(exact, rm, form.size)


def expected_integer(bits: int, rm: int, size: int, least: int, most: int) -> tuple[int, int]:
    """The integer from `least` to `most` that a float becomes, and the flags."""
    form = FORMATS[size]
    if form.is_nan(bits):
        return most, NV
    if bits & ~form.sign == form.infinity:
        return (least if bits & form.sign else most), NV
    value = form.value(bits)
    whole = rounded_integer(value, rm)
    if not least <= whole <= most:
        return (least if whole < least else most), NV
    return whole, 0 if whole == value else NX
