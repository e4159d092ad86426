"""Python text for typed functions and operations.

State, CSRs and primitives are attributes of the hart `h`; functions are module-level and take it
first. Names that begin with an underscore are the generator's: no operation can have one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from drafthart.generator.language.fold import maximum, ones, silent
from drafthart.generator.language.ir import (
    Assign,
    Body,
    Break,
    Call,
    Constant,
    Continue,
    Csr,
    Evaluate,
    Expression,
    Field,
    For,
    If,
    Local,
    Primitive,
    Register,
    Return,
    Special,
    State,
    Statement,
    TypedExpression,
    TypedFunction,
    TypedOperation,
)
from drafthart.generator.language.python_code import ARITHMETIC, Code, infix, masked, number
from drafthart.generator.language.python_expressions import Writer

HELPERS = """\
from drafthart.generator.language.arithmetic import divide as _divide
from drafthart.generator.language.arithmetic import remainder as _remainder
from drafthart.generator.language.arithmetic import shift_left as _shift_left"""
"""The imports that emitted code needs."""


class BodyWriter(Writer):
    """Writes statements as lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.indent = 0

    def line(self, text: str) -> None:
        """Add a line at the present indentation."""
        self.lines.append("    " * self.indent + text)

    def body(self, body: Body) -> None:
        """Write statements, or `pass` for none."""
        start = len(self.lines)
        for statement in body:
            self.statement(statement)
        if len(self.lines) == start:
            self.line("pass")

    def block(self, head: str, body: Body) -> None:
        """Write a head and, indented, what belongs to it."""
        self.line(head)
        self.indent += 1
        self.body(body)
        self.indent -= 1

    def statement(self, statement: Statement) -> None:
        """Write one statement."""
        match statement:
            case Assign():
                self.assign(statement)
            case Evaluate(call):
                self.evaluate(call)
            case If():
                self._if(statement)
            case For(variable, values, body):
                # Python's own text of a range, but for a start of zero.
                bounds = f"{values}".replace("range(0, ", "range(") if values.step == 1 else values
                self.block(f"for {self.local(variable).text} in {bounds}:", body)
            case Return(None):
                self.line("return")
            case Return(value) if value is not None:
                self.line(f"return {self.value(value).text}")
            case Break():
                self.line("break")
            case Continue():
                self.line("continue")

    def evaluate(self, call: Call | Primitive) -> None:
        """Write a call for its effect."""
        if isinstance(call, Primitive) and call.name == "end_instruction":
            self.line("raise EndInstruction")
        else:
            self.line(self.strict(call).text)

    def _if(self, statement: If) -> None:
        keyword = "if"
        while True:
            condition = self.condition(statement.condition).text
            self.block(f"{keyword} {condition}:", statement.then)
            match statement.otherwise:
                case ():
                    return
                case (If() as following,):
                    keyword, statement = "elif", following
                case otherwise:
                    self.block("else:", otherwise)
                    return

    # Assignments

    def assign(self, statement: Assign) -> None:
        """Write an assignment."""
        target, value = statement.target, statement.value
        match target:
            case Local():
                self.line(f"{self.local(target).text} = {self.value(value).text}")
            case Special():
                self.line(f"{self.special(target).text} = {self.value(value).text}")
            case Register(index):
                self.assign_register(index, value)
            case State() | Csr():
                self._store(target, value, statement.flush)
            case Field():
                self._assign_field(target, value, statement.flush)

    def assign_register(self, index: Expression, value: Expression) -> None:
        """Write to an integer register; to register 0 the value is only evaluated."""
        if isinstance(index, Constant):
            if index.value:
                self.line(f"{self.registers()}[{index.value}] = {self.value(value).text}")
            elif not silent(value):
                self.line(self.value(value).text)
            return
        code = self.value(value)
        if not silent(value) or not silent(index):
            code = self._kept(code)
        first, again = self.shared(index)
        self.line(f"if {first.text}:")
        self.line(f"    {self.registers()}[{again.text}] = {code.text}")

    def _kept(self, code: Code) -> Code:
        """The code's value in a new variable."""
        name = self.temporary()
        self.line(f"{name} = {code.text}")
        return Code(name)

    def _store(self, target: State | Csr, value: Expression, flush: int) -> None:
        code = self.value(value)
        if target.index is not None and not silent(value):
            code = self._kept(code)
        place, guarded = self._place(target)
        self._set(place, code, flush)
        self.indent -= guarded

    def _assign_field(self, target: Field, value: Expression, flush: int) -> None:
        csr, low = target.csr, target.low
        mask = ones(target.width) << low
        keep = ones(csr.width) & ~mask
        code = self.strict(value) if keep else self.value(value)
        if not silent(value):
            # The call may change other fields of the CSR: read it afterwards.
            code = self._kept(code)
        place, guarded = self._place(csr)
        self._set(place, _merged(Code(place), keep, value, code, low), flush)
        self.indent -= guarded

    def _place(self, target: State | Csr) -> tuple[str, bool]:
        """Text to assign to, and whether it is within an `if` that checks the index."""
        name, index, count = target.name, target.index, target.count
        if index is None:
            return f"h.{name}", False
        position = self.strict(index)
        if not isinstance(index, Constant | Local):
            position = self._kept(position)
        place = f"h.{name}[{position.text}]"
        if maximum(index) < count:
            return place, False
        self.line(f"if {position.within(ARITHMETIC)} < {count}:")
        self.indent += 1
        return place, True

    def _set(self, place: str, code: Code, flush: int) -> None:
        if flush:
            code = self._kept(code)
            changed = masked(infix("^", Code(place), code), flush)
            self.line(f"if {changed.text}:")
            self.line("    h.flush_translations()")
        self.line(f"{place} = {code.text}")


