"""From an operation's text to Python's `ast`, with nothing in it but what the language has.

Spec files may come from anyone. What passes here is small, shallow and made of known nodes, so
that whoever walks it needs no further care for depth, names or syntax.
"""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Place, Source
from drafthart.generator.spec.names import NAME

MAX_TEXT = 1 << 15
MAX_BRACKETS = 40
MAX_EXPRESSION_DEPTH = 40
MAX_STATEMENT_DEPTH = 12
MAX_BRANCHES = 64
MAX_BITS = 4096

_STATEMENTS = (
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.If,
    ast.For,
    ast.Return,
    ast.Break,
    ast.Continue,
    ast.Pass,
    ast.Expr,
)
_EXPRESSIONS = (
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Subscript,
    ast.Slice,
    ast.Attribute,
    ast.Tuple,
)
BINARY_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
UNARY_OPERATORS: dict[type[ast.unaryop], str] = {ast.Invert: "~", ast.USub: "-", ast.Not: "not"}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
# What people try, with what to do instead.
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.While: ("`while`", "`for … in range(…)` with constant bounds"),
    ast.Import: ("`import`", "only the hart's state, the spec's functions and primitives"),
    ast.ImportFrom: ("`import`", "only the hart's state, the spec's functions and primitives"),
    ast.FunctionDef: ("`def`", "an item in the section `functions`"),
    ast.AsyncFunctionDef: ("`def`", "an item in the section `functions`"),
    ast.ClassDef: ("`class`", "an assignment, if, for, return or call"),
    ast.Lambda: ("`lambda`", "an item in the section `functions`"),
    ast.ListComp: ("a comprehension", "a `for` statement"),
    ast.SetComp: ("a comprehension", "a `for` statement"),
    ast.DictComp: ("a comprehension", "a `for` statement"),
    ast.GeneratorExp: ("a comprehension", "a `for` statement"),
    ast.NamedExpr: ("`:=`", "an assignment on its own line"),
    ast.JoinedStr: ("an f-string", "a number or a name"),
    ast.Starred: ("`*`", "arguments one by one"),
    ast.Div: ("`/`", "`//`"),
    ast.Pow: ("`**`", "`<<` for powers of two"),
    ast.MatMult: ("`@`", "one of + - * & | ^ << >> // %"),
    ast.UAdd: ("unary `+`", "the value alone"),
    ast.Is: ("`is`", "`==`"),
    ast.IsNot: ("`is not`", "`!=`"),
    ast.Delete: ("`del`", "an assignment, if, for, return or call"),
}


def error(source: Source, node: ast.AST | None, found: str, expected: str) -> DrafthartError:
    """The error to raise about a node of the source (None: about all of it)."""
    # Columns of `ast` count bytes; they are characters, as outside of comments all is ASCII.
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    return _error_at(source, line, column, found, expected)


def _error_at(source: Source, line: int, column: int, found: str, expected: str) -> DrafthartError:
    first = source.place
    place = Place(first.file, first.line + line - 1, first.column + column)
    return DrafthartError(f"{place}: {found}; expected {expected}")


@lru_cache(maxsize=4096)
def parse_body(source: Source) -> tuple[ast.stmt, ...]:
    """The statements of an operation."""
    body = tuple(_parse(source).body)
    if not body:
        raise error(source, None, "an empty operation", "statements, or `pass`")
    return body


@lru_cache(maxsize=4096)
def parse_expression(source: Source) -> ast.expr:
    """The one expression that the source consists of."""
    body = _parse(source).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise error(source, body[0] if body else None, "statements", "one expression")
    return body[0].value


