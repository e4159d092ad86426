"""Lockstep: traces with planted differences, formats, and real simulators where they are."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import isa_of

from drafthart.cli import main
from drafthart.conformance.gdb_remote import GdbRemote
from drafthart.conformance.lockstep.entry import Stream
from drafthart.conformance.lockstep.follow import Lockstep, follow
from drafthart.conformance.lockstep.ignored import read_ignored
from drafthart.conformance.lockstep.simulators import GdbSide
from drafthart.conformance.lockstep.traces import TraceSide
from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.gdb.connection import Listener
from drafthart.runtime.gdb.server import Server
from drafthart.runtime.machine import Machine

PROGRAM = """
    .globl  _start
_start:
    csrwi   mscratch, 5
    csrr    a0, mscratch
    la      a1, here
    sw      a0, (a1)
    lbu     a2, (a1)
    csrr    a4, mcycle
    li      t1, 0x8fffffffffffffff
    csrw    satp, t1
    csrr    t2, satp
    csrw    satp, zero
    la      t0, 1f
    csrw    mtvec, t0
    ecall
    nop
    .balign 4
1:
    csrr    a5, mcause
    csrr    a6, mtinst
    li      a3, 1
    la      a4, tohost
    sd      a3, (a4)
2:  j       2b
    .data
here:
    .word   0
    .balign 64
    .globl  tohost
tohost: .dword  0
    .globl  fromhost
fromhost: .dword 0
"""
STEPS = 25
"""Instructions that the program retires before it ends, and the first of its last loop."""


class Mute:
    """A terminal that nobody looks at."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.elf"
    path.write_bytes(write_elf(assemble(PROGRAM, isa_of("h@1.0"), base=0x8000_0000)))
    return path


@pytest.fixture
def log(tmp_path: Path, program: Path) -> list[str]:
    path = tmp_path / "own.log"
    arguments = ["run", "--revision", "h@1.0", "--log-commits", str(path), str(program)]
    assert main(arguments) == 0
    return path.read_text().splitlines()


Run = Callable[..., Lockstep]


@pytest.fixture
def beside(tmp_path: Path, program: Path) -> Run:
    """The program beside a trace with these lines."""

    def run(lines: list[str], ignored: str = "", limit: int | None = None) -> Lockstep:
        path = tmp_path / "trace"
        path.write_text("\n".join(lines) + "\n")
        list_ = tmp_path / "ignored.yaml"
        list_.write_text(ignored)
        side = TraceSide(path)
        isa = isa_of("h@1.0")
        known = read_ignored(list_) if ignored else ()
        try:
            return follow(isa, program, side, stability(isa), ignored=known, limit=limit)
        finally:
            side.close()

    return run


def at(log: list[str], register: str) -> int:
    """The line that writes a register, the last one."""
    return max(number for number, line in enumerate(log) if re.search(rf" {register} +0x", line))


def planted(log: list[str], register: str, value: int) -> list[str]:
    lines = list(log)
    number = at(log, register)
    lines[number] = re.sub(
        rf"( {register} +0x)[0-9a-f]+", rf"\g<1>{value:016x}", lines[number], count=1
    )
    assert lines != log
    return lines


def test_our_own_trace_is_the_same_to_the_end(log: list[str], beside: Run) -> None:
    found = beside(log)
    assert (found.parting, found.ended) == (None, "program")
    assert found.instructions == len(log)
    assert not found.tolerated


def test_a_wrong_register_is_found_at_its_instruction(log: list[str], beside: Run) -> None:
    found = beside(planted(log, "x12", 6)).parting
    assert found is not None
    assert [(it.what, it.here, it.there) for it in found.differing] == [("x12 (a2)", "0x5", "0x6")]
    assert found.items[0] == "insn:lbu"
    assert found.source == f"line {at(log, 'x12') + 1}"
    assert (found.here["x12"], found.there["x12"]) == ("0x5", "0x6")
    assert "sw" in found.before[-1]


def test_a_skipped_instruction_is_found(log: list[str], beside: Run) -> None:
    number = at(log, "x12")
    found = beside(log[:number] + log[number + 1 :]).parting
    assert found is not None
    assert [it.what for it in found.differing] == ["pc"]
    assert found.text.startswith("lbu")


def test_a_register_write_that_is_missing_is_found(log: list[str], beside: Run) -> None:
    lines = list(log)
    lines[at(log, "x12")] = re.sub(r" x12 +0x[0-9a-f]+", "", lines[at(log, "x12")])
    found = beside(lines).parting
    assert found is not None
    assert found.differing[0].there == "not written"