def emit_function(function: TypedFunction) -> list[str]:
    """The lines of a spec function."""
    names = [parameter.name for parameter in function.parameters]
    return _definition(function.name, names, function.doc, f"{function.place}", function.body)


def emit_operation(name: str, parameters: Sequence[str], operation: TypedOperation) -> list[str]:
    """The lines of a function `name(h, *parameters)` for an operation."""
    return _definition(name, parameters, operation.doc, f"{operation.place}", operation.body)


def emit_expression(expression: TypedExpression) -> str:
    """The text of a field's expression, over `h` and its parameters' names."""
    return Writer().value(expression.value).text


def _definition(
    name: str, parameters: Sequence[str], doc: str, place: str, body: Body
) -> list[str]:
    writer = BodyWriter()
    spelled = ["h", *("_h" if parameter == "h" else parameter for parameter in parameters)]
    writer.line(f"def {name}({', '.join(spelled)}):")
    writer.indent = 1
    writer.lines += _docstring(doc)
    writer.line(f"# {_printable(place)}")
    writer.body(body)
    return writer.lines


def _docstring(doc: str) -> list[str]:
    """The text as a docstring, whatever is in it."""
    text = _printable(doc).replace("\\", "\\\\").replace('"', '\\"')
    if not text:
        return []
    lines = textwrap.wrap(text, 90, break_long_words=False, break_on_hyphens=False)
    lines[0] = '"""' + lines[0]
    if len(lines) == 1:
        return [f'    {lines[0]}"""']
    return [f"    {line}" for line in (*lines, '"""')]


def _printable(text: str) -> str:
    words = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in words)


def _merged(old: Code, keep: int, value: Expression, code: Code, low: int) -> Code:
    """The old value of a CSR with a new value for one field."""
    if keep == 0:
        return code
    if isinstance(value, Constant):
        bits = number(value.value << low)
        if value.value == 0:
            return masked(old, keep)
        if value.value == ones(value.width):
            return infix("|", old, bits)
        return infix("|", masked(old, keep), bits)
    placed = infix("<<", code, number(low)) if low else code
    return infix("|", masked(old, keep), placed)
