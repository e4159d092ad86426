"""Operations as C against the same operations as Python, and against Python integers.

Many at a time: it is the compiler that takes long.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cffi
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_expressions import PARAMETERS, WIDTHS, Case, cases, environments, mask

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.c import Watched, emit_function
from drafthart.generator.language.ir import Program
from drafthart.runtime.native.build import FLAGS, HEADERS

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler is installed")

SETTINGS = settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
    # A failure is shown as it was found: to shrink it would be thousands of compilations.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
CASES = 60

HART = """
#include "types.h"
typedef struct hart {
    u64 x[33], pc, next_pc, instruction, mode, V, counter, table[5];
    u64 mstatus, mepc, satp, small, pmpaddr[4], pmpcfg[3];
    u64 ended, changed, flushed;
} Hart;
INLINE void end_instruction(Hart *h) { h->ended = 1; }
INLINE void flush_translations(Hart *h) { h->flushed++; }
"""
MEMBERS = """
typedef struct { uint64_t x[33], pc, next_pc, instruction, mode, V, counter, table[5];
    uint64_t mstatus, mepc, satp, small, pmpaddr[4], pmpcfg[3], ended, changed, flushed; } Hart;
"""


NOTHING = Watched({}, {})


class Compiled:
    """The functions of a checked program as C. Arguments and results are of up to 128 bits."""

    def __init__(self, program: Program, watched: Watched = NOTHING) -> None:
        lines = [HART]
        declared = [MEMBERS]
        for function in program.functions.values():
            lines += emit_function(function, program.effects, watched)
            values = [
                f"(u128)arguments[{2 * at + 1}] << 64 | arguments[{2 * at}]"
                for at in range(len(function.parameters))
            ]
            called = f"fn_{function.name}({', '.join(['h', *values])})"
            head = (
                f"void call_{function.name}(Hart *h, const uint64_t *arguments, uint64_t *result)"
            )
            declared.append(f"{head};")
            keep = (
                "{};"
                if function.returns is None
                else ("u128 value = {}; result[0] = (u64)value; result[1] = (u64)(value >> 64);")
            )
            lines.append(
                f'__attribute__((visibility("default"))) {head} {{ {keep.format(called)} }}'
            )
        self._ffi = cffi.FFI()
        self._ffi.cdef("".join(declared))
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder) / "all.c", Path(folder) / "all.so"
            source.write_text("\n".join(lines) + "\n")
            flags = ["-O1" if flag == "-O2" else flag for flag in FLAGS]
            subprocess.run(
                ["cc", *flags, "-I", str(HEADERS), "-o", str(library), str(source)], check=True
            )
            self._library: Any = self._ffi.dlopen(str(library))

    def hart(self) -> Any:
        """A hart of zeros."""
        return self._ffi.new("Hart *")

    def call(self, name: str, hart: Any, arguments: Sequence[int]) -> int:
        """Call a function; whether it ended the instruction is in the hart."""
        words = [word for value in arguments for word in (value & mask(64), value >> 64)]
        result = self._ffi.new("uint64_t[2]")
        getattr(self._library, f"call_{name}")(
            hart, self._ffi.new("uint64_t[]", words or [0]), result
        )
        return int(result[0] | result[1] << 64)


@st.composite
def programs(draw: st.DrawFn) -> list[Case]:
    widths = st.one_of(st.sampled_from([1, 32, 63, 64, 65, 127, 128]), st.integers(1, 128))
    return [draw(cases(draw(widths), 3)) for _ in range(CASES)]


def fits(kit: SimpleNamespace, case: Case) -> bool:
    """Has it no value on the way that is too wide for the native engine?"""
    isa = kit.build({"f": (PARAMETERS, str(case.width), f"return {case.text}")}, entries=("f",))
    program = kit.check(isa)
    try:
        emit_function(program.functions["f"], program.effects, NOTHING)
    except DrafthartError as error:
        if "the native engine has values of up to 128" not in str(error):
            raise
        return False
    return True


@SETTINGS
@given(programs(), st.lists(environments, min_size=4, max_size=8))
def test_expressions(
    kit: SimpleNamespace, made: list[Case], given_environments: list[dict[str, int]]
) -> None:
    """As values, as conditions, and by way of variables that are assigned twice."""
    functions = {}
    made = [case for case in made if fits(kit, case)]
    for number, case in enumerate(made):
        functions[f"f{number}"] = (PARAMETERS, str(case.width), f"return {case.text}")
        other = made[number - 1]
        text = f"v = {case.text}\nw = v\nif v == w:\n    v = ~v\nreturn v"
        functions[f"v{number}"] = (PARAMETERS, str(case.width), text)
        if case.width == 1:
            text = f"if {case.text}:\n    return {other.text}\nreturn ~({other.text})"
            functions[f"c{number}"] = (PARAMETERS, str(other.width), text)
    isa = kit.build(functions, entries=tuple(functions))
    program = kit.check(isa)
    python, compiled = kit.load(program), Compiled(program)
    hart = compiled.hart()
    for environment in given_environments:
        arguments = [environment[name] for name in WIDTHS]
        expected = {}
        for number, case in enumerate(made):
            value = case.value(environment)
            expected[f"f{number}"] = value
            expected[f"v{number}"] = value ^ mask(case.width)
            if case.width == 1:
                other = made[number - 1]
                inner = other.value(environment)
                expected[f"c{number}"] = inner if value else inner ^ mask(other.width)
        for name, value in expected.items():
            text = functions[name][2]
            assert compiled.call(name, hart, arguments) == value, (text, environment)
            assert getattr(python, name)(kit.Hart(), *arguments) == value, (text, environment)


STATEMENTS = (
    "X[a[4:0]] = b",
    "X[e] = X[a[9:5]] + b",
    "counter = b ^ X[e]",
    "mode = a[1:0]",
    "mstatus = a",
    "mstatus.MPP = b[1:0]",
    "mstatus.MIE = d",
    "satp.MODE = a[3:0]",
    "satp.ASID = b[15:0]",
    "satp = b",
    "small.LOW = c[7:0]",
    "small = c",
    "table[a[2:0]] = b[15:0]",
    "pmpaddr[e[1:0]] = a",
    "pmpaddr[e[1:0]].TOP = b[1:0]",
    "pmpcfg[a[1:0]] = b",
    "next_pc = pc + a",
    "counter = zext(table[a[2:0]], 64) + pmpcfg[b[1:0]] + pmpaddr[e[1:0]]",
    "counter = sext(mstatus.MPP, 64) - zext(satp.MODE, 64) + zext(small.LOW, 64)",
    "counter += leaf(a, b)",
    "leaf(X[e], counter)",
    "if d:\n    end_instruction()",
    "if leaf(a, b) > counter:\n    mepc = counter\nelse:\n    mepc = ~counter",
    "for i in range(3):\n    X[i] = X[i + 1] ^ b\n    if X[i][0]:\n        break",
    "for i in range(7, -1, -2):\n    if a[i]:\n        continue\n    counter += zext(i, 64)",
    "X[0] = leaf(b, a)",
    "if d and leaf(a, b) == 3 or not a[7]:\n    V = ~V",
)
LEAF = (
    {"p": "64", "q": "64"},
    "64",
    "counter += 1\nif p[0] and q[0]:\n    end_instruction()\nreturn p ^ counter",
)
SEEN = (
    *("x", "next_pc", "mode", "V", "counter", "table"),
    *("mstatus", "mepc", "satp", "small", "pmpaddr", "pmpcfg"),
)


def state_of(hart: Any) -> dict[str, Any]:
    found = {}
    for name in SEEN:
        value = getattr(hart, name)
        found[name] = (
            value if isinstance(value, int) else list(value)[: 32 if name == "x" else None]
        )
    return found


@SETTINGS
@given(
    st.lists(
        st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=6), min_size=30, max_size=30
    ),
    st.lists(environments, min_size=4, max_size=6),
)
def test_statements(
    kit: SimpleNamespace, made: list[list[str]], given_environments: list[dict[str, int]]
) -> None:
    """State, CSRs, fields, arrays, loops and calls; an instruction that ends stops there."""
    functions: dict[str, Any] = {"leaf": LEAF}
    for number, lines in enumerate(made):
        functions[f"f{number}"] = (PARAMETERS, None, "\n".join(lines))
    program = kit.check(kit.build(functions, entries=tuple(functions)))
    python, compiled = kit.load(program), Compiled(program)
    for environment in given_environments:
        arguments = [environment[name] for name in WIDTHS]
        for number in range(len(made)):
            name = f"f{number}"
            ours, theirs = kit.Hart(), compiled.hart()
            start = [*range(0, 3200, 100)]
            ours.x = [0, *start[1:]]
            for at in range(1, 32):
                theirs.x[at] = start[at]
            theirs.pc, theirs.next_pc, theirs.instruction, theirs.mode = 0x1000, 0x1004, 0x13, 3
            flushes = 0
            ended = 0
            try:
                getattr(python, name)(ours, *arguments)
            except kit.EndInstruction:
                ended = 1
            flushes = sum(entry == ("flush_translations",) for entry in ours.log)
            compiled.call(name, theirs, arguments)
            text = functions[name][2]
            assert state_of(ours) == state_of(theirs), (text, environment)
            assert (ended, flushes) == (theirs.ended, theirs.flushed), (text, environment)


def test_writes_that_the_engine_looks_for(kit: SimpleNamespace) -> None:
    """Those to watched bits set `changed`, and no others."""
    texts = {
        "watched": "mstatus.MIE = 1",
        "beside": "mstatus.MPP = 3",
        "whole": "mstatus = 8",
        "other": "mepc = 8",
    }
    functions: dict[str, Any] = {name: ({}, None, text) for name, text in texts.items()}
    program = kit.check(kit.build(functions, entries=tuple(functions)))
    compiled = Compiled(program, Watched({"mstatus": 1 << 3}, {}))
    for name, changed in (("watched", 1), ("beside", 0), ("whole", 1), ("other", 0)):
        hart = compiled.hart()
        compiled.call(name, hart, ())
        assert hart.changed == changed, name


def test_each_process_writes_the_same_bytes() -> None:
    """Whatever order that process has for sets."""
    program = (
        "from drafthart.generator.emit.c_engine import emit_c\n"
        "from drafthart.generator.emit.python_engine import emit_python\n"
        "from drafthart.generator.spec.resolve import resolve\n"
        "isa = resolve('h@1.0')\n"
        "print(emit_c(isa), emit_python(isa))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
