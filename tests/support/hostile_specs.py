"""Spec files as a stranger might send them: small sound ones, mutated as text, as data and as code.

A case is a folder of files, name → text, that comes from its number alone.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from functools import cache
from textwrap import dedent
from typing import Any

import yaml

from drafthart.generator.spec.texts import SPECS

Files = dict[str, str]

CANARY = "canary0f0drafthart"
"""What hostile texts try to get out of comments and strings, into code."""

ITEMS = dedent(
    """\
    constants:
      LIMIT: {value: 0x10, doc: A number}
      LOAD: {value: 0}
      STORE: {value: 1}
      FETCH: {value: 2}
      NO_INTERRUPT: {value: 64}
    parameters:
      GUESTS: {default: 2, legal: "0..4", doc: How many guests}
    state:
      mode: {width: 2, reset: 3, doc: Privilege}
      trap_cause: {width: 6}
      trap_value: {width: XLEN}
      slots: {width: XLEN, count: 4, doc: An array}
    operands:
      rd: {kind: register}
      rs1: {kind: register, width: 5}
      imm: {kind: immediate, signed: true}
    instructions:
      addi:
        extension: I
        encoding: imm[11:0] rs1 000 rd 0010011
        assembly: rd, rs1, imm
        doc: Add.
        operation: |
          X[rd] = X[rs1] + imm
      loop:
        extension: I
        encoding: 000000000001 rs1 001 rd 0010011
        exists: XLEN == 64 and GUESTS > 0
        operation: |
          total: XLEN = 0
          for i in range(4):
              if X[rs1][i]:
                  total += slots[i] << 2
              elif signed(X[rs1]) < signed(slots[i]):
                  total = zext(total[7:0], XLEN)
          X[rd] = twice(total, 4) if status.ON else look(LIMIT)
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
          LEVEL: {bits: "3:1", kind: WARL, legal: [0, 1, 3], reset: 1, write: "value | old"}
          TOP: {bits: {32: 31, 64: 63}, kind: RO, read: status.ON}
      window: {address: 0x100, mode: S, view: {of: status, fields: [ON]}}
      slot:
        address: 0x3B0
        mode: M
        instances: "2..4"
        step: 2
        fields:
          VALUE: {bits: "7:0", kind: WARL, legal: "0..GUESTS"}
        read: |
          return zext(slot[index].VALUE, XLEN)
        write: |
          slot[index].VALUE = value[7:0]
    causes:
      2: {name: Illegal instruction, constant: ILLEGAL}
    interrupts:
      3: {name: Software, constant: SOFTWARE}
    functions:
      look:
        parameters: {value: XLEN}
        returns: XLEN
        doc: Look.
        operation: |
          # status first
          if status.ON and status.LEVEL != 3:
              return value + slots[0]
          return value
      twice:
        parameters: {value: XLEN, size: static}
        returns: XLEN
        operation: |
          if size == 8:
              return value
          return zext(cat(value[8 * size - 1:0], value[3:0]), XLEN)
      raise_illegal_instruction:
        entry: true
        operation: |
          trap_cause = ILLEGAL
          end_instruction()
      take_exception: {entry: true, operation: next_pc = 0x100}
      pending_interrupt: {entry: true, returns: 7, operation: return 64}
      take_interrupt:
        entry: true
        parameters: {cause: 6}
        operation: next_pc = zext(cause, XLEN)
      wake: {entry: true, returns: 1, operation: return 1}
      next_timer: {entry: true, returns: 64, operation: "return zext(-1, 64)"}
      translate_fetch:
        entry: true
        parameters: {address: 64}
        returns: 64
        operation: return address
      translate_data:
        entry: true
        parameters: {address: 64, access: 2}
        returns: 64
        operation: |
          if not physical_exists(address, 1):
              end_instruction()
          return address
      page_is_uniform: {entry: true, parameters: {address: 64}, returns: 1, operation: return 1}
      translation_context: {entry: true, returns: 16, operation: "return zext(mode, 16)"}
      translation_owner: {entry: true, returns: 64, operation: "return zext(status.LEVEL, 64)"}
      physical_permitted:
        entry: true
        parameters: {physical: 64, size: static, access: 2, privilege: 3}
        returns: 1
        operation: return physical_exists(physical, size)
      locate:
        entry: true
        parameters: {address: XLEN, size: static, access: 2}
        returns: 64
        operation: return translate_data(zext(address, 64), access)
      load:
        entry: true
        parameters: {address: XLEN, size: static}
        returns: 8 * size
        operation: return read_physical(locate(address, size, 0), size)
      store:
        entry: true
        parameters: {address: XLEN, size: static, value: 8 * size}
        operation: write_physical(locate(address, size, 1), size, value)
    rules:
      look.first: {summary: Looks come first, by: [fn:look, csr:status.ON], section: Looks}
    """
)  # fmt: skip

SEED: Files = {
    "base/items.yaml": ITEMS,
    "base/1.yaml": dedent(
        """\
        revision: base@1
        title: The ground
        status: ratified
        date: 2019-01-01
        commit: abcdef01
        include: [items.yaml]
        """
    ),
    "h/1/more.yaml": dedent(
        """\
        instructions:
          move:
            extension: H
            encoding: 0000000 00000 rs1 010 rd 0010011
            operation: X[rd] = X[rs1]
        """
    ),
    "h/1.yaml": dedent(
        """\
        revision: h@1
        title: Draft 1
        status: draft
        date: 2020-12-31
        commit: abcdef01
        base: base@1
        changes:
          - id: first
            commit: abcdef01
            date: 2020-01-01
            section: Somewhere
            breaks: []
            summary: It begins.
            include: [1/more.yaml]
            add:
              csrs.status.fields.NEW: {bits: 9, kind: WARL, doc: Shiny}
              causes.5: {name: Trouble, constant: TROUBLE}
          - id: second
            commit: [abcdef02, abcdef03]
            date: 2020-02-01
            section: Elsewhere
            breaks: [software]
            requires: [first]
            summary: It goes on.
            rename: {functions.look: peek, csrs.status.fields.ON: UP}
            replace:
              constants.LIMIT.value: 17
              functions.twice.operation: return value
            remove: [csrs.slot.fields.VALUE.legal]
        """
    ),
}

NAMES = [
    "", "class", "None", "__class__", "__import__", "_", "self", "hart", "int", "while", "return",
    "register", "default", "main", "X", "pc", "x", "u64", "Hart", "h", "value", "old", "size", "i",
    "zext", "range", "translate_data", "take_exception", "XLEN", "print", "exec", "eval", "A" * 300,
    "a b", "a\n", "a\nimport os", "a'", 'a"', "a*/", "a/*", "{{7*7}}", "{% raw %}", "a#", "a;b",
    "..", "a.b", "a.b.c.d", "../../etc/passwd", "/etc/passwd", "http://localhost/x.yaml", "a\x00",
    "ä", "ﬁ", "\u0430", "a\u2028b", "\u202ea", "1", "0x10", "-1", "<<", "?", "*a", "&a",
    "!!python/object",
    "end_instruction", "bool", "long", "NULL", "INT_MAX", "errno", "define", "__LINE__",
]  # fmt: skip

TEXTS = [
    *NAMES,
    f"*/ {CANARY}(); /*", f'""" {CANARY}() """', f"''' {CANARY}() '''", f"\\\n{CANARY}()",
    f"x\n{CANARY}()", f"x\r{CANARY}()", f"x\x0c{CANARY}()", f"x\x85{CANARY}()", f'"; {CANARY}(); "',
    f"x\u2028{CANARY}()", f"{{{{ {CANARY} }}}}", f"{{% include '{CANARY}' %}}",
    f"?\x3f/\n{CANARY}()",
    f"ends with \\\n{CANARY}()", f"\\u000a{CANARY}()", "\x1b[2J", "%s%n", "{0.__class__}", "\ufeff",
    "a" * 5000, "(" * 100, "[" * 100, "not " * 60 + "1", "-" * 100 + "1", "a." * 200 + "b",
    "0..99999999999999999999", "0..9999", "9999..0", "2..1", "0x" + "f" * 32, "9" * 5000, "1" * 38,
    "imm[31:0]", "imm[99:0]", "rd rd rd rd rd rd 11", "rd[4|3|2|1|0]", "1" * 32, "1" * 100_000,
    "\u0661\u0662", "[12|10:5]", "rd != 99999999999", "a" * 30 + "!", "63:0", "0:63", "99:99",
    "\u0663:\u0660",
    "GUESTS >" * 20, "(((GUESTS)))", "GUESTS.real", "GUESTS()", "[1]", "GUESTS if 1 else 2",
    "2020-13-45", "9999-99-99", "h@1,h@1", "h@1", "base@1~1", "base@1@2019", "x@" + "1~" * 50 + "1",
]  # fmt: skip

NUMBERS = [-1, 0, 1, 2, 7, 31, 32, 33, 63, 64, 65, 4095, 4096, 4097, 1 << 31, 1 << 32, 1 << 64,
           1 << 127, -(1 << 100), 10**38]  # fmt: skip

CODE = [
    "1 << 2**40", "1 << (1 << 40)", "x: 4096 = 1", "x: 4097 = 1", "x = 9" + "9" * 3000,
    "for i in range(4096):\n    pass", "for i in range(1 << 40):\n    pass",
    "for i in range(4096):\n    for j in range(4096):\n        X[1] = X[2]",
    "X[1] = X[2][99:0]", "X[1] = X[2][0:1]", "X[1] = sext(X[2], 1 << 30)", "import os",
    "__import__('os')", "X.__class__", "().__class__", "exec(1)", "open(1)", "lambda: 1",
    "x = y = 1",
    "X[1] = " + "(" * 39 + "1" + ")" * 39, "X[1] = " + "~" * 60 + "X[1]", "x = " + "-" * 2000 + "1",
    "X[1] = X[2]" + " + X[2]" * 2000, "X[1] = X[2] if " + "X[1][0] and " * 500 + "1 else 0",
    "x = zext(X[1], 4096)\nfor i in range(60):\n    x = x * x\nX[1] = x[63:0]",
    "X[1] = cat(" + "X[1], " * 64 + "X[1])[63:0]", "cat(" + "X[1], " * 63 + "X[1])",
    "while True:\n    pass", "yield 1", "return", "return 1", "break", "continue", "pass",
    "look(1)",
    "X[1] = look(look(look(look(X[1]))))", "mode = mode + 1", "slots[9] = 1", "slots[X[1]] = X[2]",
    "status = 1", "status.ON = 2", "slot[7] = 1", "next_pc = pc + 1", "pc = 1", "x[",
    "if 1:\n  pass",
    "raise x", "X[1] = X[1] / X[2]", "X[1] = 1 // 0", "X[1] = 5 % 0", "x = 'a'", "x = f'{1}'",
    "x = 1.5", "x = 1j", "x = ...", "X[1:2] = 3", "X[1], X[2] = 1, 2", "def f():\n    pass",
    f"x = 1  # {CANARY}()", f"{CANARY}()", "end_instruction()", "csr_write(zext(1, 12), X[1])",
    "X[1] = twice(X[1], 1)\nX[2] = twice(X[1], 2)", "X[1] = twice(X[1], 1 << 20)",
    "match x:\n  case 1: pass",
    *[f"X[1] = twice(X[1], {n})" for n in (0, -1, 100, 4096)],
    "\n".join(f"X[1] = twice(X[1], {n})" for n in range(200)),
]  # fmt: skip

YAML = [
    "&a ", "*a", "<<: *a", "!!python/object/apply:os.system [x]", "!!python/name:os.system ", "!t ",
    "!!binary aaaa", "? ", "- ", "[", "{", "]", "}", "---\n", "...\n", "%YAML 1.2\n", "|", ">",
    "|-\n",
    '"', "'", "\t", "\n", "\r", "\x00", "\ufeff", "\x1b", "\x7f", "\x85", "\u2028", '"\\x1b"',
    '"\\0"',
    '"\\r"', '"\\uD800"', "~", "null", "yes", "0o17", "1_000", "0b1", "1e999", ".inf", "2020-01-01",
    "a: &x [*x]", "x: " + "[" * 5000, "- " * 5000, "? " * 5000, "{a: " * 3000, "#", ": ",
    "a" * 70000,
    "!<tag:yaml.org,2002:map> ", "!!set {a}", "1: 1\n", "[1, 2]: 3\n", "key with spaces: 1\n",
]  # fmt: skip


def case(number: int, seed: int = 0) -> Files:
    """The files of a case. Each kind of mutation has its share."""
    rng = random.Random(f"{seed}:{number}")
    files = dict(SEED)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        name = rng.choice(list(files))
        kind = rng.random()
        if kind < 0.35:
            files[name] = _as_text(rng, files[name])
        elif kind < 0.98:
            files = _as_data(rng, files, name)
        else:
            files = _as_folder(rng, files, name)
    return files


def shipped(number: int, seed: int = 0) -> tuple[str, str]:
    """A file of Drafthart's own specs, mutated: its name and text."""
    rng = random.Random(f"shipped {seed}:{number}")
    name, text = rng.choice(_own())
    for _ in range(rng.choice((1, 2, 5))):
        text = _as_text(rng, text)
    return name, text


