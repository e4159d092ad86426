"""Devices as guests meet them, on every engine: DMA, interrupts, the alarm, reset."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images
from drafthart.runtime.clock import REALTIME_RATE
from drafthart.runtime.devices.saved import device_state
from drafthart.runtime.disk import Disk
from drafthart.runtime.engines import EngineFactory, engine_named, has_compiler
from drafthart.runtime.gate import Stability
from drafthart.runtime.machine import Machine
from drafthart.runtime.snapshot import read_snapshot, save_snapshot

ENGINES = ["python", "native", "both"]


class Silent:
    """A terminal that nobody is at."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


def engine(name: str) -> EngineFactory:
    if name != "python" and not has_compiler():
        pytest.skip("no C compiler is installed")
    return engine_named(name, isa_of("h@1.0"))


def machine(
    folder: Path, source: str, name: str, *, disk: bytes | None = None, realtime: bool = False
) -> Machine:
    """A machine that is about to run the source, with a disk of this content."""
    disks = []
    if disk is not None:
        (folder / "disk.img").write_bytes(disk)
        disks.append(Disk(folder / "disk.img", "write", print))
    isa = isa_of("h@1.0")
    it = Machine(
        isa,
        engine(name),
        memory=16 << 20,
        terminal=Silent(),
        disks=disks,
        realtime=realtime,
        instructions_per_tick=REALTIME_RATE if realtime else 10,
    )
    path = folder / "guest.elf"
    path.write_bytes(write_elf(assemble(source, isa, base=0x8000_0000)))
    it.boot(Images(program=path))
    return it


END = """
    fail:
        li   a0, 1
    end:                                # the exit status is a0
        slli a0, a0, 16
        li   t0, 0x3333
        or   a0, a0, t0
        li   t0, 0x100000
        sw   a0, 0(t0)
    1:  j    1b
    pass:
        li   t0, 0x100000
        li   t1, 0x5555
        sw   t1, 0(t0)
    1:  j    1b
"""

DISK_SET_UP = """
    set_up:                             # a disk in slot 0, its queue of 4 at 0x80200000
        li   s0, 0x10001000
        la   t0, steps
    1:  lw   t1, 0(t0)
        lw   t2, 4(t0)
        addi t0, t0, 8
        bltz t1, 2f
        add  t1, t1, s0
        sw   t2, 0(t1)
        j    1b
    2:  ret
        .balign 8
    steps:
        .word 0x070, 0
        .word 0x070, 3
        .word 0x024, 1
        .word 0x020, 1
        .word 0x070, 11
        .word 0x030, 0
        .word 0x038, 4
        .word 0x080, 0x80200000
        .word 0x090, 0x80201000
        .word 0x0a0, 0x80202000
        .word 0x044, 1
        .word 0x070, 15
        .word -1, 0

    transfer:                           # a0: kind, a1: sector, a2: address; 512 bytes
        li   t0, 0x80203000
        sw   a0, 0(t0)
        sw   zero, 4(t0)
        sd   a1, 8(t0)
        li   t1, 0xff
        sb   t1, 16(t0)
        li   t2, 0x80200000
        sd   t0, 0(t2)
        li   t1, 16
        sw   t1, 8(t2)
        li   t1, 0x00010001             # next: 1
        sw   t1, 12(t2)
        sd   a2, 16(t2)
        li   t1, 512
        sw   t1, 24(t2)
        li   t1, 0x00020003             # next: 2, the device writes
        beqz a0, 1f
        li   t1, 0x00020001
    1:  sw   t1, 28(t2)
        addi t0, t0, 16
        sd   t0, 32(t2)
        li   t1, 1
        sw   t1, 40(t2)
        li   t1, 2
        sw   t1, 44(t2)
        li   t2, 0x80201000
        lhu  t1, 2(t2)
        andi t3, t1, 3
        slli t3, t3, 1
        add  t3, t3, t2
        sh   zero, 4(t3)
        addi t1, t1, 1
        sh   t1, 2(t2)
        fence
        li   s0, 0x10001000
        sw   zero, 0x50(s0)
        lbu  a0, 0(t0)                  # the status
        ret
"""


def code(source: str) -> bytes:
    return assemble(source, isa_of("h@1.0"), base=0).sections[0].data


