"""Random expressions, as emitted and as Python integers say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_expressions import PARAMETERS, Case, cases, divided, environments, mask

from drafthart.generator.language.python import HELPERS
from drafthart.generator.language.template import emit_template

SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("width", [1, 2, 7, 32, 63, 64, 65, 128])
def test_expressions(kit: SimpleNamespace, width: int) -> None:
    @SETTINGS
    @given(cases(width), st.lists(environments, min_size=1, max_size=4))
    def run(case: Case, given_environments: list[dict[str, int]]) -> None:
        isa = kit.build({"f": (PARAMETERS, str(width), f"return {case.text}")}, entries=("f",))
        function = kit.load(kit.check(isa)).f
        for environment in given_environments:
            result = function(kit.Hart(), **environment)
            assert result == case.value(environment)
            assert type(result) is int

    run()


@SETTINGS
@given(cases(1), environments)
def test_conditions(kit: SimpleNamespace, case: Case, environment: dict[str, int]) -> None:
    text = f"if {case.text}:\n    return 7\nreturn 3"
    isa = kit.build({"f": (PARAMETERS, "3", text)}, entries=("f",))
    result = kit.load(kit.check(isa)).f(kit.Hart(), **environment)
    assert result == (7 if case.value(environment) else 3)


@SETTINGS
@given(st.data(), st.integers(1, 128), environments)
def test_locals_and_state(
    kit: SimpleNamespace, data: st.DataObject, width: int, environment: dict[str, int]
) -> None:
    first, second = data.draw(cases(width, 3)), data.draw(cases(width, 3))
    text = f"v = {first.text}\nw = v\nv = {second.text}\nreturn cat(v, w)"
    isa = kit.build({"f": (PARAMETERS, str(2 * width), text)}, entries=("f",))
    result = kit.load(kit.check(isa)).f(kit.Hart(), **environment)
    assert result == second.value(environment) << width | first.value(environment)


LOCALS = """\
a = X[rs1]
b = X[rs2]
c = a[31:0]
d = a[0]
e = b[4:0]
g = cat(a, b)
k = imm[6:0]
"""


@SETTINGS
@given(st.data(), st.integers(1, 64), environments)
def test_templates(
    kit: SimpleNamespace, data: st.DataObject, width: int, environment: dict[str, int]
) -> None:
    case = data.draw(cases(width))
    text = f"{LOCALS}X[rd] = zext({case.text}, XLEN)"
    program = kit.check(kit.build(instructions={"any": ("imm rs2 rs1 rd", text)}))
    operation = program.instructions["any"]
    template = emit_template(operation, rd_zero=False)
    assert template is not None
    registers = [0, environment["a"], environment["b"], 0]
    space: dict[str, object] = {"x": registers}
    lines = [line.format(rs1=1, rs2=2, rd=3, imm=environment["k"]) for line in template.lines]
    exec("\n".join([HELPERS, "def block():", *(f"    {line}" for line in lines), "block()"]), space)
    a, b = environment["a"], environment["b"]
    variables = {"a": a, "b": b, "c": a & mask(32), "d": a & 1, "e": b & 31, "g": a << 64 | b}
    assert registers[3] == case.value(variables | {"k": environment["k"]})
    assert type(registers[3]) is int


@pytest.mark.parametrize("width", [1, 8, 32, 64, 128])
@pytest.mark.parametrize("operator", ["//", "%"])
def test_division_has_the_results_of_the_manual(
    kit: SimpleNamespace, width: int, operator: str
) -> None:
    low, ones = 1 << width - 1, mask(width)
    isa = kit.build(
        {
            "plain": ({"a": str(width), "b": str(width)}, str(width), f"return a {operator} b"),
            "wild": (
                {"a": str(width), "b": str(width)},
                str(width),
                f"return signed(a) {operator} signed(b)",
            ),
        },
        entries=("plain", "wild"),
    )
    module, hart, index = kit.load(kit.check(isa)), kit.Hart(), operator == "%"
    for left in (0, 1, low, ones, ones >> 1):
        for right in (0, 1, low, ones):
            assert module.plain(hart, left, right) == divided(left, right, width, False)[index]
            assert module.wild(hart, left, right) == divided(left, right, width, True)[index]
    assert module.wild(hart, low, ones) == (0 if index else low)
