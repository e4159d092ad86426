"""IEEE 754 arithmetic on bit patterns: the primitives `float_…` of the operation language.

MPFR computes, through gmpy2, with the precision and the range of the format, and tells which flags
that raises. It knows no rounding to nearest with ties away; that is made of ties to even.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gmpy2

NX, UF, OF, DZ, NV = 1, 2, 4, 8, 16
RNE, RTZ, RDN, RUP, RMM = range(5)

_DIRECTIONS = (gmpy2.RoundToNearest, gmpy2.RoundToZero, gmpy2.RoundDown, gmpy2.RoundUp)


@dataclass(frozen=True, slots=True)
class _Format:
    """A binary format; all its numbers are Python floats too."""

    sign: int
    infinity: int
    quiet: int
    ordinary: tuple[int, int]
    """Magnitudes from the first to below the second are far from where flags are raised."""
    read: Callable[[int], float]
    write: Callable[[float], int]
    """The bits of the nearest number; OverflowError if that is too large for single precision."""
    contexts: tuple[Any, ...]
    """By rounding direction, ties away excepted."""
    exact: Any
    """One bit more and any exponent: it holds all that lies in the middle between two numbers."""

    @property
    def nan(self) -> int:
        """The canonical NaN."""
        return self.infinity | self.quiet


def _format(size: int, precision: int, most: int, integer: str, real: str) -> _Format:
    """`most` is the exponent of the greatest number, plus 1."""
    as_integer, as_real = struct.Struct(integer), struct.Struct(real)
    fraction = precision - 1
    room = 64 if size == 8 else 32

    def read(bits: int) -> float:
        value: float = as_real.unpack(as_integer.pack(bits))[0]
        return value

    def write(value: float) -> int:
        bits: int = as_integer.unpack(as_real.pack(value))[0]
        return bits

    return _Format(
        sign=1 << 8 * size - 1,
        infinity=(2 * most - 1) << fraction,
        quiet=1 << fraction - 1,
        ordinary=(room << fraction, (2 * most - 2) << fraction),
        read=read,
        write=write,
        contexts=tuple(
            gmpy2.context(
                precision=precision,
                emax=most,
                emin=4 - most - precision,
                subnormalize=True,
                round=direction,
            )
            for direction in _DIRECTIONS
        ),
        exact=gmpy2.context(precision=precision + 1),
    )


_WIDE = gmpy2.context(precision=64)
"""Holds all operands, integers too."""

_FORMATS = {4: _format(4, 24, 128, "<I", "<f"), 8: _format(8, 53, 1024, "<Q", "<d")}


class FloatUnit:
    """The part of a hart that computes with floats; see "Primitives" in docs/format.md.

    Floats are their bits. `rm` is 0 to 4: to nearest-even, toward zero, down, up, to nearest-away.
    The flags that an operation raises are ORed into `float_flags`.
    """

    # The generated hart has a slot of this name too, as for all state of its revision.
    __slots__ = ("float_flags",)

    float_flags: int

    def float_add(self, a: int, b: int, rm: int, size: int) -> int:
        """Add."""
        return self._compute("add", operator.add, (a, b), rm, size)

    def float_sub(self, a: int, b: int, rm: int, size: int) -> int:
        """Subtract b from a."""
        return self._compute("sub", operator.sub, (a, b), rm, size)

    def float_mul(self, a: int, b: int, rm: int, size: int) -> int:
        """Multiply."""
        return self._compute("mul", operator.mul, (a, b), rm, size)

    def float_div(self, a: int, b: int, rm: int, size: int) -> int:
        """Divide a by b."""
        return self._compute("div", operator.truediv, (a, b), rm, size)

    def float_sqrt(self, a: int, rm: int, size: int) -> int:
        """The square root."""
        return self._compute("sqrt", math.sqrt, (a,), rm, size)

    def float_fma(self, a: int, b: int, c: int, rm: int, size: int) -> int:
        """a times b plus c, rounded once; infinity times zero is invalid even with a NaN for c."""
        form = _FORMATS[size]
        if {a & ~form.sign, b & ~form.sign} == {0, form.infinity}:
            self.float_flags |= NV
            return form.nan
        return self._compute("fma", None, (a, b, c), rm, size)

    def float_convert(self, a: int, rm: int, source: int, size: int) -> int:
        """The number in another format."""
        form = _FORMATS[source]
        if a & ~form.sign > form.infinity:
            self._note_signaling(form, (a,))
            return _FORMATS[size].nan
        return self._rounded("plus", (form.read(a),), rm, size)

    def float_equal(self, a: int, b: int, size: int) -> int:
        """Is a equal to b? Only a signaling NaN is invalid."""
        form = _FORMATS[size]
        self._note_signaling(form, (a, b))
        return int(form.read(a) == form.read(b))

    def float_less(self, a: int, b: int, size: int) -> int:
        """Is a less than b? Any NaN is invalid."""
        return self._order(operator.lt, a, b, size)

    def float_less_equal(self, a: int, b: int, size: int) -> int:
        """Is a less than b, or equal to it? Any NaN is invalid."""
        return self._order(operator.le, a, b, size)

    def float_to_signed(self, a: int, rm: int, size: int, to: int) -> int:
        """A two's complement integer of `to` bytes: see `_to_integer`."""
        most = 1 << 8 * to - 1
        return self._to_integer(a, rm, size, -most, most - 1) & 2 * most - 1

    def float_to_unsigned(self, a: int, rm: int, size: int, to: int) -> int:
        """An unsigned integer of `to` bytes: see `_to_integer`."""
        return self._to_integer(a, rm, size, 0, (1 << 8 * to) - 1)

    def float_from_signed(self, a: int, rm: int, source: int, size: int) -> int:
        """The float nearest to a two's complement integer of `source` bytes."""
        sign = 1 << 8 * source - 1
        return self.float_from_unsigned((a ^ sign) - sign, rm, source, size)

    def float_from_unsigned(self, a: int, rm: int, source: int, size: int) -> int:
        """The float nearest to an integer."""
        return self._rounded("plus", (_WIDE.mul(a, 1.0),), rm, size)

    # Parts

    def _compute(
        self,
        name: str,
        host: Callable[..., float] | None,
        operands: tuple[int, ...],
        rm: int,
        size: int,
    ) -> int:
        """An operation by its name in gmpy2, and as Python has it."""
        form = _FORMATS[size]
        values = tuple(map(form.read, operands))
        if rm == RNE and host is not None and self.float_flags & NX:
            # Python's result is right, and the flag that it may raise is set already. With single
            # precision it is rounded twice, which does no harm from 53 bits to 24.
            try:
                bits = form.write(host(*values))
            except (OverflowError, ValueError, ZeroDivisionError):
                pass
            else:
                least, beyond = form.ordinary
                if least <= bits & ~form.sign < beyond:
                    return bits
        if any(value != value for value in values):
            self._note_signaling(form, operands)
            return form.nan
        return self._rounded(name, values, rm, size)

    def _rounded(self, name: str, numbers: tuple[Any, ...], rm: int, size: int) -> int:
        """An operation of gmpy2 on numbers, none a NaN."""
        form = _FORMATS[size]
        # Made of a subnormal Python float in the narrow context, a number would raise underflow.
        values = tuple(map(_WIDE.plus, numbers))
        context = form.contexts[RNE if rm == RMM else rm]
        context.clear_flags()
        result = getattr(context, name)(*values)
        if gmpy2.is_nan(result):
            self.float_flags |= NV
            return form.nan
        if context.divzero:
            self.float_flags |= DZ
        if context.inexact:
            self.float_flags |= NX | (context.underflow and UF) | (context.overflow and OF)
            if rm == RMM and gmpy2.is_finite(result):
                result = _away(form, name, values, result)
        return form.write(float(result))

    def _order(self, test: Callable[[float, float], bool], a: int, b: int, size: int) -> int:
        form = _FORMATS[size]
        x, y = form.read(a), form.read(b)
        if x != x or y != y:
            self.float_flags |= NV
            return 0
        return int(test(x, y))

    def _to_integer(self, a: int, rm: int, size: int, least: int, most: int) -> int:
        """The rounded number; what does not fit is invalid and becomes the nearest that does.

        A NaN becomes the greatest integer.
        """
        value = _FORMATS[size].read(a)
        if value - value != 0:
            self.float_flags |= NV
            return least if value < 0 else most
        whole = int(value)
        rest = abs(value - whole)
        up = {
            RNE: rest > 0.5 or (rest == 0.5 and whole % 2 == 1),
            RTZ: False,
            RDN: value < 0 and rest > 0,
            RUP: value > 0 and rest > 0,
            RMM: rest >= 0.5,
        }[rm]
        if up:
            whole += 1 if value > 0 else -1
        if not least <= whole <= most:
            self.float_flags |= NV
            return least if value < 0 else most
        if rest:
            self.float_flags |= NX
        return whole

    def _note_signaling(self, form: _Format, operands: tuple[int, ...]) -> None:
        for bits in operands:
            if bits & ~form.sign > form.infinity and not bits & form.quiet:
                self.float_flags |= NV


def _away(form: _Format, name: str, values: tuple[Any, ...], nearest: Any) -> Any:
    """Of the two nearest numbers the one away from zero, if the exact result is in their middle."""
    exact = form.exact
    exact.clear_flags()
    middle = getattr(exact, name)(*values)
    if exact.inexact:
        return nearest
    # As far behind the result as `nearest` is before it: a number of the format only for a tie.
    other = exact.sub(exact.add(middle, middle), nearest)
    if exact.inexact:
        return nearest
    context = form.contexts[RNE]
    context.clear_flags()
    context.plus(other)
    if context.inexact:
        return nearest
    return other if abs(other) > abs(nearest) else nearest
