"""Traces made elsewhere: Spike's commit log, RVVI-style and riscv-dv's CSV, RVFI.

What is told of the formats is from their documentation: docs/rvfi.md of riscv-formal, the signals
of RVVI-TRACE, and the columns of riscv-dv's instruction trace.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from drafthart.conformance.lockstep.entry import Entry, Stream
from drafthart.generator.assembly.registers import ABI_NAMES, FLOAT_ABI_NAMES
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.trace import Commit, parse_commit

FORMATS = "a commit log of Spike, CSV with a header, or RVFI as lines of JSON"
_NUMBERS = {name: ("x", number) for number, name in enumerate(ABI_NAMES)}
_NUMBERS |= {name: ("f", number) for number, name in enumerate(FLOAT_ABI_NAMES)}
_NUMBERS |= {f"{kind}{number}": (kind, number) for kind in "xf" for number in range(32)}
_NUMBERS["fp"] = ("x", 8)
_MODES = {"U": 0, "VU": 0, "S": 1, "HS": 1, "VS": 1, "M": 3, "0": 0, "1": 1, "3": 3}
_ELEMENT = re.compile(r"([xf])_wdata(?:\[|_)?(\d+)\]?")
_LONGEST = 1 << 16
"""Bytes of a line at most: what has longer ones is no trace."""


class TraceSide(Stream):
    """A trace in a file, read as it is needed. The format is found in its first line."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open(encoding="utf-8", errors="replace", newline="")
        except OSError as error:
            raise DrafthartError(f"{path}: {error.strerror}; name a trace file") from None
        try:
            lines = _numbered(self._file, str(path))
            first = next(((n, text) for n, text in lines if not _skipped(text)), None)
            if first is None:
                raise DrafthartError(f"{path}: is empty; record {FORMATS}")
            entries, traps, writes = _reader(first, lines, str(path))
        except BaseException:
            self._file.close()
            raise
        super().__init__(str(path), entries, tells_traps=traps, tells_all_writes=writes)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def of_commit(commit: Commit, source: str = "") -> Entry:
    """What a commit of Spike's log tells."""
    stores = {
        it.address + byte: it.value >> 8 * byte & 0xFF
        for it in commit.stores
        for byte in range(it.size)
    }
    return Entry(
        commit.pc,
        commit.instruction,
        commit.mode,
        x={it.number: it.value for it in commit.writes if it.kind == "x"},
        f={it.number: it.value for it in commit.writes if it.kind == "f"},
        csrs={it.name: it.value for it in commit.writes if it.kind == "c"},
        stores=stores,
        load=min((it.address for it in commit.loads), default=None),
        source=source,
    )


def spike_entry(text: str, source: str) -> Entry | None:
    """The instruction of a line of Spike's; None for lines of other kinds."""
    if _skipped(text) or ": >>>>" in text or ": exception " in text or ":           tval" in text:
        return None
    return of_commit(parse_commit(text), source)


def _reader(
    first: tuple[int, str], rest: Iterator[tuple[int, str]], name: str
) -> tuple[Iterator[Entry], bool, bool]:
    """The entries; are traps told, and all writes?"""
    text = first[1]
    lines = _before(first, rest)
    if text.startswith("core"):
        return _spike(lines, name), False, True
    if text.lstrip().startswith("{"):
        return _signals(_objects(lines, name), name), True, _all_writes(json_keys(text))
    columns = next(csv.reader([text]))
    plain = {column.strip().lower() for column in columns}
    if {"pc", "addr"} & plain and not {"pc_rdata", "rvfi_pc_rdata"} & plain:
        return _riscv_dv(_rows(lines, name), name), True, False
    if {"pc_rdata", "rvfi_pc_rdata"} & plain:
        return _signals(_rows(lines, name), name), True, _all_writes(plain)
    raise DrafthartError(f"{name}: line {first[0]}: of no known format; record {FORMATS}")


def json_keys(text: str) -> set[str]:
    """The keys of a line of JSON; none if it is no object."""
    try:
        data = json.loads(text)
    except ValueError:
        return set()
    return {str(key).lower() for key in data} if isinstance(data, dict) else set()


