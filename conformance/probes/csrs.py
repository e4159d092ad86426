"""CSRs: who may access them under which gates, what they keep, and what else a write changes."""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, existing
from drafthart.conformance.probes.state import baseline, watched
from drafthart.generator.spec.model import CSR, ISA

_MODES = ("M", "HS", "U", "VS", "VU")
_COUNTERS = ("mcycle", "minstret", "cycle", "time", "instret")
_IDENTITY = ("mvendorid", "marchid", "mimpid", "mconfigptr")
_PMP = ("pmpcfg", "pmpaddr")
# A written mtvec would lead the way out astray, misa take away what is probed, and a locked PMP
# entry could not be undone.
_UNTOUCHED = ("mtvec", "misa", *_PMP)
_ENABLES = ("mcounteren", "hcounteren", "scounteren")
_FIRST_COUNTER = 0xC00
_ALL = (1 << 64) - 1
_SV39 = 8
_PATTERNS = (0, _ALL, 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA, 0x0123_4567_89AB_CDEF)

_OPERATIONS = {
    "read": "csrr a0, {csr}",
    "set": "csrrs a1, {csr}, a0",
    "set-none": "csrrsi a0, {csr}, 0",
    "swap": "csrrw a0, {csr}, a0",
}


def _gates(names: Names, csr: CSR) -> Iterator[tuple[str, int, Setup]]:
    """Pairs of a gate's name and what sets it, for those that may matter to this CSR."""
    yield "", 0, ()
    if csr.name in ("satp", "vsatp", "hgatp"):
        yield "TVM", names.mask("mstatus.TVM"), ()
        yield "VTVM", 0, existing(names, (("hstatus", names.mask("hstatus.VTVM")),))
    everything = tuple(
        (name, _writable(names.isa.csrs[name])) for name in _ENABLES if names.has(name)
    )
    if _counts(csr):
        for off in range(1, 1 << len(everything)):
            label = "+".join(e for e, _ in (c for b, c in enumerate(everything) if off >> b & 1))
            yield label, 0, tuple(c for b, c in enumerate(everything) if off >> b & 1)
        bit = 1 << (csr.address or 0) - _FIRST_COUNTER
        yield "own bits", 0, tuple((name, bit) for name, _ in everything)
        yield "other bits", 0, tuple((name, mask & ~bit) for name, mask in everything)
    else:
        gates = names.mask("mstatus.TW", "mstatus.TSR")
        more = names.mask("hstatus.VTW", "hstatus.VTSR", "hstatus.HU")
        yield "open", gates, (*everything, *existing(names, (("hstatus", more),)))


def _counts(csr: CSR) -> bool:
    return csr.address is not None and _FIRST_COUNTER <= csr.address < 0xC20


def _varies(csr: CSR) -> bool:
    """Is its value nothing to compare?"""
    return csr.name in (*_COUNTERS, *_IDENTITY)


def csr_access(isa: ISA) -> Group:
    """Each CSR by each kind of access from each mode under the gates; also numbers without CSR."""
    names = Names(isa)
    probes = []
    for csr in _present(isa):
        if csr.array and csr.index not in (0, 3, 31):
            continue
        hide = "\nli a0, 0\nli a1, 0" if _varies(csr) else ""
        for mode in _MODES:
            for gate, mstatus, setup in _gates(names, csr):
                for operation, text in _OPERATIONS.items():
                    if operation == "swap" and (csr.read_only is False or gate):
                        continue  # what a swap does to a writable CSR is the other group's
                    if gate and operation not in ("read", "set"):
                        continue
                    label = " ".join(filter(None, [f"csr:{csr.name}", operation, mode, gate]))
                    action = text.format(csr=f"{csr.address:#x}") + hide
                    probes.append(Probe(label, action, mode, setup, mstatus))
    probes += [*_shifted_time(names), *_counting(names), *_forms()]
    for number in _unassigned(isa):
        probes += (
            Probe(f"csr-number:{number:#05x} read {mode}", f"csrr a0, {number:#x}", mode)
            for mode in ("M", "HS", "VS")
        )
    return Group("csr-access", tuple(probes), baseline(names), watched(isa))


def _shifted_time(names: Names) -> Iterator[Probe]:
    """The upper bits of time, which htimedelta moves for a guest: no run takes 2^40 ticks."""
    if not (names.has("htimedelta") and names.has("time")):
        return
    delta = 0x7654 << 40
    enables = ((name, _ALL) for name in _ENABLES)
    setup = existing(names, (*enables, ("htimedelta", delta)))
    for mode in _MODES:
        yield Probe(
            f"csr:time behind htimedelta {mode}", "csrr a0, time\nsrli a0, a0, 40", mode, setup
        )


def _counting(names: Names) -> Iterator[Probe]:
    """Counters go on, and from what was written; how fast is left open."""
    for name in ("mcycle", "minstret"):
        if not names.has(name):
            continue
        on = f"csrr a0, {name}\nnop\nnop\ncsrr a1, {name}\nsltu a0, a0, a1\nli a1, 0"
        yield Probe(f"csr:{name} goes on", on)
        written = f"csrw {name}, a0\nnop\ncsrr a1, {name}\nsub a1, a1, a0\nsrli a1, a1, 32"
        yield Probe(f"csr:{name} written", written, registers=(1 << 40, 0))


