"""A small made-up folder of specs, to break in every way."""

from pathlib import Path
from textwrap import dedent, indent

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve

BASE = """
constants:
  LIMIT: {value: 0x10, doc: A number}
parameters:
  GUESTS: {default: 2, legal: "0..4", doc: How many guests}
  WIDE: {default: 1, legal: [0, 1], doc: A switch}
state:
  mode: {width: 2, reset: 3, doc: Privilege}
  slots: {width: XLEN, count: 4, doc: An array}
operands:
  rd: {kind: register}
  rs1: {kind: register, width: 5}
  rd_c: {kind: register, width: 3, base: 8}
  imm: {kind: immediate, signed: true}
instructions:
  addi:
    extension: I
    encoding: imm[11:0] rs1 000 rd 0010011
    assembly: rd, rs1, imm
    doc: Add.
    operation: |
      X[rd] = X[rs1] + imm
  fence.i:
    extension: Zifencei
    encoding: 000000000000 00000 001 00000 0001111
    operation: |
      check(LIMIT)
      flush_instructions()
  c.addi:
    extension: C
    encoding: 000 imm[5] rd imm[4:0] 01
    constraints: [rd != 0]
    assembly: rd, imm
    expands: addi rd, rd, imm
pseudoinstructions:
  nop: {assembly: "", expands: ["addi x0, x0, 0"]}
csrs:
  status:
    address: 0x300
    mode: M
    doc: What goes on
    fields:
      ON: {bits: 0, kind: WARL, doc: Running}
      LEVEL: {bits: "3:1", kind: WARL, legal: [0, 1, 3], reset: 1, flush: true}
      TOP: {bits: {32: 31, 64: 63}, kind: RO, read: status.ON}
  window:
    address: 0x100
    mode: S
    view: {of: status, fields: [ON]}
  slot:
    address: 0x3B0
    mode: M
    instances: "2..4"
    step: 2
    fields:
      VALUE: {bits: "7:0", kind: WARL}
    read: |
      return slot[index]
causes:
  2: {name: Illegal instruction, constant: ILLEGAL}
interrupts:
  3: {name: Software, constant: SOFTWARE}
functions:
  check:
    parameters: {value: XLEN, size: static}
    returns: 8 * size
    doc: Look.
    operation: |
      # check status first
      if status.ON and status.LEVEL != LIMIT:
          return value + slots[0]
      return value
rules:
  check.first: {summary: Checks come first, by: [fn:check, csr:status.ON], section: Checks}
"""


class Folder:
    """Writes spec files, resolves them, and knows where a text stands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("base/items.yaml", BASE)
        self.write(
            "base/1.yaml",
            """
            revision: base@1
            title: The ground
            status: ratified
            date: 2019-01-01
            include: [items.yaml]
            """,
        )

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} must stand once in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def revision(self, label: str, changes: str, parent: str = "base@1", **header: str) -> None:
        """A revision h@label with `changes` as YAML, on a parent or on another extension's."""
        known = {
            "revision": f"h@{label}",
            "title": f"Draft {label}",
            "status": "draft",
            "date": "2020-12-31",
            "commit": "abcdef01",
            "parent" if parent.startswith("h@") else "base": parent,
        } | header
        lines = [f"{key}: {value}" for key, value in known.items()]
        self.write(f"h/{label}.yaml", "\n".join([*lines, "changes:", indent(changes, "  "), ""]))

    def one_change(self, items: str) -> None:
        """A revision h@1 whose only change has these items."""
        self.revision("1", change("the-change", items))

    def resolve(self, expression: str = "base@1", **options: object) -> ISA:
        return resolve(expression, specs=self.root, **options)  # type: ignore[arg-type]

    def error(self, expression: str = "base@1", **options: object) -> str:
        with pytest.raises(DrafthartError) as caught:
            self.resolve(expression, **options)
        message = str(caught.value)
        assert "\n" not in message
        return message

    def at(self, name: str, text: str) -> str:
        """file:line:column of a text that stands once in a file."""
        path = self.root / name
        content = path.read_text(encoding="utf-8")
        assert content.count(text) == 1, f"{text!r} must stand once in {name}"
        before = content[: content.index(text)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"{path}:{line}:{column}: "


def change(name: str, items: str = "", *, date: str = "2020-01-01", more: str = "") -> str:
    """A change as YAML; `items` are its add, replace, remove and rename."""
    head = [
        f"- id: {name}",
        "  commit: abcdef01",
        f"  date: {date}",
        "  section: Somewhere",
        "  breaks: []",
        f"  summary: It is {name}.",
    ]
    text = dedent(items).strip("\n")
    return "\n".join([*head, *([f"  {more}"] if more else []), indent(text, "  ")]) + "\n"
