"""Random expressions of the operation language, with what they mean in Python integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

Environment = Mapping[str, int]
WIDTHS = {"a": 64, "b": 64, "c": 32, "d": 1, "e": 5, "g": 128, "k": 7}


@dataclass(frozen=True)
class Case:
    """A text and what it means."""

    text: str
    width: int
    value: Callable[[Environment], int]


def signed(value: int, width: int) -> int:
    return value - (1 << width) if value & 1 << width - 1 else value


def mask(width: int) -> int:
    return (1 << width) - 1


def divided(left: int, right: int, width: int, is_signed: bool) -> tuple[int, int]:
    """Quotient and remainder as RISC-V's DIV, DIVU, REM and REMU give them."""
    if right == 0:
        return mask(width), left
    if is_signed:
        left, right = signed(left, width), signed(right, width)
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient & mask(width), left - quotient * right & mask(width)


COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}


@st.composite
def cases(draw: st.DrawFn, width: int, depth: int = 4) -> Case:
    """An expression of a width."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(leaves(width))
    form = draw(st.sampled_from(FORMS[1] if width == 1 else FORMS[0]))
    return draw(form(width, depth - 1))


@st.composite
def leaves(draw: st.DrawFn, width: int) -> Case:
    names = [name for name, other in WIDTHS.items() if other == width]
    if names and draw(st.booleans()):
        name = draw(st.sampled_from(names))
        return Case(name, width, lambda env: env[name])
    if draw(st.booleans()):
        name, whole = draw(st.sampled_from(list(WIDTHS.items())))
        if whole >= width:
            low = draw(st.integers(0, whole - width))
            return Case(
                f"{name}[{low + width - 1}:{low}]",
                width,
                lambda env: env[name] >> low & mask(width),
            )
    edges = [0, 1, mask(width), 1 << width - 1]
    value = draw(st.one_of(st.sampled_from(edges), st.integers(0, mask(width))))
    return Case(f"zext({value}, {width})", width, lambda env: value)


@st.composite
def arithmetic(draw: st.DrawFn, width: int, depth: int) -> Case:
    operator = draw(st.sampled_from(["+", "-", "*", "&", "|", "^"]))
    left = draw(cases(width, depth))
    right = draw(cases(width, depth))
    functions: dict[str, Callable[[int, int], int]] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "&": lambda x, y: x & y,
        "|": lambda x, y: x | y,
        "^": lambda x, y: x ^ y,
    }
    function = functions[operator]
    return Case(
        f"({left.text} {operator} {right.text})",
        width,
        lambda env: function(left.value(env), right.value(env)) & mask(width),
    )


@st.composite
def with_number(draw: st.DrawFn, width: int, depth: int) -> Case:
    left = draw(cases(width, depth))
    number = draw(st.integers(-(1 << width - 1), mask(width)))
    operator = draw(st.sampled_from("+-&|^"))
    functions: dict[str, Callable[[int, int], int]] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "&": lambda x, y: x & y,
        "|": lambda x, y: x | y,
        "^": lambda x, y: x ^ y,
    }
    function = functions[operator]
    return Case(
        f"({left.text} {operator} {number})",
        width,
        lambda env: function(left.value(env), number) & mask(width),
    )


@st.composite
def shifts(draw: st.DrawFn, width: int, depth: int) -> Case:
    left = draw(cases(width, depth))
    if draw(st.booleans()):
        amount = draw(st.integers(0, width + 3))
        right = Case(f"{amount}", 0, lambda env: amount)
    else:
        right = draw(cases(draw(st.sampled_from([5, 6, 13, 64, 128])), depth))
    match draw(st.integers(0, 2)):
        case 0:
            return Case(
                f"({left.text} << {right.text})",
                width,
                lambda env: (
                    left.value(env) << right.value(env) & mask(width)
                    if right.value(env) < width
                    else 0
                ),
            )
        case 1:
            return Case(
                f"({left.text} >> {right.text})",
                width,
                lambda env: left.value(env) >> right.value(env),
            )
    return Case(
        f"(signed({left.text}) >> {right.text})",
        width,
        lambda env: signed(left.value(env), width) >> right.value(env) & mask(width),
    )


@st.composite
def divisions(draw: st.DrawFn, width: int, depth: int) -> Case:
    left, right = draw(cases(width, depth)), draw(cases(width, depth))
    is_signed, remainder = draw(st.booleans()), draw(st.booleans())
    operator = "%" if remainder else "//"
    text = f"({left.text} {operator} {right.text})"
    if is_signed:
        text = f"(signed({left.text}) {operator} signed({right.text}))"
    return Case(
        text,
        width,
        lambda env: divided(left.value(env), right.value(env), width, is_signed)[remainder],
    )


@st.composite
def unaries(draw: st.DrawFn, width: int, depth: int) -> Case:
    operand = draw(cases(width, depth))
    if draw(st.booleans()):
        return Case(f"(~{operand.text})", width, lambda env: ~operand.value(env) & mask(width))
    return Case(f"(-{operand.text})", width, lambda env: -operand.value(env) & mask(width))


@st.composite
def extensions(draw: st.DrawFn, width: int, depth: int) -> Case:
    inner = draw(cases(draw(st.integers(1, width)), depth))
    if draw(st.booleans()):
        return Case(f"zext({inner.text}, {width})", width, inner.value)
    return Case(
        f"sext({inner.text}, {width})",
        width,
        lambda env: signed(inner.value(env), inner.width) & mask(width),
    )


@st.composite
def slices(draw: st.DrawFn, width: int, depth: int) -> Case:
    low = draw(st.one_of(st.just(0), st.integers(0, 20)))
    inner = draw(cases(low + width + draw(st.one_of(st.just(0), st.integers(0, 20))), depth))
    return Case(
        f"{inner.text}[{low + width - 1}:{low}]",
        width,
        lambda env: inner.value(env) >> low & mask(width),
    )


@st.composite
def concatenations(draw: st.DrawFn, width: int, depth: int) -> Case:
    cuts = sorted(draw(st.sets(st.integers(1, max(width - 1, 1)), max_size=3)) & set(range(width)))
    widths = [high - low for low, high in zip([0, *cuts], [*cuts, width], strict=True)]
    parts = [draw(cases(one, depth)) for one in widths]

    def value(env: Environment) -> int:
        total = 0
        for part in parts:
            total = total << part.width | part.value(env)
        return total

    return Case(f"cat({', '.join(part.text for part in parts)})", width, value)


@st.composite
def choices(draw: st.DrawFn, width: int, depth: int) -> Case:
    test = draw(cases(1, depth))
    then, otherwise = draw(cases(width, depth)), draw(cases(width, depth))
    return Case(
        f"({then.text} if {test.text} else {otherwise.text})",
        width,
        lambda env: then.value(env) if test.value(env) else otherwise.value(env),
    )


@st.composite
def comparisons(draw: st.DrawFn, width: int, depth: int) -> Case:
    operator = draw(st.sampled_from(sorted(COMPARISONS)))
    inner = draw(st.sampled_from([1, 5, 32, 64, 128]))
    left = draw(cases(inner, depth))
    if draw(st.booleans()):
        number = draw(st.one_of(st.just(0), st.integers(0, mask(inner))))
        right = Case(f"{number}", inner, lambda env: number)
    else:
        right = draw(cases(inner, depth))
    function = COMPARISONS[operator]
    if draw(st.booleans()) and not right.text.isdigit():
        return Case(
            f"(signed({left.text}) {operator} signed({right.text}))",
            1,
            lambda env: int(
                function(signed(left.value(env), inner), signed(right.value(env), inner))
            ),
        )
    return Case(
        f"({left.text} {operator} {right.text})",
        1,
        lambda env: int(function(left.value(env), right.value(env))),
    )


@st.composite
def conditions(draw: st.DrawFn, width: int, depth: int) -> Case:
    left, right = draw(cases(1, depth)), draw(cases(1, depth))
    match draw(st.integers(0, 2)):
        case 0:
            return Case(
                f"({left.text} and {right.text})",
                1,
                lambda env: left.value(env) and right.value(env),
            )
        case 1:
            return Case(
                f"({left.text} or {right.text})",
                1,
                lambda env: left.value(env) or right.value(env),
            )
    return Case(f"(not {left.text})", 1, lambda env: 1 - left.value(env))


@st.composite
def bits(draw: st.DrawFn, width: int, depth: int) -> Case:
    inner = draw(cases(draw(st.integers(2, 70)), depth))
    start = draw(cases(draw(st.sampled_from([5, 6, 64])), depth))
    # A constant index beyond the value would be an error.
    index = Case(
        f"({start.text} ^ zext(e, {start.width}))",
        start.width,
        lambda env: start.value(env) ^ env["e"],
    )
    return Case(
        f"{inner.text}[{index.text}]",
        1,
        lambda env: (
            inner.value(env) >> index.value(env) & 1 if index.value(env) < inner.width else 0
        ),
    )


@st.composite
def members(draw: st.DrawFn, width: int, depth: int) -> Case:
    inner = draw(cases(3, depth))
    numbers = draw(st.lists(st.integers(0, 7), min_size=1, max_size=4))
    word = draw(st.sampled_from(["in", "not in"]))
    return Case(
        f"({inner.text} {word} ({', '.join(map(str, numbers))},))",
        1,
        lambda env: int((inner.value(env) in numbers) == (word == "in")),
    )


COMMON = [
    arithmetic,
    with_number,
    shifts,
    divisions,
    unaries,
    extensions,
    slices,
    concatenations,
    choices,
]
FORMS = [COMMON, [*COMMON, comparisons, conditions, bits, members]]
environments = st.fixed_dictionaries(
    {
        name: st.one_of(
            st.sampled_from([0, 1, mask(width), 1 << width - 1, mask(width) >> 1]),
            st.integers(0, mask(width)),
        )
        for name, width in WIDTHS.items()
    }
)
PARAMETERS = {name: str(width) for name, width in WIDTHS.items()}
