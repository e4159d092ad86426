"""A restored machine goes on as if nothing had happened; what is not sound is refused."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images
from drafthart.runtime.commit_log import CommitLog
from drafthart.runtime.devices import uart
from drafthart.runtime.engines import engine_named, has_compiler, python_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine
from drafthart.runtime.snapshot import Snapshot, read_snapshot, save_snapshot
from drafthart.runtime.snapshot_file import MAGIC, zstd
from drafthart.runtime.state import Part, parts, read_state

MEMORY = 8 << 20
STEPS = 900

WORLDS = """
# M-mode lets VS-mode run, with a timer that interrupts both; in between it sleeps.
    .globl _start
_start:
    la      t0, handler
    csrw    mtvec, t0
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    li      t0, 1 << 7              # MTIE
    csrw    mie, t0
    li      s10, 0x2004000          # mtimecmp
    li      s11, 0x200bff8          # mtime
round:
    jal     later
    wfi
    li      t0, 1 << 3              # MIE
    csrs    mstatus, t0
    csrc    mstatus, t0
    jal     later
    li      t0, 3 << 11
    csrc    mstatus, t0
    li      t0, 1 << 11 | 1 << 7    # MPP = S, MPIE
    csrs    mstatus, t0
    li      t0, 1
    slli    t0, t0, 39              # MPV
    csrs    mstatus, t0
    la      t0, guest
    csrw    mepc, t0
    mret

later:                              # the timer fires 12 ticks from now
    ld      t0, 0(s11)
    addi    t0, t0, 12
    sd      t0, 0(s10)
    ret

guest:
    la      a0, counter
again:
    lr.d    a1, (a0)
    addi    a1, a1, 1
    nop
    sc.d    a2, a1, (a0)
    bnez    a2, again
    csrrw   a3, sscratch, a1        # vsscratch
    j       again

    .balign 4
handler:
    csrr    t1, mcause
    addi    s0, s0, 1
    li      t2, -1
    sd      t2, 0(s10)
    csrr    t2, mstatus
    srli    t2, t2, 39
    andi    t2, t2, 1
    beqz    t2, 1f
    j       round                   # from the guest
1:  mret
    .data
    .balign 8
