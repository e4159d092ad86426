"""CSR access as Python: `_read_NAME(h)`, `_write_NAME(h, value)`, `_check_NAME(h, write)`."""

from __future__ import annotations

from drafthart.generator.language.ir import Program
from drafthart.generator.language.python import emit_expression, emit_operation
from drafthart.generator.spec.model import CSR, ISA, Field


def csr_functions(isa: ISA, program: Program, csr: CSR) -> list[list[str]]:
    """The functions of one CSR, each as lines."""
    functions = [_read(isa, program, csr), _write(isa, program, csr)]
    if csr.access is not None:
        functions.append(
            emit_operation(f"_check_{csr.name}", ["write"], program.csr_access[csr.name])
        )
    return functions


def storage(csr: CSR) -> str:
    """Where its value lies, as a Python expression."""
    return f"h.{csr.array}[{csr.index}]" if csr.array else f"h.{csr.name}"


def reset_value(csr: CSR) -> int:
    """What the storage holds at reset."""
    return sum(field.reset << field.low for field in csr.fields.values())


def _read(isa: ISA, program: Program, csr: CSR) -> list[str]:
    head = f"def _read_{csr.name}(h):"
    if csr.read is not None:
        return emit_operation(f"_read_{csr.name}", [], program.csr_read[csr.name])
    if csr.constant is not None:
        return [head, f"    return {csr.constant:#x}"]
    if csr.view is not None:
        home = isa.csrs[csr.view.of]
        terms = [
            _moved("home", home.fields[target], csr.fields[name])
            for name, target in csr.view.fields.items()
        ]
        return [head, f"    home = _read_{home.name}(h)", f"    return {' | '.join(terms)}"]
    computed = [field for field in csr.fields.values() if field.read is not None]
    value = storage(csr)
    if computed:
        stored = _ones(csr.width)
        for field in computed:
            stored &= ~field.mask
        value = f"{value} & {stored:#x}"
    terms = [value]
    for field in computed:
        expression = emit_expression(program.field_read[csr.name, field.name])
        terms.append(f"({expression}) << {field.low}")
    return [head, f"    return {' | '.join(terms)}"]


def _write(isa: ISA, program: Program, csr: CSR) -> list[str]:
    head = f"def _write_{csr.name}(h, value):"
    if csr.write is not None:
        return emit_operation(f"_write_{csr.name}", ["value"], program.csr_write[csr.name])
    if csr.constant is not None or csr.read is not None:
        return [head, "    pass"]
    if csr.view is not None:
        home = isa.csrs[csr.view.of]
        pairs = [
            (csr.fields[name], home.fields[target]) for name, target in csr.view.fields.items()
        ]
        kept = _ones(home.width)
        for _, target in pairs:
            kept &= ~target.mask
        terms = [f"{storage(home)} & {kept:#x}"]
        terms += [_moved("value", own, target) for own, target in pairs]
        return [head, f"    _write_{home.name}(h, {' | '.join(terms)})"]
    return [head, *(f"    {line}" for line in _write_stored(program, csr))]


def _write_stored(program: Program, csr: CSR) -> list[str]:
    place = storage(csr)
    if not csr.fields:
        return [f"{place} = value & {_ones(csr.width):#x}"]
    plain = 0
    flush = 0
    checked: list[str] = []
    for field in csr.fields.values():
        if field.kind == "RO" or field.read is not None:
            continue
        if field.flush:
            flush |= field.mask
        if field.write is not None:
            checked += _written(program, csr, field)
        elif field.legal is not None:
            if len(field.legal) == 1 << field.width:
                plain |= field.mask
            elif len(field.legal) > 1:
                checked += _legal(field)
        else:
            plain |= field.mask
    lines = ["old = " + place] if checked or flush or plain != _ones(csr.width) else []
    if plain == _ones(csr.width):
        # A 32-bit CSR is written with all of XLEN.
        lines.append(f"new = value & {plain:#x}")
    elif plain:
        lines.append(f"new = old & {_ones(csr.width) & ~plain:#x} | value & {plain:#x}")
    else:
        lines.append("new = old")
    lines += checked
    lines.append(f"{place} = new")
    if flush:
        lines += [f"if (new ^ old) & {flush:#x}:", "    h.flush_translations()"]
    return lines


def _legal(field: Field) -> list[str]:
    """Take the field's new value if it is one of the legal ones."""
    assert field.legal is not None
    legal = field.legal
    bits = f"value >> {field.low} & {_ones(field.width):#x}"
    if isinstance(legal, range):
        test = f"{legal.start} <= ({bits}) <= {legal.stop - 1}"
    else:
        test = f"{bits} in {tuple(legal)}"
    return [
        f"if {test}:  # {field.name}",
        f"    new = {_replaced(field, f'value & {field.mask:#x}')}",
    ]


def _written(program: Program, csr: CSR, field: Field) -> list[str]:
    """Ask the field's own expression what it becomes; `whole` keeps the CSR's value apart."""
    expression = emit_expression(program.field_write[csr.name, field.name])
    mask = _ones(field.width)
    return [
        f"# {field.name}",
        "whole, whole_old = value, old",
        f"value, old = whole >> {field.low} & {mask:#x}, whole_old >> {field.low} & {mask:#x}",
        f"new = {_replaced(field, f'({expression}) << {field.low}')}",
        "value, old = whole, whole_old",
    ]


def _replaced(field: Field, bits: str) -> str:
    return f"new & ~{field.mask:#x} | {bits}"


def _moved(value: str, source: Field, target: Field) -> str:
    """The bits of `source` in `value`, at the place of `target`."""
    shift = target.low - source.low
    masked = f"{value} & {source.mask:#x}"
    if shift > 0:
        return f"({masked}) << {shift}"
    return f"({masked}) >> {-shift}" if shift else f"({masked})"


def _ones(width: int) -> int:
    return (1 << width) - 1
