"""Targets behind gdb's remote protocol: what runs there, and what may go wrong."""

from __future__ import annotations

import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.expected import program_of, records
from drafthart.conformance.gdb_remote import GdbRemote
from drafthart.conformance.gdb_server import free_port
from drafthart.conformance.gdb_target import GdbTarget, SingleGdbTarget
from drafthart.conformance.groups import groups, part
from drafthart.conformance.here import run_here
from drafthart.conformance.known import Known
from drafthart.conformance.probes.probe import Group, Probe
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import CommandTarget, Single
from drafthart.conformance.target_file import load_target
from drafthart.conformance.validate import validate
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.gdb.connection import Connection, Gone, Listener
from drafthart.runtime.gdb.server import Server
from drafthart.runtime.machine import Machine
from drafthart.runtime.resolved import resolved

OURS = (
    sys.executable, "-P", "-c", "from drafthart.cli import main; main()",
    "run", "--revision", "h@1.0", "--engine", "python", "--gdb", "127.0.0.1:{port}", "{program}",
)  # fmt: skip
QEMU = (
    "qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-cpu", "rv64,h=true", "-bios", "none",
    "-display", "none", "-monitor", "none", "-serial", "null", "-S", "-gdb", "tcp:127.0.0.1:{port}",
)  # fmt: skip


@pytest.fixture(scope="module")
def isa() -> ISA:
    return resolved("h@1.0")


@pytest.fixture(scope="module")
def group(isa: ISA) -> Group:
    (found,) = groups(isa, ["instructions/insn:wfi"])
    return found


@pytest.fixture
def program(isa: ISA, group: Group, tmp_path: Path) -> Path:
    path = tmp_path / "p.elf"
    path.write_bytes(program_of(group, isa, Platform()))
    return path


class Mute:
    """A terminal that nobody looks at."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


@pytest.fixture
def listening(isa: ISA, program: Path) -> Iterator[str]:
    """The address of a stub of our own, behind which runs something else at first."""
    machine = Machine(
        isa, python_engine(isa), memory=64 << 20, terminal=Mute(), stability=stability(isa)
    )
    machine.boot(Images(program))
    machine.bus.write(0x8000_0000, 4, 0x0000_006F)  # j .
    listener = Listener("127.0.0.1", 0)
    server = Server(machine, Mute(), listener, lambda text: None)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.port}"
    with socket.create_connection(("127.0.0.1", listener.port)) as link:
        link.send(b"$k#6b")
        thread.join(20)
    assert not thread.is_alive()
    listener.close()


def test_a_board_that_listens_runs_one_program_after_the_other(
    listening: str, program: Path, isa: ISA
) -> None:
    target = SingleGdbTarget("ours", listening)
    here = run_here(isa, program)
    assert target.run(program, 20) == here
    assert target.run(program, 20) == here
    assert isinstance(target, Single)


def test_a_program_that_hangs_keeps_what_it_left(listening: str, isa: ISA) -> None:
    probes = (Probe("one", "li a0, 1"), Probe("hang", "1: j 1b"), Probe("three", "li a0, 3"))
    group = Group("hanging", probes, (), ())
    left = run_bounded(group, isa, SingleGdbTarget("ours", listening, timeout=1.5))
    assert [record and record[1] for record in left] == [1, None, 3]


def test_a_server_that_is_started_for_each_program(program: Path, isa: ISA) -> None:
    target = GdbTarget("ours", "127.0.0.1:{port}", OURS)
    assert target.missing is None
    assert not isinstance(target, Single)
    assert target.run(program, 20) == run_here(isa, program)


def test_qemu_behind_its_stub_does_as_on_its_console(program: Path) -> None:
    if shutil.which("qemu-system-riscv64") is None:
        pytest.skip("qemu-system-riscv64 is not installed")
    words = GdbTarget("QEMU", "127.0.0.1:{port}", QEMU).run(program, 20)
    assert words[0] >> 16 & 1  # the first probe is complete
    plain = load_target("qemu-7.2")[0]
    if plain.missing is None:
        assert words == plain.run(program, 20)


OPENOCD = """
adapter driver remote_bitbang
remote_bitbang host 127.0.0.1
remote_bitbang port {jtag}
jtag newtap riscv cpu -irlen 5
target create riscv.cpu riscv -chain-position riscv.cpu
riscv set_ebreakm off
riscv set_ebreaks off
riscv set_ebreaku off
telnet_port disabled
tcl_port disabled
"""


def test_openocd_with_a_hart_behind_jtag(tmp_path: Path, isa: ISA, group: Group) -> None:
    """Spike's debug module in place of a board; OpenOCD finds no hardware breakpoint there."""
    for simulator in ("spike", "openocd"):
        if shutil.which(simulator) is None:
            pytest.skip(f"{simulator} is not installed")
    program = tmp_path / "p.elf"
    some = part(group, [probe.label for probe in group.probes][:12])
    program.write_bytes(program_of(some, isa, Platform(console=None)))
    jtag = free_port()
    (tmp_path / "board.cfg").write_text(OPENOCD.format(jtag=jtag))
    hart = f"spike --isa=rv64imafdch_zicsr_zifencei --halted --rbb-port={jtag} --dm-progsize=4 $0"
    server = f"{hart} & sleep 2; exec openocd -f {tmp_path}/board.cfg -c 'gdb_port {{port}}'"
    board = GdbTarget("board", "127.0.0.1:{port}", ("sh", "-c", server, "{program}"), timeout=40)
    words = board.run(program, 40)
    plain = CommandTarget(
        "Spike",
        ("spike", "--isa=rv64imafdch_zicsr_zifencei", "+signature={signature}",
         "+signature-granularity=8", "{program}"),
    )  # fmt: skip
    assert len(words) == 12 * 20
    assert words == plain.run(program, 40)[: len(words)]


