"""`drafthart explain`: what the spec says of an item, and said in each draft."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Annotated, TypeAlias

import typer
from rich.table import Table
from rich.text import Text

from drafthart.arguments import (
    Format,
    FormatOption,
    Revision,
    SpecsOption,
    Xlen,
    XlenOption,
    complete_item,
    resolved,
)
from drafthart.generator.diff.aspects import TEXTS, aspects, bits, summary
from drafthart.generator.diff.differences import Difference
from drafthart.generator.diff.drawing import csr_cells, encoding_cells
from drafthart.generator.diff.items import Item, find
from drafthart.generator.errors import DrafthartError
from drafthart.generator.history.data import explained, explained_name
from drafthart.generator.history.drafts import History, Span, find_anywhere, history
from drafthart.generator.history.normative import (
    PREFIX,
    NormativeRule,
    NormativeRules,
    counterparts,
    normative_rules,
)
from drafthart.generator.history.uses import calls, legality_rules, rules_naming, users
from drafthart.generator.spec.model import (
    CSR,
    ISA,
    Cause,
    Change,
    Field,
    Function,
    Instruction,
    Rule,
)
from drafthart.generator.spec.series import extension_of
from drafthart.output import say, say_json, table
from drafthart.pictures import draw

EXAMPLES = (
    "drafthart explain h@1.0 hstatus",
    "drafthart explain h@1.0 csr:hstatus.VTW",
    "drafthart explain h@1.0 hlvx.wu",
    "drafthart explain h@1.0 cause:22",
    "drafthart explain h@1.0 fn:check_wfi --format json",
    "drafthart explain h@1.0 norm:hstatus_vtw_op",
)

_COLUMNS = 80
_ABSENT = "(not in these)"
_Block: TypeAlias = str | Text | Table


def explain(
    revision: Revision,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="An id, such as csr:hstatus.VTW, insn:hlv.b or cause:22, or a bare name; "
            "or the manual's own name of a normative rule.",
            autocompletion=complete_item,
            show_default=False,
        ),
    ],
    format_: FormatOption = Format.TEXT,
    xlen: XlenOption = Xlen.RV64,
    specs: SpecsOption = None,
) -> None:
    """Explain an item: what REV says of it, what each draft said, and which changes made it so.

    The drafts are those before REV and after it, up to the latest; neighbours that agree share
    a row. An item is followed through renames. A name that the manual has for a normative rule, as
    norm:hstatus_vtw_op or without the prefix, leads to what it is here.
    """
    isa = resolved(revision, specs, xlen)
    names = normative_rules(extension_of(isa.id), specs)
    if names and (rule := _of_the_manual(isa, what, names)):
        ours = counterparts(isa, names, rule, specs)
        if format_ is Format.JSON:
            say_json(explained_name(names, rule, ours))
        else:
            say(*_name_page(isa, names, rule, ours))
        return
    id_, item = find_anywhere(isa, what, specs=specs)
    past = history(isa, id_, specs=specs)
    normative = names.of(id_) if names else []
    if format_ is Format.JSON:
        say_json(explained(isa, id_, item, past, normative))
    else:
        say(*_page(isa, id_, item, past, normative))


def _of_the_manual(isa: ISA, what: str, names: NormativeRules) -> NormativeRule | None:
    """The normative rule that people mean; an item of ours comes before one of the same name."""
    if what.startswith(PREFIX):
        return names.find(what)
    try:
        find(isa, what)
    except DrafthartError:
        return names.rules.get(what)
    return None


def _name_page(
    isa: ISA,
    names: NormativeRules,
    rule: NormativeRule,
    ours: Iterable[tuple[str, Item, ISA]],
) -> Iterator[_Block]:
    yield Text.assemble((f"{PREFIX}{rule.name}", "bold"), f"  in riscv-isa-manual {names.commit}")
    yield ""
    lines = []
    for id_, item, state in ours:
        where = "" if state is isa else f"  in {state.id}"
        width = "" if state.xlen == isa.xlen else f", XLEN={state.xlen}"
        said = item.summary if isinstance(item, Rule) else _doc(item)
        lines += [f"  {id_}{where}{width}", *_indented(said)]
    if lines:
        yield from _heading("here")
        yield from lines
        yield ""
    if rule.why:
        yield from _heading("what it leaves out" if lines else "why there is nothing here")
        yield from _indented(rule.why)
        yield ""
    yield Text(f"joined at {rule.place}", style="dim")


def _page(
    isa: ISA, id_: str, item: Item, past: History, normative: Iterable[str]
) -> Iterator[_Block]:
    yield Text.assemble((id_, "bold"), f"  in {isa.id}")
    yield ""
    if said := item.summary if isinstance(item, Rule) else _doc(item):
        yield from wrap(said, _COLUMNS)
        yield ""
    yield from _now(isa, item)
    if isinstance(item, Instruction):
        yield from _rules("where it is legal", legality_rules(isa, item))
    yield from _rules("rules that name it", rules_naming(isa, id_))
    yield from _names("normative rules of the manual", normative)
    yield from _names("calls", (f"fn:{name}" for name in calls(isa, item)))
    yield from _names("raised by" if isinstance(item, Cause) else "used by", users(isa, id_, item))
    yield from _heading("in each draft")
    yield from _drafts(past.spans)
    yield from _heading("changes")
    yield from _changes(past.changes)
    yield Text(f"defined at {item.place}", style="dim")


def _now(isa: ISA, item: Item) -> Iterator[_Block]:
    """What the item is in this revision, as far as the drafts below do not show it."""
    known = aspects(item)
    facts: list[tuple[str, ...]]
    match item:
        case CSR():
            fields = sorted(item.fields.values(), key=lambda field: -field.high)
            facts = [(field.name, bits(field.high, field.low), _doc(field)) for field in fields]
        case Instruction():
            if item.encoding:
                yield from draw(encoding_cells(item.encoding))
                yield ""
            facts = [("assembly", f"{item.mnemonic} {item.assembly}".strip())]
            facts += [("expands to", item.expands)] if item.expands else []
            operands = item.encoding.operands if item.encoding else ()
            facts += [(name, _doc(isa.operands[name])) for name in operands]
        case Cause():
            facts = [("name", item.name), ("in operations", item.constant)]
        case Rule():
            facts = [("section", item.section), ("by", ", ".join(item.by))]
        case _:
            facts = [(name, text) for name, text in known.items() if name not in TEXTS]
    if facts:
        yield table(("",) * len(facts[0]), facts, header=False)
        yield ""
    for name in TEXTS:
        if name in known:
            yield from _heading(name)
            yield from (f"    {line}".rstrip() for line in known[name].splitlines())
            yield ""


def _doc(item: Item) -> str:
    return " ".join(getattr(item, "doc", "").split())


def _heading(title: str) -> Iterator[Text]:
    yield Text(f"{title}:", style="bold")


def _rules(title: str, rules: Iterable[Rule]) -> Iterator[_Block]:
    lines = [line for rule in rules for line in (f"  rule:{rule.id}", *_indented(rule.summary))]
    if lines:
        yield from _heading(title)
        yield from lines
        yield ""


def _names(title: str, ids: Iterable[str]) -> Iterator[_Block]:
    listed = ", ".join(ids)
    if listed:
        yield from _heading(title)
        yield from wrap(
            listed,
            _COLUMNS,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        yield ""


def _indented(text: str) -> list[str]:
    indent = " " * 6
    return wrap(
        text,
        _COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _drafts(spans: tuple[Span, ...]) -> Iterator[_Block]:
    if any(isinstance(span.item, CSR) for span in spans):
        yield from _csr_drafts(spans)
    elif any(isinstance(span.item, Field) for span in spans):
        yield table(("drafts", "field", "bits", "kind", "legal"), map(_field_row, spans))
    elif len({span.id for span in spans}) > 1:
        yield table(("drafts", "id", "item"), ((it.drafts, it.id, _said(it)) for it in spans))
    else:
        yield table(("drafts", "item"), ((span.drafts, _said(span)) for span in spans))
    yield ""
    for span in spans:
        for difference in span.differences:
            if difference.is_text and difference.before and difference.after:
                yield from _heading(f"{_place(difference)} becomes in {span.first}")
                # The first two lines name files.
                yield from (f"    {line}" for line in difference.unified().splitlines()[2:])
                yield ""


def _csr_drafts(spans: tuple[Span, ...]) -> Iterator[_Block]:
    drawn = None
    for span in spans:
        if not isinstance(span.item, CSR):
            yield f"  {span.drafts}  {_ABSENT}"
            continue
        yield f"  {span.drafts}  {span.id.removeprefix('csr:')}  {summary(span.item)}"
        for difference in span.differences:
            yield from _indented(_words(difference))
        cells = csr_cells(span.item)
        if span.item.fields and cells != drawn:
            yield from draw(cells)
            drawn = cells


def _field_row(span: Span) -> tuple[str, ...]:
    if not isinstance(span.item, Field):
        return span.drafts, _ABSENT, "", "", ""
    known = aspects(span.item)
    # Where neither is given, the write of the whole register may still refuse a value.
    free = "computed" if "read" in known else "as write has it" if "write" in known else ""
    name = span.id.removeprefix("csr:")
    return span.drafts, name, known["bits"], known["kind"], known.get("legal", free)


def _said(span: Span) -> str:
    if span.item is None:
        return _ABSENT
    changed = [it.kind for it in span.differences if it.is_text or it.kind in ("by", "assembly")]
    note = f"\n(changed: {', '.join(changed)})" if changed else ""
    name = span.item.name if isinstance(span.item, Function) else ""
    return f"{name}{summary(span.item)}{note}"


def _place(difference: Difference) -> str:
    """What a difference is about, in a word or two."""
    owner = difference.item.partition(".")[2] if difference.item.startswith("csr:") else ""
    return f"{owner} {difference.kind}".strip()


def _words(difference: Difference) -> str:
    name = difference.item.removeprefix("csr:")
    match difference.kind:
        case "added" | "removed":
            said = difference.after or difference.before
            return f"{name} {difference.kind}: {said}"
        case kind if difference.is_text:
            return f"{name}: {kind} changed" if difference.before else f"{name}: {kind} given"
    before, after = difference.before or "(none)", difference.after or "(none)"
    return f"{name} {difference.kind}: {before} → {after}"


def _changes(changes: Iterable[Change]) -> Iterator[_Block]:
    none = True
    for change in changes:
        none = False
        commits = ", ".join(commit[:8] for commit in change.commits)
        broken = f"  breaks {', '.join(change.breaks)}" if change.breaks else ""
        yield f"  {change.date}  {change.revision}  {change.id}"
        yield from _indented(f"commit {commits}{broken}")
        yield from _indented(change.summary)
    if none:
        yield "  none: it is as the base has it"
    yield ""
