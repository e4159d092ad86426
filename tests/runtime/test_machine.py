"""The machine as a whole: booting, ending, sleeping, time, errors; and Debian's OpenSBI on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine, isa_string

OPENSBI = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic")
REVISIONS = ["h@0.6.1", "h@0.6.2", "h@1.0.0-rc", "h@1.0"]


class Recorder:
    """A terminal that types `typed` at once and keeps what is shown."""

    quit = False

    def __init__(self, typed: bytes = b"") -> None:
        self.typed = typed
        self.shown = b""

    @property
    def at_end(self) -> bool:
        return not self.typed

    def poll(self) -> bytes:
        typed, self.typed = self.typed, b""
        return typed

    def write(self, data: bytes) -> None:
        self.shown += data


@pytest.fixture
def terminal() -> Recorder:
    return Recorder()


def machine(terminal: Recorder, revision: str = "h@1.0", memory: int = 64 << 20) -> Machine:
    isa = isa_of(revision)
    return Machine(
        isa, python_engine(isa), memory=memory, terminal=terminal, stability=stability(isa)
    )


def program(folder: Path, source: str, base: int = 0x8000_0000) -> Path:
    path = folder / "program.elf"
    path.write_bytes(write_elf(assemble(source, isa_of("h@1.0"), base=base)))
    return path


FINISH = """
    li t0, 0x100000
    li t1, {value}
    sw t1, 0(t0)
