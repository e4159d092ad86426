"""Why a function of the spec did what it did: the condition, in the spec's words.

The line at which the generated function was left tells which statement that was; the condition
around it stands in the spec in the same place among the others.
"""

from __future__ import annotations

import ast
import textwrap
from typing import Any

from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.spec.model import ISA
from drafthart.runtime.observer import Call

_Statement = ast.If | ast.Return
_PLAIN = (
    ast.Name,
    ast.Constant,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
)
"""What a condition that parameters decide is made of."""


class Reasons:
    """Gives reasons for calls that an observer saw in `module`."""

    def __init__(self, isa: ISA, module: dict[str, Any]) -> None:
        self._isa = isa
        self._module = module
        self._generated = _generated(isa)

    def of(self, call: Call) -> str:
        """The condition that led to where `call` was left, and what it returned there.

        Empty if it always gets there, and returns a plain number or nothing.
        """
        function = self._generated[call.function]
        generated, spec = _statements(function), _statements(self._spec(call.function))
        same = [type(it) for it in generated] == [type(it) for it in spec]
        parts = []
        for at, node in enumerate(generated):
            told = spec[at] if same else node
            if isinstance(node, ast.If) and isinstance(told, ast.If):
                if _spans(node.body, call.line):
                    # The innermost one is the last, and says enough.
                    parts = [self._true_part(node.test, told.test, call)]
            elif isinstance(told, ast.Return) and _spans([node], call.line):
                parts += _returned(told)
        return " → ".join(parts)

    def _true_part(self, generated: ast.expr, spec: ast.expr, call: Call) -> str:
        """Of conditions joined by `or`, those that hold."""
        if (
            not isinstance(generated, ast.BoolOp)
            or not isinstance(generated.op, ast.Or)
            or not isinstance(spec, ast.BoolOp)
            or len(spec.values) != len(generated.values)
        ):
            return ast.unparse(spec)
        for ours, theirs in zip(generated.values, spec.values, strict=True):
            # What was generated here runs: the same that the engine runs.
            code = compile(ast.Expression(ours), "<condition>", "eval")
            if eval(code, self._module, call.values):
                return ast.unparse(theirs)
        return ast.unparse(spec)

    def _spec(self, name: str) -> ast.FunctionDef:
        text = self._isa.functions[name].operation.text
        tree = ast.parse(f"def function():\n{textwrap.indent(text, '    ')}")
        function = tree.body[0]
        assert isinstance(function, ast.FunctionDef)
        function.body = self._live(function.body)
        return function

    def _live(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Without the branches that parameters have decided; the generator leaves them out too."""
        found: list[ast.stmt] = []
        for node in body:
            if isinstance(node, ast.If):
                decided = self._decided(node.test)
                if decided is not None:
                    found += self._live(node.body if decided else node.orelse)
                    continue
            for name in ("body", "orelse"):
                if hasattr(node, name):
                    setattr(node, name, self._live(getattr(node, name)))
            found.append(node)
        return found

    def _decided(self, test: ast.expr) -> bool | None:
        names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
        plain = all(isinstance(node, _PLAIN) for node in ast.walk(test))
        if not plain or not names <= set(self._isa.numbers):
            return None
        code = compile(ast.Expression(test), "<condition>", "eval")
        return bool(eval(code, {"__builtins__": {}}, dict(self._isa.numbers)))


_known: dict[str, dict[str, ast.FunctionDef]] = {}


def _generated(isa: ISA) -> dict[str, ast.FunctionDef]:
    """The functions of the generated module; of those with several forms, one."""
    if isa.content not in _known:
        _known[isa.content] = {
            node.name.partition("__")[0]: node
            for node in ast.parse(emit_python(isa)).body
            if isinstance(node, ast.FunctionDef)
        }
    return _known[isa.content]


def _statements(function: ast.FunctionDef) -> list[_Statement]:
    found = [node for node in ast.walk(function) if isinstance(node, ast.If | ast.Return)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _returned(statement: ast.Return) -> list[str]:
    """What is returned, unless that is nothing, or a plain number, which tells no reason."""
    value = statement.value
    return [] if value is None or isinstance(value, ast.Constant) else [ast.unparse(value)]


def _spans(body: list[ast.stmt], line: int) -> bool:
    return body[0].lineno <= line <= (body[-1].end_lineno or 0)
