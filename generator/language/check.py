"""From a resolved ISA to its typed program."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from itertools import product

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language import fold, parse
from drafthart.generator.language.effects import classify, effects_of
from drafthart.generator.language.expressions import ExpressionChecker
from drafthart.generator.language.ir import (
    Effects,
    Local,
    Program,
    Return,
    TypedExpression,
    TypedFunction,
    TypedOperation,
)
from drafthart.generator.language.library import MAX_SPECIALISATIONS, Callee, Library
from drafthart.generator.language.primitives import (
    ENGINE_NUMBERS,
    ENGINE_STATE,
    ENTRIES,
    MEMORY_SIZES,
)
from drafthart.generator.language.statements import BodyChecker
from drafthart.generator.language.steps import check_steps
from drafthart.generator.language.typer import Scope
from drafthart.generator.spec.model import CSR, ISA, Field, Function, Instruction, Place, Source
from drafthart.generator.spec.names import is_name

_FieldKey = tuple[str, str]


def check_isa(isa: ISA) -> Program:
    """Check all operations of the ISA; the first mistake is a DrafthartError."""
    return _Checker(isa).program()


def check_engine(isa: ISA) -> Program:
    """Check an ISA that engines are made for: all that they use must be there."""
    program = check_isa(isa)
    needed: dict[str, tuple[Iterable[str], Container[str]]] = {
        "function": (ENTRIES, isa.functions),
        "constant": (ENGINE_NUMBERS, isa.numbers),
        "state": (ENGINE_STATE, isa.state),
    }
    for kind, (names, known) in needed.items():
        for name in names:
            if name not in known:
                raise DrafthartError(
                    f"{isa.id}: the {kind} `{name}` is missing; add it, as the engines use it"
                )
    return program


class _Checker:
    def __init__(self, isa: ISA) -> None:
        self.isa = isa
        self.library = Library(isa, self._width)
        self.functions: dict[str, TypedFunction] = {}
        self.effects: dict[str, Effects] = {}
        self.steps: dict[str, int] = {}

    def program(self) -> Program:
        """All of it: bodies first, as they ask for functions, then what follows from all."""
        instructions = {
            name: self._instruction(instruction)
            for name, instruction in self.isa.instructions.items()
            if instruction.operation is not None
        }
        reads: dict[str, TypedOperation] = {}
        writes: dict[str, TypedOperation] = {}
        accesses: dict[str, TypedOperation] = {}
        for name, csr in self.isa.csrs.items():
            value, write = _variable("value", csr.width), _variable("write", 1)
            if csr.read is not None:
                reads[name] = self._csr(csr, "read", csr.read, (), csr.width)
            if csr.write is not None:
                writes[name] = self._csr(csr, "write", csr.write, (value,), None)
            if csr.access is not None:
                accesses[name] = self._csr(csr, "access", csr.access, (write,), None)
        field_read, field_write = self._fields()
        roots = self._functions()
        self._analyse()
        for operations in (instructions, reads, writes, accesses):
            for name, operation in operations.items():
                operations[name] = sealed = self._seal(operation)
                roots |= sealed.effects.functions
        for fields in (field_read, field_write):
            for key, expression in fields.items():
                roots |= self._pure(expression, ".".join(key)).functions
        reachable = roots.union(*(self.effects[name].functions for name in roots))
        return Program(
            self.isa.xlen,
            {name: self.functions[name] for name in self.effects if name in reachable},
            instructions,
            reads,
            writes,
            accesses,
            field_read,
            field_write,
            {name: effects for name, effects in self.effects.items() if name in reachable},
        )

    def _width(self, text: str, statics: Mapping[str, int], place: Place) -> int:
        source = Source(text, place)
        scope = Scope(f"{place}", dict(statics))
        checker = ExpressionChecker(self.library, source, scope)
        try:
            return checker.width(parse.parse_expression(source))
        except DrafthartError as problem:
            # The item's place is known, not that of the text within it.
            message = str(problem).partition(": ")[2]
            raise DrafthartError(f"{place}: in the width `{text}`: {message}") from None

    # Bodies

    def _instruction(self, instruction: Instruction) -> TypedOperation:
        assert instruction.operation is not None
        operands = tuple(self._operands(instruction))
        scope = Scope(f"insn:{instruction.mnemonic}", fixed={local.name for local in operands})
        return self._operation(instruction.operation, scope, operands, None, instruction.doc)

    def _operands(self, instruction: Instruction) -> list[Local]:
        """The variables that an encoding gives; without one, the assembly names them."""
        encoding = instruction.encoding
        if encoding is not None:
            names = encoding.operands
        else:
            words = re.findall(r"\w+", instruction.assembly)
            names = tuple(name for name in dict.fromkeys(words) if name in self.isa.operands)
        variables = []
        for name in names:
            operand = self.isa.operands[name]
            bits = encoding.operand_bits(name) if encoding else operand.width or self.isa.xlen
            widths = {"register": 5, "float": 5, "immediate": self.isa.xlen, "csr": 12}
            width = widths.get(operand.kind, bits)
            most = fold.ones(width if operand.signed else min(bits, width))
            variables.append(Local(name, width, fold.ones(5) if width == 5 else most))
        return variables

    def _csr(
        self, csr: CSR, what: str, source: Source, variables: tuple[Local, ...], returns: int | None
    ) -> TypedOperation:
        scope = Scope(f"csr:{csr.name}:{what}", _csr_index(csr))
        return self._operation(source, scope, variables, returns, csr.doc)

    def _operation(
        self,
        source: Source,
        scope: Scope,
        variables: tuple[Local, ...],
        returns: int | None,
        doc: str,
    ) -> TypedOperation:
        _declare(scope, variables)
        body = BodyChecker(self.library, source, scope, returns, ends=False).check()
        return TypedOperation(variables, returns, body, doc, source.place, Effects(), "system")

    def _fields(
        self,
    ) -> tuple[dict[_FieldKey, TypedExpression], dict[_FieldKey, TypedExpression]]:
        reads: dict[_FieldKey, TypedExpression] = {}
        writes: dict[_FieldKey, TypedExpression] = {}
        for csr in self.isa.csrs.values():
            for field in csr.fields.values():
                key = csr.name, field.name
                if field.read is not None:
                    owner = f"field__{csr.name}__{field.name}"
                    reads[key] = self._field(csr, field, field.read, owner, ())
                if field.write is not None:
                    variables = _variable("value", field.width), _variable("old", field.width)
                    owner = f"csr:{csr.name}.{field.name}"
                    writes[key] = self._field(csr, field, field.write, owner, variables)
        return reads, writes

    def _field(
        self, csr: CSR, field: Field, source: Source, owner: str, variables: tuple[Local, ...]
    ) -> TypedExpression:
        scope = Scope(owner, _csr_index(csr))
        _declare(scope, variables)
        checker = ExpressionChecker(self.library, source, scope)
        value = checker.typed(parse.parse_expression(source), field.width)
        return TypedExpression(variables, value, source.place)

    def _functions(self) -> set[str]:
        """Check all functions, reachable or not; returns the names of those the engines call."""
        entries = set()
        for function in self.isa.functions.values():
            _check_parameters(function, self.library)
            statics = self.library.statics(function.name).count(True)
            if function.name in ENTRIES:
                self._check_entry(function)
            if function.entry and len(MEMORY_SIZES) ** statics > MAX_SPECIALISATIONS:
                raise DrafthartError(
                    f"{function.place}: `{function.name}` has {statics} static parameters, and "
                    "engines call it with each size for each; expected fewer"
                )
            if function.entry or not statics:
                for values in product(MEMORY_SIZES, repeat=statics):
                    callee = self.library.callee(function.name, values, "")
                    if function.entry:
                        entries.add(callee.name)
        while self.library.pending:
            callee = self.library.pending.pop()
            self.functions[callee.name] = self._function(callee)
        for name, (csr, field) in self.library.computed.items():
            assert field.read is not None
            value = self._field(self.isa.csrs[csr], field, field.read, name, ()).value
            self.functions[name] = TypedFunction(
                name,
                name,
                (),
                (),
                field.width,
                (Return(value),),
                False,
                False,
                field.doc,
                field.place,
            )
        return entries

    def _function(self, callee: Callee) -> TypedFunction:
        function = self.isa.functions[callee.base]
        parameters = tuple(_variable(name, width) for name, width in callee.parameters.items())
        self.library.calls.setdefault(callee.base, set())
        scope = Scope(callee.base, dict(callee.statics))
        _declare(scope, parameters)
        checker = BodyChecker(
            self.library, function.operation, scope, callee.returns, function.ends
        )
        return TypedFunction(
            callee.name,
            callee.base,
            tuple(callee.statics.values()),
            parameters,
            callee.returns,
            checker.check(),
            function.ends,
            function.entry,
            function.doc,
            function.place,
        )

    def _check_entry(self, function: Function) -> None:
        """The engines rely on the widths of what they call."""
        expected = ENTRIES[function.name]
        statics = {name: 1 for name, width in function.parameters.items() if width == "static"}

        def widths(parameters: Mapping[str, str], returns: str | None) -> list[int | None]:
            texts = [*parameters.values(), returns]
            given = {**statics, "size": 1}
            return [
                None if text in ("static", None) else self._width(text or "", given, function.place)
                for text in texts
            ]

        if not function.entry:
            raise DrafthartError(
                f"{function.place}: the function `{function.name}` without `entry: true`; "
                "expected it, as the engines call this function"
            )
        if widths(function.parameters, function.returns) != widths(
            expected.parameters, expected.returns
        ):
            parameters = ", ".join(f"{name}: {text}" for name, text in expected.parameters.items())
            returns = f" → {expected.returns}" if expected.returns else ""
            raise DrafthartError(
                f"{function.place}: another signature of the entry function `{function.name}`; "
                f"expected ({parameters}){returns}, as the engines call it"
            )

    # What follows once all is typed

    def _analyse(self) -> None:
        by_base: dict[str, list[TypedFunction]] = {}
        for function in self.functions.values():
            by_base.setdefault(function.base, []).append(function)
        for base in self.library.order():
            for function in by_base.get(base, ()):
                self.steps[function.name] = check_steps(function.body, self.steps, function.place)
                self.effects[function.name] = effects_of(function.body, self.effects)

    def _seal(self, operation: TypedOperation) -> TypedOperation:
        check_steps(operation.body, self.steps, operation.place)
        return replace(
            operation,
            effects=effects_of(operation.body, self.effects),
            kind=classify(operation.body, self.effects),
        )

    def _pure(self, expression: TypedExpression, name: str) -> Effects:
        effects = effects_of(expression.value, self.effects)
        if not effects.pure:
            does = "may end the instruction" if effects.may_end else "changes something"
            raise DrafthartError(
                f"{expression.place}: the field `{name}` calls what {does}; "
                "expected an expression without effects"
            )
        return effects


def _variable(name: str, width: int) -> Local:
    return Local(name, width, fold.ones(width))


def _declare(scope: Scope, variables: tuple[Local, ...]) -> None:
    scope.variables |= {local.name: local for local in variables}
    scope.assigned |= {local.name for local in variables}


def _csr_index(csr: CSR) -> dict[str, int]:
    return {} if csr.array is None else {"index": csr.index}


def _check_parameters(function: Function, library: Library) -> None:
    for name in function.parameters:
        if not is_name(name):
            problem = "no name that operations could use"
        elif (what := library.describe(name)) is not None:
            problem = f"also {what}"
        else:
            continue
        raise DrafthartError(
            f"{function.place}: the parameter `{name}` of `{function.name}` is {problem}; "
            "expected another name"
        )
