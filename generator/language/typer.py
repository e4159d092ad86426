"""What every part of the type checker needs: a scope, errors, and widths where one is asked for."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language import fold, parse
from drafthart.generator.language.ir import Constant, Expression, Local
from drafthart.generator.language.library import Library, check_width
from drafthart.generator.language.parse import MAX_BITS
from drafthart.generator.language.values import Flexible, Number, Value
from drafthart.generator.spec.model import Source


@dataclass(slots=True)
class Scope:
    """The variables of one operation: those it was given, and its locals so far."""

    owner: str
    """The function that this is about, or another name for it."""
    statics: dict[str, int] = field(default_factory=dict)
    variables: dict[str, Local] = field(default_factory=dict)
    loops: dict[str, Local] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    """Variables that no one may assign."""
    assigned: set[str] = field(default_factory=set)
    """Variables that have a value on every path to here."""

    def names(self) -> Iterable[str]:
        """Every variable."""
        return (*self.statics, *self.variables, *self.loops)


class Typer(ABC):
    """Types the expressions of one source; subclasses know the forms."""

    def __init__(self, library: Library, source: Source, scope: Scope) -> None:
        self.library = library
        self.source = source
        self.scope = scope

    def error(self, node: ast.AST, found: str, expected: str) -> DrafthartError:
        """The error to raise about a node."""
        return parse.error(self.source, node, found, expected)

    def typed(self, node: ast.expr, width: int) -> Expression:
        """The expression, which must have this width."""
        return self.adopt(self.value(node), width, node)

    def known(self, node: ast.expr) -> Expression:
        """The expression, which must have a width of its own."""
        value = self.value(node)
        if isinstance(value, Number | Flexible):
            raise self.error(
                node,
                "a number without a width",
                "a width: `zext(number, width)`, or `name: width = number`",
            )
        return value

    def condition(self, node: ast.expr) -> Expression:
        """The expression, which must be one bit."""
        value = self.value(node)
        if not isinstance(value, Number | Flexible) and value.width != 1:
            raise self.error(
                node, f"a condition of {bits(value.width)}", "1 bit: a comparison, such as `!= 0`"
            )
        return self.adopt(value, 1, node)

    def number(self, node: ast.expr, what: str) -> int:
        """The expression, which must be known now."""
        value = self.value(node)
        if isinstance(value, Number | Constant):
            return value.value
        raise self.error(node, f"{what} that is not constant", "numbers and named numbers only")

    def width(self, node: ast.expr) -> int:
        """The expression as a width."""
        width = self.number(node, "a width")
        if not check_width(width):
            raise self.error(node, f"a width of {width} bits", f"1 to {MAX_BITS}")
        return width

    def index(self, node: ast.expr) -> Expression:
        """The expression as an index or amount: of any width."""
        value = self.value(node)
        if isinstance(value, Number):
            if not 0 <= value.value <= MAX_BITS:
                raise self.error(node, f"{value.value}", f"0 to {MAX_BITS}")
            return Constant(value.value, max(value.value.bit_length(), 1))
        if isinstance(value, Flexible):
            if value.default is None:
                return self.known(node)
            return self.adopt(value, value.default, node)
        return value

    def adopt(self, value: Value, width: int, node: ast.AST, signed: bool = False) -> Expression:
        """The value in this width, which a number takes if it fits."""
        if isinstance(value, Flexible):
            return value.build(width)
        if isinstance(value, Number):
            top = width - 1 if signed else width
            if not -(1 << (width - 1)) <= value.value < 1 << top:
                kind = " signed" if signed else ""
                raise self.error(
                    node,
                    f"the number {show(value.value)}",
                    f"one that fits in {bits(width)}{kind}",
                )
            return fold.constant(value.value, width)
        if value.width != width:
            remedy = "widen with zext or sext" if value.width < width else "slice to narrow"
            raise self.error(
                node, f"a value of {bits(value.width)}", f"one of {bits(width)} ({remedy})"
            )
        return value

    @abstractmethod
    def value(self, node: ast.expr) -> Value:
        """The expression, with a width or without."""


def count(number: int, what: str) -> str:
    """So many of something, in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def bits(width: int) -> str:
    """A number of bits in words."""
    return count(width, "bit")


def show(value: int) -> str:
    """A number as people write it."""
    return f"{value}" if abs(value) < 1024 else f"{value:#x}"
