"""A spec file from anyone terminates, and can touch nothing but the hart.

Whatever the text, the checker either accepts it or raises DrafthartError; it never runs any of it.
"""

from __future__ import annotations

import ast
import contextlib
import time
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.ir import Program

REFUSED = [
    ("import os", "`import`"),
    ("from os import system", "`import`"),
    ("while True:\n    pass", "`while`; expected `for … in range(…)`"),
    ("def g():\n    pass", "`def`"),
    ("async def g():\n    pass", "`def`"),
    ("class A:\n    pass", "`class`"),
    ("x = lambda: 1", "`lambda`"),
    ("x = [i for i in a]", "a comprehension"),
    ("x = {i for i in a}", "a comprehension"),
    ("x = {i: i for i in a}", "a comprehension"),
    ("x = (i for i in a)", "a comprehension"),
    ("x = [1, 2]", "`list`"),
    ("x = {1: 2}", "`dict`"),
    ("x = {1, 2}", "`set`"),
    ("x = (1, 2)", "a tuple"),
    ("x, y = 1, 2", "an assignment to this"),
    ("x = y = 1", "a second target"),
    ("if (x := 1):\n    pass", "`:=`"),
    ("f(*a)", "`*`"),
    ("f(**a)", "a named argument"),
    ("f(a=1)", "a named argument"),
    ("x = 'text'", "the character"),
    ("x = f'{a}'", "the character"),
    ("x = b'text'", "the character"),
    ('"""doc"""', "the character"),
    ("x = 1.5", "`1.5`; expected an integer"),
    ("x = 1j", "`1j`"),
    ("x = None", "`None`"),
    ("x = ...", "`Ellipsis`"),
    ("x = a / b", "`/`; expected `//`"),
    ("x = a ** b", "`**`"),
    ("x = a @ b", "`@`"),
    ("x **= 2", "`**`"),
    ("x = +a", "unary `+`"),
    ("x = a is b", "`is`"),
    ("x = a is not b", "`is not`"),
    ("x = a < b < c", "a chain of comparisons"),
    ("try:\n    pass\nfinally:\n    pass", "`try`"),
    ("with a:\n    pass", "`with`"),
    ("raise a", "`raise`"),
    ("assert a", "`assert`"),
    ("del a", "`del`"),
    ("global a", "`global`"),
    ("nonlocal a", "`nonlocal`"),
    ("yield a", "`yield`"),
    ("await a", "`await`"),
    ("match a:\n    case 1:\n        pass", "`match`"),
    ("for i in range(3):\n    pass\nelse:\n    pass", "`else` of a loop"),
    ("x: 8", "a declaration"),
    ("x = a; import os", "`import`"),
    ("x = __import__(1)", "the name `__import__`"),
    ("x = a.__class__", "the name `__class__`"),
    ("x = mstatus.__class__", "the name `__class__`"),
    ("x = h__x", "the name `h__x`"),
    ("x = _private", "the name `_private`"),
    ("_1 = a", "the name `_1`"),
    ("x = a._b", "the name `_b`"),
    ("x = eval(a)", "unknown function `eval`"),
    ("open(a)", "unknown function `open`"),
    ("x = print", "unknown name `print`"),
    ("x = h", "unknown name `h`"),
    ("x = h.memory", "unknown name `h`"),
    ("x = a.real", "`.real`; expected a field"),
    ("x = mstatus.csr_read(1)", "a call of an expression"),
    ("x = f(a)(b)", "a call of an expression"),
    ("x = \xe9", "the character '\\xe9'"),
    ("x = \uff41", "the character '\\uff41'"),
    ("x = a \\\n + b", "the character '\\\\'"),
    ("x = a\f", "the character"),
    ("# comment\rimport os", "the character '\\r'"),
    ("x = a\0", "the character '\\x00'"),
    ("x = `a`", "the character '`'"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(kit: SimpleNamespace, text: str, message: str) -> None:
    with pytest.raises(DrafthartError) as caught:
        kit.check(kit.build({"f": ({"a": "64", "b": "64", "c": "64"}, None, text)}))
    assert message in str(caught.value)
    assert str(caught.value).startswith("spec.yaml:1")
    assert str(caught.value).isprintable()


def nested(opening: str, closing: str, count: int, inner: str = "a") -> str:
    return f"x = {opening * count}{inner}{closing * count}"


HUGE = [
    nested("(", ")", 100),
    nested("(", ")", 10_000),
    nested("(", "", 10_000),
    nested("-", "", 10_000),
    nested("~", "", 2_000),
    nested("not ", "", 5_000),
    nested("a + (", ")", 60),
    "x = " + " + ".join(["a"] * 8_000),
    "x = " + " if a else ".join(["a"] * 2_000),
    "x = a" + "[0]" * 5_000,
    "x = a" + ".b" * 5_000,
    "x = f" + "(1)" * 5_000,
    nested("zext(", ", 64)", 5_000),
    nested("X[", "]", 35),
    nested("{", "}", 39),
    nested("[", "]", 39),
    "x = " + "9" * 20_000,
    "x = 0x" + "f" * 20_000,
    "x = 1" + " << 4000" * 100,
    "x = (1 << 4090)" + " * (1 << 4090)" * 20,
    "x: 4096 = 1\n" + "x = x << 4096\n" * 50 + "a" * 40_000,
    "x = " + "a" * 40_000,
    "\n".join("    " * i + "if a == 1:" for i in range(90)) + "\n" + "    " * 90 + "pass",
    "\n".join("    " * i + f"for i{i} in range(2):" for i in range(18)) + "\n" + " " * 72 + "pass",
    "if a == 1:\n    pass\n" + "elif a == 2:\n    pass\n" * 500,
    "y = " + "a and " * 1 + "(" * 30 + "a" + " or a)" * 30,
]


@pytest.mark.parametrize("text", HUGE, ids=range(len(HUGE)))
def test_huge_texts_are_refused_quickly(kit: SimpleNamespace, text: str) -> None:
    start = time.monotonic()
    with pytest.raises(DrafthartError):
        kit.check(kit.build({"f": ({"a": "64"}, None, text)}))
    assert time.monotonic() - start < 5


LOOP = "for {} in range(4096):\n"
LONG = [
    # Nested loops, chains of loops through calls, doubling through calls.
    {"f": ({}, None, LOOP.format("i") + " " + LOOP.format("j") + "  mode = 1")},
    {
        "f": ({}, None, LOOP.format("i") + " g()"),
        "g": ({}, None, LOOP.format("i") + " k()"),
        "k": ({}, None, LOOP.format("i") + " mode = 1"),
    },
    {
        "f0": ({}, "1", "return V"),
        **{f"f{i}": ({}, "1", f"return f{i - 1}() & f{i - 1}()") for i in range(1, 60)},
    },
    {
        "f0": ({"n": "static"}, "1", "return V"),
        **{
            f"f{i}": ({"n": "static"}, "1", f"return f{i - 1}(2 * n) & f{i - 1}(2 * n + 1)")
            for i in range(1, 40)
        },
        "f": ({}, "1", "return f39(0)"),
    },
]


@pytest.mark.parametrize("functions", LONG, ids=range(len(LONG)))
def test_long_running_operations_are_refused(kit: SimpleNamespace, functions: object) -> None:
    start = time.monotonic()
    with pytest.raises(DrafthartError, match=r"steps; expected at most|different calls|static"):
        kit.check(kit.build(functions))
    assert time.monotonic() - start < 5


def test_long_chains_of_calls_are_fine(kit: SimpleNamespace) -> None:
    functions = {"f0": ({}, "1", "return V")}
    functions |= {f"f{i}": ({}, "1", f"return f{i - 1}()") for i in range(1, 1000)}
    assert len(kit.check(kit.build(functions, entries=("f999",))).functions) == 1000


# What a text can reach, once emitted.

ALLOWED_ATTRIBUTES = {
    "x", "pc", "next_pc", "instruction", "expanded", "mode", "V", "counter", "table", "mstatus",
    "mepc", "satp", "small", "pmpaddr", "pmpcfg", "read_physical", "write_physical",
    "physical_exists", "csr_exists", "csr_check", "csr_substitute", "csr_read", "csr_write",
    "time", "retired", "flush_translations", "flush_instructions", "wait_for_interrupt",
}  # fmt: skip


def assert_touches_only_the_hart(kit: SimpleNamespace, program: Program) -> None:
    tree = ast.parse(kit.emit(program))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(imports) + len(functions) == len(tree.body)
    known = {name.asname for node in imports for name in node.names}
    known |= {node.name for node in functions} | {"EndInstruction", "range"}
    for function in functions:
        stored = {argument.arg for argument in function.args.args}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                stored.add(node.id)
        for node in ast.walk(function):
            assert not isinstance(node, ast.Import | ast.ImportFrom | ast.Lambda | ast.While)
            if isinstance(node, ast.Name):
                assert node.id in stored | known
            elif isinstance(node, ast.Attribute):
                assert isinstance(node.value, ast.Name)
                assert node.value.id == "h"
                assert node.attr in ALLOWED_ATTRIBUTES
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id in known


WORDS = [
    "a", "b", "x", "y", "i", "X", "mstatus", "mstatus.MPP", "mstatus.SD", "pmpaddr", "table",
    "mode", "V", "pc", "next_pc", "instruction", "satp.MODE", "sstatus", "LOAD", "XLEN", "ZERO",
    "g", "h", "__class__", "os", "import", "lambda", "while", "if", "else", "elif", "for", "in",
    "not", "and", "or", "return", "pass", "break", "range", "signed", "zext", "sext", "cat",
    "read_physical", "csr_read", "end_instruction", "time", "True", "0", "1", "2", "5", "64", "32",
    "0xFFF", "9999999999999999999999", "+", "-", "*", "&", "|", "^", "<<", ">>", "//", "%", "~",
    "==", "!=", "<", ">=", "=", "+=", ":", ",", ".", "(", ")", "[", "]", "[3:0]", "[63:1]",
    "\n", "\n    ", "\n        ", ": 8 = ", "{", "}", "'", "\\", ";", "@", ":=", "**", "->",
]  # fmt: skip
STARTS = [
    "", "x = ", "return ", "if ", "x: 64 = ", "X[1] = ", "mstatus.MPP = ", "for i in range(3):\n  ",
    "x = a\nx = x + ", "if a == 1:\n    x = a\nelse:\n    x = b\nX[2] = x ^ ", "next_pc = pc + ",
]  # fmt: skip


@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(STARTS), st.lists(st.sampled_from(WORDS), max_size=9))
def test_any_text_is_checked_or_refused(kit: SimpleNamespace, start: str, words: list[str]) -> None:
    functions = {
        "f": ({"a": "64", "b": "64"}, None, start + " ".join(words)),
        "g": ({}, "64", "return counter"),
    }
    try:
        program = kit.check(kit.build(functions, entries=("f",)))
    except DrafthartError as problem:
        message = str(problem)
    else:
        message = ""
    if message:
        assert "; expected " in message
        assert "\n" not in message
        return
    assert_touches_only_the_hart(kit, program)
    hart = kit.Hart()
    with contextlib.suppress(kit.EndInstruction):
        kit.load(program).f(hart, 3, (1 << 64) - 1)
    assert hart.x[0] == 0
    assert all(0 <= value < 1 << 64 for value in hart.x)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=60))
