"""Each way in which a program can meet a difference, and what is no meeting."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from drafthart.generator.impact.api import Impact
from drafthart.generator.impact.place import Certainty, Form, Place

FORMS = ("csrw {}, t0", "csrr t0, {}", "csrrw t0, {}, t1", "csrrs t0, {}, t1", "csrrc t0, {}, t1",
         "csrwi {}, 1", "csrrsi t0, {}, 1", "csrrci t0, {}, 1", "csrrwi t0, {}, 1")  # fmt: skip
Find = Callable[..., Impact]
GCC = shutil.which("riscv64-unknown-elf-gcc")


def sure(places: tuple[Place, ...], item: str, certainty: str = "certain") -> list[Place]:
    return [
        it for it in places if it.finding.item == item and it.mark.certainty == Certainty(certainty)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_csr_is_met_by_its_number_in_every_form(find: Find, form: str) -> None:
    # hedeleg moves from 0xA02 to 0x602 in between.
    found = find("h@0.3", "h@0.4", f"_start: nop\n{form.format('hedeleg')}\n")
    (place,) = sure(found.places, "csr:hedeleg")
    assert (place.finding.rule, place.mark.form) == ("csr-address-changed", Form.BEFORE)
    assert (place.address, place.symbol) == (0x80000004, "_start+0x4")
    new = find("h@0.3", "h@0.4", f"_start: {form.format('hedeleg')}\n", built="h@0.4")
    (place,) = sure(new.places, "csr:hedeleg")
    assert place.mark.form is Form.AFTER


def test_a_use_of_what_stays_is_no_place(find: Find) -> None:
    source = "_start: csrr t0, sepc\ncsrw sscratch, t0\nadd t0, t1, t2\nld a0, 8(sp)\nret\n"
    assert find("h@0.3", "h@0.4", source).places == ()


def test_instructions_are_met_by_their_encoding(find: Find) -> None:
    source = "_start: hlv.b a0, (a1)\nhlvx.wu a0, (a1)\nhsv.d a0, (a1)\nlb a0, 0(a1)\n"
    found = find("h@0.5", "h@0.6", source, built="h@0.6")
    assert [
        (it.finding.rule, it.finding.item, it.text)
        for it in found.places
        if it.finding.item.startswith("insn:")
    ] == [
        ("instruction-added", "insn:hlv.b", "hlv.b a0, (a1)"),
        ("instruction-added", "insn:hlvx.wu", "hlvx.wu a0, (a1)"),
        ("instruction-added", "insn:hsv.d", "hsv.d a0, (a1)"),
    ]


@pytest.mark.parametrize(
    ("code", "certainty"),
    [
        ("csrsi hstatus, 1", "certain"),
        ("csrci hstatus, 3", "certain"),
        ("li t0, 1\ncsrs hstatus, t0", "likely"),
        ("li t0, 0x100001\ncsrc hstatus, t0", "likely"),
        ("csrr t0, hstatus\nandi t0, t0, 1\nbnez t0, _start", "likely"),
        ("csrr t0, hstatus\nslli t0, t0, 63\nbltz t0, _start", "likely"),
        ("csrr t0, hstatus\nori t0, t0, 1\ncsrw hstatus, t0", "likely"),
        ("csrr t0, hstatus\nandi t0, t0, -2\ncsrw hstatus, t0", "likely"),
        ("csrr t0, hstatus\nli t1, 1\nor t0, t1, t0\ncsrw hstatus, t0", "likely"),
        ("bnez a0, 1f\nli t0, 1\nj 2f\n1: li t0, 1\n2: csrs hstatus, t0", "likely"),
        ("csrw hstatus, t0", "possible"),
        ("bnez a0, 1f\nli t0, 1\nj 2f\n1: li t0, 2\n2: csrs hstatus, t0", "possible"),
        ("li t0, 1\ncall _start\ncsrs hstatus, t0", "possible"),
        ("csrsi hstatus, 2", None),
        ("li t0, 2\ncsrs hstatus, t0", None),
        ("csrr t0, hstatus\nsrli t0, t0, 7\nandi t0, t0, 1", None),
        ("andi s1, s1, 2\ncsrs hstatus, s1", None),
    ],
)
def test_bits_of_a_field(find: Find, code: str, certainty: str | None) -> None:
    # hstatus.SPRV, bit 0, goes away in between.
    found = find("h@0.5", "h@0.6", f"_start: nop\n{code}\n")
    places = [it for it in found.places if it.finding.item == "csr:hstatus.SPRV"]
    assert {str(it.mark.certainty) for it in places} == ({certainty} if certainty else set())


@pytest.mark.parametrize(
    ("code", "codes"),
    [
        ("csrr t0, scause\nli t1, 21\nbeq t0, t1, _start", [21]),
        ("csrr t0, mcause\nli t1, 21\nbne t1, t0, _start", [21]),
        ("csrr t0, scause\naddi t0, t0, -23\nbeqz t0, _start", [23]),
        ("csrr t0, scause\naddi t0, t0, -20\nli t1, 3\nbeq t0, t1, _start", [23]),
        ("csrr t0, scause\nxori t0, t0, 20\nseqz t0, t0\nbnez t0, _start", [20]),
        ("csrr t0, scause\nli t1, 20\nbeq t0, t1, _start\nli t1, 21\nbeq t0, t1, _start", [20, 21]),
        ("csrr t0, scause\nli t1, 13\nbeq t0, t1, _start", []),
        ("csrr t0, sepc\nli t1, 21\nbeq t0, t1, _start", []),
        ("csrr t0, scause\ncall _start\nli t1, 21\nbeq t0, t1, _start", []),
        ("li t2, 1\nslli t2, t2, 63\nori t2, t2, 21\ncsrr t0, scause\nbeq t0, t2, _start", []),
    ],
)
def test_causes_that_are_compared(find: Find, code: str, codes: list[int]) -> None:
    # Guest-page faults get causes 20, 21 and 23 in between.
    found = find("h@0.4", "h@0.5", f"_start: nop\n{code}\n")
    places = [it for it in found.places if it.finding.item.startswith("cause:")]
    assert [it.finding.item for it in places] == [f"cause:{it}" for it in codes]
    assert {str(it.mark.certainty) for it in places} <= {"likely"}


def test_a_flat_binary_needs_a_base(find: Find) -> None:
    code = bytes.fromhex("73902260")  # csrw hedeleg, t0: number 0x602
    found = find("h@0.3", "h@0.4", code, name="a.bin", base=0x1000)
    (place,) = sure(found.places, "csr:hedeleg")
    assert (place.address, place.text) == (0x1000, "csrw hedeleg, t0")
    assert "no symbols" in found.remarks


def test_the_second_half_of_an_instruction_is_none(find: Find) -> None:
    # lui t0, 0x60229: its upper half and the next instruction would make csrw hedeleg, t1.
    code = bytes.fromhex("b7027390") + bytes.fromhex("22600100")
    assert find("h@0.3", "h@0.4", code, name="a.bin", base=0).places == ()


@pytest.mark.skipif(GCC is None, reason="no riscv64-unknown-elf-gcc here")
class TestCompiled:
    """What a compiler makes of C."""

    C = """
        #define READ(name) ({ unsigned long v; asm volatile("csrr %0, " #name : "=r"(v)); v; })
        __attribute__((noinline)) void handle(void) { asm volatile(""); }
        void guest_fault(void) {
            unsigned long cause = READ(scause);
            if (cause == 21 || cause == 23)
                handle();
        }
        void lend(void) {
            asm volatile("csrs 0x600, %0" :: "r"(1 << 8));
        }
        void table(void) {
            asm volatile("j 1f\\n .word 0x60229073\\n 1:");
        }
    """

    @pytest.fixture
    def compiled(self, tmp_path: Path) -> Callable[..., bytes]:
        def run(*options: str) -> bytes:
            (tmp_path / "a.c").write_text(self.C)
            command = [str(GCC), "-O2", "-g", "-march=rv64imac_zicsr", "-mabi=lp64"]
            command += ["-mcmodel=medany", *options, "-o", "a.o", "a.c"]
            subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
            return (tmp_path / "a.o").read_bytes()

        return run

    @pytest.mark.parametrize(
        ("kind", "options"),
        [("object file", ["-c"]), ("ELF file", ["-nostdlib", "-Wl,-Ttext=0x80000000"])],
    )
    def test_masks_and_causes(
        self, find: Find, compiled: Callable[..., bytes], kind: str, options: list[str]
    ) -> None:
        found = find("h@0.4", "h@0.6", compiled(*options), name="a.o")
        linked = kind == "ELF file"
        told = {
            (it.finding.item, it.symbol.partition("+")[0], it.line)
            for it in found.places
            if it.mark.certainty is Certainty.LIKELY
        }
        assert found.kind == kind
        assert ("csr:hstatus.SP2P", "lend", "a.c:10" if linked else "") in told
        assert ("cause:21", "guest_fault", "a.c:6" if linked else "") in told

    def test_data_in_code_is_no_instruction(
        self, find: Find, compiled: Callable[..., bytes]
    ) -> None:
        found = find("h@0.3", "h@0.4", compiled("-c"), name="a.o")
        assert [it.symbol for it in found.places if it.symbol.startswith("table")] == []