def _parse(source: Source) -> ast.Module:
    _check_text(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(source.text.rstrip())
    except SyntaxError as problem:
        line, column = problem.lineno or 1, max((problem.offset or 1) - 1, 0)
        raise _error_at(
            source, line, column, f"no valid syntax ({problem.msg})", "a statement or expression"
        ) from None
    except (ValueError, MemoryError, RecursionError, OverflowError):
        raise error(
            source, None, "text too complex to parse", "shorter or less nested code"
        ) from None
    _check_nodes(source, module)
    return module


def _check_text(source: Source) -> None:
    """Refuse what could take Python's parser long, or to its limits."""
    if len(source.text) > MAX_TEXT:
        raise error(
            source, None, f"{len(source.text)} characters", f"at most {MAX_TEXT} in an operation"
        )
    depth = 0
    for number, line in enumerate(source.text.split("\n"), 1):
        comment = False
        for column, character in enumerate(line):
            comment = comment or character == "#"
            if character in "([{" and not comment:
                depth += 1
            elif character in ")]}" and not comment:
                depth -= 1
            elif _is_foreign(character, comment):
                raise _error_at(
                    source, number, column, f"the character {character!a}", "code without it"
                )
            if depth > MAX_BRACKETS:
                raise _error_at(
                    source, number, column, "brackets nested too deep", f"at most {MAX_BRACKETS}"
                )


def _is_foreign(character: str, comment: bool) -> bool:
    # Python takes a carriage return for the end of a line, even of a comment.
    if character < " ":
        return character != "\t"
    return not comment and (character in "\"'`\\" or not character.isascii())


def _check_nodes(source: Source, module: ast.Module) -> None:
    """Check every node against the whitelist, without recursion: the depth is not known yet."""
    pending: list[tuple[ast.AST, int, int, int]] = [(node, 0, 1, 0) for node in module.body]
    while pending:
        node, depth, level, branches = pending.pop()
        _check_node(source, node)
        if depth > MAX_EXPRESSION_DEPTH:
            raise error(
                source, node, "an expression nested too deep", f"at most {MAX_EXPRESSION_DEPTH}"
            )
        if level > MAX_STATEMENT_DEPTH or branches > MAX_BRANCHES:
            raise error(
                source, node, "statements nested too deep", f"at most {MAX_STATEMENT_DEPTH}"
            )
        is_statement = isinstance(node, ast.stmt)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                pending.append((child, depth + 1, level, branches))
            elif isinstance(child, ast.stmt):
                chained = is_statement and _is_elif(node, child)
                step = (level, branches + 1) if chained else (level + 1, branches)
                pending.append((child, 0, *step))
            else:
                _check_part(source, node, child)


def _is_elif(node: ast.AST, child: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and node.orelse == [child]
        and isinstance(child, ast.If)
        and child.col_offset == node.col_offset
    )


def _check_node(source: Source, node: ast.AST) -> None:
    if not isinstance(node, _STATEMENTS + _EXPRESSIONS):
        found, expected = _REFUSED.get(
            type(node), (f"`{type(node).__name__.lower()}`", "what the operation language has")
        )
        raise error(source, node, found, expected)
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            _check_name(source, node, name)
        case ast.Constant(value=value):
            if type(value) not in (int, bool):
                raise error(source, node, f"`{value!a}`", "an integer, True or False")
            if isinstance(value, int) and value.bit_length() > MAX_BITS:
                raise error(
                    source, node, f"a number of {value.bit_length()} bits", f"at most {MAX_BITS}"
                )
        case ast.Call(keywords=[keyword, *_]):
            raise error(source, keyword, "a named argument", "arguments in their order")
        case ast.Compare(ops=[_, _, *_]):
            raise error(source, node, "a chain of comparisons", "two, joined by `and`")
        case ast.For(orelse=[statement, *_]):
            raise error(source, statement, "`else` of a loop", "a loop without it")
        case ast.Assign(targets=[_, second, *_]):
            raise error(source, second, "a second target", "one assignment a line")
        case ast.AnnAssign(value=None):
            raise error(source, node, "a declaration", "a value: `name: width = value`")


def _check_name(source: Source, node: ast.AST, name: str) -> None:
    if not NAME.fullmatch(name):
        raise error(
            source,
            node,
            f"the name `{name}`",
            "letters, digits and single underscores, a letter first",
        )


def _check_part(source: Source, node: ast.AST, part: ast.AST) -> None:
    """Operators and the like, which have no place of their own."""
    known = (*BINARY_OPERATORS, *UNARY_OPERATORS, *COMPARISONS)
    if isinstance(part, (*known, ast.And, ast.Or, ast.Load, ast.Store)):
        return
    found, expected = _REFUSED.get(
        type(part), (f"`{type(part).__name__.lower()}`", "what the operation language has")
    )
    raise error(source, node, found, expected)
