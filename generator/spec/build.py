"""Model objects from nodes: everything but CSRs and parameters."""

from __future__ import annotations

from collections.abc import Mapping

from drafthart.generator.spec.choices import Choices
from drafthart.generator.spec.encoding import parse_encoding
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import (
    Cause,
    Constant,
    Function,
    Instruction,
    Operand,
    Pseudoinstruction,
    Rule,
    Source,
    State,
)
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node

_MOST_STATE = 1 << 16
_WIDTHS = {"register": 5, "float": 5, "csr": 12, "ordering": 1, "fence": 4, "rounding": 3}


def source(node: Node, name: str) -> Source | None:
    """The text of an operation and where it starts."""
    entry = node.get(name)
    return Source(entry.text, entry.place) if entry else None


def build_constants(items: Items) -> dict[str, Constant]:
    """Names for numbers."""
    return {
        name: Constant(name, node.number_of("value"), node.text_of("doc"), node.key)
        for name, node in items.sections["constants"].items()
    }


def build_state(items: Items, xlen: int) -> dict[str, State]:
    """A hart's own state."""
    elements = 0
    for node in items.sections["state"].values():
        elements += node.number_of("count", 1)
        if elements > _MOST_STATE:
            most = f"at most {_MOST_STATE} registers in all"
            raise SpecError(node.key, "too much state", most)
    return {
        name: State(
            name=name,
            width=xlen if node.text_of("width") == "XLEN" else node.number_of("width"),
            count=node.number_of("count"),
            reset=node.number_of("reset"),
            doc=node.text_of("doc"),
            place=node.key,
        )
        for name, node in items.sections["state"].items()
    }


def build_operands(items: Items) -> dict[str, Operand]:
    """What the names in encodings mean."""
    return {
        name: Operand(
            name=name,
            kind=node.text_of("kind"),
            width=node.number_of("width") or _WIDTHS.get(node.text_of("kind")),
            base=node.number_of("base"),
            signed=bool(node.number_of("signed")),
            relative=bool(node.number_of("relative")),
            default=default.number if (default := node.get("default")) else None,
            doc=node.text_of("doc"),
            place=node.key,
        )
        for name, node in items.sections["operands"].items()
    }


def build_instructions(
    items: Items, operands: Mapping[str, Operand], choices: Choices
) -> dict[str, Instruction]:
    """The instructions that exist with these choices, their encodings parsed."""
    instructions: dict[str, Instruction] = {}
    for name, node in items.sections["instructions"].items():
        if not choices.exists(node):
            continue
        constraints = node.get("constraints")
        expands = node.get("expands")
        instructions[name] = Instruction(
            mnemonic=name,
            extension=node.text_of("extension"),
            encoding=parse_encoding(
                node.entries["encoding"], constraints.sequence if constraints else (), operands
            ),
            assembly=node.text_of("assembly"),
            operation=source(node, "operation"),
            expands=expands.text if expands else None,
            doc=node.text_of("doc"),
            place=node.key,
            origin=items.origin("instructions", name),
        )
    return instructions


def build_pseudoinstructions(items: Items, choices: Choices) -> dict[str, Pseudoinstruction]:
    """The assembler's shorthands that exist with these choices."""
    return {
        name: Pseudoinstruction(
            mnemonic=name,
            assembly=node.text_of("assembly"),
            expands=tuple(line.text for line in node.entries["expands"].sequence),
            doc=node.text_of("doc"),
            place=node.key,
        )
        for name, node in items.sections["pseudoinstructions"].items()
        if choices.exists(node)
    }


def build_causes(items: Items, section: str) -> dict[int, Cause]:
    """Exceptions or interrupts by code."""
    most = 63  # medeleg and mideleg have no bit for others
    causes: dict[int, Cause] = {}
    for code, node in items.sections[section].items():
        if int(code) > most:
            raise SpecError(node.key, f"the code {code} is too large", f"use at most {most}")
        causes[int(code)] = Cause(
            code=int(code),
            name=node.text_of("name"),
            constant=node.text_of("constant"),
            doc=node.text_of("doc"),
            place=node.key,
            origin=items.origin(section, code),
        )
    return causes


def build_functions(items: Items) -> dict[str, Function]:
    """Functions for operations."""
    functions: dict[str, Function] = {}
    for name, node in items.sections["functions"].items():
        operation = source(node, "operation")
        assert operation is not None  # the schema requires it
        parameters = node.entries["parameters"].entries if node.get("parameters") else {}
        functions[name] = Function(
            name=name,
            parameters={key: width.text for key, width in parameters.items()},
            returns=node.text_of("returns") or None,
            ends=bool(node.number_of("ends")),
            entry=bool(node.number_of("entry")),
            operation=operation,
            doc=node.text_of("doc"),
            place=node.key,
            origin=items.origin("functions", name),
            cache=_cache(node, parameters),
        )
    return functions


def _cache(node: Node, parameters: Mapping[str, Node]) -> tuple[str, ...]:
    found = node.get("cache")
    names = found.sequence if found else ()
    for name in names:
        if name.text not in parameters:
            known = did_you_mean(name.text, parameters)
            raise SpecError(name.place, f"the function has no parameter {name.text!r}", known)
    return tuple(name.text for name in names)


def build_rules(items: Items) -> dict[str, Rule]:
    """Behaviours that the prose states."""
    return {
        name: Rule(
            id=name,
            summary=node.text_of("summary"),
            by=tuple(item.text for item in node.entries["by"].sequence),
            section=node.text_of("section"),
            place=node.key,
            origin=items.origin("rules", name),
        )
        for name, node in items.sections["rules"].items()
    }
