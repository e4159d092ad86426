"""The macros of a C header that are numbers, such as encoding.h's.

This is no preprocessor: conditions are not looked at, and a macro whose definitions differ counts
as none.
"""

from __future__ import annotations

import ast
import re
import warnings

from drafthart.generator.diff.foreign.statements import Statements

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)[ \t]+(\S[^\n]*)$", re.MULTILINE)
_SUFFIX = re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b")
_OCTAL = re.compile(r"(?<![\w.])0+(?=\d)")
_TYPED = re.compile(r"(?:^|_)(?:AC|ULL|UL|U)$")
"""Macros that only give a number its type: _AC(1, UL), _RISCV_ULL(1)."""
_BIT = re.compile(r"_?BIT(?:U?LL?)?$|_BITUL{1,2}$")
_MASK = re.compile(r"GENMASK(?:_ULL)?$")
_LONGEST = 200
"""Characters of a definition."""
_DEEPEST = 32
"""Macros in macros."""
_WIDEST = 128
"""Bits of a value."""


def read_header(text: str, into: Statements) -> None:
    """What the header states."""
    macros = Macros(text)
    for name in macros.names():
        kind, _, rest = name.partition("_")
        value = macros.value(name)
        if value is None or value < 0:
            continue
        if kind == "MATCH":
            mask = macros.value(f"MASK_{rest}")
            if mask:
                into.instructions[rest.lower()] = value, mask
        elif kind == "CSR":
            into.csrs[rest.lower()] = value
        elif kind in ("CAUSE", "EXC"):
            into.causes[rest.lower()] = value
        elif kind in ("IRQ", "INTERRUPT"):
            into.interrupts[rest.lower()] = value
        elif kind != "MASK" and rest:
            into.masks[name.upper()] = value


class Macros:
    """The definitions of a header."""

    def __init__(self, text: str) -> None:
        plain = _COMMENT.sub(" ", text.replace("\\\r\n", " ").replace("\\\n", " "))
        self._texts: dict[str, set[str]] = {}
        for name, body in _DEFINE.findall(plain):
            self._texts.setdefault(name, set()).add(" ".join(body.split()))
        self._values: dict[str, int | None] = {}

    def names(self) -> list[str]:
        """All, in the order of the header."""
        return list(self._texts)

    def value(self, name: str, depth: int = 0) -> int | None:
        """The number that a macro stands for; None if it stands for none, or for several."""
        if name not in self._texts or depth > _DEEPEST:
            return None
        if name not in self._values:
            self._values[name] = None  # while it is looked for: no macro contains itself
            found = {self._of_text(text, depth) for text in self._texts[name]}
            self._values[name] = found.pop() if len(found) == 1 else None
        return self._values[name]

    def _of_text(self, text: str, depth: int) -> int | None:
        if len(text) > _LONGEST:
            return None
        text = _OCTAL.sub("0o", _SUFFIX.sub(r"\1", text))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what Python finds odd in C
                tree = ast.parse(text, mode="eval")
            value = self._evaluated(tree.body, depth)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return value if value is not None and value.bit_length() <= _WIDEST else None

    def _evaluated(self, node: ast.expr, depth: int) -> int | None:
        match node:
            case ast.Constant(value=int(value)):
                return value
            case ast.Name(id=name):
                return self.value(name, depth + 1)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                positive = self._evaluated(operand, depth)
                return None if positive is None else -positive
            case ast.BinOp(left=left, op=op, right=right):
                first, second = self._evaluated(left, depth), self._evaluated(right, depth)
                return None if first is None or second is None else _combined(op, first, second)
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments):
                return _called(name, [self._evaluated(it, depth) for it in arguments[:2]])
        return None


def _called(name: str, values: list[int | None]) -> int | None:
    first = values[0]
    if first is None or first < 0:
        return None
    if _TYPED.search(name):
        return first
    if _BIT.fullmatch(name) and first < _WIDEST:
        return 1 << first
    second = values[1] if len(values) > 1 else None
    if _MASK.fullmatch(name) and second is not None and 0 <= second <= first < _WIDEST:
        return ((1 << (first - second + 1)) - 1) << second
    return None


def _combined(op: ast.operator, a: int, b: int) -> int | None:
    match op:
        case ast.LShift() if 0 <= b < _WIDEST and a.bit_length() <= _WIDEST:
            return a << b
        case ast.RShift() if 0 <= b < _WIDEST:
            return a >> b
        case ast.BitOr():
            return a | b
        case ast.BitAnd():
            return a & b
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
    return None