def _forms() -> Iterator[Probe]:
    """Each CSR instruction, with and without a destination and a source."""
    sources = {"a0": "rs1", "x0": "no rs1"}
    immediates = {"21": "an immediate", "0": "no immediate"}
    for name in ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"):
        for source, what in (immediates if name.endswith("i") else sources).items():
            for destination in ("x0", "ra", "a1"):
                move = "\nmv a1, ra" if destination == "ra" else ""
                tried = f"{name} {destination}, sscratch, {source}"
                action = f"li ra, 0\n{tried}{move}\ncsrr a0, sscratch"
                yield Probe(
                    f"{name} to {destination} with {what}",
                    action,
                    setup=(("sscratch", 0x5A5A),),
                    registers=(0x3C3C, 0),
                )


def _present(isa: ISA) -> list[CSR]:
    return [csr for csr in isa.csrs.values() if csr.address is not None]


def _unassigned(isa: ISA) -> Iterator[int]:
    """One number without CSR in each block of 16."""
    for block in range(0, 0x1000, 16):
        free = [n for n in range(block, block + 16) if n not in isa.csr_at]
        if free:
            yield free[-1]


def csr_values(isa: ISA) -> Group:
    """What each CSR keeps of what M-mode writes: patterns, each field, each bit."""
    names = Names(isa)
    probes = []
    for csr in _present(isa):
        if csr.read_only or csr.array or csr.name in (*_COUNTERS, "pmpcfg0", "pmpcfg2"):
            continue
        action = f"csrrw a1, {csr.address:#x}, a0\ncsrrw a0, {csr.address:#x}, a1"
        values = {f"{value:#x}": value for value in _PATTERNS}
        values |= {f"{csr.name}.{field.name}": field.mask for field in csr.fields.values()}
        values |= {f"bit {bit}": 1 << bit for bit in range(64)}
        for scheme in range(16):
            mode = names.field(f"{csr.name}.MODE")
            if mode and mode.width == 4:
                values[f"MODE {scheme}"] = scheme << mode.low
        labels = {
            value: label for label, value in reversed(values.items())
        }  # the first name counts
        for value, label in labels.items():
            probes.append(Probe(f"csr:{csr.name} keeps {label}", action, registers=(value, 0)))
        probes += _over_another(names, csr, action)
    return Group("csr-values", tuple(probes), baseline(names), ())


def _over_another(names: Names, csr: CSR, action: str) -> Iterator[Probe]:
    """Every MODE of an address-translation CSR but Bare, written where Sv39 stood."""
    mode = names.field(f"{csr.name}.MODE")
    if mode is None or mode.width != 4:
        return
    before = f"li t0, {_SV39 << mode.low | 0x48:#x}\ncsrw {csr.address:#x}, t0\n"
    for scheme in range(1, 16):
        value = scheme << mode.low | 0x84
        label = f"csr:{csr.name} keeps MODE {scheme} after Sv39"
        yield Probe(label, before + action, registers=(value, 0))


def csr_aliases(isa: ISA) -> Group:
    """All CSRs after M-, HS- or VS-mode has written one, with and without delegation."""
    names = Names(isa)
    probes = []
    watch = tuple(
        csr.name
        for csr in _present(isa)
        if csr.array is None
        and not csr.name.startswith(_PMP)
        and csr.name
        not in (*_COUNTERS, *_IDENTITY, "mepc", "mcause", "mtval", "mtval2", "mtinst", "mtvec")
        and not csr.name.startswith("mhpm")
    )
    delegation = ("mideleg", "hideleg", "mcounteren", "mie")
    everything = tuple((name, _writable(isa.csrs[name])) for name in delegation if names.has(name))
    for csr in _present(isa):
        if csr.read_only or csr.array or csr.name in (*_UNTOUCHED, *_COUNTERS):
            continue
        for mode in ("M", "HS", "VS"):
            if _astray(csr, mode):
                continue
            for start, setup in (("nothing", ()), ("all", everything)):
                for operation, word in (
                    ("ones to", "csrw"),
                    ("ones set in", "csrs"),
                    ("zeros to", "csrw"),
                ):
                    value = 0 if operation == "zeros to" else _ones(names, csr)
                    probes.append(
                        Probe(
                            f"{operation} csr:{csr.name} in {mode}, {start} delegated",
                            f"{word} {csr.address:#x}, a0",
                            mode,
                            setup,
                            registers=(value, 0),
                        )
                    )
    return Group("csr-aliases", tuple(probes), baseline(names), watch)


def _astray(csr: CSR, mode: str) -> bool:
    """Would what is written here disturb the way out?"""
    if csr.name in ("stvec", "vstvec"):
        return mode == "VS" or (mode == "HS" and csr.name == "stvec")
    return csr.name == "satp" and mode != "M"


def _ones(names: Names, csr: CSR) -> int:
    """All that a write can set, but not what would take the way out from M-mode."""
    return _writable(csr) & ~names.mask(f"{csr.name}.BREAKPOINT")


def _writable(csr: CSR) -> int:
    """The bits of the fields that a write can change."""
    fields = (
        f for f in csr.fields.values() if f.kind != "RO" and (f.legal is None or len(f.legal) > 1)
    )
    return sum(field.mask for field in fields) if csr.fields else _ALL
