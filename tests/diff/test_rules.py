"""The table of rules: complete, documented, and each rule finds what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec_folder import Folder, change

from drafthart.generator.diff import aspects as aspects_module
from drafthart.generator.diff.findings import Finding, compare, kind_of
from drafthart.generator.diff.items import items
from drafthart.generator.diff.rule_table import Audience, Condition, Severity, rule_table
from drafthart.generator.diff.rules_page import rules_page
from drafthart.generator.spec.resolve import resolve

DOCS = Path(__file__).resolve().parents[2] / "docs"
BREAKING, DANGEROUS, COMPATIBLE, EDITORIAL = Severity

NOTHING = ""
CSR = "{address: 0x301, mode: S, fields: {A: {bits: 0, kind: WARL}}}"

# The rule that a change has, on items of tests/support/spec_folder.py, and the item that has it.
EXAMPLES = [
    ("csr-added", "csr:new", f"add: {{csrs.new: {CSR}}}"),
    ("csr-removed", "csr:window", "remove: [csrs.window]"),
    ("csr-renamed", "csr:pane", "rename: {csrs.window: pane}"),
    ("csr-address-changed", "csr:window", "replace: {csrs.window.address: 0x105}"),
    ("csr-address-withdrawn", "csr:window", "replace: {csrs.window.address: null}"),
    ("csr-access-changed", "csr:window", "replace: {csrs.window.mode: M}"),
    ("csr-access-changed", "csr:window", "add: {csrs.window.access: check(LIMIT)}"),
    ("csr-width-changed", "csr:status", "add: {csrs.status.width: 64, csrs.status.xlen: 32}"),
    ("csr-substitution-changed", "csr:window", "add: {csrs.window.substitutes: status}"),
    ("guest-registers-substituted", "revision", "add: {csrs.window.substitutes: status}"),
    ("csr-behaviour-changed", "csr:slot2", "replace: {csrs.slot.read: 'return slot[2]'}"),
    ("field-added", "csr:status.NEW", "add: {csrs.status.fields.NEW: {bits: 9, kind: WARL}}"),
    ("field-removed", "csr:status.LEVEL", "remove: [csrs.status.fields.LEVEL]"),
    ("field-renamed", "csr:status.DEPTH", "rename: {csrs.status.fields.LEVEL: DEPTH}"),
    ("field-moved", "csr:status.LEVEL", 'replace: {csrs.status.fields.LEVEL.bits: "6:4"}'),
    ("field-resized", "csr:status.LEVEL", 'replace: {csrs.status.fields.LEVEL.bits: "4:1"}'),
    ("field-kind-changed", "csr:status.LEVEL", "replace: {csrs.status.fields.LEVEL.kind: WLRL}"),
    (
        "field-legal-values-changed",
        "csr:status.LEVEL",
        "replace: {csrs.status.fields.LEVEL.legal: [1]}",
    ),
    ("field-reset-changed", "csr:status.LEVEL", "replace: {csrs.status.fields.LEVEL.reset: 3}"),
    ("field-flush-changed", "csr:status.ON", "add: {csrs.status.fields.ON.flush: true}"),
    ("field-behaviour-changed", "csr:status.TOP", "replace: {csrs.status.fields.TOP.read: '0'}"),
    (
        "instruction-added",
        "insn:slti",
        'add: {instructions.slti: {extension: I, encoding: "imm[11:0] rs1 010 rd 0010011", '
        'assembly: "rd, rs1, imm", doc: Less, operation: "X[rd] = 0"}}',
    ),
    ("instruction-removed", "insn:fence.i", "remove: [instructions.fence.i]"),
    ("instruction-renamed", "insn:sync", "rename: {instructions.fence.i: sync}"),
    (
        "encoding-changed",
        "insn:addi",
        'replace: {instructions.addi.encoding: "imm[11:0] rs1 010 rd 0010011"}',
    ),
    ("encoding-withdrawn", "insn:addi", "replace: {instructions.addi.encoding: unassigned}"),
    ("assembly-changed", "insn:addi", 'replace: {instructions.addi.assembly: "rs1, rd, imm"}'),
    (
        "expansion-changed",
        "insn:c.addi",
        "replace: {instructions.c.addi.expands: 'addi rd, x0, imm'}",
    ),
    ("extension-changed", "insn:addi", "replace: {instructions.addi.extension: H}"),
    ("operation-changed", "insn:addi", "replace: {instructions.addi.operation: 'X[rd] = imm'}"),
    ("pseudoinstruction-removed", "pseudo:nop", "remove: [pseudoinstructions.nop]"),
    (
        "pseudoinstruction-added",
        "pseudo:nap",
        'add: {pseudoinstructions.nap: {assembly: "", expands: ["addi x0, x0, 1"]}}',
    ),
    (
        "pseudoinstruction-changed",
        "pseudo:nop",
        'replace: {pseudoinstructions.nop.expands: ["addi x0, x0, 1"]}',
    ),
    ("operand-changed", "operand:imm", "replace: {operands.imm.signed: false}"),
    ("cause-added", "cause:9", "add: {causes.9: {name: Call, constant: CALL}}"),
    ("cause-removed", "cause:2", "remove: [causes.2]"),
    (
        "cause-code-changed",
        "cause:9",
        "remove: [causes.2]\nadd: {causes.9: {name: Illegal instruction, constant: ILLEGAL}}",
    ),
    ("cause-repurposed", "cause:2", "replace: {causes.2: {name: Call, constant: CALL}}"),
    ("cause-renamed", "cause:2", "replace: {causes.2.name: Invalid instruction}"),
    ("interrupt-added", "interrupt:5", "add: {interrupts.5: {name: Timer, constant: TIMER}}"),
    ("interrupt-removed", "interrupt:3", "remove: [interrupts.3]"),
    (
        "interrupt-code-changed",
        "interrupt:4",
        "remove: [interrupts.3]\nadd: {interrupts.4: {name: Software, constant: SOFTWARE}}",
    ),
    (
        "interrupt-repurposed",
        "interrupt:3",
        "replace: {interrupts.3: {name: Timer, constant: TIMER}}",
    ),
    ("interrupt-renamed", "interrupt:3", "replace: {interrupts.3.name: Soft}"),
    ("rule-added", "rule:new", "add: {rules.new: {summary: So, by: [fn:check], section: S}}"),
    ("rule-removed", "rule:check.first", "remove: [rules.check.first]"),
    ("rule-changed", "rule:check.first", "replace: {rules.check.first.summary: Last}"),
    (
        "rule-implementation-changed",
        "rule:check.first",
        "replace: {rules.check.first.by: [fn:check]}",
    ),
    (
        "function-behaviour-changed",
        "fn:check",
        "replace: {functions.check.operation: 'return value'}",
    ),
    ("function-form-changed", "fn:look", "rename: {functions.check: look}"),
    (
        "function-added",
        "fn:idle",
        "add: {functions.idle: {doc: Nothing, operation: pass}}",
    ),
    ("parameter-added", "param:NEW", "add: {parameters.NEW: {default: 1, legal: [0, 1], doc: It}}"),
    ("parameter-removed", "param:WIDE", "remove: [parameters.WIDE]"),
    ("parameter-renamed", "param:BROAD", "rename: {parameters.WIDE: BROAD}"),
    ("parameter-values-changed", "param:GUESTS", 'replace: {parameters.GUESTS.legal: "0..9"}'),
    ("parameter-default-changed", "param:GUESTS", "replace: {parameters.GUESTS.default: 1}"),
    ("internals-changed", "const:LIMIT", "replace: {constants.LIMIT.value: 17}"),
    ("status-changed", "revision", NOTHING),
    ("text-changed", "change:the-change", NOTHING),
    (
        "field-repurposed",
        "csr:status.NEW",
        "remove: [csrs.status.fields.LEVEL]\n"
        "add: {csrs.status.fields.NEW: {bits: 2, kind: WARL}}\n"
        "replace: {functions.check.operation: 'return value'}",
    ),
    (
        "csr-address-reused",
        "csr:new",
        "replace: {csrs.window.address: 0x105}\n"
        "add: {csrs.new: {address: 0x100, mode: S, fields: {A: {bits: 0, kind: WARL}}}}",
    ),
    (
        "encoding-reused",
        "insn:barrier",
        "remove: [instructions.fence.i]\n"
        "add: {instructions.barrier: {extension: Z, "
        'encoding: "000000000000 00000 001 00000 0001111", doc: It, '
        'operation: "flush_instructions()"}}',
    ),
]  # fmt: skip


def found(folder: Folder, items: str, **options: object) -> list[Finding]:
    text = change("the-change", items)
    folder.revision("1", text.replace("breaks: []", "breaks: [software, hardware, tools]"))
    return list(
        compare(folder.resolve("base@1", **options), folder.resolve("h@1", **options)).findings
    )


@pytest.mark.parametrize(("rule", "item", "text"), EXAMPLES)
def test_a_rule_finds_its_difference(folder: Folder, rule: str, item: str, text: str) -> None:
    xlen = 32 if rule == "csr-width-changed" else 64
    if rule == "csr-width-changed":
        text = "add: {csrs.window.width: 64}"
        item = "csr:window"
    matching = [it for it in found(folder, text, xlen=xlen) if it.item == item]
    assert rule in [it.rule for it in matching]
    if item != "revision" or rule != "status-changed":
        assert all([it.id for it in finding.changes] == ["the-change"] for finding in matching)


def test_back_again(folder: Folder) -> None:
    """Rules that only the way back can have."""
    folder.one_change(
        "replace: {csrs.window.address: null, instructions.addi.encoding: unassigned}\n"
        "add: {csrs.window.substitutes: status, functions.idle: {doc: Nothing, operation: pass}}"
    )
    back = compare(folder.resolve("h@1"), folder.resolve("base@1"))
    assert {it.rule for it in back.findings} >= {
        "csr-address-assigned", "encoding-assigned", "guest-registers-swapped", "function-removed",
    }  # fmt: skip


def test_changes_that_no_item_shows(folder: Folder) -> None:
    there = "add: {functions.idle: {doc: Nothing, operation: pass}}"
    folder.revision(
        "1",
        change("clear")
        + change("loud").replace("breaks: []", "breaks: [tools]")
        + change("there", there)
        + change("gone", "remove: [functions.idle]"),
    )
    findings = compare(folder.resolve("base@1"), folder.resolve("h@1")).findings[1:]
    assert [(it.rule, it.item, it.after) for it in findings] == [
        ("text-clarified", "change:clear", "It is clear."),
        ("text-changed", "change:loud", "It is loud."),
        ("change-overtaken", "change:there", "It is there."),
        ("change-overtaken", "change:gone", "It is gone."),
    ]
    assert findings[1].severity[Audience.TOOLCHAIN] is DANGEROUS
    assert findings[1].severity[Audience.GUEST] is COMPATIBLE


ELSEWHERE = {
    "csr-address-assigned", "encoding-assigned", "guest-registers-swapped", "function-removed",
    "text-clarified", "change-overtaken",
    # The two are resolved with other parameters or for another width.
    "xlen-changed", "csr-constant-changed", "csr-view-changed",
}  # fmt: skip


def test_every_rule_has_an_example() -> None:
    assert {rule for rule, _, _ in EXAMPLES} | ELSEWHERE == set(rule_table().rules)


def test_harts_of_other_widths(folder: Folder) -> None:
    findings = compare(folder.resolve(), folder.resolve(xlen=32)).findings
    assert findings[0].rule == "xlen-changed"
    assert {"csr-width-changed", "field-moved"} <= {it.rule for it in findings}


def test_a_constant_csr(folder: Folder) -> None:
    folder.edit("base/items.yaml", "    view: {of: status, fields: [ON]}", "    constant: 1")
    findings = found(folder, "replace: {csrs.window.constant: 2}")
    assert ("csr:window", "csr-constant-changed") in [(it.item, it.rule) for it in findings]


def test_a_view_that_shows_other_things(folder: Folder) -> None:
    folder.edit("base/items.yaml", "fields: [ON]}", "fields: {SHOWN: ON}}")
    findings = found(folder, "replace: {csrs.window.view: {of: status, fields: {SHOWN: LEVEL}}}")
    assert ("csr:window", "csr-view-changed") in [(it.item, it.rule) for it in findings]


def test_a_view_that_shows_more_is_told_by_its_fields(folder: Folder) -> None:
    findings = found(folder, "replace: {csrs.window.view: {of: status, fields: [ON, LEVEL]}}")
    assert [(it.item, it.rule) for it in findings[1:]] == [("csr:window.LEVEL", "field-added")]


@pytest.mark.parametrize("name", ["h@0.1", "h@0.4", "h@1.0", "priv@1.10"])
def test_every_possible_difference_has_a_rule(name: str) -> None:
    table = rule_table()
    for id_, item in items(resolve(name)).items():
        kinds = [*aspects_module._all(item), "added", "removed", "renamed"]
        for kind in ["moved", "resized"] if "bits" in kinds else []:
            assert table.rule_for("field", kind, "1", "2")
        for kind in kinds:
            if kind != "bits":
                assert table.rule_for(kind_of(id_), kind, "a", "b"), (id_, kind)


def test_the_page_is_fresh() -> None:
    """After a change of rules.yaml: python -m drafthart.generator.diff.rules_page > docs/…"""
    assert (DOCS / "diff-rules.md").read_text(encoding="utf-8") == rules_page()


def test_the_page_has_every_rule() -> None:
    page = (DOCS / "diff-rules.md").read_text(encoding="utf-8")
    for rule in rule_table().rules.values():
        assert f"\n## {rule.id}\n\n{rule.what}\n" in page


# Severities.


def test_what_no_longer_is_legal_breaks_software(folder: Folder) -> None:
    folder.revision(
        "1",
        change("fewer", "replace: {parameters.GUESTS.legal: '0..3'}")
        + change("more", "replace: {csrs.status.fields.LEVEL.legal: [0, 1, 2, 3]}"),
    )
    a, b = folder.resolve("base@1"), folder.resolve("h@1")
    there = {it.rule: it for it in compare(a, b).findings}
    back = {it.rule: it for it in compare(b, a).findings}
    level = "field-legal-values-changed"
    assert there[level].severity[Audience.FIRMWARE] is COMPATIBLE
    assert back[level].severity[Audience.FIRMWARE] is BREAKING
    assert there[level].advice != back[level].advice
    values = "parameter-values-changed"
    assert there[values].severity[Audience.GUEST] is COMPATIBLE
    assert back[values].severity[Audience.GUEST] is DANGEROUS


def test_machine_mode_concerns_no_guest_and_no_hypervisor(folder: Folder) -> None:
    (finding,) = found(folder, "remove: [csrs.status.fields.LEVEL]")[1:]
    assert finding.severity == {
        Audience.HYPERVISOR: EDITORIAL,
        Audience.GUEST: EDITORIAL,
        Audience.FIRMWARE: BREAKING,
        Audience.HARDWARE: DANGEROUS,
        Audience.TOOLCHAIN: COMPATIBLE,
    }
    assert finding.worst() is BREAKING
    assert finding.worst([Audience.GUEST]) is EDITORIAL


def test_a_change_that_breaks_nobody_is_compatible(folder: Folder) -> None:
    text = "replace: {functions.check.operation: 'return value'}"
    folder.revision("1", change("told", text))
    folder.revision("2", change("silent", text).replace("breaks: []", "breaks: [hardware]"))
    a, quiet, loud = (folder.resolve(name) for name in ("base@1", "h@1", "h@2"))
    severities = [
        compare(*pair).findings[-1].severity for pair in ((a, quiet), (a, loud), (quiet, a))
    ]
    assert [it[Audience.FIRMWARE] for it in severities] == [COMPATIBLE, COMPATIBLE, DANGEROUS]
    assert [it[Audience.HARDWARE] for it in severities] == [COMPATIBLE, BREAKING, BREAKING]


@pytest.mark.parametrize(
    ("before", "after", "fits"),
    [
        ("0, 1", "0, 1, 2", "grew"),
        ("0, 8..9", "0, 8..10", "grew"),
        ("8..10", "9", "shrank"),
        ("0, 1", "1, 2", None),
        ("17:12", "18:12", "grew"),
        ("5", "5:4", "grew"),
        ("0..1000000", "0..1000001", None),
    ],
)
def test_sets_of_values(before: str, after: str, fits: str | None) -> None:
    for values in ("grew", "shrank"):
        assert Condition(values=values).fits(before, after) is (values == fits)