def test_another_store_is_found(log: list[str], beside: Run) -> None:
    lines = [line.replace(" 0x00000005", " 0x00000105") for line in log]
    found = beside(lines).parting
    assert found is not None
    assert found.differing[0].what == "store"
    assert found.differing[0].there.startswith("05 01 00 00 at")


def test_a_csr_that_differs_is_found_with_its_rules(log: list[str], beside: Run) -> None:
    lines = [re.sub(r"(c832_mscratch 0x)\w+", r"\g<1>0000000000000007", line) for line in log]
    found = beside(lines).parting
    assert found is not None
    assert found.differing[0].what.startswith("mscratch")
    assert "csr:mscratch" in found.items
    assert found.rules


def test_the_cause_of_a_trap_is_found_where_it_is_read(log: list[str], beside: Run) -> None:
    found = beside(planted(log, "x15", 8)).parting
    assert found is not None
    assert "csr:mcause" in found.items
    assert found.rules
    assert "at 0x" in found.trap


def test_an_instruction_that_traps_on_one_side_only_is_told_as_that(
    log: list[str], beside: Run
) -> None:
    handler = at(log, "x15")
    before = re.match(r"core +0: 3 0x(\w+)", log[handler - 1])
    assert before is not None
    ecall = f"core   0: 3 0x{int(before[1], 16) + 4:016x} (0x00000073)"
    found = beside([*log[:handler], ecall, *log[handler:]]).parting
    assert found is not None
    assert found.text == "ecall"
    assert [(it.what, it.there) for it in found.differing] == [("end", "retires")]


def test_a_counter_is_tolerated_and_taken_over(log: list[str], beside: Run) -> None:
    number = next(n for n, line in enumerate(log) if "(0xb0002773)" in line)
    lines = list(log)
    lines[number] = re.sub(r"(x14 0x)\w+", rf"\g<1>{12345:016x}", lines[number])
    found = beside(lines)
    assert found.parting is None
    assert dict(found.tolerated).popitem()[0][0] == "csr:mcycle"


def test_another_legal_value_of_a_warl_field_is_tolerated_also_when_read(
    log: list[str], beside: Run
) -> None:
    """A satp with fewer bits of ASID, as it may have."""
    mask = ~(0xFFFF << 44)

    def fewer(match: re.Match[str]) -> str:
        return f"{match[1]}{int(match[2], 16) & mask:016x}"

    written = next(n for n, line in enumerate(log) if "c384_satp" in line)
    assert log[written].split("0x")[-1] != "0" * 16, "satp keeps something of what was written"
    lines = list(log)
    for number in (written, written + 1):
        lines[number] = re.sub(r"((?:c384_satp|x7 ) 0x)(\w+)", fewer, lines[number])
    assert lines != log
    found = beside(lines)
    assert found.parting is None
    assert {what for what, _ in found.tolerated} == {"csr:satp.ASID", "csr:satp"}


def test_mtinst_may_be_zero_on_one_side(log: list[str], beside: Run) -> None:
    found = beside(planted(log, "x16", 0x73))
    assert found.parting is None
    assert [what for what, _ in found.tolerated] == ["csr:mtinst"]


def test_a_list_of_the_users_is_honoured_and_its_reason_told(log: list[str], beside: Run) -> None:
    listed = '- {what: "csr:mcause", reason: "erratum 7"}\n'
    found = beside(planted(log, "x15", 8), listed)
    assert found.parting is None
    assert list(found.tolerated) == [("csr:mcause", "erratum 7")]


@pytest.mark.parametrize(
    "text",
    [
        "a: b\n",
        "- csr:x\n",
        "- {what: csr:x}\n",
        "- {what: x, reason: y}\n",
        "- {what: csr:x, reason: ''}\n",
    ],
)
def test_a_list_without_reasons_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(text)
    with pytest.raises(DrafthartError, match=re.escape(str(path))):
        read_ignored(path)


def test_a_trace_that_ends_early_is_the_same_up_to_there(log: list[str], beside: Run) -> None:
    found = beside(log[:5])
    assert (found.instructions, found.ended, found.parting) == (5, "trace", None)


def test_a_limit(log: list[str], beside: Run) -> None:
    assert (found := beside(log, limit=7)).ended == "limit"
    assert found.instructions == 7


def test_what_runs_before_the_program_is_passed_over_and_its_registers_kept(
    log: list[str], beside: Run
) -> None:
    rom = "core   0: 3 0x0000000000001000 (0x00000297) x5  0x0000000000001000"
    assert beside([rom, *log]).parting is None
    with pytest.raises(DrafthartError, match="never comes to 0x80000000"):
        beside([rom])


