"""A guest under two-stage translation, and the server that lets a debugger at it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import engine_named, has_compiler
from drafthart.runtime.gate import stability
from drafthart.runtime.gdb.connection import Listener
from drafthart.runtime.gdb.packets import Kind, Reader, encode
from drafthart.runtime.gdb.server import Server
from drafthart.runtime.machine import Machine, Outcome

SHIFT = 0x4000_0000
"""The guest finds at 0x4000_0000 what is at 0x8000_0000."""
ROUNDS = 5

GUEST = f"""
    .globl _start
_start:                             # M-mode sets up both stages and enters VS-mode
    la      t0, handler
    csrw    mtvec, t0
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    la      t0, g_root
    srli    t0, t0, 12
    li      t1, 8
    slli    t1, t1, 60
    or      t0, t0, t1
    csrw    hgatp, t0
    la      t0, vs_root
    srli    t0, t0, 12
    or      t0, t0, t1
    csrw    vsatp, t0
    li      t0, 1 << 11             # MPP = S
    csrw    mstatus, t0
    li      t0, 1
    slli    t0, t0, 39              # MPV
    csrs    mstatus, t0
    la      t0, guest
    li      t1, {SHIFT:#x}
    sub     t0, t0, t1
    csrw    mepc, t0
    mret

    .globl  guest
guest:
    la      s0, counter
    li      s1, {ROUNDS}
round:
    ld      a0, 0(s0)
    addi    a0, a0, 3
store:
    sd      a0, 0(s0)
    addi    s1, s1, -1
    bnez    s1, round
    ecall

    .balign 4
handler:
    li      t0, 0x100000
    li      t1, 0x5555
    sw      t1, 0(t0)
1:  j       1b

    .data
    .balign 16384
g_root:                             # guest physical = physical, 1 GiB each
    .dword  0, 0, 0x200000df, 0
    .balign 16384
vs_root:                            # guest virtual 0x4000_0000 to guest physical 0x8000_0000
    .dword  0, 0x200000cf, 0, 0
    .balign 4096
    .globl  counter
counter:
    .dword  100
"""


class Keyboard:
    """A terminal that nobody types on; `quit` ends the run."""

    at_end = True

    def __init__(self) -> None:
        self.quit = False

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


class Debugged:
    """A machine whose server runs in a thread."""

    def __init__(self, program: Path, revision: str, engine: str) -> None:
        isa = isa_of(revision)
        self.keyboard = Keyboard()
        self.machine = Machine(
            isa,
            engine_named(engine, isa),
            memory=8 << 20,
            terminal=self.keyboard,
            stability=stability(isa),
        )
        self.machine.boot(Images(program=program))
        self.listener = Listener("127.0.0.1", 0)
        self.said: list[str] = []
        self.outcome: Outcome | None = None
        server = Server(self.machine, self.keyboard, self.listener, self.said.append)

        def run() -> None:
            self.outcome = server.run()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    @property
    def symbols(self) -> dict[str, int]:
        return dict(self.machine.symbols)

    def connect(self) -> Client:
        return Client(self.listener.port)

    def ended(self) -> Outcome:
        self.thread.join(20)
        assert self.outcome is not None
        return self.outcome

    def close(self) -> None:
        self.keyboard.quit = True
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.listener.close()


class Client:
    """A debugger that says just what a test wants."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._reader = Reader()
        self._replies: list[bytes] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, payload: str | bytes) -> str:
        """Send a packet and return the answer to it."""
        self.raw(encode(payload.encode() if isinstance(payload, str) else payload))
        return self.reply()

    def reply(self) -> str:
        while not self._replies:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._replies += [
                event.payload for event in self._reader.feed(data) if event.kind is Kind.PACKET
            ]
        return self._replies.pop(0).decode("latin-1")

    def monitor(self, command: str) -> str:
        """What a monitor command says."""
        said = b""
        answer = self.ask(f"qRcmd,{command.encode().hex()}")
        while answer != "OK":
            assert answer[0] == "O"
            said += bytes.fromhex(answer[1:])
            answer = self.reply()
        return said.decode()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    def build(revision: str = "h@1.0", source: str = GUEST) -> Path:
        path = tmp_path / "guest.elf"
        path.write_bytes(write_elf(assemble(source, isa_of(revision), base=0x8000_0000)))
        return path

    return build


@pytest.fixture(params=["python", "native"])
def debugged(
    program: Callable[..., Path], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Debugged]]:
    if request.param == "native" and not has_compiler():
        pytest.skip("no C compiler is installed")
    made: list[Debugged] = []

    def start(revision: str = "h@1.0", source: str = GUEST) -> Debugged:
        made.append(Debugged(program(revision, source), revision, request.param))
        return made[-1]

    yield start
    for it in made:
        it.close()
