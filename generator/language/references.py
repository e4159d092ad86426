"""Names, fields, elements and slices: what an expression refers to."""

from __future__ import annotations

import ast

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language import fold
from drafthart.generator.language.ir import (
    Call,
    Constant,
    Csr,
    Expression,
    Local,
    Register,
    Special,
    State,
)
from drafthart.generator.language.library import BUILTINS, SPECIALS, Storage, nearest
from drafthart.generator.language.parse import MAX_BITS
from drafthart.generator.language.primitives import PRIMITIVES
from drafthart.generator.language.typer import Typer, bits
from drafthart.generator.language.values import INDEX_WIDTH, Flexible, Number, Value
from drafthart.generator.spec.model import Field


class References(Typer):
    """Types what names something."""

    def name(self, node: ast.expr, name: str) -> Value:
        """A name alone."""
        library, scope = self.library, self.scope
        if name in scope.statics:
            return Number(scope.statics[name])
        if name in scope.loops:
            return self._loop_variable(node, scope.loops[name])
        if name in scope.variables:
            if name not in scope.assigned:
                raise self.error(
                    node, f"`{name}`, which may have no value here", "an assignment on every path"
                )
            return scope.variables[name]
        if name in library.numbers:
            return Number(library.numbers[name])
        if name in SPECIALS:
            xlen = library.isa.xlen
            return Special(name, 32 if name in ("instruction", "expanded") else xlen)
        if name == "X":
            raise self.error(node, "`X` alone", "a register: `X[number]`")
        if name in library.isa.state:
            state = library.isa.state[name]
            if state.count:
                raise self.error(node, f"the array `{name}` alone", f"an element: `{name}[index]`")
            return State(name, None, 0, state.width)
        if name in library.storage:
            if library.storage[name].is_array:
                raise self.error(node, f"the array `{name}` alone", f"an element: `{name}[index]`")
            return self.stored(node, library.storage[name], None)
        raise self.unknown(node, name)

    def unknown(self, node: ast.AST, name: str) -> DrafthartError:
        """The error for a name that nothing has."""
        if name in BUILTINS or name in self.library.isa.functions or name in PRIMITIVES:
            return self.error(node, f"the function `{name}` as a value", f"a call: `{name}(…)`")
        hint = nearest(name, (*self.scope.names(), *self.library.names()))
        return self.error(
            node,
            f"unknown name `{name}`{hint}",
            "a variable, a named number, state of the hart or a CSR of this revision",
        )

    def _loop_variable(self, node: ast.expr, variable: Local) -> Flexible:
        def build(width: int) -> Expression:
            if variable.most >> width:
                raise self.error(
                    node,
                    f"`{variable.name}`, which reaches {variable.most}",
                    f"a value that fits in {bits(width)}",
                )
            return Local(variable.name, width, variable.most)

        return Flexible(build, INDEX_WIDTH)

    def stored(self, node: ast.AST, storage: Storage, index: Expression | None) -> Expression:
        """The stored value of a CSR, if it has one."""
        csr = storage.first
        name = storage.name
        if csr.view is not None:
            example = next(iter(csr.view.fields.values()), "…")
            raise self.error(
                node,
                f"`{name}`, which is a view and stores nothing",
                f"the CSR behind it, such as `{csr.view.of}.{example}`",
            )
        if name in PRIMITIVES:
            raise self.error(
                node, f"the CSR `{name}`, which stores nothing", f"the primitive `{name}()`"
            )
        if csr.constant is not None and not storage.is_array:
            return fold.constant(csr.constant, csr.width)
        return Csr(name, index, storage.count, csr.width)

    def element(self, node: ast.expr) -> tuple[Storage, Expression | None] | None:
        """The CSR that a node names, with its index; None if it names something else."""
        match node:
            case ast.Name(id=name) if self._is_csr(name):
                storage = self.library.storage[name]
                return None if storage.is_array else (storage, None)
            case ast.Subscript(value=ast.Name(id=name), slice=index) if self._is_csr(name):
                storage = self.library.storage[name]
                if storage.is_array:
                    known = {*storage.instances}
                    return storage, self._array_index(index, storage.count, known)
        return None

    def _is_csr(self, name: str) -> bool:
        hidden = name in self.scope.names() or name in self.library.numbers
        return name in self.library.storage and not hidden

    def _array_index(self, node: ast.expr, count: int, known: set[int] | None) -> Expression:
        if isinstance(node, ast.Slice):
            raise self.error(node, "a slice of an array", "one index")
        index = self.index(node)
        if isinstance(index, Constant) and (
            index.value >= count or (known is not None and index.value not in known)
        ):
            raise self.error(node, f"the index {index.value}", f"one that exists, below {count}")
        return index

    def attribute(self, node: ast.Attribute, base: ast.expr, name: str) -> Value:
        """A field of a CSR."""
        found = self.element(base)
        if found is None:
            if isinstance(base, ast.Name):
                self.name(base, base.id)
            raise self.error(node, f"`.{name}`", "a field, which only a CSR has")
        storage, index = found
        field = self.field(node, storage, index, name)
        if field.read is not None:
            if storage.is_array:
                raise self.error(node, "a computed field of an array", "a stored one")
            function = self.library.field_function(storage.name, field, self.scope.owner)
            return Call(function, function, (), (), field.width)
        return fold.slice_bits(self.stored(node, storage, index), field.high, field.low)

    def field(
        self, node: ast.Attribute, storage: Storage, index: Expression | None, name: str
    ) -> Field:
        """A field of a CSR; one of a view only if it is computed."""
        view = storage.first.view
        if view is not None and not self._is_computed(storage, name):
            raise self.error(
                node,
                f"`{storage.name}`, which is a view and stores nothing",
                f"`{view.of}.{view.fields.get(name, name)}`",
            )
        constant = index.value if isinstance(index, Constant) else None
        field = self.library.field(storage, name, constant)
        if isinstance(field, str):
            raise self.error(_field_name(node), field, "a field of the CSR")
        return field

    def _is_computed(self, storage: Storage, name: str) -> bool:
        field = storage.first.fields.get(name)
        return field is not None and field.read is not None

    def subscript(self, node: ast.Subscript, base: ast.expr, index: ast.expr) -> Value:
        """A register, an element, a slice or a bit."""
        if isinstance(base, ast.Name) and base.id not in self.scope.names():
            if base.id == "X":
                if isinstance(index, ast.Slice):
                    raise self.error(index, "a slice of the registers", "a register number")
                return Register(self.typed(index, 5), self.library.isa.xlen)
            state = self.library.isa.state.get(base.id)
            if state is not None and state.count:
                element = self._array_index(index, state.count, None)
                return State(state.name, element, state.count, state.width)
            found = self.element(base if not self._is_array(base.id) else node)
            if found is not None and self._is_array(base.id):
                return self.stored(node, *found)
        value = self.value(base)
        if isinstance(value, Flexible) or (isinstance(value, Number) and value.value < 0):
            raise self.error(base, "a number without a width", "`zext(number, width)`")
        if isinstance(index, ast.Slice):
            return self._slice(node, value, index)
        if isinstance(value, Number):
            value = Constant(value.value, MAX_BITS)
        position = self.index(index)
        if isinstance(position, Constant) and position.value >= value.width:
            raise self.error(index, f"bit {position.value}", f"0 to {value.width - 1}")
        return fold.bit(value, position)

    def _is_array(self, name: str) -> bool:
        return self._is_csr(name) and self.library.storage[name].is_array

    def _slice(self, node: ast.expr, value: Expression | Number, index: ast.Slice) -> Expression:
        if index.lower is None or index.upper is None or index.step is not None:
            raise self.error(index, "an incomplete slice", "`[high:low]`, both inclusive")
        high = self.number(index.lower, "a slice's high bit")
        low = self.number(index.upper, "a slice's low bit")
        limit = MAX_BITS if isinstance(value, Number) else value.width
        if not 0 <= low <= high < limit:
            raise self.error(
                index.lower,
                f"the slice [{high}:{low}] of {bits(limit)}",
                f"high bit first, at most [{limit - 1}:0]",
            )
        if isinstance(value, Number):
            return fold.constant(value.value >> low, high - low + 1)
        return fold.slice_bits(value, high, low)


def _field_name(node: ast.Attribute) -> ast.AST:
    """Where the name of a field stands, behind the dot."""
    name = ast.Name(node.attr)
    name.lineno = node.end_lineno or node.lineno
    name.col_offset = (node.end_col_offset or 0) - len(node.attr)
    return name
