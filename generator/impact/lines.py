"""Source lines of addresses, from DWARF; only the tables of units that are asked for are read."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Any

from elftools.elf.elffile import ELFFile


class Lines:
    """The line tables of an ELF file."""

    def __init__(self, dwarf: Any) -> None:
        self._dwarf = dwarf
        self._units: dict[int, list[tuple[int, str]]] = {}
        self._ranges: list[tuple[int, int, int]] | None = None

    @classmethod
    def of(cls, elf: ELFFile) -> Lines | None:
        """The tables; None where there are none."""
        if not elf.has_dwarf_info() or elf.get_section_by_name(".debug_line") is None:
            return None
        return cls(elf.get_dwarf_info())

    def at(self, address: int) -> str:
        """`file:line`; "" if it is unknown."""
        # Damaged debugging information is no reason to refuse the code.
        try:
            return self._find(address)
        except Exception:
            return ""

    def _find(self, address: int) -> str:
        if self._ranges is None:
            self._ranges = sorted(self._unit_ranges())
        index = bisect_right(self._ranges, (address, 1 << 64, 1 << 64)) - 1
        if index < 0 or address >= self._ranges[index][1]:
            return ""
        rows = self._rows(self._ranges[index][2])
        at = bisect_right(rows, address, key=itemgetter(0)) - 1
        return rows[at][1] if at >= 0 else ""

    def _unit_ranges(self) -> list[tuple[int, int, int]]:
        aranges = self._dwarf.get_aranges()
        if aranges is not None and aranges.entries:
            return [
                (it.begin_addr, it.begin_addr + it.length, it.info_offset) for it in aranges.entries
            ]
        found = []
        for unit in self._dwarf.iter_CUs():
            rows = self._rows(unit.cu_offset)
            # Rows with an empty name end a sequence.
            start = None
            for address, line in rows:
                if start is None:
                    start = address
                if not line:
                    found.append((start, address, unit.cu_offset))
                    start = None
        return found

    def _rows(self, unit: int) -> list[tuple[int, str]]:
        if unit not in self._units:
            self._units[unit] = sorted(self._read(unit), key=itemgetter(0))
        return self._units[unit]

    def _read(self, offset: int) -> list[tuple[int, str]]:
        program = self._dwarf.line_program_for_CU(self._dwarf.get_CU_at(offset))
        if program is None:
            return []
        files = program["file_entry"]
        # Numbers of files begin with 1 before DWARF 5.
        first = 0 if program["version"] >= 5 else 1
        rows = []
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            name = ""
            if not state.end_sequence and 0 <= state.file - first < len(files):
                raw = files[state.file - first].name.decode("utf-8", "replace")
                name = f"{PurePosixPath(raw).name}:{state.line}"
            rows.append((state.address, name))
        return rows