@pytest.mark.parametrize("name", ENGINES)
def test_code_from_a_disk_replaces_code_that_ran(tmp_path: Path, name: str) -> None:
    """What a device stores is seen, also where instructions were decoded and are hot."""
    it = machine(
        tmp_path,
        f"""
    _start:
        call set_up
        li   s1, 5000
    1:  call target
        addi s1, s1, -1
        bnez s1, 1b
        li   t0, 1
        bne  a0, t0, fail
        li   a0, 0
        li   a1, 1
        la   a2, target
        call transfer
        bnez a0, fail
        fence.i
        call target
        j    end
        {DISK_SET_UP}
        {END}
        .balign 4096
    target:
        li   a0, 1
        ret
        .zero 504
    """,
        name,
        disk=bytes(512) + code("li a0, 42\nret").ljust(512, b"\0"),
    )
    outcome = it.run(200_000)
    assert (outcome.reason, outcome.status) == ("exit", 42)


@pytest.mark.parametrize("name", ENGINES)
def test_what_is_written_can_be_read(tmp_path: Path, name: str) -> None:
    it = machine(
        tmp_path,
        f"""
    _start:
        call set_up
        li   s2, 0x80300000
        li   t0, 0x123456789abcdef
        sd   t0, 0(s2)
        li   a0, 1
        li   a1, 3
        mv   a2, s2
        call transfer
        bnez a0, fail
        sd   zero, 0(s2)
        li   a0, 0
        li   a1, 3
        mv   a2, s2
        call transfer
        bnez a0, fail
        ld   t1, 0(s2)
        li   t0, 0x123456789abcdef
        bne  t0, t1, fail
        li   a0, 0                      # beyond the end: an error, and nothing else
        li   a1, 4
        mv   a2, s2
        call transfer
        li   t0, 1
        bne  a0, t0, fail
        j    pass
        {DISK_SET_UP}
        {END}
    """,
        name,
        disk=bytes(4 * 512),
    )
    outcome = it.run(200_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    stored = (tmp_path / "disk.img").read_bytes()
    assert stored[3 * 512 : 3 * 512 + 8] == (0x123456789ABCDEF).to_bytes(8, "little")


@pytest.mark.parametrize("name", ENGINES)
def test_the_disks_interrupt_reaches_s_mode(tmp_path: Path, name: str) -> None:
    """Source 1 of the PLIC, through context 1, to a hart that sleeps in S-mode."""
    it = machine(
        tmp_path,
        f"""
    _start:
        call set_up
        li   t0, 0xc000004              # priority of source 1
        li   t1, 1
        sw   t1, 0(t0)
        li   t0, 0xc002080              # enabled for context 1
        li   t1, 2
        sw   t1, 0(t0)
        li   t0, -1
        csrw pmpaddr0, t0
        li   t0, 0x1f
        csrw pmpcfg0, t0
        li   t0, 0x200
        csrw mideleg, t0
        csrw sie, t0
        la   t0, handler
        csrw stvec, t0
        la   t0, supervisor
        csrw mepc, t0
        li   t0, 0x800                  # MPP: S-mode
        csrs mstatus, t0
        mret
    supervisor:
        csrsi sstatus, 2
        li   a0, 0
        li   a1, 0
        li   a2, 0x80300000
        call transfer
    1:  wfi
        j    1b
        .balign 4
    handler:
        csrr t0, scause
        li   t1, -0x7ffffffffffffff7    # interrupt 9
        bne  t0, t1, fail
        li   t0, 0xc201004
        lw   a0, 0(t0)                  # claim
        li   t1, 1
        bne  a0, t1, fail
        lw   t1, 0x60(s0)
        sw   t1, 0x64(s0)               # acknowledge
        sw   a0, 0(t0)                  # complete
        csrr t0, sip
        bnez t0, fail
        j    pass
        {DISK_SET_UP}
        {END}
    """,
        name,
        disk=bytes(512),
    )
    outcome = it.run(100_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)


ALARM = f"""
    _start:
        li   s0, 0x101000
        li   t0, 1
        sw   t0, 0x10(s0)               # interrupt enabled
        li   t0, 0xc00002c              # priority of source 11
        li   t1, 1
        sw   t1, 0(t0)
        li   t0, 0xc002000              # enabled for context 0
        li   t1, 0x800
        sw   t1, 0(t0)
        csrw mie, t1
        lw   s1, 0(s0)                  # now
        lw   t1, 4(s0)
        slli t1, t1, 32
        slli s1, s1, 32
        srli s1, s1, 32
        or   s1, s1, t1
        li   t2, 200000000              # in 0.2 s
        add  t2, t2, s1
        srli t3, t2, 32
        sw   t3, 0xc(s0)
        sw   t2, 0x8(s0)
        wfi
        csrr t0, mip
        li   t1, 0x800
        and  t0, t0, t1
        beqz t0, fail
        lw   a0, 0(s0)                  # how late, in nanoseconds
        sub  a0, a0, t2
        sext.w a0, a0
        j    pass
        {END}
"""


@pytest.mark.parametrize("name", ENGINES)
def test_a_sleeping_hart_skips_to_the_alarm(tmp_path: Path, name: str) -> None:
    it = machine(tmp_path, ALARM, name)
    outcome = it.run(1000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert 0 <= it.harts[0].x[10] < 10_000


@pytest.mark.parametrize("name", ["python", "native"])
def test_real_time_waits_for_the_alarm(tmp_path: Path, name: str) -> None:
    it = machine(tmp_path, ALARM, name, realtime=True)
    start = time.monotonic()
    outcome = it.run(1000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert time.monotonic() - start >= 0.19


@pytest.mark.parametrize("name", ENGINES)
def test_a_reset_gives_devices_the_state_of_the_start(tmp_path: Path, name: str) -> None:
    """The first time round, each is changed and an interrupt raised; then all is as it was."""
    it = machine(
        tmp_path,
        f"""
    _start:
        li   s1, 0x10001000
        lw   a0, 0x70(s1)               # the disk's status
        bnez a0, fail
        li   s2, 0x10000000
        lbu  a0, 7(s2)                  # the UART's scratch register
        bnez a0, fail
        li   s3, 0xc000004              # the PLIC's priority
        lw   a0, 0(s3)
        bnez a0, fail
        li   s4, 0x2004000              # mtimecmp
        ld   a0, 0(s4)
        li   t0, -1
        bne  a0, t0, fail
        li   s5, 0x2000000              # msip
        lw   a0, 0(s5)
        bnez a0, fail
        csrr a0, mip
        bnez a0, fail
        li   s6, 0x80300000             # RAM keeps what was there
        ld   t0, 0(s6)
        bnez t0, pass
        li   t0, 3
        sd   t0, 0(s6)
        sw   t0, 0x70(s1)
        sb   t0, 7(s2)
        sw   t0, 0(s3)
        sd   t0, 0(s4)
        sw   t0, 0(s5)
        li   t0, 0x100000
        li   t1, 0x7777
        sw   t1, 0(t0)
    1:  j    1b
        {END}
    """,
        name,
        disk=bytes(512),
    )
    outcome = it.run(1000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert it.bus.read(0x8030_0000, 8) == 3


def test_a_snapshot_goes_on_with_its_disk(tmp_path: Path) -> None:
    """Saved by one engine between two requests, restored by the other; not without the disk."""
    source = f"""
    _start:
        call set_up
        li   s2, 10
    1:  li   a0, 0
        li   a1, 1
        li   a2, 0x80300000
        call transfer
        bnez a0, fail
        addi s2, s2, -1
        bnez s2, 1b
        j    pass
        {DISK_SET_UP}
        {END}
    """
    content = bytes(512) + b"sector one".ljust(512, b"\0")
    first = machine(tmp_path, source, "python", disk=content)
    assert first.run(300).reason == "limit"
    stability: Stability = {"revision": "h@1.0", "status": "ratified", "opt_in": None}
    with (tmp_path / "it.snap").open("wb") as file:
        save_snapshot(first, file, stability)
    state = device_state(first.devices["disk0"])
    snapshot = read_snapshot(tmp_path / "it.snap")
    without = machine(tmp_path, source, "python")
    with pytest.raises(DrafthartError, match="was saved with 1 disks, and this machine has 0"):
        snapshot.restore(without)
    other = tmp_path / "other"
    other.mkdir()
    second = machine(other, source, "native" if has_compiler() else "python", disk=content)
    snapshot.restore(second)
    assert device_state(second.devices["disk0"]) == state
    for it in (first, second):
        outcome = it.run(10_000)
        assert (outcome.reason, outcome.status) == ("exit", 0)
        assert it.bus.ram.load(0x8030_0000, 10) == b"sector one"
    assert first.hart.steps == second.hart.steps
