"""What statements do: targets, locals, control and calls."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from drafthart.generator.language.python import emit_expression, emit_operation
from drafthart.generator.spec.model import Place


@pytest.mark.parametrize(
    ("text", "arguments", "result"),
    [
        ("x: 8 = 0\nx = x - 1\nreturn x", (), 255),
        ("x = a\nx += 3\nx <<= 4\nx |= 1\nx ^= 0x10\nx //= 2\nx %= 100\nreturn x[7:0]", (7,), 88),
        ("if a == 1:\n    return 10\nelif a == 2:\n    return 20\nelse:\n    return 30", (2,), 20),
        ("if a == 1:\n    return 10\nelif a == 2:\n    return 20\nreturn 30", (5,), 30),
        ("s: 8 = 0\nfor i in range(5):\n    s += i\nreturn s", (), 10),
        ("s: 8 = 0\nfor i in range(2, 11, 3):\n    s = s * 2 + i\nreturn s", (), 26),
        ("s: 8 = 0\nfor i in range(3, -1, -1):\n    s = s * 4 + zext(i, 8)\nreturn s", (), 228),
        (
            "s: 8 = 0\nfor i in range(9):\n    if i == 4:\n        break\n    s += 1\nreturn s",
            (),
            4,
        ),
        (
            "s: 8 = 0\nfor i in range(9):\n    if a[i]:\n        continue\n    s += 1\nreturn s",
            (0b1011,),
            6,
        ),
        (
            "for i in range(64):\n    if a >> i == 1:\n        return zext(i, 8)\nreturn 99",
            (256,),
            8,
        ),
        ("for i in range(0):\n    return 1\nreturn 2", (), 2),
        ("n: 8 = 5 if a == 0 else 9 if a == 1 else a[7:0]\nreturn n", (1,), 9),
        ("pass\nreturn 3", (), 3),
        ("h = a[7:0]\nreturn h", (7,), 7),
        ("r: 8 = 1 << a[2:0]\nreturn r", (5,), 32),
        ("return 1 << 3 | 1", (), 9),
        ("return XLEN // 8 + LOAD - STORE", (), 7),
        ("return zext(True, 8)", (), 1),
    ],
)
def test_statements(
    kit: SimpleNamespace, text: str, arguments: tuple[int, ...], result: int
) -> None:
    parameters = {"a": "64"} if arguments else {}
    assert kit.call(text, parameters, "8", *arguments) == result


def test_dead_branches_may_name_what_is_absent(kit: SimpleNamespace) -> None:
    text = """\
if ZERO:
    absent.FIELD = nowhere(1)
elif ZERO == 1 or XLEN == 32:
    also_absent()
if not ZERO and mode == 3:
    return 1
if mode == 2 and ZERO and absent.FIELD:
    return absent
return 2 if not ZERO else absent"""
    assert kit.call(text, {}, "8", hart=kit.Hart(mode=3)) == 1
    assert kit.call(text, {}, "8", hart=kit.Hart(mode=2)) == 2


def test_registers(kit: SimpleNamespace) -> None:
    hart = kit.Hart()
    hart.x[3] = 40
    kit.call("X[r] = X[3] + 2\nX[0] = 7\nX[4] = 5", {"r": "5"}, None, 5, hart=hart)
    assert hart.x[5] == 42
    kit.call("X[r] = X[3] + 2\nX[0] = 7\nX[4] = 5", {"r": "5"}, None, 0, hart=hart)
    assert hart.x[0] == 0
    assert hart.x[4] == 5
    kit.call("X[r ^ 4] += 1", {"r": "5"}, None, 7, hart=hart)
    assert hart.x[3] == 41
    kit.call("X[r ^ 4] += 1", {"r": "5"}, None, 4, hart=hart)
    assert hart.x[0] == 0


def test_writes_to_register_zero_still_evaluate(kit: SimpleNamespace) -> None:
    text = "X[r] = zext(read_physical(a, 4), 64)\nX[0] = zext(read_physical(a + 4, 2), 64)"
    hart = kit.Hart(memory={16: 9, 17: 1})
    kit.call(text, {"r": "5", "a": "64"}, None, 0, 16, hart=hart)
    assert hart.log == [("read", 16, 4), ("read", 20, 2)]
    assert hart.x == [0] * 32
    kit.call(text, {"r": "5", "a": "64"}, None, 6, 16, hart=hart)
    assert hart.x[6] == 0x109


def test_state_csrs_and_fields(kit: SimpleNamespace) -> None:
    hart = kit.Hart(mstatus=0xFFFF, mode=1)
    text = """\
