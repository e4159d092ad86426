"""Random steps of a probe: an instruction, or a few that belong together.

A step begins at the left margin; what belongs to it is indented. It runs from any mode and needs
nothing of the steps before it, so any of them can be left out. The registers a0, a2 and a3 hold
addresses and are not written; a1, a4 and a5 hold values; t0 and t1 are a step's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from drafthart.conformance.probes.page_tables import ALIAS, GUEST_PAGE, PAGE, Stages
from drafthart.conformance.probes.probe import MODES, Names
from drafthart.conformance.probes.state import DATA, NOWHERE
from drafthart.conformance.randomized.entries import random_entry
from drafthart.conformance.randomized.values import random_mask, random_value, varies, writable
from drafthart.conformance.randomized.weights import Weights
from drafthart.generator.spec.model import ISA, Instruction

VALUES = ("a1", "a4", "a5")
ALIGNED = ("a2", "a3")
ANY_ADDRESS = ("a0", *ALIGNED)
FLOATS = ("fa0", "fa1", "fa2", "fa3")
CODE_OFFSET = 0x800
"""Where in a page there is code that returns; probes store elsewhere."""

_PRIVILEGED = ("H", "S", "Sm", "Svinval")
_LEVELS = {"M": 3, "HS": 2, "U": 0, "VS": 1, "VU": 0}
"""The highest privilege in the number of a CSR that a mode may access."""
_SHARES = {
    "system": (6, 1), "memory": (5, 8), "csr": (6, 5), "float": (1, 2), "other": (1, 1),
    "pair": (1, 1), "fetch": (2, 3), "table": (2, 1), "root": (1, 1), "sret": (2, 2),
    "mret": (1, 0.2), "override": (1, 0),
}  # fmt: skip
"""How often each kind of step is wanted in M- and HS-mode, and in the others."""


class Steps:
    """Makes steps of a revision's instructions."""

    def __init__(self, isa: ISA, weights: Weights, random: Random) -> None:
        self._names = Names(isa)
        self._stages = Stages(isa)
        self._weights = weights
        self._random = random
        self._by_kind: dict[str, dict[str, Instruction]] = {}
        for name, instruction in isa.instructions.items():
            kind = _kind(instruction, isa)
            if kind:
                self._by_kind.setdefault(kind, {})[f"insn:{name}"] = instruction
        self._csrs = [csr for csr in isa.csrs.values() if csr.address and csr.index in (0, 3, 31)]
        self._writable = {csr.name for csr in writable(isa)}
        self._makers: dict[str, Callable[[str], str]] = {
            "csr": self._csr,
            "pair": self._pair,
            "fetch": self._fetch,
            "table": self._table,
            "root": self._root,
            "sret": self._sret,
            "mret": self._mret,
            "override": self._override,
        }

    def several(self, mode: str, *, leaves: bool) -> list[str]:
        """A dozen steps at most; `leaves` allows returns to another mode."""
        random = self._random
        lower = mode not in ("M", "HS")
        shares = {
            kind: pair[lower]
            for kind, pair in _SHARES.items()
            if kind in self._by_kind or kind in self._makers
        }
        if mode != "M":
            shares["override"] = 0
        if not leaves:
            shares |= {"sret": 0, "mret": 0}
        kinds, often = list(shares), list(shares.values())
        count = random.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12))
        # SRET alone leads to the end; together with the other kind it could lead back.
        plain = random.random() < 0.4
        return [
            self._step(random.choices(kinds, often)[0], mode, plain=plain) for _ in range(count)
        ]

    def _step(self, kind: str, mode: str, *, plain: bool) -> str:
        if kind == "mret" and mode != "M":
            return kind
        if kind == "sret" and plain:
            return kind
        if kind in self._makers:
            return self._makers[kind](mode)
        return self._instruction(self._weights.pick(self._by_kind[kind], self._random))

    def _instruction(self, instruction: Instruction) -> str:
        """An instruction with operands that are safe where its assembly wants them."""
        random, isa = self._random, self._names.isa
        text = instruction.mnemonic
        operands = []
        for part in filter(None, (it.strip() for it in instruction.assembly.split(","))):
            name, parenthesis, _ = part.rstrip(")").partition("(")
            kind = isa.operands[name].kind if name else ""
            if kind in ("rounding", "fence"):
                continue  # both have their defaults
            if kind == "register":
                operand = random.choice(VALUES)
            elif kind == "float":
                operand = random.choice(FLOATS)
            else:
                operand = random.choice(("0", "8")) if name else ""
            if parenthesis:
                operand += f"({random.choice(self._bases(instruction))})"
            operands.append(operand)
        if instruction.extension in _PRIVILEGED and instruction.assembly == "rs1, rs2":
            operands = [random.choice(("x0", "a2")), random.choice(("x0", "a1"))]
        return f"{text} {', '.join(operands)}".strip()

    def _bases(self, instruction: Instruction) -> tuple[str, ...]:
        """Whether misaligned atomic operations fault by their address or by the page is open."""
        return ALIGNED if instruction.extension == "A" else ANY_ADDRESS

    def _csr(self, mode: str) -> str:
        """An access to a CSR, seldom to one that the mode has no right to."""
        random = self._random
        most = _LEVELS[mode] if random.random() < 0.9 else 3
        chances = [it for it in self._csrs if (it.address or 0) >> 8 & 3 <= most]
        csr = self._weights.pick({f"csr:{it.name}": it for it in chances}, random)
        rd = "x0" if varies(csr) else random.choice(("x0", *VALUES))
        if csr.name not in self._writable:
            other = f"csrrs {rd}, {csr.name}, x0"
            return (
                f"csrrci {rd}, {csr.name}, 1" if csr.read_only and random.random() < 0.2 else other
            )
        choice = random.random()
        if choice < 0.3:
            return f"csrrs {rd}, {csr.name}, x0"
        if choice < 0.7:
            value, operation = random_value(csr, self._names, random), "csrrw"
        else:
            value = random_mask(csr, self._names, random)
            operation = random.choice(("csrrs", "csrrc"))
        return f"li t0, {value:#x}\n  {operation} {rd}, {csr.name}, t0"

    def _pair(self, _: str) -> str:
        """LR and SC to the same address: alone, SC may succeed or not."""
        random = self._random
        base, width = random.choice(ALIGNED), random.choice("wd")
        return f"lr.{width} {random.choice(VALUES)}, ({base})\n  sc.{width} a4, a1, ({base})"

    def _fetch(self, _: str) -> str:
        page = self._random.choice((PAGE, PAGE, PAGE, DATA, GUEST_PAGE, NOWHERE, PAGE | 1 << 40))
        return f"li t0, {page + CODE_OFFSET:#x}\n  jalr t0\n  li ra, 0"

    def _table(self, _: str) -> str:
        """A change of a page table, and all fences that make it seen."""
        random = self._random
        where, value = random_entry(random, user=random.random() < 0.5)
        lines = [f"li t0, {value:#x}", f"li t1, {where:#x}", "sd t0, 0(t1)", *self._fences()]
        return "\n  ".join(lines)

    def _fences(self) -> Iterator[str]:
        """Those that there are; VS-mode has only the first, and traps at the others."""
        for name in ("sfence.vma", "hfence.gvma", "hfence.vvma"):
            if name in self._names.isa.instructions:
                yield f"{name} x0, x0"

    def _root(self, _: str) -> str:
        """A stage switched on or off from within."""
        random = self._random
        roots = dict(self._stages.on(s="Sv39"))
        csr = random.choice(list(roots))
        value = random.choice((0, roots[csr]))
        return "\n  ".join([f"li t0, {value:#x}", f"csrrw a4, {csr}, t0", *self._fences()])

    def _sret(self, _: str) -> str:
        """SRET to the step behind it, as the mode that it leads to may see it."""
        higher = self._random.choice(("", f"li t1, {ALIAS:#x}\n  add t0, t0, t1\n  "))
        return f"la t0, 1f\n  {higher}csrw sepc, t0\n  sret\n  1:"

    def _mret(self, _: str) -> str:
        """MRET likewise, to any mode."""
        names, random = self._names, self._random
        mode = random.choice(list(MODES))
        clear, value = names.mask("mstatus.MPP", "mstatus.MPV"), names.entry(mode)
        higher = random.choice(("", f"li t1, {ALIAS:#x}\n  add t0, t0, t1\n  "))
        return (
            f"li t0, {clear:#x}\n  csrc mstatus, t0\n  li t0, {value:#x}\n  csrs mstatus, t0\n"
            f"  la t0, 1f\n  {higher}csrw mepc, t0\n  mret\n  1:"
        )

    def _override(self, _: str) -> str:
        """An access by M-mode in the name of another mode."""
        names, random = self._names, self._random
        value = names.entry(random.choice(list(MODES))) | names.mask("mstatus.MPRV")
        instructions = self._by_kind["memory"]
        chosen = instructions[random.choice(list(instructions))]
        return (
            f"li t0, {names.mask('mstatus.MPP', 'mstatus.MPV'):#x}\n  csrc mstatus, t0\n"
            f"  li t0, {value:#x}\n  csrs mstatus, t0\n  {self._instruction(chosen)}\n"
            f"  li t0, {names.mask('mstatus.MPRV'):#x}\n  csrc mstatus, t0"
        )


def _kind(instruction: Instruction, isa: ISA) -> str:
    """Of which kind an instruction is; "" if random probes have no use for it alone."""
    words = instruction.assembly.replace("(", " ").replace(")", " ").replace(",", " ").split()
    if instruction.encoding is None or instruction.mnemonic in ("wfi", "mret", "sret"):
        return ""  # how long WFI waits is open, and returns need a place to return to
    if any(word not in isa.operands for word in words) or instruction.mnemonic.startswith("sc."):
        return ""
    kinds = {isa.operands[word].kind for word in words}
    if _jumps(instruction, isa) or "csr" in kinds or any(isa.operands[it].relative for it in words):
        return ""
    if instruction.extension in _PRIVILEGED:
        return "system"
    if "(" in instruction.assembly:
        return "memory"
    if not words:
        return "other"
    return "float" if "float" in kinds else ""


def _jumps(instruction: Instruction, isa: ISA) -> bool:
    if instruction.operation is None:
        expanded = (instruction.expands or "").split()
        return bool(expanded) and _jumps(isa.instructions[expanded[0]], isa)
    return "next_pc" in instruction.operation.text
