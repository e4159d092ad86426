"""The compiled library as Python sees it, through cffi."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drafthart.generator.emit.storage import members
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.native.foreign import foreign

_MEMBERS = """
    uint64_t x[33]; uint64_t pc, next_pc, instruction, steps, trapped, sleeping, interrupt_lines;
    uint64_t elsewhere;
    uint8_t ended, changed, attention, watching;
"""

_FUNCTIONS = """
    typedef uint64_t device_read(void *host, uint64_t address, uint32_t size);
    typedef void device_write(void *host, uint64_t address, uint32_t size, uint64_t value);
    struct hart *dh_create(uint8_t *ram, uint64_t base, uint64_t size, device_read *read,
                           device_write *write, void *host);
    void dh_destroy(struct hart *h);
    int dh_run(struct hart *h, uint64_t limit);
    void dh_step(struct hart *h);
    void dh_flush(struct hart *h);
    void dh_flush_translations(struct hart *h);
    void dh_reset(struct hart *h);
    void dh_watch_page(struct hart *h, uint64_t address, int watched);
    void dh_host_wrote(struct hart *h, uint64_t address, uint64_t size);
    void *dh_peer(struct hart *h);
    void dh_join(struct hart *h, void *peer);
    int dh_add_window(struct hart *h, uint64_t base, uint64_t end);
    void dh_set_clock(struct hart *h, uint64_t offset, uint64_t steps_per_tick);
    void dh_set_breakpoints(struct hart *h, const uint64_t *addresses, uint32_t count);
    uint64_t dh_invoke(struct hart *h, uint32_t number, const uint64_t *arguments);
    uint64_t dh_csr_read(struct hart *h, uint32_t number);
    void dh_csr_write(struct hart *h, uint32_t number, uint64_t value);
    void dh_record_traps(struct hart *h, uint64_t *records, uint32_t room, int all);
    uint32_t dh_record_words(void);
    uint32_t dh_taken_traps(struct hart *h);
    void dh_counted(struct hart *h, uint64_t *counts);
    uint32_t dh_log(struct hart *h, uint32_t which, uint32_t at, uint64_t *access);
    uint64_t dh_expanded(struct hart *h);
    const char *dh_entry(uint32_t number);
    void dh_clear_logs(struct hart *h);
    const char *dh_revision(void);
    const char *dh_content(void);
"""


class Interface:
    """A loaded library: `ffi` and its functions."""

    def __init__(self, isa: ISA, library: Path) -> None:
        own = "".join(
            f"uint64_t {name}{f'[{count}]' if count else ''};" for name, count in members(isa)
        )
        self.ffi = foreign(f"struct hart {{ {_MEMBERS} {own} }}; {_FUNCTIONS}")
        try:
            self.library: Any = self.ffi.dlopen(str(library))
        except OSError as problem:
            raise DrafthartError(
                f"{library}: cannot be loaded: {problem}; remove it, and it is made again"
            ) from problem
        self.arrays = {name: count for name, count in members(isa) if count}
        self.csr_numbers = {
            csr.address: index
            for index, csr in enumerate(isa.csrs.values())
            if csr.address is not None
        }
        content = self.ffi.string(self.library.dh_content()).decode()
        if content != isa.content:
            raise DrafthartError(f"{library}: was made from another spec; remove it")
        self.entries: dict[str, int] = {}
        while (name := self.library.dh_entry(len(self.entries))) != self.ffi.NULL:
            self.entries[self.ffi.string(name).decode()] = len(self.entries)

    def log(self, state: Any, which: int) -> list[tuple[int, int, int]]:
        """Accesses (address, size, value) of the current instruction: 0 reads, 1 writes, 2 CSRs."""
        access = self.ffi.new("uint64_t[3]")
        found: list[tuple[int, int, int]] = []
        while self.library.dh_log(state, which, len(found), access):
            found.append((access[0], access[1], access[2]))
        return found


_loaded: dict[tuple[str, Path], Interface] = {}


def load(isa: ISA, library: Path) -> Interface:
    """The library's interface, loaded once."""
    key = isa.content, library
    if key not in _loaded:
        _loaded[key] = Interface(isa, library)
    return _loaded[key]
