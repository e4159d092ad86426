"""Calls: what the language has built in, functions of the spec, primitives."""

from __future__ import annotations

import ast

from drafthart.generator.language import fold
from drafthart.generator.language.ir import Call, Constant, Expression, Primitive
from drafthart.generator.language.library import (
    BUILTINS,
    MAX_SPECIALISATIONS,
    Callee,
    check_width,
    nearest,
)
from drafthart.generator.language.parse import MAX_BITS
from drafthart.generator.language.primitives import PRIMITIVES
from drafthart.generator.language.typer import Typer, bits, count, show
from drafthart.generator.language.values import Flexible, Number, Value


class Calls(Typer):
    """Types calls."""

    def call(self, node: ast.Call) -> Value:
        """A call that gives a value."""
        if not isinstance(node.func, ast.Name):
            raise self.error(node.func, "a call of an expression", "the name of a function")
        name = node.func.id
        match name:
            case "zext" | "sext":
                return self._extend(node, name == "sext")
            case "cat":
                return self._concat(node)
            case "signed":
                raise self.error(
                    node, "signed() alone", "signed values only in comparisons, `>>`, `//` and `%`"
                )
            case "range":
                raise self.error(node, "range()", "it after `for … in` only")
        call, _ = self.invoke(node)
        if call.width == 0:
            raise self.error(node, f"`{name}`, which returns nothing", "a value")
        return call

    def _extend(self, node: ast.Call, signed: bool) -> Expression:
        name = "sext" if signed else "zext"
        if len(node.args) != 2:
            raise self.error(node, count(len(node.args), "argument"), f"2: `{name}(value, width)`")
        width = self.width(node.args[1])
        value = self.value(node.args[0])
        if isinstance(value, Number | Flexible):
            return self.adopt(value, width, node.args[0])
        if value.width > width:
            raise self.error(
                node,
                f"{name} of {bits(value.width)} to {bits(width)}",
                "at least the width of the value (a slice narrows)",
            )
        return fold.extend(value, signed, width)

    def _concat(self, node: ast.Call) -> Expression:
        parts = [self.known(part) for part in node.args]
        width = sum(part.width for part in parts)
        if not check_width(width):
            raise self.error(node, f"cat() of {width} bits", f"1 to {MAX_BITS} bits")
        return fold.concat(parts)

    def invoke(self, node: ast.Call) -> tuple[Call | Primitive, Callee]:
        """A call of a spec function or a primitive."""
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        library = self.library
        if name in PRIMITIVES:
            self._check_state(node, name)
        elif name not in library.isa.functions:
            hint = nearest(name, (*BUILTINS, *library.isa.functions, *PRIMITIVES))
            raise self.error(
                node.func, f"unknown function `{name}`{hint}", "a function or primitive"
            )
        is_static = library.statics(name)
        if len(node.args) != len(is_static):
            raise self.error(
                node,
                f"{count(len(node.args), 'argument')} for `{name}`",
                count(len(is_static), "argument"),
            )
        statics = []
        for argument, static in zip(node.args, is_static, strict=True):
            if static:
                statics.append(self._static(argument, name))
        callee = library.callee(name, statics, self.scope.owner)
        if library.specialisations[name] > MAX_SPECIALISATIONS:
            library.order()
            raise self.error(
                node, f"too many different calls of `{name}`", f"{MAX_SPECIALISATIONS} at most"
            )
        widths = iter(callee.parameters.values())
        arguments = [
            self.typed(argument, next(widths))
            for argument, static in zip(node.args, is_static, strict=True)
            if not static
        ]
        if name not in PRIMITIVES:
            returns = callee.returns or 0
            call = Call(callee.name, name, tuple(statics), tuple(arguments), returns)
            return call, callee
        remaining, fixed = iter(arguments), iter(statics)
        every = [
            Constant(value := next(fixed), max(value.bit_length(), 1))
            if static
            else next(remaining)
            for static in is_static
        ]
        return Primitive(name, tuple(every), callee.returns or 0), callee

    def _check_state(self, node: ast.Call, name: str) -> None:
        """A primitive may work on state, which the spec must declare."""
        effects = PRIMITIVES[name].effects
        for place in sorted(effects.reads | effects.writes):
            kind, _, state = place.partition(":")
            if kind == "state" and state not in self.library.isa.state:
                raise self.error(node, f"`{name}`", f"the state `{state}`, which it works on")

    def _static(self, node: ast.expr, name: str) -> int:
        value = self.number(node, f"a static argument of `{name}`")
        sizes = PRIMITIVES[name].sizes if name in PRIMITIVES else range(MAX_BITS + 1)
        if value not in sizes:
            legal = f"0 to {MAX_BITS}" if isinstance(sizes, range) else f"one of {sizes}"
            raise self.error(node, f"{show(value)} as a static argument of `{name}`", legal)
        return value