mode = 2
V = mstatus.MIE and mode == 2
mstatus.MPP = 1
mstatus.MIE = 0
mstatus.TVM = 1
mepc = pc
next_pc = mepc + 8
counter += zext(mstatus.MPP, 64)
small.ALL = 0x12345678
small.LOW = small[15:8]
table[1] = 5
table[1] += 1
return zext(table[1], 64) + misa"""
    assert kit.call(text, {}, "64", hart=hart) == 11
    assert (hart.mode, hart.V, type(hart.V)) == (2, 1, int)
    assert hart.mstatus == (0xFFFF & ~0x1808 | 1 << 11 | 1 << 20)
    assert (hart.mepc, hart.next_pc, hart.counter, hart.small) == (0x1000, 0x1008, 1, 0x12345656)


def test_field_takes_the_bit_of_a_comparison(kit: SimpleNamespace) -> None:
    hart = kit.Hart()
    kit.call("mstatus.MIE = mode == 3\nsmall.ALL = zext(mode == 3, 32)", {}, None, hart=hart)
    assert hart.mstatus == 8
    assert hart.small == 1
    assert type(hart.small) is int


def test_computed_fields(kit: SimpleNamespace) -> None:
    assert kit.call("return mstatus.SD", {}, "1", hart=kit.Hart(mstatus=3 << 11)) == 1
    assert kit.call("return mstatus.SD", {}, "1", hart=kit.Hart(mstatus=1 << 63)) == 0
    program = kit.check(kit.build())
    assert list(program.field_read) == [("mstatus", "SD")]
    assert not program.functions


def test_computed_fields_of_views(kit: SimpleNamespace) -> None:
    csrs = [
        kit.csr("home", (kit.field("A", 0, 0), kit.field("B", 1, 1, write="value and V"))),
        kit.csr(
            "shown",
            (
                kit.field("A", 4, 4),
                kit.field("B", 5, 5, write="value or V"),
                kit.field("C", 6, 6, read="home.A and V"),
            ),
            view=kit.View("home", {"A": "A", "B": "B"}),
        ),
    ]
    program = kit.check(kit.build({"f": ({}, "1", "return shown.C")}, entries=("f",), csrs=csrs))
    assert kit.load(program).f(kit.Hart(home=1, V=1)) == 1
    assert list(program.field_read) == [("shown", "C")]
    assert list(program.field_write) == [("home", "B"), ("shown", "B")]


@pytest.mark.parametrize("index", [0, 3, 4, 7, 1 << 40])
def test_arrays_check_their_index(kit: SimpleNamespace, index: int) -> None:
    hart = kit.Hart(pmpaddr=[1, 2, 3, 4], table=[5, 6, 7, 8, 9])
    text = """\
pmpaddr[i] = pmpaddr[i] + 10
pmpaddr[i].TOP = 3
table[i + 1] = 99
return cat(pmpaddr[i], table[i])"""
    result = kit.call(text, {"i": "64"}, "80", index, hart=hart)
    address, table = [1, 2, 3, 4], [5, 6, 7, 8, 9]
    if index < 4:
        address[index] += 10 | 3 << 62
        table[index + 1] = 99
    assert hart.pmpaddr == address
    assert hart.table == table
    expected = (address[index] if index < 4 else 0) << 16 | (table[index] if index < 5 else 0)
    assert result == expected


def test_arrays_with_constant_and_loop_index(kit: SimpleNamespace) -> None:
    hart = kit.Hart(pmpaddr=[1, 2, 3, 4])
    text = """\
total: 64 = 0
for i in range(4):
    total += pmpaddr[i]
    pmpaddr[i] = i
