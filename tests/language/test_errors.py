"""Every mistake is one line with its exact place, what was found and what was expected."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drafthart.generator.errors import DrafthartError

PARAMETERS = {"a": "64", "b": "64", "c": "32"}

# Text, line and column within it (from 1), and a part of the message.
MISTAKES = [
    ("x = nothing", 1, 5, "unknown name `nothing`; expected a variable"),
    ("return mstatsu", 1, 8, "unknown name `mstatsu` (did you mean `mstatus`?)"),
    ("return mstatus.MPQ", 1, 16, "`mstatus` has no field `MPQ` (did you mean `MPP`?)"),
    ("return mstatus.SD + 1", 1, 8, "a value of 1 bit; expected one of 64 bits (widen with"),
    ("return c + a", 1, 8, "32 bits `+` 64 bits; expected equal widths"),
    ("return a & (a[31:0])", 1, 8, "64 bits `&` 32 bits; expected equal widths"),
    ("return zext(a == c, 64)", 1, 13, "64 bits `==` 32 bits; expected equal widths"),
    ("return a if b else a", 1, 13, "a condition of 64 bits; expected 1 bit"),
    ("return a if b == 1 else c", 1, 8, "64 bits `else` 32 bits; expected equal widths"),
    ("if a:\n    pass", 1, 4, "a condition of 64 bits; expected 1 bit"),
    ("return zext(a == 0 and b, 64)", 1, 24, "a condition of 64 bits"),
    ("return a[5:9]", 1, 10, "the slice [5:9] of 64 bits; expected high bit first, at most [63:0]"),
    ("return a[64:1]", 1, 10, "the slice [64:1] of 64 bits"),
    ("return a[64]", 1, 10, "bit 64; expected 0 to 63"),
    ("return a[3:]", 1, 10, "an incomplete slice; expected `[high:low]`"),
    ("return a[9:1:2]", 1, 10, "an incomplete slice"),
    ("return a[b:0]", 1, 10, "a slice's high bit that is not constant; expected numbers"),
    ("return a[1, 2]", 1, 10, "a tuple; expected one value"),
    ("return X", 1, 8, "`X` alone; expected a register: `X[number]`"),
    ("return X[a]", 1, 10, "a value of 64 bits; expected one of 5 bits (slice to narrow)"),
    ("return X[32]", 1, 10, "the number 32; expected one that fits in 5 bits"),
    ("return X[5:3]", 1, 10, "a slice of the registers; expected a register number"),
    ("return table", 1, 8, "the array `table` alone; expected an element: `table[index]`"),
    ("return table[5]", 1, 14, "the index 5; expected one that exists, below 5"),
    ("return table[1:0]", 1, 14, "a slice of an array; expected one index"),
    ("return pmpcfg[1]", 1, 15, "the index 1; expected one that exists, below 3"),
    ("return pmpaddr", 1, 8, "the array `pmpaddr` alone"),
    (
        "return sstatus",
        1,
        8,
        "a view and stores nothing; expected the CSR behind it, such as `mstatus.MIE`",
    ),
    ("return sstatus.MIE", 1, 8, "a view and stores nothing; expected `mstatus.MIE`"),
    ("sstatus.MIE = 1", 1, 1, "a view and stores nothing; expected `mstatus.MIE`"),
    ("sstatus = 1", 1, 1, "`sstatus`, which is a view and stores nothing"),
    ("mstatus.SD = 1", 1, 1, "`mstatus.SD`, which is computed; expected an assignment to what"),
    ("misa = 4", 1, 1, "`misa`, which is constant"),
    ("misa.A = 0", 1, 1, "`misa`, which is constant"),
    ("return mode.X", 1, 8, "`.X`; expected a field, which only a CSR has"),
    ("return nothing.X", 1, 8, "unknown name `nothing`"),
    ("nothing.X = 1", 1, 1, "unknown name `nothing`"),
    ("return (a + b).X", 1, 8, "`.X`; expected a field"),
    ("pc = 4", 1, 1, "an assignment to `pc`, part of the hart; expected `next_pc`"),
    ("LOAD = 3", 1, 1, "an assignment to `LOAD`, a number"),
    ("f = a", 1, 1, "an assignment to `f`, a function"),
    ("x = 5", 1, 5, "a number without a width, assigned first to `x`; expected `x: width = …`"),
    ("x = 1 << a", 1, 5, "a number without a width"),
    ("x += 5", 1, 1, "unknown name `x`"),
    ("x: 8 = 256", 1, 8, "the number 256; expected one that fits in 8 bits"),
    ("x: 8 = -129", 1, 8, "the number -129; expected one that fits in 8 bits"),
    ("x: 8 = 1\nx = 999", 2, 5, "the number 999; expected one that fits in 8 bits"),
    ("x: 8 = 1\nx: 9 = 1", 2, 4, "the width 9; expected 8, as `x` has already"),
    ("x: a = 1", 1, 4, "a width that is not constant"),
    ("x: 4097 = 1", 1, 4, "a width of 4097 bits; expected 1 to 4096"),
    ("x: 0 = 1", 1, 4, "a width of 0 bits"),
    ("mstatus.MIE: 1 = 1", 1, 1, "a width for this target; expected a local"),
    ("return zext(a, 32)", 1, 8, "zext of 64 bits to 32 bits; expected at least the width"),
    ("return sext(5)", 1, 8, "1 argument; expected 2: `sext(value, width)`"),
    ("return zext(a, 5000)", 1, 16, "a width of 5000 bits"),
    ("return signed(a)", 1, 8, "signed() alone; expected signed values only in comparisons"),
    ("return signed(a) + b", 1, 8, "signed() before `+`; expected the value alone"),
    ("return a >> signed(b)", 1, 13, "a signed amount; expected an unsigned one"),
    ("return zext(signed(a) < b, 64)", 1, 25, "an unsigned value compared with a signed one"),
    ("return signed(a) // b", 1, 21, "an unsigned operand beside a signed one"),
    ("return zext(signed(a, b) < 1, 64)", 1, 13, "2 arguments; expected 1: `signed(value)`"),
    ("return zext(a < -1, 64)", 1, 17, "a negative number in an unsigned comparison"),
    (
        "return zext(signed(a) < 0x8000000000000000, 64)",
        1,
        25,
        "the number 0x8000000000000000; expected one that fits in 64 bits signed",
    ),
    ("return zext((1 << a) == 4, 64)", 1, 14, "a number without a width"),
    ("return zext(a in 5, 64)", 1, 18, "no tuple after `in`; expected constants"),
    ("return zext(a in (), 64)", 1, 18, "no tuple after `in`"),
    ("return zext(a in (1, b), 64)", 1, 22, "a member that is not constant"),
    ("return zext(c in (1, 0x100000000), 64)", 1, 22, "the number 0x100000000; expected one"),
    ("return cat(a, 5)", 1, 15, "a number without a width"),
    ("return cat()", 1, 8, "cat() of 0 bits"),
    ("return foo(1)", 1, 8, "unknown function `foo`"),
    ("return csr_reed(1)", 1, 8, "unknown function `csr_reed` (did you mean `csr_read`?)"),
    ("return read_physical(a, 3)", 1, 25, "3 as a static argument of `read_physical`; expected"),
    ("return read_physical(a, b)", 1, 25, "a static argument of `read_physical` that is not"),
    ("return read_physical(a)", 1, 8, "1 argument for `read_physical`; expected 2 arguments"),
    ("write_physical(a, 4, b)", 1, 22, "a value of 64 bits; expected one of 32 bits"),
    ("return flush_translations()", 1, 8, "`flush_translations`, which returns nothing"),
    ("return g", 1, 8, "the function `g` as a value; expected a call"),
    ("return range(3)", 1, 8, "range(); expected it after `for … in` only"),
    ("return mstatus()", 1, 8, "unknown function `mstatus`"),
    ("return mstatus.MIE()", 1, 8, "a call of an expression; expected the name of a function"),
    ("a + b", 1, 1, "a value that nobody uses"),
    ("zext(a, 65)", 1, 1, "a value that nobody uses"),
    ("a[3] = 1", 1, 1, "an assignment to some bits"),
    ("mstatus.MPP[1] = 0", 1, 1, "an assignment to some bits"),
    ("table[1:0] = 0", 1, 1, "an assignment to some bits"),
    ("f(a, b, c) = 0", 1, 1, "no valid syntax"),
    ("table[zext(read_physical(a, 1), 16)] += 1", 1, 1, "a call in the index; expected a local"),
    ("break", 1, 1, "`break` outside of a loop"),
    ("if a == b:\n    continue", 2, 5, "`continue` outside of a loop"),
    ("for i in range(a):\n    pass", 1, 16, "a loop's bound that is not constant"),
    ("for i in range(4097):\n    pass", 1, 10, "a loop of 4097 rounds; expected at most 4096"),
    ("for i in range(2, -2, -1):\n    pass", 1, 10, "a negative loop variable"),
    ("for i in range(1, 5, 0):\n    pass", 1, 10, "a step of zero"),
    ("for i in range(1 << 300):\n    pass", 1, 10, "a huge bound"),
    ("for i in range(1, 2, 3, 4):\n    pass", 1, 10, "a loop over this; expected `range(…)`"),
    ("for i in (1, 2):\n    pass", 1, 10, "a loop over this"),
    ("for a in range(3):\n    pass", 1, 5, "`a`, a name in use; expected a new loop variable"),
    ("for X[1] in range(3):\n    pass", 1, 5, "this loop variable; expected a name"),
    ("for i in range(9):\n    i = 3", 2, 5, "an assignment to `i`, which is fixed"),
    (
        "x: 3 = 0\nfor i in range(9):\n    x = i",
        3,
        9,
        "`i`, which reaches 8; expected a value that fits in 3 bits",
    ),
    ("return", 1, 1, "`return` alone; expected a value of 64 bits"),
    ("pass", 1, 1, "a path that returns no value; expected `return` of 64 bits on every path"),
    ("x = a\nif a == 1:\n    return 5", 2, 1, "a path that returns no value"),
    ("if a == 1:\n    x = a\nreturn x", 3, 8, "`x`, which may have no value here"),
    ("for i in range(3):\n    x = a\nreturn x", 3, 8, "`x`, which may have no value here"),
    ("return 1 // 0", 1, 13, "a division of numbers by zero"),
    ("return 1 << 5000", 1, 13, "a shift by 5000; expected 0 to 4096"),
    ("return ~0 >> 1", 1, 8, "`>>` of a negative number; expected a width"),
    ("return (1 << 4000) * (1 << 4000)", 1, 8, "a number of 8001 bits; expected at most 4096"),
    ("return a << 5000", 1, 13, "5000; expected 0 to 4096"),
    ("return (-5)[3:0]", 1, 9, "a number without a width"),
    ("x = (a\n  +", 1, 5, "no valid syntax"),
    ("return 09", 1, 8, "no valid syntax"),
    ("if a == 1:\nreturn 1", 2, 1, "no valid syntax (expected an indented block"),
    ("return a\n  return b", 2, 2, "no valid syntax (unexpected indent)"),
    ("", 1, 1, "an empty operation; expected statements, or `pass`"),
    ("# nothing", 1, 1, "an empty operation"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), MISTAKES)
def test_mistakes(kit: SimpleNamespace, text: str, line: int, column: int, message: str) -> None:
    functions = {"f": (PARAMETERS, "64", text), "g": ({}, "1", "return 1")}
    with pytest.raises(DrafthartError) as caught:
        kit.check(kit.build(functions))
    found = str(caught.value)
    assert message in found
    assert found.startswith(f"spec.yaml:{line + 9}:{column + 4}: ")
    assert "\n" not in found
    assert "; expected " in found


def error_of(kit: SimpleNamespace, functions: dict[str, Any], **options: Any) -> str:
    with pytest.raises(DrafthartError) as caught:
        kit.check(kit.build(functions, **options))
    return str(caught.value)


def test_recursion_names_the_cycle(kit: SimpleNamespace) -> None:
    functions = {
        "first": ({}, None, "third(1)"),
        "second": ({}, None, "first()"),
        "third": ({"n": "static"}, None, "if n < 1000:\n    second()"),
    }
    assert "a recursion, first → third → second → first; expected" in error_of(kit, functions)
    functions = {"again": ({"n": "static"}, None, "again(n + 1)"), "f": ({}, None, "again(0)")}
    assert "a recursion, again → again" in error_of(kit, functions)
    csrs = [
        kit.csr("loop", (kit.field("A", 0, 0, read="loop.B"), kit.field("B", 1, 1, read="loop.A")))
    ]
    assert "a recursion, loop.A → loop.B → loop.A" in error_of(kit, {}, csrs=csrs)


def test_functions_that_end(kit: SimpleNamespace) -> None:
    found = error_of(kit, {"f": ({}, None, "mode = 1")}, ends=("f",))
    assert found.startswith("spec.yaml:10:5: a path that returns; expected one that ends")
    found = error_of(kit, {"f": ({}, None, "return")}, ends=("f",))
    assert "`return`; expected a path that ends" in found
    found = error_of(kit, {"f": ({}, None, "return 1")})
    assert "a value to return; expected none" in found


def test_signatures_are_checked(kit: SimpleNamespace) -> None:
    for functions, message in [
        ({"time": ({}, None, "pass")}, "the function name `time` is taken by the engines"),
        ({"zext": ({}, None, "pass")}, "is taken by the engines"),
        ({"x": ({}, None, "pass")}, "is taken by the engines"),
        ({"mode": ({}, None, "pass")}, "is also that of something else"),
        ({"a__b": ({}, None, "pass")}, "is no name that operations could use"),
        ({"class": ({}, None, "pass")}, "is no name that operations could use"),
        ({"f": ({"mstatus": "64"}, None, "pass")}, "the parameter `mstatus` of `f` is also a CSR"),
        ({"f": ({"if": "64"}, None, "pass")}, "is no name that operations could use"),
        ({"f": ({"a": "65 * 64"}, None, "pass")}, "a width of 4160 bits"),
        ({"f": ({"a": "mode"}, None, "pass")}, "a width that is not constant"),
        ({"f": ({"a": "a b"}, None, "pass")}, "no valid syntax"),
        ({"f": ({}, "0", "pass")}, "a width of 0 bits"),
    ]:
        found = error_of(kit, functions)
        assert message in found
        assert found.startswith("spec.yaml:1:1: ")


def test_entry_functions_have_the_signature_that_engines_expect(kit: SimpleNamespace) -> None:
    text = "return 1"
    found = error_of(kit, {"wake": ({}, "2", text)}, entries=("wake",))
    assert "another signature of the entry function `wake`; expected () → 1" in found
    found = error_of(kit, {"wake": ({}, "1", text)})
    assert "the function `wake` without `entry: true`" in found
    load = {"address": "size", "size": "static"}
    found = error_of(kit, {"load": (load, "8 * size", text)}, entries=("load",))
    assert "expected (address: XLEN, size: static) → 8 * size" in found


def test_fields_of_arrays(kit: SimpleNamespace) -> None:
    csrs = [
        kit.csr("a0", (kit.field("F", 1, 0), kit.field("C", 2, 2, read="1")), array="a", index=0),
        kit.csr("a1", (kit.field("F", 2, 1), kit.field("C", 2, 2, read="0")), array="a", index=1),
    ]
    found = error_of(kit, {"f": ({"i": "1"}, "2", "return a[i].F")}, csrs=csrs)
    assert "field `F` differs between the elements of `a`" in found
    found = error_of(kit, {"f": ({"i": "1"}, "1", "return a[i].C")}, csrs=csrs)
    assert "a computed field of an array" in found
    kit.check(kit.build({"f": ({}, "2", "return a[1].F")}, csrs=csrs))


def test_fields_have_no_effects(kit: SimpleNamespace) -> None:
    functions = {
        "bump": ({}, "1", "counter += 1\nreturn 1"),
        "fail": ({}, "1", "end_instruction()"),
    }
    for text, message in (("bump()", "changes something"), ("fail()", "may end the instruction")):
        csrs = [kit.csr("one", (kit.field("A", 0, 0, write=text),))]
        found = error_of(kit, functions, csrs=csrs)
        assert found.startswith("spec.yaml:10:5: the field `one.A` calls what " + message)
    csrs = [kit.csr("one", (kit.field("A", 0, 0, read="mode == 1\nV"),))]
    assert "statements; expected one expression" in error_of(kit, {}, csrs=csrs)


def test_operands_are_fixed(kit: SimpleNamespace) -> None:
    with pytest.raises(DrafthartError, match="an assignment to `rs1`, which is fixed"):
        kit.check(kit.build(instructions={"i": ("rs1", "rs1 = 3")}))


def test_a_csr_named_like_a_primitive_stores_nothing(kit: SimpleNamespace) -> None:
    found = error_of(kit, {"f": ({}, "64", "return time")}, csrs=[kit.csr("time")])
    assert "the CSR `time`, which stores nothing; expected the primitive `time()`" in found


def test_places_are_those_of_the_file(kit: SimpleNamespace) -> None:
    isa = kit.build({"f": ({}, "64", "# Ä comment ü\n\nreturn  mstatus.NO")})
    source = replace(
        isa.functions["f"].operation,
        place=replace(isa.functions["f"].operation.place, file="base/x.yaml", line=100, column=9),
    )
    function = replace(isa.functions["f"], operation=source)
    with pytest.raises(DrafthartError) as caught:
        kit.check(replace(isa, functions={"f": function}))
    assert str(caught.value).startswith("base/x.yaml:102:25: `mstatus` has no field `NO`")


def test_float_primitives_need_the_state_that_they_work_on(kit: SimpleNamespace) -> None:
    functions = {"f": ({"a": "32"}, "32", "return float_sqrt(a, 0, 4)")}
    assert error_of(kit, functions).endswith(
        "`float_sqrt`; expected the state `float_flags`, which it works on"
    )
