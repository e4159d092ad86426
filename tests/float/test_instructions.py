"""What the instructions of F and D do beyond arithmetic: boxing, rounding modes, FS, fcsr."""

from __future__ import annotations

import struct
from itertools import islice
from random import Random

import pytest
from bench import CODE, DATA, GUEST_PAGE, PAGE, REVISIONS, Bench, GuestBench
from float_cases import expected, operands
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.generator.assembly.registers import FLOAT_REGISTERS

ILLEGAL = 2
OFF, INITIAL, CLEAN, DIRTY = range(4)
SINGLE_NAN, DOUBLE_NAN = 0x7FC0_0000, 0x7FF8_0000_0000_0000
BOX = 0xFFFF_FFFF << 32
NX, UF, OF, DZ, NV = 1, 2, 4, 8, 16

HYPERVISORS = ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.6.1", "0.6.2", "1.0.0-rc", "1.0"]


def single(value: float) -> int:
    """A boxed single-precision number."""
    return BOX | int.from_bytes(struct.pack("<f", value), "little")


def double(value: float) -> int:
    """A double-precision number."""
    return int.from_bytes(struct.pack("<d", value), "little")


def bench(parameters: dict[str, int] | None = None, **registers: int) -> Bench:
    """A hart in M-mode whose floating point is on and clean, with these registers."""
    made = Bench("h@1.0", parameters).write("mstatus.FS", CLEAN)
    for name, value in registers.items():
        made.hart.F[FLOAT_REGISTERS[name]] = value
    return made


def register(made: Bench, name: str) -> int:
    """A floating-point register by its assembly name."""
    return int(made.hart.F[FLOAT_REGISTERS[name]])