pmpcfg[2] = 7
return total + pmpaddr[3] + pmpcfg[2] + zext(pmpaddr[3].TOP, 64)"""
    assert kit.call(text, {}, "64", hart=hart) == 20
    assert hart.pmpaddr == [0, 1, 2, 3]


def test_a_change_of_a_flush_field_flushes(kit: SimpleNamespace) -> None:
    hart = kit.Hart(satp=8 << 60)
    kit.call("satp.MODE = 8\nsatp.ASID = 5", {}, None, hart=hart)
    assert not hart.log
    kit.call("satp.MODE = 9", {}, None, hart=hart)
    assert hart.log == [("flush_translations",)]
    kit.call("satp = 9 << 60", {}, None, hart=hart)
    kit.call("satp = 0", {}, None, hart=hart)
    assert len(hart.log) == 2
    program = kit.check(kit.build({"f": ({}, None, "satp.MODE = 8")}, entries=("f",)))
    assert program.effects["f"].primitives == {"flush_translations"}


def test_functions(kit: SimpleNamespace) -> None:
    functions = {
        "half": ({"x": "64", "n": "static"}, "8 * n", "return x[8 * n - 1:0]"),
        "bump": ({}, "64", "counter += 1\nreturn counter"),
        "fail": ({"c": "6"}, None, "counter = zext(c, 64)\nend_instruction()"),
        "one": ({}, "1", "return 1"),
    }
    options = {"functions": functions, "ends": ("fail",)}
    assert kit.call("return half(x, 2)", {"x": "64"}, "16", 0x12345, **options) == 0x2345
    text = "return zext(half(x, 1), 64) + zext(half(x, 4), 64) + zext(half(x, 1), 64)"
    assert kit.call(text, {"x": "64"}, "64", 0x12345, **options) == 0x45 * 2 + 0x12345
    # From left to right, as written.
    assert kit.call("return bump() * 10 + bump()", {}, "64", **options) == 12
    hart = kit.Hart()
    text = "if x == 0:\n    fail(9)\nelse:\n    return x"
    assert kit.call(text, {"x": "64"}, "64", 4, hart=hart, **options) == 4
    with pytest.raises(kit.EndInstruction):
        kit.call(text, {"x": "64"}, "64", 0, hart=hart, **options)
    assert hart.counter == 9
    # Short circuit.
    hart = kit.Hart()
    kit.call(
        "V = mode == 0 and bump() != 0\nV = mode == 3 or bump() == 0",
        {},
        None,
        hart=hart,
        **options,
    )
    assert hart.counter == 0


@pytest.mark.parametrize("operator", ["//", "%", "<<", "+"])
def test_operands_are_evaluated_once_and_in_order(kit: SimpleNamespace, operator: str) -> None:
    functions = {"bump": ({}, "64", "counter += 1\nreturn counter")}
    for text, pairs in {
        f"return bump() {operator} bump()": (1, 2),
        f"return (counter + 5) {operator} bump()": (5, 1),
        f"return bump() {operator} (counter + 5)": (1, 6),
        f"return counter {operator} bump()": (0, 1),
    }.items():
        hart = kit.Hart()
        result = kit.call(text, {}, "64", hart=hart, functions=functions)
        assert result == eval(f"{pairs[0]} {operator} {pairs[1]}")
        assert hart.counter == text.count("bump")


def test_the_value_comes_before_the_index(kit: SimpleNamespace) -> None:
    functions = {"bump": ({}, "64", "counter += 1\nreturn counter")}
    hart = kit.Hart()
    kit.call("table[counter] = bump()[15:0]", {}, None, hart=hart, functions=functions)
    kit.call("X[counter[4:0]] = bump()", {}, None, hart=hart, functions=functions)
    assert (hart.table[1], hart.x[2]) == (1, 2)
    # A call may change other fields of the CSR that is assigned.
    functions = {"other": ({}, "2", "mstatus.MIE = 1\nreturn 2")}
    hart = kit.Hart()
    kit.call("mstatus.MPP = other()", {}, None, hart=hart, functions=functions)
    assert hart.mstatus == 2 << 11 | 8


def test_primitives(kit: SimpleNamespace) -> None:
    hart = kit.Hart()
    text = """\
write_physical(0x100, 4, 0xdeadbeef)
v = read_physical(0x102, 2)
if csr_exists(0x300) and physical_exists(0x80000000, 8):
    csr_check(csr_substitute(0x301), v == 0xdead)
    csr_write(0x342, csr_read(0x300) + time() + retired())
