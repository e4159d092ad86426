"""Faults in an operation: its syntax tree with one thing changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drafthart.generator.spec.model import ISA, Cause

_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_EXTENSION = {"zext": "sext", "sext": "zext"}
_ENDS = ("raise_", "refuse_", "end_")


@dataclass(frozen=True, slots=True)
class Fault:
    """A changed operation: the kind of the change, what became what, and the new text."""

    kind: str
    what: str
    text: str


class Neighbours:
    """What a name of the spec can be mistaken for."""

    def __init__(self, isa: ISA) -> None:
        self.isa = isa
        self._next: dict[str, str] = {}
        files: dict[str, list[str]] = {}
        for constant in isa.constants.values():
            files.setdefault(constant.place.file, []).append(constant.name)
        for names in (*files.values(), _codes(isa.causes), _codes(isa.interrupts)):
            for one, other in zip(names, [*names[1:], *names[:1]], strict=True):
                if one != other:
                    self._next[one] = other

    def number(self, name: str) -> str | None:
        """The constant or cause that comes next in the specs."""
        return self._next.get(name)

    def fields(self, csr: str, field: str) -> Iterator[tuple[str, str]]:
        """The next field of the same width, and the field of this name in another CSR."""
        own = self.isa.csrs[csr].fields if csr in self.isa.csrs else {}
        if field not in own:
            return
        names = list(own)
        at = names.index(field)
        for name in (*names[at + 1 :], *names[:at]):
            if own[name].width == own[field].width:
                yield csr, name
                break
        for other in ("mstatus", "vsstatus", "hstatus", "hip", "hie", "mip", "mie"):
            if other != csr and other in self.isa.csrs and field in self.isa.csrs[other].fields:
                yield other, field
                break

    def is_kept(self, target: ast.expr) -> bool:
        """Does an assignment to this change the hart, and not just a local?"""
        name = target.value if isinstance(target, ast.Attribute | ast.Subscript) else target
        known = (*self.isa.csrs, *self.isa.state, "mode", "V", "next_pc")
        return isinstance(name, ast.Name) and name.id in known


def _codes(causes: Mapping[int, Cause]) -> list[str]:
    return [causes[code].constant for code in sorted(causes)]


def faults(text: str, neighbours: Neighbours) -> Iterator[Fault]:
    """The operation with one thing changed, in every way that is known here."""
    tree = ast.parse(text)
    for slot in list(_slots(tree)):
        before = slot.node
        for kind, after in _replacements(slot, neighbours):
            was = _shown(before)
            slot.put(after)
            changed = ast.unparse(ast.fix_missing_locations(tree))
            slot.put(before)
            what = f"`{was}` → `{_shown(after)}`" if after else f"without `{was}`"
            yield Fault(kind, what, changed)
    yield from _exchanged(tree)


@dataclass(slots=True)
class _Slot:
    """A place in the tree: the node there can be put back or replaced, or taken away if None."""

    node: ast.AST
    owner: ast.AST
    name: str
    index: int | None

    def put(self, node: ast.AST | None) -> None:
        node = ast.Pass() if node is None else node
        if self.index is None:
            setattr(self.owner, self.name, node)
        else:
            getattr(self.owner, self.name)[self.index] = node


def _slots(tree: ast.AST) -> Iterator[_Slot]:
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "targets", "target", "func", "ctx"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST):
                yield _Slot(node, tree, name, index)
                yield from _slots(node)


def _replacements(slot: _Slot, near: Neighbours) -> Iterator[tuple[str, ast.AST | None]]:
    node = slot.node
    if isinstance(node, ast.stmt):
        yield from _of_statement(node, near)
    elif isinstance(node, ast.expr) and not isinstance(slot.owner, ast.Slice):
        yield from _of_expression(node, near)


def _of_statement(node: ast.stmt, near: Neighbours) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(node, ast.If):
        yield "condition negated", ast.If(_negated(node.test), node.body, node.orelse)
        if not node.orelse and all(_ends(it) for it in node.body):
            yield "check removed", None
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield (
            ("check removed" if _called(node.value).startswith("check_") else "step dropped"),
            None,
        )
    elif isinstance(node, ast.Assign) and near.is_kept(node.targets[0]):
        yield "stale field", None


def _of_expression(node: ast.expr, near: Neighbours) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield "and/or", ast.BoolOp(other, node.values)
        for index in range(len(node.values)):
            rest = node.values[:index] + node.values[index + 1 :]
            yield "condition dropped", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "condition negated", node.operand
    elif isinstance(node, ast.IfExp):
        yield "condition negated", ast.IfExp(_negated(node.test), node.body, node.orelse)
    elif isinstance(node, ast.Compare):
        yield from _of_comparison(node)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        yield "operator", ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield "constant", ast.Constant(node.value + 1)
        if node.value:
            yield "constant", ast.Constant(node.value - 1)
    elif isinstance(node, ast.Call) and _called(node) in _EXTENSION:
        yield "extension", ast.Call(ast.Name(_EXTENSION[_called(node)]), node.args, [])
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield from _of_slice(node, node.slice)
    elif isinstance(node, ast.Name) and (other_name := near.number(node.id)):
        yield "name", ast.Name(other_name)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        for csr, field in near.fields(node.value.id, node.attr):
            yield "field", ast.Attribute(ast.Name(csr), field)


def _of_comparison(node: ast.Compare) -> Iterator[tuple[str, ast.AST | None]]:
    right = node.comparators[0]
    if isinstance(right, ast.Tuple):
        for index in range(len(right.elts) if len(right.elts) > 1 else 0):
            rest = ast.Tuple(right.elts[:index] + right.elts[index + 1 :])
            yield "condition dropped", ast.Compare(node.left, node.ops, [rest])
    elif type(node.ops[0]) in _BOUNDARY:
        yield "comparison", ast.Compare(node.left, [_BOUNDARY[type(node.ops[0])]()], [right])


def _of_slice(node: ast.Subscript, bits: ast.Slice) -> Iterator[tuple[str, ast.AST | None]]:
    """The same number of bits, one higher or one lower."""
    high, low = bits.lower, bits.upper
    if isinstance(high, ast.Constant) and isinstance(low, ast.Constant):
        for by in (1, -1):
            if isinstance(high.value, int) and isinstance(low.value, int) and low.value + by >= 0:
                moved = ast.Slice(ast.Constant(high.value + by), ast.Constant(low.value + by))
                yield "slice", ast.Subscript(node.value, moved)


def _exchanged(tree: ast.AST) -> Iterator[Fault]:
    """Neighbouring conditions in the other order, where it can matter."""
    for owner in ast.walk(tree):
        for block in (getattr(owner, "body", None), getattr(owner, "orelse", None)):
            if not isinstance(block, list):
                continue
            for at in range(len(block) - 1):
                one, other = block[at], block[at + 1]
                if isinstance(one, ast.If) and isinstance(other, ast.If):
                    block[at], block[at + 1] = other, one
                    what = f"`if {_shown(other.test)}` before `if {_shown(one.test)}`"
                    yield Fault("priority", what, ast.unparse(tree))
                    block[at], block[at + 1] = one, other
        if isinstance(owner, ast.If) and len(owner.orelse) == 1:
            other = owner.orelse[0]
            if isinstance(other, ast.If):
                kept = owner.test, owner.body, other.test, other.body
                owner.test, owner.body, other.test, other.body = kept[2], kept[3], kept[0], kept[1]
                what = f"`if {_shown(owner.test)}` before `if {_shown(other.test)}`"
                yield Fault("priority", what, ast.unparse(tree))
                owner.test, owner.body, other.test, other.body = kept


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _ends(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and _called(statement.value).startswith(_ENDS)
    )


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _shown(node: ast.AST) -> str:
    """The first line, as text."""
    return ast.unparse(ast.fix_missing_locations(node)).splitlines()[0]
