"""Check the statements of an operation: targets, locals, and where control can go."""

from __future__ import annotations

import ast

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language import fold, parse
from drafthart.generator.language.expressions import ExpressionChecker
from drafthart.generator.language.ir import (
    Assign,
    Body,
    Break,
    Constant,
    Continue,
    Csr,
    Evaluate,
    Expression,
    Field,
    For,
    If,
    Local,
    Register,
    Return,
    Special,
    State,
    Statement,
    Target,
)
from drafthart.generator.language.library import BUILTINS, Library, Storage
from drafthart.generator.language.typer import Scope, bits
from drafthart.generator.language.values import Flexible, Number
from drafthart.generator.spec.model import Source

MAX_LOOP = 4096


class BodyChecker:
    """Types the statements of one operation. `returns` is the width it must return, if any."""

    def __init__(
        self, library: Library, source: Source, scope: Scope, returns: int | None, ends: bool
    ) -> None:
        self.library = library
        self.scope = scope
        self.source = source
        self.returns = returns
        self.ends = ends
        self.expressions = ExpressionChecker(library, source, scope)
        self._loops = 0

    def check(self) -> Body:
        """The whole operation."""
        nodes = parse.parse_body(self.source)
        body, falls = self._block(nodes)
        if falls and self.ends:
            raise self._error(
                nodes[-1], "a path that returns", "one that ends, as the function says `ends`"
            )
        if falls and self.returns is not None:
            raise self._error(
                nodes[-1],
                "a path that returns no value",
                f"`return` of {bits(self.returns)} on every path",
            )
        return body

    def _error(self, node: ast.AST, found: str, expected: str) -> DrafthartError:
        return self.expressions.error(node, found, expected)

    def _block(self, nodes: tuple[ast.stmt, ...] | list[ast.stmt]) -> tuple[Body, bool]:
        """The statements, and whether control goes on behind them."""
        body: list[Statement] = []
        for node in nodes:
            statements, falls = self._statement(node)
            body += statements
            if not falls:
                # What follows cannot be reached; often so because a condition is constant.
                return tuple(body), False
        return tuple(body), True

    def _statement(self, node: ast.stmt) -> tuple[Body, bool]:
        match node:
            case ast.Assign(targets=[target], value=value):
                return (self._assign(node, target, value),), True
            case ast.AnnAssign(target=target, annotation=annotation, value=ast.expr() as value):
                return (self._annotated(target, annotation, value),), True
            case ast.AugAssign():
                return (self._augmented(node),), True
            case ast.Expr(value=value):
                return self._evaluate(value)
            case ast.If():
                return self._if(node)
            case ast.For():
                return self._for(node)
            case ast.Return(value=value):
                return (self._return(node, value),), False
            case ast.Break() | ast.Continue():
                if not self._loops:
                    raise self._error(node, f"`{_word(node)}` outside of a loop", "a loop around")
                return (Break() if isinstance(node, ast.Break) else Continue(),), False
        return (), True

    # Assignments

    def _assign(self, node: ast.stmt, target_node: ast.expr, value_node: ast.expr) -> Statement:
        if isinstance(target_node, ast.Name) and self._is_new(target_node):
            value = self.expressions.value(value_node)
            if isinstance(value, Number | Flexible):
                name = target_node.id
                raise self._error(
                    value_node,
                    f"a number without a width, assigned first to `{name}`",
                    f"`{name}: width = …`",
                )
            return self._first(target_node, value)
        # The value is typed before the target counts as assigned, but for the target's width.
        target, flush = self._target(target_node)
        value = self.expressions.typed(value_node, target.width)
        if isinstance(target, Local):
            self.scope.assigned.add(target.name)
        return Assign(target, value, flush)

    def _annotated(self, target: ast.expr, annotation: ast.expr, value_node: ast.expr) -> Statement:
        if not isinstance(target, ast.Name):
            raise self._error(target, "a width for this target", "a local: `name: width = value`")
        width = self.expressions.width(annotation)
        value = self.expressions.typed(value_node, width)
        if self._is_new(target):
            return self._first(target, value)
        local, _ = self._target(target)
        if local.width != width:
            raise self._error(
                annotation, f"the width {width}", f"{local.width}, as `{target.id}` has already"
            )
        self.scope.assigned.add(target.id)
        return Assign(local, value)

    def _augmented(self, node: ast.AugAssign) -> Statement:
        target, flush = self._target(node.target)
        for index in target_indexes(target):
            if not fold.silent(index):
                raise self._error(node.target, "a call in the index", "a local with its result")
        combined = ast.BinOp(left=node.target, op=node.op, right=node.value)
        ast.copy_location(combined, node)
        return Assign(target, self.expressions.typed(combined, target.width), flush)

    def _is_new(self, target: ast.Name) -> bool:
        name = target.id
        return name not in self.scope.names() and self.library.describe(name) is None

    def _first(self, target: ast.Name, value: Expression) -> Statement:
        local = Local(target.id, value.width, fold.ones(value.width))
        self.scope.variables[target.id] = local
        self.scope.assigned.add(target.id)
        return Assign(local, value)

    def _target(self, node: ast.expr) -> tuple[Target, int]:
        """The target, and which of its bits make translations stale."""
        match node:
            case ast.Name(id=name) if name in self.scope.names():
                return self._variable(node, name), 0
            case ast.Name(id="next_pc"):
                return Special("next_pc", self.library.isa.xlen), 0
            case ast.Name(id=name) if name in self.library.isa.state or self._storage(node):
                return self._whole(node)
            case ast.Subscript(value=ast.Name(id=name)) if name not in self.scope.names():
                is_array = name == "X" or name in self.library.isa.state or self._storage(node)
                if is_array and not isinstance(node.slice, ast.Slice):
                    return self._whole(node)
            case ast.Attribute(value=base, attr=name) if found := self._storage(base):
                return self._field(node, *found, name)
        raise self._bad_target(node)

    def _storage(self, node: ast.expr) -> tuple[Storage, Expression | None] | None:
        return self.expressions.element(node)

    def _variable(self, node: ast.expr, name: str) -> Local:
        if name in self.scope.fixed or name not in self.scope.variables:
            raise self._error(node, f"an assignment to `{name}`, which is fixed", "another local")
        return self.scope.variables[name]

    def _whole(self, node: ast.expr) -> tuple[Target, int]:
        """A register, state or a stored CSR: what reads it names it."""
        if found := self._storage(node):
            storage, index = found
            if storage.first.constant is not None:
                raise self._error(
                    node, f"an assignment to `{storage.name}`, which is constant", "another CSR"
                )
            flush = 0
            for csr in storage.instances.values():
                for field in csr.fields.values():
                    flush |= field.mask if field.flush else 0
            target = self.expressions.stored(node, storage, index)
            assert isinstance(target, Csr)
            return target, flush
        place = self.expressions.value(node)
        if not isinstance(place, Register | State):
            raise self._bad_target(node)
        return place, 0

    def _field(
        self, node: ast.Attribute, storage: Storage, index: Expression | None, name: str
    ) -> tuple[Target, int]:
        field = self.expressions.field(node, storage, index, name)
        if field.read is not None:
            raise self._error(
                node,
                f"an assignment to `{storage.name}.{name}`, which is computed",
                "an assignment to what it is computed from",
            )
        if storage.first.constant is not None:
            raise self._error(
                node, f"an assignment to `{storage.name}`, which is constant", "another CSR"
            )
        csr = self.expressions.stored(node, storage, index)
        assert isinstance(csr, Csr)
        return Field(csr, field.low, field.width), field.mask if field.flush else 0

    def _bad_target(self, node: ast.expr) -> DrafthartError:
        match node:
            case ast.Name(id=name) if what := self.library.describe(name):
                remedy = "`next_pc`" if name == "pc" else "a local, X[…], state, a CSR or a field"
                return self._error(node, f"an assignment to `{name}`, {what}", remedy)
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name)) if (
                name not in self.scope.names() and self.library.describe(name) is None
            ):
                return self.expressions.unknown(node, name)
            case ast.Subscript():
                return self._error(
                    node,
                    "an assignment to some bits or to no array",
                    "all of it, put together with `cat` or `&` and `|`",
                )
        return self._error(
            node, "an assignment to this", "a local, X[…], state, a CSR, a field or next_pc"
        )

    # Control

    def _evaluate(self, node: ast.expr) -> tuple[Body, bool]:
        match node:
            case ast.Call(func=ast.Name(id=name)) if name not in BUILTINS:
                call, callee = self.expressions.invoke(node)
                return (Evaluate(call),), not callee.ends
        raise self._error(node, "a value that nobody uses", "an assignment or a call")

    def _if(self, node: ast.If) -> tuple[Body, bool]:
        condition = self.expressions.condition(node.test)
        if isinstance(condition, Constant):
            # The other branch may name what this revision or choice of parameters has not.
            return self._block(node.body if condition.value else node.orelse)
        before = set(self.scope.assigned)
        then, then_falls = self._block(node.body)
        after_then = self.scope.assigned
        self.scope.assigned = set(before)
        otherwise, otherwise_falls = self._block(node.orelse)
        if then_falls and otherwise_falls:
            self.scope.assigned &= after_then
        elif then_falls:
            self.scope.assigned = after_then
        falls = then_falls or otherwise_falls
        if not then and not otherwise and fold.silent(condition):
            return (), falls
        return (If(condition, then, otherwise),), falls

    def _for(self, node: ast.For) -> tuple[Body, bool]:
        if not isinstance(node.target, ast.Name):
            raise self._error(node.target, "this loop variable", "a name")
        name = node.target.id
        values = self._range(node.iter)
        if not self._is_new(node.target):
            raise self._error(node.target, f"`{name}`, a name in use", "a new loop variable")
        if not values:
            return (), True
        variable = Local(name, max(max(values).bit_length(), 1), max(values))
        before = set(self.scope.assigned)
        self.scope.loops[name] = variable
        self._loops += 1
        body, _ = self._block(node.body)
        self._loops -= 1
        del self.scope.loops[name]
        self.scope.assigned = before
        return (For(variable, values, body),), True

    def _range(self, node: ast.expr) -> range:
        match node:
            case ast.Call(func=ast.Name(id="range"), args=args) if 1 <= len(args) <= 3:
                bounds = [self.expressions.number(bound, "a loop's bound") for bound in args]
            case _:
                raise self._error(node, "a loop over this", "`range(…)` with 1 to 3 constants")
        if len(bounds) == 3 and bounds[2] == 0:
            raise self._error(node, "a step of zero", "another step")
        if any(abs(bound) > MAX_LOOP * MAX_LOOP for bound in bounds):
            raise self._error(node, "a huge bound", f"bounds up to {MAX_LOOP * MAX_LOOP}")
        values = range(*bounds)
        if len(values) > MAX_LOOP:
            raise self._error(node, f"a loop of {len(values)} rounds", f"at most {MAX_LOOP}")
        if values and min(values) < 0:
            raise self._error(node, "a negative loop variable", "values from 0")
        return values

    def _return(self, node: ast.stmt, value: ast.expr | None) -> Statement:
        if self.ends:
            raise self._error(node, "`return`", "a path that ends, as the function says `ends`")
        if self.returns is None:
            if value is not None:
                raise self._error(value, "a value to return", "none, as there is no `returns`")
            return Return(None)
        if value is None:
            raise self._error(node, "`return` alone", f"a value of {bits(self.returns)}")
        return Return(self.expressions.typed(value, self.returns))


def target_indexes(target: Target) -> tuple[Expression, ...]:
    """The indexes that an assignment to the target evaluates."""
    inner = target.csr if isinstance(target, Field) else target
    if isinstance(inner, Register | State | Csr) and inner.index is not None:
        return (inner.index,)
    return ()


def _word(node: ast.stmt) -> str:
    return "break" if isinstance(node, ast.Break) else "continue"
