"""A Go package with the numbers of a revision as constants."""

from __future__ import annotations

import json

from drafthart.generator.emit.exports.constants import constants
from drafthart.generator.emit.exports.header import remarks
from drafthart.generator.emit.exports.names import module_name
from drafthart.generator.emit.exports.tables import tabulate
from drafthart.generator.spec.model import ISA, Status


def emit_go(isa: ISA) -> str:
    """The file's text, as gofmt lays it out. Constants have no type: each use chooses its own."""
    unstable = "false" if isa.status is Status.RATIFIED else "true"
    head = [
        # The form by which Go's tools tell what is generated.
        f"// Code generated from {isa.id} by Drafthart. DO NOT EDIT.\n\n",
        *(f"// {it}\n" for it in remarks(isa)),
        f"\npackage {module_name(isa)}\n",
        _block(
            [
                ("REVISION", json.dumps(isa.id)),
                ("STATUS", json.dumps(str(isa.status))),
                ("UNSTABLE", unstable),
            ]
        ),
    ]
    for group in constants(tabulate(isa)):
        head += [f"\n// {group.title}.", _block([(it.name, it.text) for it in group.numbers])]
    return "".join(head)


def _block(entries: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in entries)
    rows = "".join(f"\t{name:<{width}} = {value}\n" for name, value in entries)
    return f"\nconst (\n{rows})\n"
