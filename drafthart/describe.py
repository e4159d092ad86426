"""One item of a revision as a page for people."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rich.table import Table
from rich.text import Text

from drafthart.generator.diff.aspects import TEXTS, aspects, bits, values
from drafthart.generator.diff.drawing import csr_cells, encoding_cells
from drafthart.generator.diff.items import Item, touching
from drafthart.generator.spec.model import (
    CSR,
    ISA,
    Instruction,
    Operand,
    Parameter,
    Rule,
)
from drafthart.output import table
from drafthart.pictures import draw


def page(isa: ISA, id_: str, item: Item) -> Iterator[str | Text | Table]:
    """The item for people, in blocks with an empty line between."""
    yield Text.assemble((id_, "bold"), f"  in {isa.id}")
    known = aspects(item)
    facts = {name: text for name, text in known.items() if name not in {*TEXTS, "summary"}}
    if isinstance(item, Instruction):
        facts |= _match_and_mask(item)
    yield ""
    yield from wrap(_text_of(item), 80)
    yield ""
    yield from _picture(item)
    if isinstance(item, CSR) and item.fields:
        yield _fields(item)
        yield ""
    if isinstance(item, Instruction):
        yield from _operands(isa, item)
    if isinstance(item, Parameter) and item.value != item.default:
        facts["value"] = str(item.value)
    if facts:
        yield table(("", ""), facts.items(), header=False)
        yield ""
    for name in TEXTS:
        if name in known:
            yield Text(f"{name}:", style="bold")
            yield from (f"    {line}" for line in known[name].splitlines())
            yield ""
    for change in touching(isa, id_):
        yield f"{change.date}  {change.revision}  changed by {change.id}"
    yield Text(f"defined at {item.place}", style="dim")


def _text_of(item: Item) -> str:
    text = item.summary if isinstance(item, Rule) else getattr(item, "doc", "")
    return " ".join(str(text).split())


def _picture(item: Item) -> Iterator[str]:
    cells = None
    if isinstance(item, CSR) and item.fields:
        cells = csr_cells(item)
    elif isinstance(item, Instruction) and item.encoding is not None:
        cells = encoding_cells(item.encoding)
    if cells:
        yield from draw(cells)
        yield ""


def _fields(csr: CSR) -> Table:
    return table(
        ("field", "bits", "kind", "legal", "meaning"),
        (
            (
                field.name,
                bits(field.high, field.low),
                field.kind,
                "" if field.legal is None else values(field.legal),
                _text_of(field),
            )
            for field in sorted(csr.fields.values(), key=lambda field: -field.high)
        ),
    )


def _match_and_mask(instruction: Instruction) -> dict[str, str]:
    encoding = instruction.encoding
    if encoding is None:
        return {}
    digits = encoding.width // 4 + 2
    return {"match": f"{encoding.match:#0{digits}x}", "mask": f"{encoding.mask:#0{digits}x}"}


def _operands(isa: ISA, instruction: Instruction) -> Iterator[str | Table]:
    encoding = instruction.encoding
    operands: list[Operand] = [
        isa.operands[name] for name in (encoding.operands if encoding else ())
    ]
    if operands:
        yield table(
            ("operand", "kind", "meaning"),
            ((operand.name, operand.kind, _text_of(operand)) for operand in operands),
        )
        yield ""