def test_any_characters_are_checked_or_refused(kit: SimpleNamespace, text: str) -> None:
    try:
        program = kit.check(kit.build({"f": ({"a": "64"}, None, text)}, entries=("f",)))
    except DrafthartError:
        return
    assert_touches_only_the_hart(kit, program)


def test_emitted_code_compiles_at_every_limit(kit: SimpleNamespace) -> None:
    """What the checker lets through is not too deep for Python's compiler either."""
    value = "a"
    for _ in range(12):
        value = f"sext({value}[31:0], 64)"
    condition = "a == 1"
    for _ in range(9):
        condition = f"(not ({condition} or V) and mode == 1)"
    loops = "\n".join(" " * i + f"for i{i} in range(2):" for i in range(10))
    shifts = "a"
    for _ in range(12):
        shifts = f"(a << ({shifts} ^ 7))"
    remainders = "a"
    for _ in range(18):
        remainders = f"({remainders} % (counter | 1))"
    text = f"x = {value}\nif {condition}:\n    x = {shifts}\n{loops}\n{' ' * 11}x = {remainders}"
    text += "\nif a == 0:\n    x = a\n"
    text += "".join(f"elif a == {i}:\n    x = a\n" for i in range(60))
    program = kit.check(kit.build({"f": ({"a": "64"}, None, text)}, entries=("f",)))
    kit.load(program).f(kit.Hart(), 3)
