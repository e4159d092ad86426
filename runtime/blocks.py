"""Basic blocks: found once, stepped while cold, compiled to Python functions when hot.

A block starts at a virtual pc and lies in one page of RAM. Calling it runs it and returns the next
pc; it keeps `hart.steps` right at each exit. Inside a compiled block the step count lags; the line
at which an exception left it tells which instruction that was (`Compiled.instruction_at`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from drafthart.runtime.hart import Hart

Run = Callable[[], int]

LONGEST = 64
"""Instructions in a block at most; the engine stops compiled code this far before a deadline."""

HOT = 24
"""Runs after which a block is compiled: compiling costs about as much as this many cold runs."""


@dataclass(frozen=True, slots=True)
class Template:
    """How an instruction looks in a compiled block, as text for `str.format`.

    `condition` and `target` are those of a jump; `condition` None means always. `static`: the
    target depends on nothing but the operands and pc.
    """

    lines: tuple[str, ...]
    condition: str | None
    target: str | None
    static: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """An instruction as the generated module provides it.

    `kind`: "straight" (registers and memory only), "jump" (may also set next_pc), "call" (also
    what the engine's loop does not look at, such as atomics and floating point) or "system"
    (anything). `current` are the attributes of the hart that it reads to learn which instruction
    it is, and `memory` says whether it may reach memory. `templates` are for rd not 0 and for rd 0;
    absent where the instruction has no form for compiled blocks.
    """

    mnemonic: str
    run: Callable[..., None]
    operands: tuple[str, ...]
    kind: str
    current: tuple[str, ...]
    memory: bool
    templates: tuple[Template, Template] | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """An instruction at an address, ready to run."""

    operation: Operation
    values: tuple[int, ...]
    pc: int
    next_pc: int
    word: int
    expanded: int

    def prepare(self, hart: Hart) -> None:
        """Tell the hart which instruction it is at."""
        hart.pc = self.pc
        hart.next_pc = self.next_pc
        hart.instruction = self.word
        hart.expanded = self.expanded

    def template(self) -> Template | None:
        """The template for these operands, if the operation has any."""
        if self.operation.templates is None:
            return None
        named = dict(zip(self.operation.operands, self.values, strict=True))
        return self.operation.templates[named.get("rd") == 0]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The code of a hot block, and which instruction each of its lines belongs to."""

    code: CodeType
    trace: tuple[Decoded, ...]
    lines: tuple[int, ...]

    def instruction_at(self, line: int) -> int:
        """The index in `trace` of the instruction whose text holds `line`."""
        return bisect_right(self.lines, line) - 1


def step(hart: Hart, decoded: Decoded) -> None:
    """Run one instruction, leaving its successor in hart.next_pc."""
    decoded.prepare(hart)
    decoded.operation.run(hart, *decoded.values)
    hart.steps += 1
    if decoded.operation.kind == "system":
        hart.deadline = 0


def cold(hart: Hart, block: tuple[Decoded, ...], promote: Callable[[], Run | None]) -> Run:
    """A function that steps through `block`, until `promote` gives a better one."""
    runs = 0

    def run() -> int:
        nonlocal runs
        runs += 1
        if runs == HOT:
            better = promote()
            if better is not None:
                return better()
        for decoded in block:
            step(hart, decoded)
            if hart.steps >= hart.deadline:
                break
        return hart.next_pc

    return run


def compile_block(trace: tuple[Decoded, ...]) -> Compiled:
    """Python code for a trace of straight, call and jump instructions; defines `block`."""
    start = trace[0].pc
    body: list[str] = []
    starts: list[int] = []
    loops = False
    done = 0
    """Steps of this pass not yet added to hart.steps: all instructions up to the current one."""
    ended = False
    for decoded in trace:
        done += 1
        starts.append(len(body))
        template = decoded.template()
        if template is None:
            body.extend(_called(decoded))
            continue
        names: dict[str, Any] = dict(zip(decoded.operation.operands, decoded.values, strict=True))
        names |= {
            "pc": decoded.pc,
            "next": decoded.next_pc,
            "instruction": decoded.word,
            "expanded": decoded.expanded,
        }
        body.extend(line.format(**names) for line in template.lines)
        if template.target is None:
            continue
        target = template.target.format(**names)
        indent = ""
        if template.condition is not None:
            body.append(f"if {template.condition.format(**names)}:")
            indent = "    "
        else:
            ended = True
        if template.static:
            # A constant expression of our own making: operands, pc, + and &.
            target = str(eval(target, {"__builtins__": {}}))
        if target == str(start):
            loops = True
            body += [
                f"{indent}h.steps += {done}",
                f"{indent}if h.steps >= h.deadline: return {start}",
                f"{indent}continue",
            ]
        else:
            body += [f"{indent}h.steps += {done}", f"{indent}return {target}"]
    if not ended:
        body += [f"h.steps += {done}", f"return {trace[-1].next_pc}"]
    header = ["def block():"]
    indent = "    "
    if loops:
        header.append("    while True:")
        indent = "        "
    text = "\n".join(header + [indent + line for line in body]) + "\n"
    first = len(header) + 1
    code = compile(text, f"<block {start:#x}>", "exec")
    return Compiled(code, trace, tuple(first + line for line in starts))


def _called(decoded: Decoded) -> list[str]:
    """The lines for an instruction that has no template."""
    operation = decoded.operation
    current = {
        "pc": decoded.pc,
        "next_pc": decoded.next_pc,
        "instruction": decoded.word,
        "expanded": decoded.expanded,
    }
    lines = [f"h.{name} = {current[name]}" for name in operation.current]
    name = operation.run.__name__
    arguments = "".join(f", {value}" for value in decoded.values)
    if operation.memory:
        return [*lines, f"call({name}{arguments})"]
    return [*lines, f"{name}(h{arguments})"]