counter: .dword 0
"""


class Quiet:
    """A terminal on which `typed` is typed while the guest runs."""

    quit = False

    def __init__(self, typed: bytes = b"") -> None:
        self.typed = typed
        self.shown = b""
        self.polls = 0

    @property
    def at_end(self) -> bool:
        return not self.typed

    def poll(self) -> bytes:
        self.polls += 1
        if self.polls == 1:
            return b""
        typed, self.typed = self.typed, b""
        return typed

    def write(self, data: bytes) -> None:
        self.shown += data


def machine(revision: str = "h@1.0", typed: bytes = b"", memory: int = MEMORY) -> Machine:
    isa = isa_of(revision)
    return Machine(
        isa, python_engine(isa), memory=memory, terminal=Quiet(typed), stability=stability(isa)
    )


def program(folder: Path, source: str, revision: str = "h@1.0") -> Path:
    path = folder / "program.elf"
    path.write_bytes(write_elf(assemble(source, isa_of(revision), base=0x8000_0000)))
    return path


def saved(it: Machine, path: Path) -> Snapshot:
    with path.open("wb") as file:
        save_snapshot(it, file, stability(it.isa))
    return read_snapshot(path)


def everything(it: Machine) -> tuple[Any, ...]:
    """All that decides how the run goes on."""
    uart_ = it.devices["uart"]
    return (
        read_state(it.hart, it.isa),
        it.clock.offset,
        it.next_poll,
        bytes(it.bus.ram.data[:MEMORY]),
        {k: repr(v) for k, v in vars(uart_).items() if k not in ("_output", "_set_line")},
    )


@pytest.mark.parametrize(("revision", "some"), [("h@1.0", 1), ("h@0.4", 3)])
def test_the_instructions_that_follow_are_the_same(
    tmp_path: Path, revision: str, some: int
) -> None:
    """At many points: asleep, with an interrupt pending, between LR and SC, in the guest."""
    whole = io.BytesIO()
    first = machine(revision)
    first.boot(Images(program=program(tmp_path, WORLDS, revision)))
    CommitLog(first, whole, stability(first.isa))
    points = sorted({*random.Random(4).sample(range(STEPS), 12), *range(18, 46)})
    cuts: list[tuple[int, int, Snapshot]] = []
    seen: set[str] = set()
    for point in points:
        first.run(point - first.hart.steps)
        assert first.hart.steps == point
        hart = first.hart
        facts = {
            "asleep": hart.sleeping,
            "pending": bool(hart.interrupt_lines),
            "reserved": bool(hart.reservation_valid),
            "virtual": bool(hart.V),
            "machine": not hart.V,
        }
        seen |= {name for name, holds in facts.items() if holds}
        cuts.append((point, whole.tell(), saved(first, tmp_path / f"{point}.snap")))
    first.run(STEPS - first.hart.steps)
    assert seen == {"asleep", "pending", "reserved", "virtual", "machine"}
    assert whole.getvalue().count(b"\n") > STEPS // 2
    for point, offset, snapshot in cuts[::some]:
        rest = io.BytesIO()
        second = machine(revision)
        snapshot.restore(second)
        CommitLog(second, rest, stability(second.isa))
        header = rest.tell()
        second.run(STEPS - point)
        assert rest.getvalue()[header:] == whole.getvalue()[offset:], point
        assert everything(second) == everything(first), point


def test_blocks_go_on_as_steps_do(tmp_path: Path) -> None:
    """Without a log the engine compiles blocks: the same end."""
    path = program(tmp_path, WORLDS)
    straight = machine()
    straight.boot(Images(program=path))
    straight.run(200_000)
    broken = machine()
    broken.boot(Images(program=path))
    for number, steps in enumerate((70_001, 30_000, 99_999)):
        broken.run(steps)
        snapshot = saved(broken, tmp_path / f"{number}.snap")
        broken = machine()
        snapshot.restore(broken)
    assert everything(broken) == everything(straight)


@pytest.mark.skipif(not has_compiler(), reason="no C compiler is installed")
def test_on_either_engine(tmp_path: Path) -> None:
    """Begun on one, gone on with on the other, and back: the same end as on one alone."""
    isa = isa_of("h@1.0")

    def with_engine(name: str) -> Machine:
        return Machine(isa, engine_named(name, isa), memory=MEMORY, terminal=Quiet())

    path = program(tmp_path, WORLDS)
    straight = machine()
    straight.boot(Images(program=path))
    straight.run(20_000)
    for names in (("python", "native"), ("native", "python")):
        it = with_engine(names[0])
        it.boot(Images(program=path))
        for number in range(40):
            it.run(500)
            snapshot = saved(it, tmp_path / f"{number}.snap")
            it = with_engine(names[number % 2 - 1])
            snapshot.restore(it)
        assert everything(it) == everything(straight)


ECHO = """
    .globl _start
_start:
    li      s0, 0x10000000
    li      t0, 1                   # the FIFO
    sb      t0, 2(s0)
    li      s1, 400000              # meanwhile something is typed
1:  addi    s1, s1, -1
    bnez    s1, 1b
2:  lbu     t0, 5(s0)
    andi    t0, t0, 1
    beqz    t0, 3f
    lbu     t1, 0(s0)
    sb      t1, 0(s0)
    j       2b
3:  li      t0, 0x100000
    li      t1, 0x5555
    sw      t1, 0(t0)
    j       3b
"""


def test_what_was_typed_and_not_read_is_kept(tmp_path: Path) -> None:
    typed = b"abcdefghijklmnopqrstuvwxyz"  # more than the FIFO holds
    first = machine(typed=typed)
    first.boot(Images(program=program(tmp_path, ECHO)))
    first.run(600_000)
    second = machine()
    saved(first, tmp_path / "typed.snap").restore(second)
    assert len(typed) > uart.FIFO_SIZE
    assert second.run(1_000_000).reason == "exit"
    assert second._terminal.shown == typed  # type: ignore[attr-defined]


TOHOST = """
    .globl _start
_start:
    la      s0, tohost
    li      s1, 300
1:  addi    s1, s1, -1
    bnez    s1, 1b
    li      t1, 5 << 1 | 1
    sd      t1, 0(s0)
2:  j       2b
    .data
    .balign 64
    .globl  tohost
tohost: .dword 0
    .globl  fromhost