# Other formats, from what our own log says.

_LINE = re.compile(r"core +0: 3 0x(\w+) \(0x(\w+)\)(?: x(\d+) +0x(\w+))?")


def rvfi(log: list[str]) -> Iterator[dict[str, str]]:
    for order, line in enumerate(log):
        match = _LINE.match(line)
        assert match is not None
        pc, word, number, value = match.groups()
        yield {
            "rvfi_valid": "1",
            "rvfi_order": f"{order:x}",
            "rvfi_pc_rdata": pc,
            "rvfi_insn": word,
            "rvfi_trap": "0",
            "rvfi_mode": "3",
            "rvfi_rd_addr": f"{int(number or 0):x}",
            "rvfi_rd_wdata": value or "0",
        }


@pytest.mark.parametrize("form", ["json", "csv"])
def test_rvfi(log: list[str], beside: Run, form: str) -> None:
    def lines(rows: list[dict[str, str]]) -> list[str]:
        if form == "json":
            return [json.dumps(row) for row in rows]
        return [",".join(rows[0]), *(",".join(row.values()) for row in rows)]

    rows = list(rvfi(log))
    found = beside(lines(rows))
    assert (found.parting, found.instructions) == (None, len(log))
    number = at(log, "x12")
    rows[number]["rvfi_rd_wdata"] = "6"
    parting = beside(lines(rows)).parting
    assert parting is not None
    assert parting.differing[0].what == "x12 (a2)"


def test_rvfi_tells_traps(log: list[str], beside: Run) -> None:
    rows = list(rvfi(log))
    handler = at(log, "x15")
    ecall = dict(rows[handler - 1])
    ecall["rvfi_pc_rdata"] = f"{int(ecall['rvfi_pc_rdata'], 16) + 4:x}"
    ecall |= {"rvfi_insn": "73", "rvfi_trap": "1", "rvfi_rd_addr": "0"}
    assert (
        beside([json.dumps(row) for row in [*rows[:handler], ecall, *rows[handler:]]]).parting
        is None
    )
    rows[handler]["rvfi_trap"] = "1"
    parting = beside([json.dumps(row) for row in rows]).parting
    assert parting is not None
    assert [(it.what, it.there) for it in parting.differing] == [("end", "traps")]


def test_rvvi_with_masks_of_written_registers(log: list[str], beside: Run) -> None:
    lines = ["pc_rdata,insn,mode,x_wb,x_wdata,csr_mscratch"]
    for row in rvfi(log):
        number = int(row["rvfi_rd_addr"], 16)
        first = "5" if row["rvfi_pc_rdata"].endswith("80000000") else ""
        wb = f"{1 << number if number else 0:x}"
        lines.append(
            f"{row['rvfi_pc_rdata']},{row['rvfi_insn']},3,{wb},{row['rvfi_rd_wdata']},{first}"
        )
    assert beside(lines).instructions == len(log)
    lines[1] = lines[1][:-1] + "4"
    parting = beside(lines).parting
    assert parting is not None
    assert parting.differing[0].what.startswith("mscratch")


