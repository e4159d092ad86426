"""Macros: parameters, arguments, and the text that comes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from drafthart.generator.assembly.lines import Line

_PARAMETER = re.compile(
    r"""[\s,]*(?P<name>[A-Za-z_$][\w$]*)
    (?::(?P<kind>req|vararg))?
    (?:\s*=\s*(?P<default>"[^"]*"|[^\s,]*))?""",
    re.VERBOSE,
)
_PLACE = re.compile(r"\\(?:(@)|(\(\))|([A-Za-z_$][\w$]*))")
_NAMED = re.compile(r"\s*([A-Za-z_$][\w$]*)\s*=(?!=)\s*(.*)", re.DOTALL)
_LONGEST = 10_000
_CONTEXTS = 3


@dataclass(frozen=True, slots=True)
class Parameter:
    """A macro's parameter; `default` is None where an argument must be given."""

    name: str
    default: str | None
    rest: bool
    """Does it take all arguments that are left?"""


@dataclass(frozen=True, slots=True)
class Macro:
    """A name for statements with holes."""

    name: str
    parameters: tuple[Parameter, ...]
    body: list[Line]

    def expand(self, arguments: str, at: Line, count: int) -> list[Line]:
        """The statements for a use of the macro; `count` is what `\\@` stands for."""
        values = self._bind(arguments, at)
        return substitute(self.body, values, at, f"macro {self.name}", str(count))

    def _bind(self, text: str, at: Line) -> dict[str, str]:
        values: dict[str, str] = {}
        names = {parameter.name for parameter in self.parameters}
        free = iter(self.parameters)
        arguments = split_arguments(text)
        for index, argument in enumerate(arguments):
            named = _NAMED.match(argument)
            if named and named[1] in names:
                values[named[1]] = _bare(named[2])
                continue
            parameter = next((p for p in free if p.name not in values), None)
            if parameter is None:
                raise at.error(
                    f"macro {self.name} takes {len(self.parameters)} arguments; remove `{argument}`"
                )
            if parameter.rest:
                values[parameter.name] = ", ".join(arguments[index:])
                break
            if argument:
                values[parameter.name] = _bare(argument)
        for parameter in self.parameters:
            if parameter.name not in values:
                if parameter.default is None:
                    raise at.error(f"macro {self.name} needs an argument for {parameter.name}")
                values[parameter.name] = parameter.default
        return values


def parse_macro(header: str, body: list[Line], at: Line) -> Macro:
    """A macro from what follows `.macro`, such as `name a, b=4, c:req, d:vararg`."""
    words = header.strip().split(None, 1)
    name = words[0].partition(",")[0] if words else ""
    if not re.fullmatch(r"[A-Za-z_.$][\w.$]*", name):
        raise at.error("a .macro needs a name")
    text = header.strip()[len(name) :]
    parameters: list[Parameter] = []
    offset = 0
    while text[offset:].strip(" \t,"):
        match = _PARAMETER.match(text, offset)
        if not match:
            raise at.error(f"`{text[offset:].strip()}` is no parameter; write a name")
        default = _bare(match["default"] or "") if match["kind"] != "req" else None
        parameters.append(Parameter(match["name"], default, match["kind"] == "vararg"))
        offset = match.end()
    if len({parameter.name for parameter in parameters}) < len(parameters):
        raise at.error(f"macro {name} has two parameters of one name")
    return Macro(name, tuple(parameters), body)


def substitute(
    body: list[Line], values: Mapping[str, str], at: Line, what: str, count: str = ""
) -> list[Line]:
    """The body with `\\name` replaced; a `\\` before any other word stays, as strings have some."""

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return count or match[0]
        return "" if match[2] else values.get(match[3], match[0])

    outer = at.context if at.context.count("(") < _CONTEXTS else " (…)"
    context = f" (in {what}, used at {at.file}:{at.number}){outer}"
    lines = []
    for line in body:
        text = _PLACE.sub(value, line.text)
        if len(text) > _LONGEST:
            raise at.error(f"{what} makes a line of more than {_LONGEST} characters")
        lines.append(replace(line, text=text, context=context))
    return lines


def split_arguments(text: str) -> list[str]:
    """Cut at the commas that are in no string and no brackets."""
    if not text.strip():
        return []
    arguments, depth, start, quoted = [], 0, 0, False
    escaped = False
    for index, character in enumerate(text):
        if quoted and character == "\\" and not escaped:
            escaped = True
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if character == "," and depth <= 0:
                arguments.append(text[start:index].strip())
                start = index + 1
        escaped = False
    return [*arguments, text[start:].strip()]


def _bare(argument: str) -> str:
    """An argument in quotes is what is between them."""
    quoted = len(argument) > 1 and argument[0] == argument[-1] == '"'
    return argument[1:-1] if quoted else argument