fromhost: .dword 0
"""


def test_tohost_is_watched_after_a_restore(tmp_path: Path) -> None:
    first = machine()
    first.boot(Images(program=program(tmp_path, TOHOST)))
    first.run(50)
    second = machine()
    saved(first, tmp_path / "a.snap").restore(second)
    assert second.run(10_000) == first.run(10_000)
    assert second.run(0).reason == "limit"


def test_ram_that_was_there_before_is_gone(tmp_path: Path) -> None:
    first = machine()
    first.boot(Images(program=program(tmp_path, ECHO)))
    snapshot = saved(first, tmp_path / "a.snap")
    second = machine()
    second.bus.ram.store(0x8030_0000, b"left over")
    snapshot.restore(second)
    assert bytes(second.bus.ram.data) == bytes(first.bus.ram.data)


def test_zero_pages_take_no_room(tmp_path: Path) -> None:
    it = machine(memory=1 << 30)
    it.boot(Images(program=program(tmp_path, ECHO)))
    saved(it, tmp_path / "a.snap")
    assert (tmp_path / "a.snap").stat().st_size < 100_000


def test_a_reset_needs_something_to_boot(tmp_path: Path) -> None:
    source = "_start: li t0, 0x100000\nli t1, 0x7777\nnop\nsw t1, 0(t0)\n1: j 1b\n"
    first = machine()
    first.boot(Images(program=program(tmp_path, source)))
    first.run(2)
    second = machine()
    saved(first, tmp_path / "a.snap").restore(second)
    with pytest.raises(DrafthartError, match="name its program beside --restore"):
        second.run(100)


# What is refused.


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    it = machine()
    it.boot(Images(program=program(tmp_path, TOHOST)))
    it.run(100)
    saved(it, tmp_path / "it.snap")
    return tmp_path / "it.snap"


def refused(path: Path, revision: str = "h@1.0") -> str:
    with pytest.raises(DrafthartError) as caught:
        read_snapshot(path).restore(machine(revision))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_revision(snapshot: Path) -> None:
    error = refused(snapshot, "h@0.6.2")
    assert "h@1.0" in error
    assert "h@0.6.2" in error


def test_other_parameters(snapshot: Path) -> None:
    isa = isa_of("h@1.0", (("GEILEN", 3),))
    other = Machine(isa, python_engine(isa), memory=MEMORY, terminal=Quiet())
    with pytest.raises(DrafthartError, match="GEILEN=4, and this run has GEILEN=3"):
        read_snapshot(snapshot).restore(other)


def test_another_spec_under_the_same_name(snapshot: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["content"] = "0" * 64
        header["items"]["csr:hstatus"] = "00000000"
        header["items"]["fn:gone"] = "00000000"

    rewrite(snapshot, change)
    error = refused(snapshot)
    assert "differs in csr:hstatus, fn:gone when this was saved" in error


def test_other_memory(snapshot: Path) -> None:
    with pytest.raises(DrafthartError, match="8 MiB of RAM, and this machine 16"):
        read_snapshot(snapshot).restore(machine(memory=16 << 20))


@pytest.mark.parametrize(("version", "advice"), [(1, "made it"), (3, "made it, or a newer one")])
def test_another_format(snapshot: Path, version: int, advice: str) -> None:
    content = bytearray(snapshot.read_bytes())
    struct.pack_into("<I", content, len(MAGIC), version)
    snapshot.write_bytes(signed(bytes(content[:-32])))
    error = refused(snapshot)
    assert f"has format {version}, and this Drafthart reads 2; use the" in error
    assert error.endswith(advice)


def test_no_snapshot_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x7fELF" + bytes(500))
    assert "is no snapshot" in refused(path)


def test_every_truncation(snapshot: Path) -> None:
    content = snapshot.read_bytes()
    for length in sorted({*range(1, 60), *random.Random(1).sample(range(len(content)), 60)}):
        snapshot.write_bytes(content[:length])
        assert "truncated" in refused(snapshot) or length < len(MAGIC)


def test_every_bit_counts(snapshot: Path) -> None:
    content = snapshot.read_bytes()
    chosen = random.Random(2)
    bits = [*range(8 * 16), *(chosen.randrange(8 * len(content)) for _ in range(300))]
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit >> 3] ^= 1 << (bit & 7)
        snapshot.write_bytes(damaged)
        refused(snapshot)


def signed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the header of a snapshot, and sign it anew: what an attacker can do."""
    content = path.read_bytes()[:-32]
    magic, version, size = struct.unpack_from("<8sII", content)
    header = json.loads(content[16 : 16 + size])
    change(header)
    text = json.dumps(header).encode()
    rest = content[16 + size :]
    path.write_bytes(signed(struct.pack("<8sII", magic, version, len(text)) + text + rest))


