"""CSR access as C: `csr_read_NAME(h)`, `csr_write_NAME(h, value)`, `csr_check_NAME(h, write)`."""

from __future__ import annotations

from drafthart.generator.emit.storage import is_stored
from drafthart.generator.language.c import Watched, comment, emit_expression, emit_operation
from drafthart.generator.language.c_expressions import literal
from drafthart.generator.language.c_names import c_name
from drafthart.generator.language.fold import ones
from drafthart.generator.language.ir import Local, Program
from drafthart.generator.spec.model import CSR, ISA, Field


def csr_functions(isa: ISA, program: Program, csr: CSR, watched: Watched) -> list[list[str]]:
    """The functions of one CSR, each as lines."""
    functions = [_read(isa, program, csr, watched), _write(isa, program, csr, watched)]
    if csr.access is not None:
        functions.append(
            emit_operation(
                f"csr_check_{csr.name}",
                [Local("write", 1, 1)],
                program.csr_access[csr.name],
                program.effects,
                watched,
            )
        )
    return functions


def storage(csr: CSR) -> str:
    """Where its value lies."""
    return f"h->{c_name(csr.array)}[{csr.index}]" if csr.array else f"h->{c_name(csr.name)}"


def _read(isa: ISA, program: Program, csr: CSR, watched: Watched) -> list[str]:
    name = f"csr_read_{csr.name}"
    if csr.read is not None:
        operation = program.csr_read[csr.name]
        return emit_operation(name, [], operation, program.effects, watched)
    head = [*comment(csr.doc), f"static u64 {name}(Hart *h) {{"]
    if csr.constant is not None:
        return [*head, "    (void)h;", f"    return {literal(csr.constant)};", "}"]
    if csr.view is not None:
        home = isa.csrs[csr.view.of]
        terms = [
            _moved("home", home.fields[target], csr.fields[own])
            for own, target in csr.view.fields.items()
        ]
        return [
            *head,
            f"    u64 home = csr_read_{home.name}(h);",
            f"    return {' | '.join(terms)};",
            "}",
        ]
    computed = [field for field in csr.fields.values() if field.read is not None]
    stored = ones(csr.width)
    for field in computed:
        stored &= ~field.mask
    terms = [f"({storage(csr)} & {literal(stored)})" if computed else storage(csr)]
    for field in computed:
        text = emit_expression(program.field_read[csr.name, field.name], program.effects)
        terms.append(f"{text} << {field.low}")
    return [*head, f"    return {' | '.join(terms)};", "}"]


def _write(isa: ISA, program: Program, csr: CSR, watched: Watched) -> list[str]:
    name = f"csr_write_{csr.name}"
    if csr.write is not None:
        value = Local("value", csr.width, ones(csr.width))
        operation = program.csr_write[csr.name]
        return emit_operation(name, [value], operation, program.effects, watched)
    head = f"static void {name}(Hart *h, u64 value) {{"
    if not is_stored(csr) and csr.view is None:
        return [head, "    (void)h, (void)value;", "}"]
    if csr.view is not None:
        home = isa.csrs[csr.view.of]
        pairs = [(csr.fields[own], home.fields[target]) for own, target in csr.view.fields.items()]
        kept = ones(home.width)
        for _, target in pairs:
            kept &= ~target.mask
        terms = [f"({storage(home)} & {literal(kept)})"]
        terms += [_moved("value", own, target) for own, target in pairs]
        return [head, f"    csr_write_{home.name}(h, {' | '.join(terms)});", "}"]
    lines = _write_stored(program, csr, watched.changed.get(csr.array or csr.name, 0))
    return [head, *(f"    {line}" for line in lines), "}"]


def _write_stored(program: Program, csr: CSR, watched: int) -> list[str]:
    place = storage(csr)
    plain = 0 if csr.fields else ones(csr.width)
    flush = 0
    checked: list[str] = []
    for field in csr.fields.values():
        if field.kind == "RO" or field.read is not None:
            continue
        if field.flush and not field.tagged:
            flush |= field.mask
        if field.write is not None:
            checked += _written(program, csr, field)
        elif field.legal is None or len(field.legal) == 1 << field.width:
            plain |= field.mask
        elif len(field.legal) > 1:
            checked += _legal(field)
    kept = ones(csr.width) & ~plain
    lines = [
        f"u64 old = {place};",
        f"u64 new = (old & {literal(kept)}) | (value & {literal(plain)});",
        *checked,
        f"{place} = new;",
    ]
    if flush:
        lines.append(f"if ((new ^ old) & {literal(flush)}) flush_translations(h);")
    if watched:
        lines.append(f"if ((new ^ old) & {literal(watched)}) h->changed = 1;")
    return lines


def _legal(field: Field) -> list[str]:
    """Take the field's new value if it is one of the legal ones."""
    assert field.legal is not None
    bits = f"(value >> {field.low} & {literal(ones(field.width))})"
    if isinstance(field.legal, range):
        first, last = field.legal.start, field.legal.stop - 1
        test = f"{bits} >= {literal(first)} && {bits} <= {literal(last)}"
    else:
        test = " || ".join(f"{bits} == {literal(legal)}" for legal in field.legal)
    replaced = _replaced(field, f"(value & {literal(field.mask)})")
    return [f"if ({test}) new = {replaced}; /* {field.name} */"]


def _written(program: Program, csr: CSR, field: Field) -> list[str]:
    """Ask the field's own expression what it becomes; `whole` keeps the CSR's value apart."""
    text = emit_expression(program.field_write[csr.name, field.name], program.effects)
    mask = literal(ones(field.width))
    return [
        f"{{ /* {field.name} */",
        "    u64 whole = value, whole_old = old;",
        f"    u64 value = whole >> {field.low} & {mask}, old = whole_old >> {field.low} & {mask};",
        "    (void)value, (void)old;",
        f"    new = {_replaced(field, f'{text} << {field.low}')};",
        "}",
    ]


def _replaced(field: Field, bits: str) -> str:
    return f"(new & {literal(ones(64) & ~field.mask)}) | {bits}"


def _moved(value: str, source: Field, target: Field) -> str:
    """The bits of `source` in `value`, at the place of `target`."""
    shift = target.low - source.low
    text = f"({value} & {literal(source.mask)})"
    if shift == 0:
        return text
    return f"{text} << {shift}" if shift > 0 else f"{text} >> {-shift}"
