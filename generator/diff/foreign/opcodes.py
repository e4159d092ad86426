"""riscv-opcodes' text, CSV and JSON forms, read."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator

from drafthart.generator.diff.foreign.statements import Statements
from drafthart.generator.errors import DrafthartError

_FIXED = re.compile(r"(\d{1,2})(?:\.\.(\d{1,2}))?=(0[xX][0-9a-fA-F]{1,8}|0[bB][01]{1,32}|\d{1,10})")
_NAME = re.compile(r"[A-Za-z][\w.]*")
_ARGUMENT = re.compile(r"[A-Za-z_][\w=']*")


def read_extension(text: str, file: str, into: Statements) -> None:
    """The instructions of an extension's file; aliases and imports state nothing of their own.

    Raises `DrafthartError` with the line of what cannot be read.
    """
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words or words[0].startswith("$"):
            continue
        into.instructions[_name(words[0], f"{file}:{number}")] = _bits(
            words[1:], f"{file}:{number}"
        )


def read_csv(text: str, file: str, into: dict[str, int]) -> None:
    """Rows of a number and a name, as of csrs.csv and causes.csv."""
    for number, row in enumerate(csv.reader(text.splitlines(), skipinitialspace=True), 1):
        if not row:
            continue
        try:
            value, name = int(row[0], 0), row[1].strip()
        except (ValueError, IndexError):
            raise DrafthartError(
                f'{file}:{number}: is no row of a number and a name; write 0x600, "hstatus"'
            ) from None
        into[name.lower().replace(" ", "_")] = value


def read_json(text: str, file: str, into: Statements) -> None:
    """The dictionary instr_dict.json."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DrafthartError(f"{file}: is no valid JSON ({error}); make it again") from None
    if not isinstance(data, dict):
        raise DrafthartError(f"{file}: must be an object of instructions by name, with match, mask")
    for name, entry in data.items():
        try:
            match, mask = int(entry["match"], 0), int(entry["mask"], 0)
        except (KeyError, TypeError, ValueError):
            raise DrafthartError(
                f"{file}: {name!r} has no match and mask in hexadecimal; is this instr_dict.json?"
            ) from None
        into.instructions[name.lower().replace(".", "_")] = match, mask


def _name(word: str, where: str) -> str:
    if not _NAME.fullmatch(word):
        raise DrafthartError(
            f"{where}: {word!r} is no mnemonic; a line of riscv-opcodes has one, then arguments "
            "and bits such as 14..12=4"
        )
    return word.lower().replace(".", "_")


def _bits(words: list[str], where: str) -> tuple[int, int]:
    match = mask = 0
    for high, low, value in _fixed(words, where):
        bits = ((1 << (high - low + 1)) - 1) << low
        if high < low or high > 31 or value << low & ~bits or mask & bits:
            raise DrafthartError(
                f"{where}: {value:#x} does not fit bits {high}..{low}, or they are fixed twice; "
                "correct the line"
            )
        mask |= bits
        match |= value << low
    if not mask:
        raise DrafthartError(f"{where}: fixes no bits; write them as 14..12=4")
    return match, mask


def _fixed(words: list[str], where: str) -> Iterator[tuple[int, int, int]]:
    for word in words:
        if found := _FIXED.fullmatch(word):
            high, low, value = found.groups()
            yield int(high), int(low or high), int(value, 0)
        elif not _ARGUMENT.fullmatch(word):
            raise DrafthartError(f"{where}: cannot read {word!r}; write bits as 14..12=4")