1:  j 1b
"""


@pytest.mark.parametrize(("value", "status"), [("0x5555", 0), ("0x73333", 7)])
def test_the_finisher_ends_the_run(
    tmp_path: Path, terminal: Recorder, value: str, status: int
) -> None:
    it = machine(terminal)
    it.boot(Images(program=program(tmp_path, "_start:" + FINISH.format(value=value))))
    outcome = it.run(1000)
    assert (outcome.reason, outcome.status) == ("exit", status)
    assert outcome.steps < 10


def test_tohost_ends_the_run(tmp_path: Path, terminal: Recorder) -> None:
    source = """
    _start:
        la t0, tohost
        li t1, 85
        sd t1, 0(t0)
    1:  j 1b
        .data
        .balign 4096
    tohost: .dword 0
    fromhost: .dword 0
    """
    it = machine(terminal)
    it.boot(Images(program=program(tmp_path, source)))
    outcome = it.run(1000)
    assert (outcome.reason, outcome.status) == ("exit", 42)
    # The store is seen at once, hot or cold.
    assert outcome.steps <= 6


def test_reset_boots_again(tmp_path: Path, terminal: Recorder) -> None:
    """The first time round the counter in RAM is 0: reset. The images are loaded anew."""
    source = """
    _start:
        li s0, 0x80100000
        ld s1, 0(s0)
        addi s2, s1, 1
        sd s2, 0(s0)
        bnez s1, done
        li t0, 0x100000
        li t1, 0x7777
        sw t1, 0(t0)
    1:  j 1b
    done:
    """
    it = machine(terminal)
    it.boot(Images(program=program(tmp_path, source + FINISH.format(value="0x5555"))))
    outcome = it.run(1000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert it.bus.read(0x8010_0000, 8) == 2


def test_the_limit_is_exact(tmp_path: Path, terminal: Recorder) -> None:
    it = machine(terminal)
    it.boot(Images(program=program(tmp_path, "_start: addi a0, a0, 1\nj _start")))
    assert it.run(1001).reason == "limit"
    assert it.hart.steps == 1001
    assert it.run(9).steps == 1010


def test_a_hart_that_nothing_can_wake(tmp_path: Path, terminal: Recorder) -> None:
    it = machine(terminal)
    it.boot(Images(program=program(tmp_path, "_start: wfi\nj _start")))
    assert it.run(1000).reason == "asleep"


def test_a_sleeping_hart_skips_to_its_timer(tmp_path: Path, terminal: Recorder) -> None:
    """mtimecmp is a million ticks ahead; WFI gets there in a few steps."""
    source = """
    _start:
        la   t0, woken
        csrw mtvec, t0
        li   t0, 0x2004000
        li   t1, 1000000
        sd   t1, 0(t0)
        li   t0, 0x80
        csrw mie, t0
        csrsi mstatus, 8
        wfi
        j    .
        .balign 4
    woken:
        li   t0, 0x200bff8
        ld   a0, 0(t0)
        csrr a1, mcause
    """
    it = machine(terminal)
    it.boot(Images(program=program(tmp_path, source + FINISH.format(value="0x5555"))))
    outcome = it.run(1000)
    assert outcome.reason == "exit"
    assert it.hart.x[10] == 1_000_000
    assert it.hart.x[11] == (1 << 63) + 7


def test_two_runs_are_the_same_to_the_step(tmp_path: Path) -> None:
    if not (OPENSBI / "fw_jump.bin").exists():
        pytest.skip("OpenSBI is absent: Debian's package opensbi has it")
    seen = set()
    for _ in range(2):
        terminal = Recorder()
        it = machine(terminal)
        it.boot(Images(bios=OPENSBI / "fw_jump.bin"))
        outcome = it.run(2_000_000)
        seen.add((outcome, terminal.shown, tuple(it.hart.x), it.hart.pc))
    assert len(seen) == 1


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(
    "image", ["fw_jump.bin", "fw_jump.elf", "fw_dynamic.bin", "fw_dynamic.elf"]
)
def test_opensbi_boots_and_hands_over(
    tmp_path: Path, terminal: Recorder, revision: str, image: str
) -> None:
    """Debian's generic images; it ships no fw_payload, which is fw_jump with a payload within."""
    if not (OPENSBI / image).exists():
        pytest.skip("OpenSBI is absent: Debian's package opensbi has it")
    payload = program(
        tmp_path,
        """
        _start:
            li   a7, 1
            li   a0, '!'
            ecall                       # SBI: console putchar
            li   a7, 0x53525354
            li   a6, 0
            li   a0, 0
            li   a1, 0
            ecall                       # SBI: system reset, shutdown
        1:  j    1b
        """,
        base=0x8020_0000,
    )
    it = machine(terminal, revision, 256 << 20)
    it.boot(Images(bios=OPENSBI / image, kernel=payload))
    outcome = it.run(30_000_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    text = terminal.shown.decode()
    assert "OpenSBI v1." in text
    base_isa = next(line for line in text.splitlines() if "Base ISA" in line).split(": ")[1]
    assert base_isa == "rv64imafdch"
    assert text.endswith("!")


def test_typed_bytes_reach_the_uart(tmp_path: Path) -> None:
    terminal = Recorder(b"k")
    source = """
    _start:
        li   t0, 0x10000000
    1:  lbu  t1, 5(t0)
        andi t1, t1, 1
        beqz t1, 1b
        lbu  a0, 0(t0)
        sb   a0, 0(t0)
    """
    it = machine(terminal)
    it.boot(Images(program=program(tmp_path, source + FINISH.format(value="0x5555"))))
    assert it.run(2_000_000).reason == "exit"
    assert terminal.shown == b"k"


def test_the_isa_string_has_h_where_the_revision_does() -> None:
    assert isa_string(isa_of("h@1.0")).startswith("rv64imafdch")
    without = isa_of("priv@1.12", (("FLEN", 0),))
    assert isa_string(without).startswith("rv64imac_")
    assert isa_string(isa_of("priv@1.12")).startswith("rv64imafdc_")


def test_nothing_to_run(terminal: Recorder) -> None:
    with pytest.raises(DrafthartError, match="name an ELF file, or --bios"):
        machine(terminal).boot(Images())


def test_a_kernel_needs_firmware(tmp_path: Path, terminal: Recorder) -> None:
    kernel = program(tmp_path, "_start: nop")
    with pytest.raises(DrafthartError, match="--kernel needs firmware"):
        machine(terminal).boot(Images(kernel=kernel))


def test_too_little_memory_for_the_device_tree(tmp_path: Path, terminal: Recorder) -> None:
    with pytest.raises(DrafthartError, match="give --memory"):
        machine(terminal, memory=1 << 20).boot(Images(program=program(tmp_path, "_start: nop")))
