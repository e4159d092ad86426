"""The operation language: checked, typed, and translated by back ends."""

from drafthart.generator.language.check import check_isa
from drafthart.generator.language.ir import (
    Effects,
    Program,
    TypedExpression,
    TypedFunction,
    TypedOperation,
)
from drafthart.generator.language.python import (
    HELPERS,
    emit_expression,
    emit_function,
    emit_operation,
)
from drafthart.generator.language.template import Template, emit_template

__all__ = [
    "HELPERS",
    "Effects",
    "Program",
    "Template",
    "TypedExpression",
    "TypedFunction",
    "TypedOperation",
    "check_isa",
    "emit_expression",
    "emit_function",
    "emit_operation",
    "emit_template",
]