flush_instructions()
flush_translations()
wait_for_interrupt()
end_instruction()"""
    with pytest.raises(kit.EndInstruction):
        kit.call(text, {}, None, hart=hart)
    assert hart.log == [
        ("write", 0x100, 4, 0xDEADBEEF),
        ("read", 0x102, 2),
        ("csr_check", 0x300, 1),
        ("csr_read", 0x300),
        ("csr_write", 0x342, 0x600 + 1234 + 99),
        ("flush_instructions",),
        ("flush_translations",),
        ("wait_for_interrupt",),
    ]
    assert type(hart.log[2][2]) is int


def test_csr_operations(kit: SimpleNamespace) -> None:
    csrs = [
        kit.csr(
            "mip",
            read="return mip | 0x200",
            write="mip = value & 0xff",
            access="if write:\n    end_instruction()",
        ),
        *(
            kit.csr(f"event{i}", array="event", index=i, read="return event[index] + index")
            for i in range(3)
        ),
        kit.csr("vsatp", (kit.field("MODE", 63, 60, write="value if value in (0, 8) else old"),)),
    ]
    program = kit.check(kit.build(csrs=csrs))
    space: dict[str, object] = {"EndInstruction": kit.EndInstruction}
    for name, operation in (
        ("read", program.csr_read["mip"]),
        ("read2", program.csr_read["event2"]),
        ("write", program.csr_write["mip"]),
        ("access", program.csr_access["mip"]),
    ):
        names = [local.name for local in operation.parameters]
        exec("\n".join(emit_operation(name, names, operation)), space)
    hart = kit.Hart(mip=0, event=[7, 8, 9])
    space["write"](hart, 0x1FF)  # type: ignore[operator]
    assert space["read"](hart) == 0x2FF  # type: ignore[operator]
    assert space["read2"](hart) == 11  # type: ignore[operator]
    space["access"](hart, 0)  # type: ignore[operator]
    with pytest.raises(kit.EndInstruction):
        space["access"](hart, 1)  # type: ignore[operator]
    text = emit_expression(program.field_write["vsatp", "MODE"])
    assert eval(text, {"h": hart, "value": 8, "old": 1}) == 8
    assert eval(text, {"h": hart, "value": 9, "old": 1}) == 1


def test_instruction_operands(kit: SimpleNamespace) -> None:
    isa = kit.build(
        instructions={
            "addi": ("imm rs1 rd", "X[rd] = X[rs1] + imm"),
            "slli": ("shamt rs1 rd", "X[rd] = X[rs1] << shamt"),
            "odd": ("csr rd aq", "X[rd] = zext(csr, XLEN) + zext(aq, XLEN)"),
        }
    )
    program = kit.check(isa)
    module, hart = kit.load(program), kit.Hart()
    hart.x[1] = 5
    module.run_addi(hart, imm=(1 << 64) - 3, rs1=1, rd=2)
    module.run_slli(hart, shamt=63, rs1=1, rd=3)
    module.run_odd(hart, csr=0x300, rd=4, aq=1)
    assert hart.x[2:5] == [2, 1 << 63, 0x301]
    widths = {
        local.name: (local.width, local.most) for local in program.instructions["slli"].parameters
    }
    assert widths == {"shamt": (64, 63), "rs1": (5, 31), "rd": (5, 31)}


def test_an_instruction_without_encoding_has_the_operands_of_its_assembly(
    kit: SimpleNamespace,
) -> None:
    isa = kit.build(instructions={"new": ("rd", "X[rd] = X[rs1]")})
    instruction = replace(isa.instructions["new"], encoding=None, assembly="rd, (rs1)")
    program = kit.check(replace(isa, instructions={"new": instruction}))
    assert [one.name for one in program.instructions["new"].parameters] == ["rd", "rs1"]


def test_entry_functions_exist_for_all_sizes(kit: SimpleNamespace) -> None:
    functions = {
        "load": (
            {"address": "XLEN", "size": "static"},
            "8 * size",
            "return read_physical(address, size)",
        ),
        "unused": ({}, "1", "return 1"),
    }
    program = kit.check(kit.build(functions, entries=("load",)))
    assert sorted(program.functions) == ["load__1", "load__2", "load__4", "load__8"]
    assert program.functions["load__4"].returns == 32
    assert program.functions["load__4"].statics == (4,)


def test_callees_come_first(kit: SimpleNamespace) -> None:
    functions = {
        "f": ({}, "1", "return g()"),
        "g": ({}, "1", "return k(2) and k(3)"),
        "k": ({"n": "static"}, "1", "return mstatus.SD and mode == n"),
    }
    names = list(kit.check(kit.build(functions, entries=("f",))).functions)
    assert names[-2:] == ["g", "f"]
    assert names[0] == "field__mstatus__SD"


def test_other_xlen(kit: SimpleNamespace) -> None:
    assert kit.call("X[1] = 5\nreturn X[1] - 6", {}, "XLEN", xlen=32) == 0xFFFFFFFF


def test_docs_and_places_cannot_leave_their_string(kit: SimpleNamespace) -> None:
    isa = kit.build({"f": ({}, "8", "return 7")}, entries=("f",))
    nasty = 'a """ b \\" \\ \0 \n raise SystemExit\r\u2028 ' + "long " * 60 + '"'
    function = replace(isa.functions["f"], doc=nasty, place=Place("x\nraise SystemExit\n#\0", 1, 1))
    program = kit.check(replace(isa, functions={"f": function}))
    module = kit.load(program)
    assert module.f(kit.Hart()) == 7
    assert 'a """ b' in module.f.__doc__
    assert "raise SystemExit" in module.f.__doc__
