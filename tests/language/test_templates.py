"""Block templates do what the operation's function does, on a hit and on a miss."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from drafthart.generator.language.ir import TypedOperation
from drafthart.generator.language.python import HELPERS
from drafthart.generator.language.template import Template, emit_template

MASK = (1 << 64) - 1
BASE = 0x8000_0000
MEMORY = {
    "load": (
        {"address": "XLEN", "size": "static"},
        "8 * size",
        "counter += 1\nif address[63]:\n    end_instruction()\nreturn read_physical(address, size)",
    ),
    "store": (
        {"address": "XLEN", "size": "static", "value": "8 * size"},
        None,
        "counter += 1\nif address[63]:\n    end_instruction()\n"
        "write_physical(address, size, value)",
    ),
    "double": ({"x": "64"}, "64", "return x + x"),
    "here": ({}, "64", "return pc"),
    "fail": ({}, None, "end_instruction()"),
}

STRAIGHT = {
    "lui": ("imm rd", "X[rd] = imm"),
    "auipc": ("imm rd", "X[rd] = pc + imm"),
    "addi": ("imm rs1 rd", "X[rd] = X[rs1] + imm"),
    "addiw": ("imm rs1 rd", "X[rd] = sext(X[rs1][31:0] + imm[31:0], XLEN)"),
    "slt": ("rs2 rs1 rd", "X[rd] = zext(signed(X[rs1]) < signed(X[rs2]), XLEN)"),
    "sraw": ("rs2 rs1 rd", "X[rd] = sext(signed(X[rs1][31:0]) >> X[rs2][4:0], XLEN)"),
    "sll": ("rs2 rs1 rd", "X[rd] = X[rs1] << X[rs2][5:0]"),
    "slli": ("shamt rs1 rd", "X[rd] = X[rs1] << shamt"),
    "mulh": ("rs2 rs1 rd", "X[rd] = (sext(X[rs1], 128) * sext(X[rs2], 128))[127:64]"),
    "remu": ("rs2 rs1 rd", "X[rd] = X[rs1] % X[rs2]"),
    "div": ("rs2 rs1 rd", "X[rd] = signed(X[rs1]) // signed(X[rs2])"),
    "raw": ("rd", "X[rd] = zext(instruction, XLEN)"),
    "next": ("rd", "X[rd] = next_pc"),
    "swap": ("rs1 rd", "t = X[rd]\nX[rd] = X[rs1]\nX[1] = t + zext(rd, XLEN)"),
    "branchy": (
        "rs2 rs1 rd",
        "if X[rs1] == 0:\n    X[rd] = 1\nelif X[rs2] == 0:\n    X[rd] = X[rs1]\n"
        "else:\n    x = X[rs2]\n    X[rd] = x * 3",
    ),
    "count": (
        "rs1 rd",
        "n: 64 = 0\nfor i in range(64):\n    if X[rs1][i]:\n        n += 1\n"
        "    elif n == 9:\n        break\nX[rd] = n",
    ),
    "state": ("rd", "X[rd] = zext(mode, XLEN) + mepc"),
    "double": ("rs1 rd", "X[rd] = double(X[rs1])"),
    "nothing": ("rd", "pass"),
    "zero": ("rs1", "X[0] = X[rs1]"),
    "lb": ("imm rs1 rd", "X[rd] = sext(load(X[rs1] + imm, 1), XLEN)"),
    "lhu": ("imm rs1 rd", "X[rd] = zext(load(X[rs1] + imm, 2), XLEN)"),
    "lw": ("imm rs1 rd", "X[rd] = sext(load(X[rs1] + imm, 4), XLEN)"),
    "ld": ("imm rs1 rd", "X[rd] = load(X[rs1] + imm, 8)"),
    "ld2": ("imm rs1 rd", "v = load(X[rs1] + imm, 8)\nX[rd] = double(v)"),
    "ldx": ("rs1 rd", "X[rd] = double(load(X[rs1], 8))"),
    "drop": ("rs1 rd", "X[0] = load(X[rs1], 8) + 1"),
    "touch": ("rs1", "load(X[rs1], 4)"),
    "maybe": ("rs2 rs1 rd", "X[rd] = load(X[rs1], 8) if X[rs2] == 0 else X[rs2]"),
    "two": ("rs1 rd", "X[rd] = load(X[rs1], 8) + load(X[rs1] ^ 8, 8)"),
    "if_load": ("rs1 rd", "if load(X[rs1], 4) == 0:\n    X[rd] = 4"),
    "sb": ("imm rs2 rs1", "store(X[rs1] + imm, 1, X[rs2][7:0])"),
    "sh": ("imm rs2 rs1", "store(X[rs1] + imm, 2, X[rs2][15:0])"),
    "sw": ("imm rs2 rs1", "store(X[rs1] + imm, 4, X[rs2][31:0])"),
    "sd": ("imm rs2 rs1", "store(X[rs1] + imm, 8, X[rs2])"),
    "sbool": ("rs2 rs1", "store(X[rs1], 1, zext(X[rs2] == 0, 8))"),
    "move": ("rs2 rs1", "store(X[rs1], 8, load(X[rs2], 8))"),
    "amo": ("rs2 rs1 rd", "t = load(X[rs1], 8)\nstore(X[rs1], 8, t + X[rs2])\nX[rd] = t"),
}
JUMPS = {
    "jal": ("imm rd", "X[rd] = next_pc\nnext_pc = pc + imm", True),
    "jal2": ("imm rd", "next_pc = pc + imm\nX[rd] = pc + 4", True),
    "jalr": (
        "imm rs1 rd",
        "target = (X[rs1] + imm) & ~1\nX[rd] = next_pc\nnext_pc = target",
        False,
    ),
    "jalr2": ("imm rs1 rd", "t = next_pc\nnext_pc = (X[rs1] + imm) & ~1\nX[rd] = t", False),
    "beq": ("imm rs2 rs1", "if X[rs1] == X[rs2]:\n    next_pc = pc + imm", True),
    "blt": ("imm rs2 rs1", "if signed(X[rs1]) < signed(X[rs2]):\n    next_pc = pc + imm", True),
    "bit": ("imm rs1 rd", "if X[rs1][3]:\n    next_pc = pc + imm\nX[rd] = 0", True),
    "loop": (
        "imm rs1 rd",
        "t = X[rs1] - 1\nif t != 0:\n    next_pc = pc + imm\nX[rd] = t",
        True,
    ),
    "far": ("rs2 rs1", "if X[rs1] == 0:\n    next_pc = load(X[rs2], 8)", None),
    "table": ("rs1", "next_pc = load(X[rs1], 8)", False),
    "ret": ("rd", "next_pc = mepc", False),
    "both": ("imm rs1", "if X[rs1] == 0:\n    next_pc = pc + imm\nelse:\n    X[1] = 1", None),
    "twice": ("imm rs1", "next_pc = pc + imm\nnext_pc = X[rs1]", None),
    "after": ("imm rd", "next_pc = pc + imm\nX[rd] = next_pc", None),
    "early": ("imm rd", "next_pc = pc + imm\nif X[1] == 0:\n    return\nX[rd] = 3", None),
}
SYSTEM = {
    "ecall": ("rd", "fail()"),
    "csrw": ("csr rs1", "csr_write(csr, X[rs1])"),
    "mode": ("rd", "mode = 1"),
    "here": ("rd", "X[rd] = here()"),
    "bus": ("rs1 rd", "X[rd] = read_physical(X[rs1], 8)"),
    "time": ("rd", "X[rd] = time()"),
    "word": ("rd", "X[rd] = zext(expanded, XLEN)"),
}


class Machine:
    """The hart, 4 KiB of RAM at BASE, and what a block's code refers to."""

    def __init__(self, kit: SimpleNamespace, hit: bool, seed: int) -> None:
        chance = random.Random(seed)
        self.memory = bytearray(chance.randbytes(4096))
        self.hart = kit.Hart(mepc=0x4444, instruction=0xABCD1234)
        self.hart.read_physical = self.read
        self.hart.write_physical = self.write
        values = (0, 1, BASE + 64, BASE + 128, MASK, 1 << 63, chance.getrandbits(64))
        self.hart.x = [0, *(chance.choice(values) for _ in range(31))]
        for number in (10, 11, 12):
            self.hart.x[number] = BASE + chance.randrange(4088)
        self.hit = hit

    def read(self, address: int, size: int) -> int:
        offset = address - BASE & 4095
        return int.from_bytes((self.memory * 2)[offset : offset + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        for i in range(size):
            self.memory[(address - BASE + i) & 4095] = value >> 8 * i & 255

    def page(self, key: int) -> int | None:
        return -BASE if self.hit and key == BASE else None

    def globals(self) -> dict[str, Any]:
        ram = memoryview(self.memory)
        space: dict[str, Any] = {"h": self.hart, "x": self.hart.x}
        space |= {"rget": self.page, "wget": self.page}
        for bits, form in ((8, "B"), (16, "H"), (32, "I"), (64, "Q")):
            space[f"ram{bits}"] = ram.cast(form) if form != "B" else ram
            space[f"PAGE_{bits // 8}"] = 0xFFFF_FFFF_FFFF_F000 | bits // 8 - 1
        return space

    def state(self) -> tuple[Any, ...]:
        return self.hart.x, bytes(self.memory), self.hart.next_pc


def run_template(
    kit: SimpleNamespace,
    module: SimpleNamespace,
    machine: Machine,
    template: Template,
    operands: dict[str, int],
) -> None:
    values = {name: str(value) for name, value in operands.items()}
    values |= {"pc": str(machine.hart.pc), "next": str(machine.hart.next_pc)}
    values |= {"instruction": str(machine.hart.instruction)}
    lines = [line.format(**values) for line in template.lines]
    if template.target is not None:
        jump = f"h.next_pc = {template.target.format(**values)}"
        if template.condition is None:
            lines.append(jump)
        else:
            lines += [f"if {template.condition.format(**values)}:", f"    {jump}"]
    text = "def block():\n    pass\n" + "".join(f"    {line}\n" for line in lines)
    space = {**vars(module), **machine.globals()}
    exec(HELPERS + "\n" + text, space)
    space["block"]()


def operands_of(operation: TypedOperation, seed: int) -> dict[str, int]:
    chance = random.Random(seed)
    values = {}
    for local in operation.parameters:
        if local.width == 5:
            values[local.name] = chance.choice([0, 1, 2, 10, 11, 12, 12])
        elif local.name == "imm":
            values[local.name] = chance.choice([0, 4, 5, MASK - 7, 2047]) & MASK
        else:
            values[local.name] = chance.randrange(local.most + 1)
    return values


def programs(kit: SimpleNamespace) -> Any:
    instructions = {
        **STRAIGHT,
        **{name: (operands, text) for name, (operands, text, _) in JUMPS.items()},
        **SYSTEM,
    }
    return kit.check(kit.build(MEMORY, instructions, entries=("load", "store")))


def outcome(kit: SimpleNamespace, machine: Machine, run: Any) -> tuple[Any, ...]:
    try:
        run()
    except kit.EndInstruction:
        return ("ended", *machine.state()[:2])
    return machine.state()


@pytest.fixture(scope="module")
def checked() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("hit", [True, False])
@pytest.mark.parametrize("name", [*STRAIGHT, *JUMPS])
def test_templates(kit: SimpleNamespace, checked: dict[str, Any], name: str, hit: bool) -> None:
    if not checked:
        checked["program"] = programs(kit)
        checked["module"] = kit.load(checked["program"])
    program, module = checked["program"], checked["module"]
    operation = program.instructions[name]
    if name in JUMPS and JUMPS[name][2] is None:
        assert emit_template(operation, rd_zero=False) is None
        return
    for seed in range(60):
        operands = operands_of(operation, seed)
        template = emit_template(operation, rd_zero=operands.get("rd") == 0)
        assert template is not None
        plain, fast = Machine(kit, hit, seed), Machine(kit, hit, seed)
        expected = outcome(
            kit,
            plain,
            lambda: getattr(module, f"run_{name}")(plain.hart, **operands),  # noqa: B023
        )
        found = outcome(
            kit,
            fast,
            lambda: run_template(kit, module, fast, template, operands),  # noqa: B023
        )
        assert found == expected
        assert all(type(value) is int for value in fast.hart.x)
        if not hit:
            assert fast.hart.counter == plain.hart.counter


def test_a_hit_calls_no_function(kit: SimpleNamespace) -> None:
    program = programs(kit)
    module = kit.load(program)
    for name in ("lb", "lhu", "lw", "ld", "ld2", "sb", "sh", "sw", "sd", "maybe", "drop", "touch"):
        operation = program.instructions[name]
        for rd in (0, 5):
            machine = Machine(kit, True, 1)
            machine.hart.x[10] = BASE + 64
            operands = {"rs1": 10, "rs2": 0, "rd": rd, "imm": 8}
            template = emit_template(operation, rd_zero=rd == 0)
            run_template(kit, module, machine, template, operands)
            assert machine.hart.counter == 0
            machine.hart.x[10] += 3 if name not in ("lb", "sb") else 0x1000
            run_template(kit, module, machine, template, operands)
            assert machine.hart.counter == 1


def test_kinds(kit: SimpleNamespace) -> None:
    instructions = programs(kit).instructions
    assert {instructions[name].kind for name in STRAIGHT} == {"straight"}
    assert {instructions[name].kind for name in JUMPS} == {"jump"}
    assert {instructions[name].kind for name in SYSTEM} == {"system"}
    assert all(emit_template(instructions[name], rd_zero=False) is None for name in SYSTEM)


def test_static_targets(kit: SimpleNamespace) -> None:
    instructions = programs(kit).instructions
    for name, (_, _, static) in JUMPS.items():
        if static is not None:
            template = emit_template(instructions[name], rd_zero=False)
            assert template is not None
            assert template.static is static


def test_the_text_is_short(kit: SimpleNamespace) -> None:
    instructions = programs(kit).instructions

    def lines(name: str, rd_zero: bool = False) -> list[str]:
        template = emit_template(instructions[name], rd_zero=rd_zero)
        assert template is not None
        return list(template.lines)

    full = "0xFFFFFFFFFFFFFFFF"
    assert lines("addi") == [f"x[{{rd}}] = (x[{{rs1}}] + {{imm}}) & {full}"]
    assert lines("addi", rd_zero=True) == []
    assert lines("addiw") == [
        "x[{rd}] = _1 if (_1 := (x[{rs1}] + {imm}) & 0xFFFFFFFF) < 0x80000000"
        " else _1 + 0xFFFFFFFF00000000"
    ]
    assert lines("slt") == [
        "x[{rd}] = 1 if (x[{rs1}] ^ 0x8000000000000000) < (x[{rs2}] ^ 0x8000000000000000) else 0"
    ]
    assert lines("ld") == [
        f"_a = (x[{{rs1}}] + {{imm}}) & {full}",
        "_d = rget(_a & PAGE_8)",
        "x[{rd}] = ram64[(_a + _d) >> 3] if _d is not None else load__8(h, _a)",
    ]
    assert lines("ld", rd_zero=True)[2:] == ["if _d is None:", "    load__8(h, _a)"]
    assert lines("sb")[1:] == [
        "_d = wget(_a & PAGE_1)",
        "if _d is None:",
        "    store__1(h, _a, x[{rs2}] & 255)",
        "else:",
        "    ram8[_a + _d] = x[{rs2}] & 255",
    ]
    beq = emit_template(instructions["beq"], rd_zero=False)
    assert beq == Template((), "x[{rs1}] == x[{rs2}]", f"({{pc}} + {{imm}}) & {full}", True)
    jal = emit_template(instructions["jal"], rd_zero=True)
    assert jal == Template((), None, f"({{pc}} + {{imm}}) & {full}", True)
