"""What an expression can be before its width is settled.

A number has no width until it meets something that has one. So has an expression made of numbers
and of things without a width (`1 << n`, `8 * i` of a loop variable): it is built once the width
is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from drafthart.generator.language.ir import Expression

INDEX_WIDTH = 32
"""Width of a loop variable where nothing gives it another."""


@dataclass(frozen=True, slots=True)
class Number:
    """An integer known now; it may be negative."""

    value: int


@dataclass(frozen=True, slots=True)
class Flexible:
    """An expression for any width; `default` is for where nothing asks for one."""

    build: Callable[[int], Expression]
    default: int | None


Value: TypeAlias = Expression | Number | Flexible