@pytest.mark.rules("float.off")
@pytest.mark.parametrize(
    "source",
    ["fadd.s fa0, fa0, fa0", "flw fa0, 0(a0)", "fsd fa0, 0(a0)", "c.fld fa0, 0(a0)",
     "fmv.x.w a1, fa0", "fclass.d a1, fa0", "feq.s a1, fa0, fa0", "frcsr a1", "fsflagsi 0",
     "fsrm a1"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
def test_everything_raises_while_fs_is_off(source: str, mode: str) -> None:
    made = bench().write("mstatus.FS", OFF).mode(mode)
    trap = made.run(source, a0=DATA)
    assert trap
    assert trap.cause == ILLEGAL
    for state in (INITIAL, CLEAN, DIRTY):
        made = bench().write("mstatus.FS", state).mode(mode)
        assert made.run(source, a0=DATA) is None


@pytest.mark.rules("float.dirty")
@pytest.mark.parametrize(
    ("source", "dirty"),
    [("fadd.d fa0, fa0, fa0", True), ("flw fa0, 0(a0)", True), ("fmv.d.x fa0, a0", True),
     ("fsgnj.s fa0, fa0, fa0", True), ("c.fldsp fa0, 0(sp)", True), ("fcvt.s.w fa0, a0", True),
     ("fscsr a1", True), ("fsrmi 1", True), ("fsflags a1", True), ("flt.d a0, fa1, fa1", True),
     ("feq.d a0, fa1, fa1", False), ("flt.d a0, fa0, fa0", False), ("fcvt.w.d a0, fa0", False),
     ("fcvt.w.d a0, fa1", True), ("fcvt.w.d a0, fa2", True), ("fsd fa0, 0(a0)", False),
     ("fclass.d a0, fa1", False), ("fmv.x.d a0, fa0", False), ("frcsr a0", False)],
)  # fmt: skip
def test_what_modifies_the_state_makes_it_dirty(source: str, dirty: bool) -> None:
    made = bench(fa1=DOUBLE_NAN, fa2=double(0.5))
    assert made.run(source, a0=DATA, sp=DATA) is None
    assert made.read("mstatus.FS") == (DIRTY if dirty else CLEAN)
    assert made.read("mstatus.SD") == dirty
    assert made.read("sstatus.SD") == dirty


def test_a_load_that_faults_changes_nothing() -> None:
    made = bench(fa0=7)
    assert made.run("fld fa0, 0(a0)", a0=0x10)
    assert (register(made, "fa0"), made.read("mstatus.FS")) == (7, CLEAN)


def test_fs_keeps_all_four_states() -> None:
    made = bench()
    for csr in ("mstatus", "sstatus", "vsstatus"):
        for state in (OFF, INITIAL, CLEAN, DIRTY):
            assert made.write(f"{csr}.FS", state).read(f"{csr}.FS") == state
            assert made.read(f"{csr}.SD") == (state == DIRTY)


@pytest.mark.parametrize(("flen", "letters"), [(0, ""), (32, "F"), (64, "DF")])
def test_flen_selects_what_there_is(flen: int, letters: str) -> None:
    made = Bench("h@1.0", {"FLEN": flen})
    misa = made.read("misa")
    assert "".join(letter for letter in "DF" if misa >> ord(letter) - 65 & 1) == letters
    for csr in ("mstatus", "sstatus", "vsstatus"):
        made.write(f"{csr}.FS", DIRTY)
        assert made.read(f"{csr}.FS") == (DIRTY if flen else OFF)
    assert ("fcsr" in made.isa.csrs) == (flen > 0)
    # fadd.s, fadd.d and c.fld, as their bits: without D or F the assembler does not know them.
    for word, needed in ((0x00B57553, 32), (0x02B57553, 64), (0x2108, 64)):
        made = Bench("h@1.0", {"FLEN": flen})
        made.write("mstatus.FS", DIRTY)
        trap = made.run(f".insn {2 if word < 1 << 16 else 4}, {word:#x}", a0=DATA)
        assert (trap is None) == (flen >= needed)


@pytest.mark.rules("float.reserved-rounding")
@pytest.mark.parametrize("word", [0x02B50553, 0x58057553 & ~0x7000, 0xD2050553, 0x42050553])
def test_reserved_rounding_modes_are_illegal(word: int) -> None:
    # fadd.d, fsqrt.s, fcvt.d.w and fcvt.d.s: exact conversions have a rounding mode all the same.
    for rm in range(8):
        for frm in range(8):
            made = bench().write("frm", frm).write("mstatus.FS", CLEAN)
            trap = made.run(f".insn 4, {word | rm << 12:#x}")
            chosen = frm if rm == 7 else rm
            assert (trap and trap.cause) == (ILLEGAL if chosen > 4 else None)
            assert made.read("mstatus.FS") == (CLEAN if trap else DIRTY)


@pytest.mark.parametrize(
    ("rm", "value"), [("rne", 2), ("rtz", 2), ("rdn", 2), ("rup", 3), ("rmm", 3)]
)
def test_the_rounding_mode_of_the_instruction_or_of_frm(rm: str, value: int) -> None:
    made = bench(fa0=double(2.5))
    made.run(f"fcvt.w.d a0, fa0, {rm}; fcvt.w.d a1, fa0, dyn")
    assert (made.reg("a0"), made.reg("a1")) == (value, 2)
    made = bench(fa0=double(2.5))
    made.write("frm", ["rne", "rtz", "rdn", "rup", "rmm"].index(rm))
    made.run("fcvt.w.d a0, fa0; fcvt.w.d a1, fa0, rup")
    assert (made.reg("a0"), made.reg("a1")) == (value, 3)


@pytest.mark.rules("float.boxing")
def test_singles_are_boxed_in_nans() -> None:
    made = bench(fa0=single(1.5), fa1=single(2.5), fa2=double(1.0), fa3=0x3F80_0000)
    made.run("fadd.s ft0, fa0, fa1")
    assert register(made, "ft0") == single(4.0)
    # What is not boxed counts as the canonical NaN, which is quiet.
    made.run("fadd.s ft0, fa0, fa2; fadd.s ft1, fa3, fa0; fclass.s a0, fa3; fsgnj.s ft2, fa3, fa0")
    assert register(made, "ft0") == register(made, "ft1") == BOX | SINGLE_NAN
    assert register(made, "ft2") == BOX | SINGLE_NAN
    assert (made.reg("a0"), made.read("fflags")) == (1 << 9, 0)
    # Transfers look at the lower half only, and box what they bring in.
    made.poke(DATA, 0x1122_3344_8055_6677)
    made.run("fmv.x.w a1, fa3; fsw fa2, 8(a0); flw ft3, 0(a0); fmv.w.x ft4, a2", a0=DATA, a2=5)
    assert made.reg("a1") == 0x3F80_0000
    assert made.peek(DATA + 8, 4) == 0
    assert (register(made, "ft3"), register(made, "ft4")) == (BOX | 0x8055_6677, BOX | 5)
    made.run("fmv.x.w a1, ft3; fmv.x.d a2, ft3")
    assert (made.reg("a1"), made.reg("a2")) == (0xFFFF_FFFF_8055_6677, BOX | 0x8055_6677)
    # A boxed single is a quiet NaN in double precision.
    made.run("fclass.d a0, fa0; fadd.d ft5, fa0, fa0")
    assert (made.reg("a0"), register(made, "ft5"), made.read("fflags")) == (1 << 9, DOUBLE_NAN, 0)


def test_without_d_nothing_is_boxed_or_unboxed() -> None:
    made = bench({"FLEN": 32}, fa0=0x3FC0_0000, fa1=single(2.5))
    made.run("fadd.s ft0, fa0, fa1")
    assert register(made, "ft0") == single(4.0) & 0xFFFF_FFFF


@pytest.mark.rules("float.fcsr")
def test_fflags_and_frm_are_windows_on_fcsr() -> None:
    made = bench()
    made.run("fscsr a0, a1; frflags a2; frrm a3; frcsr a4", a1=-1)
    assert [made.reg(f"a{number}") for number in (0, 2, 3, 4)] == [0, 31, 7, 0xFF]
    made.run("fsflags a0, a1; fsrmi a2, 2; frcsr a3", a1=0x2A)
    assert [made.reg(f"a{number}") for number in (0, 2, 3)] == [31, 7, 2 << 5 | 0x0A]
    assert [made.read(f"fcsr.{name}") for name in ("NV", "DZ", "OF", "UF", "NX")] == [0, 1, 0, 1, 0]


def test_flags_accrue() -> None:
    made = bench(fa0=double(1.0), fa1=double(0.0), fa2=double(3.0), fa3=double(1e308))
    expected = 0
    for source, flag in (
        ("fadd.d ft0, fa0, fa0", 0),
        ("fdiv.d ft0, fa0, fa1", DZ),
        ("fdiv.d ft0, fa0, fa2", NX),
        ("fdiv.s ft0, fa0, fa2", 0),
        ("fsqrt.d ft0, fa0", 0),
        ("fmul.d ft0, fa3, fa3", OF),
        ("fdiv.d ft0, fa0, fa3; fdiv.d ft0, ft0, fa2", UF),
        ("fsub.d ft0, ft1, ft1; fdiv.d ft0, fa1, fa1", NV),
    ):
        made.run(source)
        expected |= flag
        assert made.read("fflags") == expected


@pytest.mark.rules("float.minimum")
@pytest.mark.parametrize(
    ("a", "b", "least", "most", "flags"),
    [(1.0, 2.0, 1.0, 2.0, 0), (-1.0, -2.0, -2.0, -1.0, 0), (-1.0, 2.0, -1.0, 2.0, 0),
     (-0.0, 0.0, -0.0, 0.0, 0), (0.0, -0.0, -0.0, 0.0, 0),
     (float("-inf"), float("inf"), float("-inf"), float("inf"), 0),
     ("quiet", 2.0, 2.0, 2.0, 0), (2.0, "quiet", 2.0, 2.0, 0), ("signaling", 2.0, 2.0, 2.0, NV),
     (2.0, "signaling", 2.0, 2.0, NV), ("quiet", "quiet", "canonical", "canonical", 0),
     ("signaling", "quiet", "canonical", "canonical", NV)],
)  # fmt: skip
@pytest.mark.parametrize("letter", ["s", "d"])
def test_minimum_and_maximum(
    a: object, b: object, least: object, most: object, flags: int, letter: str
) -> None:
    nans = {
        "s": {"quiet": BOX | 0xFFC0_0001, "signaling": BOX | 0x7F80_0001},
        "d": {"quiet": 0xFFF8_0000_0000_0001, "signaling": 0x7FF0_0000_0000_0001},
    }[letter]
    nans["canonical"] = BOX | SINGLE_NAN if letter == "s" else DOUBLE_NAN

    def bits(value: object) -> int:
        if isinstance(value, str):
            return nans[value]
        assert isinstance(value, float)
        return single(value) if letter == "s" else double(value)

    made = bench(fa0=bits(a), fa1=bits(b))
    made.run(f"fmin.{letter} ft0, fa0, fa1; fmax.{letter} ft1, fa0, fa1")
    assert (register(made, "ft0"), register(made, "ft1")) == (bits(least), bits(most))
    assert made.read("fflags") == flags


CLASSES = [
    (0xFF80_0000, 0xFFF0_0000_0000_0000, 0),
    (0xFF7F_FFFF, 0xFFEF_FFFF_FFFF_FFFF, 1),
    (0x8080_0000, 0x8010_0000_0000_0000, 1),
    (0x807F_FFFF, 0x800F_FFFF_FFFF_FFFF, 2),
    (0x8000_0001, 0x8000_0000_0000_0001, 2),
    (0x8000_0000, 0x8000_0000_0000_0000, 3),
    (0x0000_0000, 0x0000_0000_0000_0000, 4),
    (0x0000_0001, 0x0000_0000_0000_0001, 5),
    (0x007F_FFFF, 0x000F_FFFF_FFFF_FFFF, 5),
    (0x0080_0000, 0x0010_0000_0000_0000, 6),
    (0x7F7F_FFFF, 0x7FEF_FFFF_FFFF_FFFF, 6),
    (0x7F80_0000, 0x7FF0_0000_0000_0000, 7),
    (0x7F80_0001, 0x7FF0_0000_0000_0001, 8),
    (0xFFBF_FFFF, 0xFFF7_FFFF_FFFF_FFFF, 8),
    (0x7FC0_0000, 0x7FF8_0000_0000_0000, 9),
    (0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF, 9),
]


@pytest.mark.parametrize(("of_single", "of_double", "bit"), CLASSES)
def test_classes(of_single: int, of_double: int, bit: int) -> None:
    made = bench(fa0=BOX | of_single, fa1=of_double)
    made.run("fclass.s a0, fa0; fclass.d a1, fa1")
    assert (made.reg("a0"), made.reg("a1"), made.read("fflags")) == (1 << bit, 1 << bit, 0)


@pytest.mark.parametrize("letter", ["s", "d"])
def test_signs_are_copied_and_nans_kept(letter: str) -> None:
    sign, nan = (1 << 31, BOX | 0x7F80_0001) if letter == "s" else (1 << 63, 0x7FF0_0000_0000_0001)
    minus, plus = (single(-1.0), single(1.0)) if letter == "s" else (double(-1.0), double(1.0))
    for a in (nan, nan | sign, minus, plus):
        for b in (minus, plus):
            made = bench(fa0=a, fa1=b)
            made.run(
                f"fsgnj.{letter} ft0, fa0, fa1; fsgnjn.{letter} ft1, fa0, fa1;"
                f"fsgnjx.{letter} ft2, fa0, fa1; fneg.{letter} ft3, fa0; fabs.{letter} ft4, fa0;"
                f"fmv.{letter} ft5, fa0"
            )
            found = [register(made, f"ft{number}") for number in range(6)]
            plain, of_b = a & ~sign, b & sign
            assert found == [
                plain | of_b, plain | (of_b ^ sign), a ^ of_b, a ^ sign, plain, a
            ]  # fmt: skip
            assert made.read("fflags") == 0


@pytest.mark.parametrize(
    ("name", "value"), [("fmadd", 7.0), ("fmsub", 5.0), ("fnmsub", -5.0), ("fnmadd", -7.0)]
)
def test_fused_forms(name: str, value: float) -> None:
    made = bench(fa0=single(2.0), fa1=single(3.0), fa2=single(1.0))
    made.run(f"{name}.s ft0, fa0, fa1, fa2")
    assert register(made, "ft0") == single(value)
    made = bench(fa0=double(2.0), fa1=double(3.0), fa2=double(1.0))
    made.run(f"{name}.d ft0, fa0, fa1, fa2")
    assert register(made, "ft0") == double(value)
    # The product is negated and not the sum, which shows in the sign of a zero.
    made = bench(fa0=double(0.0), fa1=double(0.0), fa2=double(0.0))
    made.run(f"{name}.d ft0, fa0, fa1, fa2")
    assert register(made, "ft0") == double(-0.0 if name == "fnmadd" else 0.0)


def test_integers_of_each_kind() -> None:
    made = bench(fa0=double(-3.75), fa1=double(4e9), fa2=single(-2.0), fa3=double(1e30))
    made.run("fcvt.w.d a0, fa0, rtz; fcvt.l.d a1, fa1; fcvt.wu.d a2, fa1; fcvt.wu.s a3, fa2")
    minus = (1 << 64) - 1
    assert [made.reg(f"a{number}") for number in range(4)] == [
        minus - 2, 4_000_000_000, 0xFFFF_FFFF_EE6B_2800, 0
    ]  # fmt: skip
    made.run("fcvt.w.d a0, fa3; fcvt.wu.d a1, fa3; fcvt.l.d a2, fa3; fcvt.lu.d a3, fa3")
    assert [made.reg(f"a{number}") for number in range(4)] == [
        0x7FFF_FFFF, minus, (1 << 63) - 1, minus
    ]  # fmt: skip
    made.run(
        "fcvt.d.w ft0, a0; fcvt.d.wu ft1, a0; fcvt.s.l ft2, a0; fcvt.d.lu ft3, a0;"
        "fcvt.s.d ft4, fa0; fcvt.d.s ft5, fa2",
        a0=-1,
    )
    assert [register(made, f"ft{number}") for number in range(6)] == [
        double(-1.0), double(4294967295.0), single(-1.0), double(2.0**64), single(-3.75),
        double(-2.0)
    ]  # fmt: skip


def test_compressed_loads_and_stores() -> None:
    made = bench(fa0=0x0123_4567_89AB_CDEF)
    made.run(
        "c.fsd fa0, 248(a0); c.fld fa1, 248(a0); c.fsdsp fa1, 504(sp); c.fldsp ft11, 504(sp)",
        a0=DATA,
        sp=DATA,
    )
    assert made.hart.pc == CODE + 8
    assert register(made, "ft11") == made.peek(DATA + 248) == made.peek(DATA + 504)
    assert register(made, "fa1") == 0x0123_4567_89AB_CDEF


COUNTS = {"sqrt": 1, "fmadd": 3}


@settings(max_examples=60)
@given(
    name=st.sampled_from(["add", "sub", "mul", "div", "sqrt", "fmadd"]),
    size=st.sampled_from([4, 8]),
    rm=st.sampled_from(["rne", "rtz", "rdn", "rup", "rmm"]),
    seed=st.integers(0, 1 << 32),
    before=st.integers(0, 31),
)
def test_an_instruction_is_its_primitive(
    name: str, size: int, rm: str, seed: int, before: int
) -> None:
    count = COUNTS.get(name, 2)
    values = list(islice(operands(Random(seed), size), count))
    box = BOX if size == 4 else 0
    made = bench()
    for number, value in enumerate(values):
        made.hart.F[10 + number] = value | box
    made.write("fflags", before)
    sources = "".join(f", f{10 + number}" for number in range(count))
    mnemonic = name if name == "fmadd" else f"f{name}"
    assert made.run(f"{mnemonic}.{'s' if size == 4 else 'd'} f31{sources}, {rm}") is None
    operation = "fma" if name == "fmadd" else name
    mode = ["rne", "rtz", "rdn", "rup", "rmm"].index(rm)
    bits, flags = expected(operation, values, mode, size)
    assert (made.hart.F[31], made.read("fflags")) == (bits | box, before | flags)


# With V=1 two fields count: of HS-mode's and of the guest's status.


def guest_status(version: str) -> tuple[str, str]:
    """The fields FS for HS-mode and for the guest, as they are named while the guest runs."""
    # The oldest drafts swap them: sstatus is the guest's, and HS-mode's lies in the background.
    return ("bsstatus", "mstatus") if version in ("0.1", "0.2", "0.3") else ("mstatus", "vsstatus")


def both(version: str, host: int, guest: int) -> Bench:
    """A guest in VS-mode with these states of floating point."""
    first, second = guest_status(version)
    made = Bench(f"h@{version}")
    made.mode("VS")
    made.write(f"{first}.FS", host)
    return made.write(f"{second}.FS", guest)


@pytest.mark.rules("vsstatus.both-fs", "background.both-fs")
@pytest.mark.parametrize("version", HYPERVISORS)
@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_a_guest_needs_both_fields_on(version: str, mode: str) -> None:
    for source in ("fadd.d fa0, fa0, fa0", "frcsr a0"):
        for host in (OFF, CLEAN):
            for guest in (OFF, CLEAN):
                trap = both(version, host, guest).mode(mode).run(source)
                on = host != OFF and guest != OFF
                assert (trap and trap.cause) == (None if on else ILLEGAL)


@pytest.mark.rules("vsstatus.both-fs", "background.both-fs")
@pytest.mark.parametrize("version", HYPERVISORS)
def test_a_guest_makes_both_fields_dirty(version: str) -> None:
    fields = guest_status(version)
    for source, dirty in (
        ("fadd.d fa0, fa0, fa0", True),
        ("fsflagsi 0", True),
        ("feq.d a0, fa0, fa0", False),
        ("fsd fa0, 0(a0)", False),
    ):
        made = both(version, INITIAL, CLEAN)
        assert made.run(source, a0=DATA) is None
        found = [made.read(f"{field}.FS") for field in fields]
        assert found == ([DIRTY, DIRTY] if dirty else [INITIAL, CLEAN])


@pytest.mark.rules("vsstatus.summary-bits")
def test_the_guests_sd_looks_at_the_guests_fs_alone() -> None:
    made = both("1.0", DIRTY, CLEAN)
    assert (made.read("vsstatus.SD"), made.read("mstatus.SD")) == (0, 1)


@pytest.mark.parametrize("version", HYPERVISORS)
def test_outside_a_guest_only_one_field_counts(version: str) -> None:
    made = Bench(f"h@{version}")
    made.write("mstatus.FS", CLEAN)
    assert made.mode("HS").run("fadd.d fa0, fa0, fa0") is None
    other = "bsstatus" if version in ("0.1", "0.2", "0.3") else "vsstatus"
    assert (made.read("mstatus.FS"), made.read(f"{other}.FS")) == (DIRTY, OFF)


@pytest.mark.rules("tinst.load", "tinst.store")
@pytest.mark.parametrize(
    ("source", "transformed"),
    # Immediates and the base register give way to the offset of the address, here zero.
    [("flw fa1, 4(a1)", 0x0000_2587), ("fld fa1, 8(a1)", 0x0000_3587),
     ("fsw fa1, 4(a1)", 0x00B0_2027), ("fsd fa1, 8(a1)", 0x00B0_3027),
     # Of a compressed one bit 1 is clear.
     ("c.fld fa1, 8(a1)", 0x0000_3585), ("c.fsd fa1, 8(a1)", 0x00B0_3025)],
)  # fmt: skip
@pytest.mark.parametrize("draft", REVISIONS)
def test_a_guests_faulting_access_is_transformed(draft: str, source: str, transformed: int) -> None:
    refused = PAGE + 0x2000
    made = GuestBench(draft, {})
    made.guest.map(refused, GUEST_PAGE + 0x2000)
    made.start("VS").write("mstatus.FS", CLEAN).write("vsstatus.FS", CLEAN)
    trap = made.run(source, a1=refused)
    assert trap
    assert (trap.cause, trap.tinst) == (21 if "l" in source.split()[0] else 23, transformed)
    assert (made.read("mstatus.FS"), made.read("vsstatus.FS")) == (CLEAN, CLEAN)