@cache
def _own() -> list[tuple[str, str]]:
    """The smaller ones: what is tried on a large one can be tried on these."""
    files = ((it, it.read_text(encoding="utf-8")) for it in sorted(SPECS.rglob("*.yaml")))
    return [(it.relative_to(SPECS).as_posix(), text) for it, text in files if len(text) < 12_000]


def _as_text(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    end = min(len(text), at + rng.choice((1, 1, 2, 5, 20, 100)))
    words: list[str] = rng.choice((YAML, YAML, TEXTS, CODE))
    lines = text.split("\n")
    line = rng.randrange(len(lines))
    mutations: list[Callable[[], str]] = [
        lambda: text[:at] + text[end:],
        lambda: text[:at] + rng.choice(words) + text[at:],
        lambda: text[:at] + rng.choice(words) + text[end:],
        lambda: text[:at] + chr(rng.randrange(rng.choice((128, 0x3000)))) + text[end:],
        lambda: text[:end] + text[at:end] * rng.choice((1, 2, 50)) + text[end:],
        lambda: "\n".join([*lines[:line], *lines[line + 1 :]]),
        lambda: "\n".join([*lines[:line], lines[line], *lines[line:]]),
        lambda: "\n".join([*lines[:line], rng.choice(" \t") + lines[line], *lines[line + 1 :]]),
        lambda: "\n".join([*lines[:line], rng.choice(lines), *lines[line:]]),
        lambda: text[:at],
    ]  # fmt: skip
    return rng.choice(mutations)()


def _as_data(rng: random.Random, files: Files, name: str) -> Files:
    try:
        data = yaml.load(files[name], Loader=yaml.CBaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return files  # text mutations broke it before
    data = copy.deepcopy(data)
    spots = list(_spots(data, 0))
    if not spots:
        return files
    holder, key = rng.choice(spots)
    _change(rng, holder, key)
    try:
        text = yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError):
        return files
    return files | {name: text.replace("'", '"') if rng.random() < 0.02 else text}


def _spots(data: Any, depth: int) -> Iterator[tuple[Any, Any]]:
    """Every place in the data: what holds it, and the key."""
    if depth > 30:
        return
    if not isinstance(data, dict | list):
        return
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield data, key
        yield from _spots(value, depth + 1)


def _change(rng: random.Random, holder: Any, key: Any) -> None:
    value = holder[key]
    kind = rng.randrange(12)
    if isinstance(value, str) and ("\n" in value or key in ("operation", "read", "write")):
        lines = value.split("\n")
        at = rng.randrange(len(lines))
        if kind < 6:
            indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
            lines[at : at + rng.randrange(2)] = [indent + it for it in rng.choice(CODE).split("\n")]
            holder[key] = "\n".join(lines)
        elif kind < 9:
            holder[key] = _as_text(rng, value)
        else:
            holder[key] = rng.choice(CODE)
    elif kind < 4:
        holder[key] = rng.choice((rng.choice(TEXTS), rng.choice(TEXTS), rng.choice(NUMBERS)))
    elif kind < 6 and isinstance(holder, dict):
        new = rng.choice(NAMES)
        for old in list(holder):  # in the order that it had
            holder[new if old == key else old] = holder.pop(old)
    elif kind == 6 and isinstance(holder, dict):
        holder[rng.choice((*NAMES, *holder))] = copy.deepcopy(value)
    elif kind == 7:
        del holder[key]
    elif kind == 8:
        holder[key] = rng.choice(([value], {str(key): value}, [], {}, None, True, [value] * 50))
    elif kind == 9 and isinstance(value, dict):
        many = rng.choice((10, 100, 1000))
        value |= {f"{it}{n}": inner for it, inner in list(value.items())[:1] for n in range(many)}
    elif kind == 10 and isinstance(value, str):
        holder[key] = _as_text(rng, value)
    else:
        holder[key] = rng.choice(NUMBERS)


def _as_folder(rng: random.Random, files: Files, name: str) -> Files:
    """Files that are missing, twice there, or elsewhere."""
    text = files[name]
    match rng.randrange(4):
        case 0:
            return {it: files[it] for it in files if it != name}
        case 1:
            return files | {f"copy-{rng.randrange(9)}.yaml": text}
        case 2:
            return files | {name: rng.choice(list(files.values()))}
        case _:
            return files | {name: text * 2}
