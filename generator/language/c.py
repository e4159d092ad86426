"""C text for typed functions and operations.

State, CSRs and registers are members of the hart `h`; functions `fn_NAME` take it first. Names that
begin with an underscore are the generator's: no operation can have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drafthart.generator.language.c_expressions import CWriter, c_type, literal
from drafthart.generator.language.c_names import c_name
from drafthart.generator.language.fold import maximum, ones, silent
from drafthart.generator.language.ir import (
    Assign,
    Body,
    Break,
    Call,
    Constant,
    Continue,
    Csr,
    Effects,
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
    statements,
)
from drafthart.generator.language.primitives import PRIMITIVES
from drafthart.generator.spec.model import Place


@dataclass(frozen=True, slots=True)
class Watched:
    """Bits of state and CSRs, by name, that matter to the engine's loop.

    A write to `changed` bits makes it look. Translations are kept apart by `tagged` bits: a new
    value of them makes no translation stale.
    """

    changed: Mapping[str, int]
    tagged: Mapping[str, int]


class CBodyWriter(CWriter):
    """Writes statements as lines; a write to `watched` bits sets `h->changed`."""

    def __init__(self, effects: Mapping[str, Effects], watched: Watched, leave: str = "0") -> None:
        super().__init__(effects, leave)
        self._watched = watched
        self.lines: list[str] = []
        self.indent = 1

    def line(self, text: str) -> None:
        """Add a line at the present indentation."""
        self.lines.append("    " * self.indent + text)

    def body(self, body: Body) -> None:
        """Write statements."""
        for statement in body:
            self.statement(statement)

    def block(self, head: str, body: Body) -> None:
        """Write a head and, in braces, what belongs to it."""
        self.line(head + " {")
        self.indent += 1
        self.body(body)
        self.indent -= 1
        self.line("}")

    def statement(self, statement: Statement) -> None:
        """Write one statement."""
        match statement:
            case Assign():
                self.assign(statement)
            case Evaluate(call):
                self.evaluate(call)
            case If(condition, then, otherwise):
                self._if(condition, then, otherwise)
            case For():
                self._for(statement)
            case Return(None):
                self.line("return;")
            case Return(value) if value is not None:
                self.line(f"return {self.strict(value)};")
            case Break():
                self.line("break;")
            case Continue():
                self.line("continue;")

    def evaluate(self, call: Call | Primitive) -> None:
        """Write a call for its effect."""
        if isinstance(call, Primitive) and call.name == "end_instruction":
            self.line("end_instruction(h);")
            self.line(f"return {self._leave};".replace(" ;", ";"))
            return
        if isinstance(call, Call):
            may_end = self._effects[call.function].may_end
            text = self.call(call, tried=False)
        else:
            may_end = PRIMITIVES[call.name].effects.may_end
            text = self.primitive(call, tried=False)
        self.line(f"DO({self._leave}, {text});" if may_end else f"{text};")

    def _if(self, condition: Expression, then: Body, otherwise: Body) -> None:
        self.block(f"if ({self.condition(condition)})", then)
        if otherwise:
            self.lines[-1] += " else {"
            self.indent += 1
            self.body(otherwise)
            self.indent -= 1
            self.line("}")

    def _for(self, statement: For) -> None:
        name = self.local(statement.variable)
        values = statement.values
        if values.step > 0:
            head = f"u64 {name} = {values.start}; {name} < {values.stop}; {name} += {values.step}"
            self.block(f"for ({head})", statement.body)
            return
        at = self.temporary()
        self.line(
            f"for (i64 {at} = {values.start}; {at} > {values.stop}; {at} -= {-values.step}) {{"
        )
        self.indent += 1
        self.line(f"u64 {name} = (u64){at};")
        self.body(statement.body)
        self.indent -= 1
        self.line("}")

    # Assignments

    def assign(self, statement: Assign) -> None:
        """Write an assignment."""
        target, value = statement.target, statement.value
        match target:
            case Local():
                self.line(f"{self.local(target)} = {self.strict(value)};")
            case Special():
                self.line(f"{self.special(target)} = {self.strict(value)};")
            case Register(index):
                self.assign_register(index, value)
            case State() | Csr():
                self._store(target, ones(target.width), value, statement.flush)
            case Field():
                self._assign_field(target, value, statement.flush)

    def assign_register(self, index: Expression, value: Expression) -> None:
        """Write to an integer register; to register 0 the value is only evaluated."""
        text = self.strict(value)
        if isinstance(index, Constant):
            self.line(f"h->x[{index.value}] = {text};" if index.value else f"(void){text};")
            return
        if not silent(value) or not isinstance(index, Local):
            text = self._kept(text, value.width)
        at = self.strict(index)
        if not isinstance(index, Local):
            at = self._kept(at, index.width)
        self.line(f"if ({at}) h->x[{at}] = {text};")

    def _kept(self, text: str, width: int) -> str:
        """The value in a new variable."""
        name = self.temporary()
        self.line(f"{c_type(width)} {name} = {text};")
        return name

    def _assign_field(self, target: Field, value: Expression, flush: int) -> None:
        csr = target.csr
        mask = ones(target.width) << target.low
        keep = ones(csr.width) & ~mask
        if not keep:
            self._store(csr, mask, value, flush)
            return
        text = self.strict(value)
        if not silent(value):
            # The call may change other fields of the CSR: read it afterwards.
            text = self._kept(text, value.width)
        place, guarded = self._place(csr)
        moved = f"{text} << {target.low}" if target.low else text
        self._set(csr, place, mask, f"({place} & {literal(keep)}) | {moved}", flush)
        self._unguard(guarded)

    def _store(self, target: State | Csr, mask: int, value: Expression, flush: int) -> None:
        text = self.strict(value)
        if target.index is not None and not silent(value):
            text = self._kept(text, value.width)
        place, guarded = self._place(target)
        self._set(target, place, mask, text, flush)
        self._unguard(guarded)

    def _place(self, target: State | Csr) -> tuple[str, bool]:
        """What to assign to, and whether it is within an `if` that checks the index."""
        place = f"h->{c_name(target.name)}"
        index = target.index
        if index is None:
            return place, False
        at = self.strict(index)
        if not isinstance(index, Constant | Local):
            at = self._kept(at, index.width)
        if maximum(index) < target.count:
            return f"{place}[{at}]", False
        self.line(f"if ({at} < {target.count}) {{")
        self.indent += 1
        return f"{place}[{at}]", True

    def _unguard(self, guarded: bool) -> None:
        if guarded:
            self.indent -= 1
            self.line("}")

    def _set(self, target: State | Csr, place: str, mask: int, text: str, flush: int) -> None:
        flush &= ~self._watched.tagged.get(target.name, 0)
        if flush:
            text = self._kept(text, target.width)
            self.line(f"if (({place} ^ {text}) & {literal(flush)}) flush_translations(h);")
        self.line(f"{place} = {text};")
        if self._watched.changed.get(target.name, 0) & mask:
            self.line("h->changed = 1;")


def marker(place: Place) -> str:
    """The line that tells debuggers and compilers where in the specs the next line comes from."""
    file = "".join(it if it.isprintable() and it not in '"\\' else "?" for it in place.file)
    return f'#line {place.line} "{file}"'


def prototype(function: TypedFunction) -> str:
    """The head of a spec function in C."""
    return _head(f"fn_{function.name}", function.parameters, function.returns)


def emit_function(
    function: TypedFunction, effects: Mapping[str, Effects], watched: Watched
) -> list[str]:
    """The lines of a spec function."""
    head = prototype(function)
    body = _definition(function.body, function.parameters, function.returns, effects, watched)
    return [*comment(function.doc), marker(function.place), f"{head} {{", *body, "}"]


def emit_operation(
    name: str,
    parameters: Sequence[Local],
    operation: TypedOperation,
    effects: Mapping[str, Effects],
    watched: Watched,
) -> list[str]:
    """The lines of a function `name(h, parameters…)` for an operation."""
    head = _head(name, parameters, operation.returns)
    body = _definition(operation.body, parameters, operation.returns, effects, watched)
    return [*comment(operation.doc), marker(operation.place), f"{head} {{", *body, "}"]


def emit_expression(expression: TypedExpression, effects: Mapping[str, Effects]) -> str:
    """The text of a field's expression, over `h` and its parameters' names."""
    return CWriter(effects).strict(expression.value)


def declarations(body: Body, parameters: Sequence[Local]) -> list[str]:
    """Declarations of the locals that the statements assign."""
    known = {parameter.name for parameter in parameters}
    found = {
        statement.target.name: statement.target
        for statement in statements(body)
        if isinstance(statement, Assign)
        and isinstance(statement.target, Local)
        and statement.target.name not in known
    }
    return [f"{c_type(local.width)} {c_name(local.name)} = 0;" for local in found.values()]


def comment(text: str) -> list[str]:
    """The text as a comment, whatever is in it."""
    words = " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")
    shown = "".join(it if it.isprintable() else "?" for it in words)
    return [f"/* {shown} */"] if shown else []


def _head(name: str, parameters: Sequence[Local], returns: int | None) -> str:
    kind = "void" if returns is None else c_type(returns)
    spelled = [f"{c_type(local.width)} {c_name(local.name)}" for local in parameters]
    return f"static {kind} {name}({', '.join(['Hart *h', *spelled])})"


def _definition(
    body: Body,
    parameters: Sequence[Local],
    returns: int | None,
    effects: Mapping[str, Effects],
    watched: Watched,
) -> list[str]:
    writer = CBodyWriter(effects, watched, "" if returns is None else "0")
    for line in declarations(body, parameters):
        writer.line(line)
    writer.body(body)
    return writer.lines