JUNK = (None, -1, 1 << 70, 1.5, "x", [], [1], {}, True, {"x": {"y": []}})


def test_hostile_headers(snapshot: Path) -> None:
    """Any value anywhere: refused with a word, or accepted where it does no harm."""
    content = snapshot.read_bytes()
    size = struct.unpack_from("<I", content, 12)[0]
    header = json.loads(content[16 : 16 + size])
    places: list[tuple[str, ...]] = [(key,) for key in header if key != "items"]
    for outer in ("hart", "devices", "clock", "htif", "stability", "turn"):
        places += [(outer, key) for key in header[outer]]
    places += [
        ("devices", name, key) for name in header["devices"] for key in header["devices"][name]
    ]
    refusals = 0
    chosen = random.Random(3)
    for place in places:
        for junk in chosen.sample(JUNK, 3):
            snapshot.write_bytes(content)

            def change(
                header: dict[str, Any], place: tuple[str, ...] = place, junk: Any = junk
            ) -> None:
                for key in place[:-1]:
                    header = header[key]
                header[place[-1]] = junk

            rewrite(snapshot, change)
            try:
                read_snapshot(snapshot).restore(machine())
            except DrafthartError:
                refusals += 1
    assert refusals > 2 * len(places)


@pytest.mark.parametrize("engine", ["python", "native"])
def test_hostile_states_run_without_harm(snapshot: Path, engine: str) -> None:
    """Registers of the right width may hold what no hart could: modes, translations, anything."""
    if engine == "native" and not has_compiler():
        pytest.skip("no C compiler is installed")
    isa = isa_of("h@1.0")
    content = snapshot.read_bytes()
    chosen = random.Random(7)
    free = [part for part in parts(isa) if part.name not in ("steps", "trapped")]
    for _ in range(40):
        snapshot.write_bytes(content)
        picked = {part.name: part for part in chosen.sample(free, 12)}
        picked["mode"] = next(part for part in free if part.name == "mode")

        def change(header: dict[str, Any], picked: dict[str, Part] = picked) -> None:
            for part in picked.values():
                values = [chosen.getrandbits(part.width) for _ in range(part.count or 1)]
                header["hart"][part.name] = values if part.count else values[0]

        rewrite(snapshot, change)
        it = Machine(isa, engine_named(engine, isa), memory=MEMORY, terminal=Quiet())
        read_snapshot(snapshot).restore(it)
        assert it.run(3000).reason in ("exit", "limit", "asleep")


def test_hostile_ram(snapshot: Path) -> None:
    content = snapshot.read_bytes()[:-32]
    start = 16 + struct.unpack_from("<I", content, 12)[0]
    chosen = random.Random(5)
    for _ in range(200):
        body = bytearray(content)
        for _ in range(3):
            body[chosen.randrange(start, len(body))] = chosen.randrange(256)
        snapshot.write_bytes(signed(bytes(body)))
        # A store that is no content of RAM must be seen; what zstandard takes for RAM is RAM.
        try:
            read_snapshot(snapshot).restore(machine())
        except DrafthartError as error:
            assert "no sound snapshot" in str(error)  # noqa: PT017


def test_a_bomb(snapshot: Path) -> None:
    """A block says what it holds in no header, so a page of it is all that is unpacked."""
    content = snapshot.read_bytes()[:-32]
    start = 16 + struct.unpack_from("<I", content, 12)[0]
    bomb = zstd.compress(bytes(64 << 20))
    snapshot.write_bytes(signed(content[:start] + struct.pack("<I", len(bomb)) + bomb))
    assert "block of its RAM" in refused(snapshot)


def test_a_header_that_nests_too_deep(snapshot: Path) -> None:
    text = b"[" * 200_000
    body = struct.pack("<8sII", MAGIC, 2, len(text)) + text
    snapshot.write_bytes(signed(body))
    assert "its header" in refused(snapshot)
