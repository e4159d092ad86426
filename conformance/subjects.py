"""Which items of the spec a probe is of, and which rules stand behind what it saw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from drafthart.conformance.probes.probe import Probe
from drafthart.generator.diff.items import touching
from drafthart.generator.spec.model import ISA, Rule

_WORD = re.compile(r"[\w.]+")
_SPECIAL = re.compile(r"_(insn|read|write|check)_(\w+)")
_WIDTH = re.compile(r"__\w+$")


def exercised(probe: Probe, isa: ISA) -> tuple[str, ...]:
    """Ids of the instructions and CSRs that a probe tries, in the order of its action."""
    head = probe.label.split()[0]
    found = dict.fromkeys([head] if head.startswith(("insn:", "csr:")) else [])
    found |= dict.fromkeys(_in_action(probe.action, isa))
    return tuple(found)


def arranged(probe: Probe, isa: ISA) -> Iterator[str]:
    """Ids of the fields that a probe sets beforehand."""
    for name, value in (*probe.setup, ("mstatus", probe.mstatus)):
        if isinstance(name, str) and isinstance(value, int) and name in isa.csrs:
            for field in isa.csrs[name].fields.values():
                if value & field.mask:
                    yield f"csr:{name}.{field.name}"


def observed(what: str, isa: ISA) -> str | None:
    """The id of what was observed: a field or a CSR; None for registers, memory and ends."""
    csr, _, field = what.removesuffix(" (no field)").partition(".")
    if csr not in isa.csrs:
        return None
    return f"csr:{csr}.{field}" if field in isa.csrs[csr].fields else f"csr:{csr}"


def _in_action(action: str, isa: ISA) -> Iterator[str]:
    for line in action.splitlines():
        mnemonic, *operands = _WORD.findall(line)
        if mnemonic in isa.instructions:
            yield f"insn:{mnemonic}"
        for operand in operands:
            if operand in isa.csrs:
                yield f"csr:{operand}"
            elif mnemonic == ".insn" and operand in isa.instructions:
                yield f"insn:{operand}"
            elif mnemonic.startswith("csr") and operand.startswith("0x"):
                csr = isa.csr_at.get(int(operand, 16))
                if csr is not None:
                    yield f"csr:{csr.name}"


def of_functions(traced: Iterable[str], isa: ISA) -> set[str]:
    """Ids of the items that functions of the generated Python engine belong to."""
    functions = {name.replace(".", "_"): name for name in isa.functions}
    instructions = {re.sub(r"\W", "_", name): name for name in isa.instructions}
    found = set()
    for name in traced:
        plain = _WIDTH.sub("", name)
        special = _SPECIAL.fullmatch(name)
        if plain in functions:
            found.add(f"fn:{functions[plain]}")
        elif special and special[1] == "insn" and special[2] in instructions:
            found.add(f"insn:{instructions[special[2]]}")
        elif special and special[2] in isa.csrs:
            found.add(f"csr:{special[2]}")
    return found


def rules_of(items: Iterable[str], isa: ISA) -> list[Rule]:
    """The rules that some of these items implement; a field implements what its CSR does."""
    wanted = set(items)
    wanted |= {it.partition(".")[0] for it in wanted if it.startswith("csr:")}
    return [rule for rule in isa.rules.values() if wanted.intersection(rule.by)]


def section_of(items: Iterable[str], isa: ISA) -> str:
    """The section of the text that speaks of the first of the items for which one is known."""
    for item in items:
        for rule in rules_of([item], isa):
            return rule.section
        changes = touching(isa, item)
        if changes:
            return changes[-1].section
    return ""