def test_validate_on_a_board(listening: str, tmp_path: Path) -> None:
    path = tmp_path / "board.yaml"
    path.write_text(f'name: Board\ngdb: {{connect: "{listening}", reset: [help]}}\n')
    target, _ = load_target(str(path))
    assert target == SingleGdbTarget("Board", listening, (), ("help",))
    outcome = validate(target, Known(), "h@1.0", only=["instructions/insn:wfi"], jobs=2)
    assert outcome.conforms
    assert (outcome.lost, outcome.findings) == (0, [])


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (("sh", "-c", "echo no such board >&2; exit 3"), "no such board"),
        (("sh", "-c", "exit 3"), "sh: ends with status 3"),
        (("no-such-server",), "no-such-server: .*; install it"),
    ],
)
def test_a_server_that_does_not_start_is_told(
    start: tuple[str, ...], told: str, program: Path
) -> None:
    with pytest.raises(DrafthartError, match=told):
        GdbTarget("board", "127.0.0.1:{port}", (*start, "{port}")).run(program, 5)


def test_nobody_there_is_told(program: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(DrafthartError, match="is the target listening there"):
        SingleGdbTarget("board", address).run(program, 5)
    missing = GdbTarget("board", "127.0.0.1:{port}", ("no-such-server", "{port}"))
    assert missing.missing == "no-such-server is not installed"


# A stub as small as they come: no description, short packets, hardware breakpoints only.


class Stub:
    """Memory, 33 registers and what `answers` says; `stop` says how a run ends, None: not yet."""

    def __init__(self, stop: Callable[[Stub], bytes | None], answers: dict[str, bytes]) -> None:
        self.memory: dict[int, int] = {}
        self.x = [0] * 33
        self.longest = 0
        self.packets: list[str] = []
        self._stop, self._answers = stop, answers
        self._closed = False
        self._listener = Listener("127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._listener.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._thread.join(20)
        self._listener.close()

    def _serve(self) -> None:
        while not self._closed:
            if self._listener.waiting(0.02) and (link := self._listener.accept()):
                try:
                    while not self._closed:
                        packet = link.receive(0.02)
                        if packet is not None:
                            self._do(packet.decode(), link)
                except Gone:
                    pass
                finally:
                    link.close()

    def _do(self, packet: str, link: Connection) -> None:
        self.longest = max(self.longest, len(packet))
        self.packets.append(packet)
        answer = self._answer(packet)
        while answer is None and not self._closed:  # it runs
            if link.interrupted():
                answer = b"S02"
        link.send(answer or b"")

    def _answer(self, packet: str) -> bytes | None:
        for start, answer in self._answers.items():
            if packet.startswith(start):
                return answer
        head, rest = packet[:1], packet[1:]
        where, _, data = rest.partition(":")
        if head in "mM" and "," in where:
            address, size = (int(it, 16) for it in where.split(","))
            if head == "m":
                return bytes(self.memory.get(address + n, 0) for n in range(size)).hex().encode()
            self.memory |= {address + n: byte for n, byte in enumerate(bytes.fromhex(data))}
            return b"OK"
        match head:
            case "?":
                return b"S05"
            case "g":
                return b"".join(it.to_bytes(8, "little").hex().encode() for it in self.x)
            case "G":
                content = bytes.fromhex(rest)
                self.x = [
                    int.from_bytes(content[at : at + 8], "little") for at in range(0, 33 * 8, 8)
                ]
                return b"OK"
            case "Z" | "z" if rest.startswith("1,"):
                return b"OK"
            case "c":
                return self._stop(self)
        return b""


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    made: list[Stub] = []

    def make(stop: Callable[[Stub], bytes | None], **answers: bytes) -> Stub:
        made.append(Stub(stop, answers))
        return made[-1]

    yield make
    for it in made:
        it.close()


def symbol(program: Path, name: str) -> int:
    from elftools.elf.elffile import ELFFile

    with program.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return int(table.get_symbol_by_name(name)[0]["st_value"])


def test_no_more_is_asked_of_a_stub_than_it_offers(
    stub: Callable[..., Stub], program: Path, isa: ISA, group: Group
) -> None:
    """Short packets, no description, `G` in place of `P`, and breakpoints of hardware alone."""
    here = run_here(isa, program)
    first, finish = symbol(program, "begin_signature"), symbol(program, "finish")

    def run(it: Stub) -> bytes:
        assert it.x[32] == 0x8000_0000
        assert it.memory[finish + 1] == program.read_bytes()[finish - 0x8000_0000 + 0x1000 + 1]
        words = here[:40]
        content = b"".join(word.to_bytes(8, "little") for word in words)
        it.memory |= {first + n: byte for n, byte in enumerate(content)}
        it.x[9], it.x[32] = first + len(content), finish
        return b"S05"

    board = stub(run, qSupported=b"PacketSize=240")
    words = SingleGdbTarget("board", board.address).run(program, 5)
    assert words == here[:40]
    assert records(group, words)[:3] == [*records(group, here)[:2], None]
    assert board.longest <= 0x240
    assert not any(it.startswith("Z0") for it in board.packets)
    assert board.x[32] == symbol(program, "parked")


def test_without_breakpoints_it_is_looked_at_now_and_then(
    stub: Callable[..., Stub], program: Path
) -> None:
    first = symbol(program, "begin_signature")

    def run(it: Stub) -> None:
        content = {name: it.memory[symbol(program, name)] for name in ("finish", "parked")}
        assert content["finish"] == content["parked"]
        it.memory |= {first: 1, first + 8: 2}
        at_end = it.packets.count("c") == 2
        it.x[9], it.x[32] = first + 16, symbol(program, "finish" if at_end else "trap_to_m")

    board = stub(run, Z=b"E0e")
    assert SingleGdbTarget("board", board.address).run(program, 30) == [1, 2]
    assert board.packets.count("c") == 2


def test_a_debugger_that_takes_ebreak_for_itself_is_told(
    stub: Callable[..., Stub], program: Path
) -> None:
    def run(it: Stub) -> bytes:
        it.x[32] = symbol(program, "by_ebreak")
        return b"T05"

    board = stub(run)
    with pytest.raises(DrafthartError, match=r"board: halts at the EBREAK .*set_ebreakm off"):
        SingleGdbTarget("board", board.address).run(program, 5)


@pytest.mark.parametrize("end", [b"W00", b"X09", b"E01", b""])
def test_a_board_that_ends_or_fails_costs_the_program_only(
    stub: Callable[..., Stub], program: Path, end: bytes
) -> None:
    board = stub(lambda it: end)
    target = SingleGdbTarget("board", board.address)
    assert target.run(program, 5) == []
    board.close()
    assert target.run(program, 5) == []  # it was there before


def test_memory_that_is_no_longer_the_programs_is_no_result(
    stub: Callable[..., Stub], program: Path
) -> None:
    first = symbol(program, "begin_signature")

    def run(it: Stub) -> bytes:
        it.x[9], it.x[32] = first + 800, 0x1234
        it.memory.clear()  # as where addresses are translated
        return b"S05"

    assert SingleGdbTarget("board", stub(run).address).run(program, 5) == []


def test_a_reset_that_fails_is_told(stub: Callable[..., Stub], program: Path) -> None:
    board = stub(lambda it: b"S05", qRcmd=b"E01")
    with pytest.raises(DrafthartError, match="answers 'E01' to qRcmd"):
        SingleGdbTarget("board", board.address, (), ("reset halt",)).run(program, 5)


def test_what_a_monitor_prints(listening: str) -> None:
    host, port = listening.split(":")
    remote = GdbRemote(host, int(port))
    assert "translate" in remote.monitor("help")
    remote.close()