def _all_writes(names: Iterable[str]) -> bool:
    """Does a trace with these columns tell the write of each x register?"""
    plain = {name.removeprefix("rvfi_") for name in names}
    return "rd_wdata" in plain or {"x_wb", "x_wdata"} <= plain


def _before(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _numbered(file: Any, name: str) -> Iterator[tuple[int, str]]:
    number = 0
    while text := file.readline(_LONGEST):
        number += 1
        if len(text) >= _LONGEST:
            raise DrafthartError(f"{name}: line {number} is too long for a trace; record {FORMATS}")
        yield number, text.rstrip("\r\n")


def _skipped(text: str) -> bool:
    return not text.strip() or text.startswith("#")


def _spike(lines: Iterable[tuple[int, str]], name: str) -> Iterator[Entry]:
    for number, text in lines:
        source = f"{name}: line {number}"
        try:
            entry = spike_entry(text, f"line {number}")
        except DrafthartError as error:
            raise DrafthartError(f"{source}: {error}") from None
        if entry is not None:
            yield entry


def _objects(
    lines: Iterable[tuple[int, str]], name: str
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, text in lines:
        if _skipped(text):
            continue
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise DrafthartError(f"{name}: line {number}: is no object in JSON; write one a line")
        yield number, {str(key).lower(): value for key, value in data.items()}


def _rows(lines: Iterable[tuple[int, str]], name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    header: list[str] = []
    for number, text in lines:
        if _skipped(text):
            continue
        try:
            cells = next(csv.reader([text], strict=True))
        except csv.Error as error:
            raise DrafthartError(f"{name}: line {number}: {error}; write CSV") from None
        if not header:
            header = [cell.strip().lower() for cell in cells]
        elif len(cells) != len(header):
            raise DrafthartError(
                f"{name}: line {number}: has {len(cells)} cells under {len(header)} columns"
            )
        else:
            yield number, dict(zip(header, cells, strict=True))


def _signals(rows: Iterable[tuple[int, Mapping[str, Any]]], name: str) -> Iterator[Entry]:
    """RVFI (`rvfi_rd_wdata`), and RVVI (`x_wb`, `x_wdata`, `csr_<name>`): numbers hexadecimal."""
    for number, row in rows:
        cells = {key.removeprefix("rvfi_"): value for key, value in row.items()}
        get = _getter(cells, f"{name}: line {number}")
        if get("valid") == 0:
            continue
        pc = get("pc_rdata")
        if pc is None:
            raise DrafthartError(f"{name}: line {number}: has no pc_rdata; record it")
        trap = bool(get("trap"))
        x, f = _registers(cells, get)
        yield Entry(
            pc,
            get("insn"),
            get("mode"),
            # Behind a trap, cores differ in what they show here.
            None if trap else get("pc_wdata"),
            {} if trap else x,
            {} if trap else f,
            _csrs(cells, get),
            _stores(get),
            _load(get),
            trap,
            f"line {number}",
        )


_Get = Callable[[str], int | None]


def _getter(cells: Mapping[str, Any], where: str) -> _Get:
    def get(name: str) -> int | None:
        return _number(cells.get(name), f"{where}: {name}")

    return get


def _number(cell: Any, where: str) -> int | None:
    """A cell's number: JSON's own, or text in hexadecimal; None if there is none."""
    if cell is None or isinstance(cell, bool):
        return None if cell is None else int(cell)
    if isinstance(cell, int) and 0 <= cell < 1 << 128:
        return cell
    text = str(cell).strip().replace("_", "")
    if not text:
        return None
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,32}", text):
        return int(text, 16)
    raise DrafthartError(f"{where}: {str(cell)[:40]!r} is no hexadecimal number")


def _registers(cells: Mapping[str, Any], get: _Get) -> tuple[dict[int, int], dict[int, int]]:
    x: dict[int, int] = {}
    f: dict[int, int] = {}
    rd, value = get("rd_addr"), get("rd_wdata")
    if rd and value is not None:
        x[rd & 31] = value
    if get("frd_wvalid") and (value := get("frd_wdata")) is not None:
        f[(get("frd_addr") or 0) & 31] = value
    for kind, found in (("x", x), ("f", f)):
        written = get(f"{kind}_wb") or 0
        values = cells.get(f"{kind}_wdata")
        if isinstance(values, list):
            numbers = {n: _number(it, f"{kind}_wdata") for n, it in enumerate(values[:32])}
        else:
            numbers = {
                int(part[2]): get(key)
                for key in cells
                if (part := _ELEMENT.fullmatch(key)) and part[1] == kind
            }
            if not numbers and written and values is not None:
                numbers = {written.bit_length() - 1: get(f"{kind}_wdata")}
        found |= {n: it for n, it in numbers.items() if written >> n & 1 and it is not None}
    x.pop(0, None)
    return x, f


def _csrs(cells: Mapping[str, Any], get: _Get) -> dict[str, int]:
    """Whole CSRs: csr_<name>, or csr_<name>_wdata where csr_<name>_wmask has all its bits."""
    found = {}
    for key in cells:
        if not key.startswith("csr_"):
            continue
        name = key.removeprefix("csr_")
        if name.endswith("_wdata"):
            name = name.removesuffix("_wdata")
            mask, value = get(f"csr_{name}_wmask"), get(key)
            if value is not None and mask in ((1 << 64) - 1, (1 << 32) - 1):
                found[name] = value
        elif not name.endswith(("mask", "_rdata", "_wb")) and (value := get(key)) is not None:
            found[name] = value
    return found


def _stores(get: _Get) -> dict[int, int] | None:
    mask, address, data = get("mem_wmask"), get("mem_addr"), get("mem_wdata")
    if mask is None or (mask and (address is None or data is None)):
        return None
    return {
        (address or 0) + byte: (data or 0) >> 8 * byte & 0xFF
        for byte in range(mask.bit_length())
        if mask >> byte & 1
    }


def _load(get: _Get) -> int | None:
    mask, address = get("mem_rmask"), get("mem_addr")
    if not mask or address is None:
        return None
    return address + (mask & -mask).bit_length() - 1


def _riscv_dv(rows: Iterable[tuple[int, Mapping[str, Any]]], name: str) -> Iterator[Entry]:
    """Rows of riscv-dv: `addr` or `pc`, `binary`, `mode`, `gpr` and `csr` as name:value;…, `rd`."""
    for number, row in rows:
        where = f"{name}: line {number}"
        get = _getter(row, where)
        pc = get("pc") if "pc" in row else get("addr")
        if pc is None:
            continue
        x: dict[int, int] = {}
        f: dict[int, int] = {}
        names = "".join(f"{row.get(key) or ''};" for key in ("gpr", "updated_gpr", "fpr"))
        pairs = list(_pairs(names, where))
        pairs += (
            (str(row[key]).strip(), value)
            for key in ("rd", "fd")
            if row.get(key) and (value := get(f"{key}_val")) is not None
        )
        for register, value in pairs:
            if register not in _NUMBERS:
                raise DrafthartError(f"{where}: no register is called {register[:40]!r}")
            kind, index = _NUMBERS[register]
            (x if kind == "x" else f)[index] = value
        x.pop(0, None)
        written = row.get("updated_csr") or (row.get("csr") if ":" in str(row.get("csr")) else "")
        mode = str(row.get("mode") or "").strip().upper()
        yield Entry(
            pc,
            get("binary"),
            _MODES.get(mode),
            x=x,
            f=f,
            csrs=dict(_pairs(str(written or ""), where)),
            source=f"line {number}",
        )


def _pairs(text: str, where: str) -> Iterator[tuple[str, int]]:
    """The pairs of `name:value;name:value`."""
    for part in filter(None, map(str.strip, text.split(";"))):
        name, colon, value = part.partition(":")
        number = _number(value, where) if colon else None
        if number is None:
            raise DrafthartError(f"{where}: {part[:40]!r} is not name:value")
        yield name.strip(), number
