"""Which revisions an implementation can be of, by a dump of its CSRs alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drafthart.conformance.evidence import Deduction, csr_named, deduce, held_by, revisions
from drafthart.conformance.observe import Track
from drafthart.generator.errors import DrafthartError

_MOST_BYTES = 16 << 20
_PAIR = re.compile(
    r"(?<![\w.])([A-Za-z_][\w./-]*|0x[0-9A-Fa-f]{1,3})(?:\s*[:=]\s*|\s+)(0x)?([0-9A-Fa-f_]+)(?![\w.])"
)
_WHOLE = (8, 16)
"""Digits that make a number of letters alone, such as ffffffff, no word."""
_NUMBERED = re.compile(r"csr_?(?:0x([0-9A-Fa-f]{1,3})|(\d{1,4}))", re.IGNORECASE)
_WIDEST = 64


@dataclass(frozen=True, slots=True)
class Value:
    """A register in a dump: its name, or `0x` and the number of a CSR; and where it stands."""

    name: str
    value: int
    where: str


def from_dump(path: Path, *, track: Track = lambda steps, doing: steps) -> Deduction:
    """What a dump says. Raises `DrafthartError` for a file that is none, or has no CSR."""
    values = read_dump(path)
    under = revisions(track)
    known = [
        it
        for it in values
        if any(csr_named(it.name, revision.most) is not None for revision in under.values())
    ]
    if not known:
        raise DrafthartError(
            f"{path}: has no CSR that a revision knows; write lines of name and value, or JSON"
        )
    others = {it.name: None for it in values if it not in known}
    facts = (fact for it in known for fact in held_by(it.name, it.value, it.where, under))
    return deduce(str(path), facts, under, list(others))


def read_dump(path: Path) -> list[Value]:
    """The registers of a dump: JSON, or lines of names and values as debuggers print them.

    Numbers are hexadecimal, those of JSON's own excepted.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise DrafthartError(f"{path}: {error.strerror}; name a dump of CSRs") from None
    if len(content) > _MOST_BYTES:
        raise DrafthartError(f"{path}: is too large for a dump of CSRs; cut the dump out of it")
    text = content.decode("utf-8", "replace")
    if text.lstrip().startswith(("{", "[")):
        return list(_of_json(text, path))
    return [
        value
        for number, line in enumerate(text.splitlines(), start=1)
        for value in _of_line(line, f"line {number}")
    ]


def _of_line(line: str, where: str) -> Iterator[Value]:
    if line.lstrip().startswith(("#", "//")):
        return
    for name, prefix, digits in _PAIR.findall(line):
        plain = digits.replace("_", "")
        number = prefix or len(plain) in _WHOLE or any(it.isdigit() for it in plain)
        if plain and number and len(plain) * 4 <= _WIDEST:
            yield Value(_name(name), int(plain, 16), where)


def _of_json(text: str, path: Path) -> Iterator[Value]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DrafthartError(f"{path}: is no JSON ({error}); correct it") from None
    yield from _of_data(data, path)


def _of_data(data: Any, path: Path) -> Iterator[Value]:
    """Maps of name and value, lists of maps with `name` and `value`, and what they are in."""
    if isinstance(data, list):
        for item in data:
            yield from _of_data(item, path)
    elif isinstance(data, dict) and {"name", "value"} <= data.keys():
        yield from _of_data({str(data["name"]): data["value"]}, path)
    elif isinstance(data, dict):
        for name, value in data.items():
            if isinstance(value, (dict, list)):
                yield from _of_data(value, path)
            elif (number := _number(name, value, path)) is not None:
                yield Value(_name(name), number, name)


def _number(name: str, value: Any, path: Path) -> int | None:
    """JSON's own number, or a text in hexadecimal; None for what is none of a CSR's."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"\s*(0x)?[0-9A-Fa-f_]+\s*", value):
        digits = value.strip().removeprefix("0x").replace("_", "")
        number = int(digits, 16) if digits else 0
    else:
        return None
    if not 0 <= number < 1 << _WIDEST:
        raise DrafthartError(f"{path}: {name}: {value} is no number of {_WIDEST} bits; correct it")
    return number


def _name(text: str) -> str:
    """A CSR's name in small letters; `0x600` for `csr0x600`, `csr1536` and the like."""
    numbered = _NUMBERED.fullmatch(text)
    if numbered:
        return f"{int(numbered[1], 16) if numbered[1] else int(numbered[2]):#x}"
    return f"{int(text, 16):#x}" if text.startswith("0x") else text.lower()
