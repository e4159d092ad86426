"""Check the expressions of an operation and give every part its width."""

from __future__ import annotations

import ast

from drafthart.generator.language.calls import Calls
from drafthart.generator.language.ir import Constant
from drafthart.generator.language.operators import Operators
from drafthart.generator.language.references import References
from drafthart.generator.language.values import Number, Value


class ExpressionChecker(References, Operators, Calls):
    """Types the expressions of one source."""

    def value(self, node: ast.expr) -> Value:
        """The expression, with a width or without."""
        match node:
            case ast.Constant(value=bool(flag)):
                return Constant(int(flag), 1)
            case ast.Constant(value=int(value)):
                return Number(value)
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.Attribute(value=base, attr=name):
                return self.attribute(node, base, name)
            case ast.Subscript(value=base, slice=index):
                return self.subscript(node, base, index)
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(node, op, operand)
            case ast.BinOp():
                return self.binary(node)
            case ast.BoolOp(op=op, values=values):
                return self.logic("and" if isinstance(op, ast.And) else "or", values)
            case ast.Compare():
                return self.compare(node)
            case ast.IfExp():
                return self.choice(node)
            case ast.Call():
                return self.call(node)
            case ast.Tuple():
                raise self.error(node, "a tuple", "one value; tuples stand after `in` only")
        raise self.error(node, "a slice", "one value")