def test_the_columns_of_riscv_dv(log: list[str], beside: Run) -> None:
    lines = ["pc,instr,gpr,csr,binary,mode,instr_str,operand,pad"]
    for row in rvfi(log):
        number = int(row["rvfi_rd_addr"], 16)
        gpr = f"x{number}:{row['rvfi_rd_wdata']}" if number else ""
        lines.append(f"{row['rvfi_pc_rdata']},,{gpr},,{row['rvfi_insn']},3,,,")
    assert beside(lines).instructions == len(log)
    lines[at(log, "x12") + 1] = lines[at(log, "x12") + 1].replace("x12:0", "x12:1")
    assert beside(lines).parting is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("hello\n", "of no known format"),
        ("core   0: nonsense\n", "line 1"),
        ("{not json\n", "line 1"),
        ('{"rvfi_insn": "13"}\n', "no pc_rdata"),
        ("pc_rdata,insn\n80000000\n", "1 cells under 2 columns"),
        ("pc_rdata,insn\nzz,13\n", "no hexadecimal number"),
        ("pc,gpr\n80000000,q9:1\n", "no register"),
        ("x" * 70000, "too long"),
    ],
)
def test_what_is_no_trace_is_one_clear_message(
    tmp_path: Path, program: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    path = tmp_path / "bad"
    path.write_text(text)
    assert main(["lockstep", "--revision", "h@1.0", "--target", f"trace:{path}", str(program)]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_the_command_ends_with_1_at_a_difference_and_tells_it_in_json(
    tmp_path: Path, program: Path, log: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log"
    command = ["lockstep", "--revision", "h@1.0", "--target", f"trace:{path}", str(program)]
    path.write_text("\n".join(log))
    assert main(command) == 0
    assert "the same for" in capsys.readouterr().out
    path.write_text("\n".join(planted(log, "x12", 6)))
    assert main(command) == 1
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines() if "x12" in line)
    assert main([*command, "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["stability"]["status"] == "ratified"
    assert data["difference"]["differing"][0]["there"] == "0x6"


@pytest.mark.parametrize("target", ["nobody", "trace:", "gdb:", "trace:/nowhere/log", "gdb:1"])
def test_a_target_that_is_none_is_told(
    program: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    assert main(["lockstep", "--revision", "h@1.0", "--target", target, str(program)]) == 2
    assert capsys.readouterr().err.startswith("drafthart: ")


# Targets that run.


def test_gdbs_protocol_with_our_own_stub(program: Path) -> None:
    isa = isa_of("h@1.0")
    machine = Machine(
        isa, python_engine(isa), memory=256 << 20, terminal=Mute(), stability=stability(isa)
    )
    machine.boot(Images(program))
    keyboard = Mute()
    listener = Listener("127.0.0.1", 0)
    thread = threading.Thread(
        target=Server(machine, keyboard, listener, lambda text: None).run, daemon=True
    )
    thread.start()
    remote = GdbRemote("127.0.0.1", listener.port)
    assert {"a0", "pc", "mscratch", "hgatp"} <= set(remote.registers)
    assert remote.read_memory(0x8000_0000, 4) == machine.bus.ram.load(0x8000_0000, 4)
    remote.write_memory(0x8100_0000, bytes(range(200)) * 20)
    assert remote.read_memory(0x8100_0000, 4000) == bytes(range(200)) * 20
    remote.write_register("mscratch", 77)
    assert remote.read_register("mscratch") == 77
    assert remote.read_register("nothing") is None
    side = GdbSide(remote, "our own stub")
    found = follow(isa, program, side, stability(isa), limit=15)
    assert found.parting is None
    assert found.instructions == 15
    remote.write_register("a1", 3)
    with pytest.raises(DrafthartError):
        remote.read_memory(0, 4)
    side.close()
    keyboard.quit = True
    thread.join(20)
    assert not thread.is_alive()
    listener.close()


def test_qemu(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("qemu-system-riscv64") is None:
        pytest.skip("qemu-system-riscv64 is not installed")
    assert main(["lockstep", "--revision", "h@1.0", "--target", "qemu", str(program)]) == 0
    assert "the program ended" in capsys.readouterr().out


def test_spike(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("spike") is None:
        pytest.skip("spike is not installed")
    assert main(["lockstep", "--revision", "h@1.0", "--target", "spike", str(program)]) == 0
    assert "the program ended" in capsys.readouterr().out


HYPERVISOR = Path(__file__).parents[2] / "examples" / "drafts" / "hypervisor.S"


@pytest.mark.staged
@pytest.mark.parametrize("target", ["spike", "qemu"])
def test_a_hypervisor_whose_guest_runs_and_traps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    simulator = {"spike": "spike", "qemu": "qemu-system-riscv64"}[target]
    if shutil.which(simulator) is None:
        pytest.skip(f"{simulator} is not installed")
    elf = tmp_path / "hypervisor.elf"
    assert main(["asm", str(HYPERVISOR), "--revision", "h@1.0", "-o", str(elf)]) == 0
    known = tmp_path / "known.yaml"
    # machine.tex, pmpaddr: bits 63 to 54 are 0 where XLEN is 64.
    known.write_text('- {what: "csr:pmpaddr*", reason: "QEMU keeps bits 63 to 54"}\n')
    command = ["lockstep", "--target", target, "--ignore", str(known), "--format", "json", str(elf)]
    capsys.readouterr()
    assert main([*command, "--revision", "h@1.0"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["instructions"] > 2000
    assert main([*command, "--revision", "h@0.6.1", "--allow-unstable", "h@0.6.1"]) == 1
    parting = json.loads(capsys.readouterr().out)["difference"]
    assert parting["differing"][0]["what"] == "end"
    assert parting["rules"]


def test_a_stream_that_ends_before_the_program_is_told() -> None:
    with pytest.raises(DrafthartError, match="never comes to"):
        Stream("nothing", iter(())).start(0x8000_0000)
