"""The server, against clients that do not do as gdb does."""

from __future__ import annotations

import random
import socket
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from bench import isa_of
from hypothesis import given
from hypothesis import strategies as st

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.gdb.connection import Listener, parse_address
from drafthart.runtime.gdb.packets import Event, Kind, Reader, encode

Debugged = Callable[..., Any]
SHIFT = 0x4000_0000


# Packets.


@given(st.lists(st.binary(max_size=60), max_size=6), st.data())
def test_packets_survive_any_cut(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(encode(payload) for payload in payloads)
    reader = Reader()
    found: list[Event] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found == [Event(Kind.PACKET, payload) for payload in payloads]


@given(st.binary(max_size=200))
def test_noise_leaves_the_reader_sound(noise: bytes) -> None:
    reader = Reader()
    list(reader.feed(noise))
    # A packet may be open: what follows completes it, is refused, and the next one gets through.
    *_, last = reader.feed(b"#00" + encode(b"m0,4"))
    assert last == Event(Kind.PACKET, b"m0,4")


def test_a_checksum_that_is_wrong() -> None:
    assert list(Reader().feed(b"$g#00+\x03-")) == [
        Event(Kind.DAMAGED),
        Event(Kind.ACKNOWLEDGED),
        Event(Kind.INTERRUPT),
        Event(Kind.REFUSED),
    ]


def test_a_packet_without_end() -> None:
    found = list(Reader().feed(b"$" + b"a" * 100_000))
    assert found[0].kind is Kind.DAMAGED


# The server.


def test_wrong_packets_are_answered_and_change_nothing(debugged: Debugged) -> None:
    it = debugged()
    before = list(it.machine.hart.x), it.machine.hart.pc
    with it.connect() as client:
        for packet in (
            "m", "m1", "mx,y", "m-1,4", "m10000000000000000,4", "M80000000,4:00", "Mzz", "p", "pzz",
            "P", "P1", "P1=", "P1=xx", "G00", "Z0", "Z9,1,1", "Z2,80000000,0", "vCont;x",
            "vCont;r1", "X80000000,2:a",
            "qRcmd,xyz", "qXfer:features:read:target.xml:zz", "czz", "szz",
            "Z2,80000000,ffffffff",
        ):  # fmt: skip
            assert client.ask(packet)[:1] in ("E", ""), packet
        assert client.ask("unknown") == ""
        assert client.ask("pffffffff").startswith("E")
        assert client.ask("?").startswith("T05")
    assert (list(it.machine.hart.x), it.machine.hart.pc) == before


def test_random_packets(debugged: Debugged) -> None:
    """Anything may come: the server answers on, and nothing raises."""
    it = debugged()
    chosen = random.Random(6)
    heads = b"gGmMpPZzqQvHTX?!"
    with it.connect() as client:
        for _ in range(400):
            body = bytes([chosen.choice(heads)]) + chosen.randbytes(chosen.randrange(12))
            if b"QStartNoAckMode" not in body:
                client.raw(encode(body))
                client.raw(chosen.randbytes(chosen.randrange(4)).replace(b"$", b""))
        client.raw(b"#00")
        client.raw(encode(b"qC"))
        while client.reply() != "QC1":
            pass
    assert it.thread.is_alive()


def test_a_cut_connection_leaves_the_guest_halted(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as client:
        assert client.ask("s").startswith("T05")
        client.raw(b"$m8000")
    with it.connect() as client:
        assert client.ask("?").startswith("T05")
        assert client.ask("s").startswith("T05")
    assert it.machine.hart.steps == 2


def test_a_cut_while_the_guest_runs(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as client:
        assert client.ask(f"M{it.machine.hart.pc:x},4:6f000000") == "OK"  # j .
        client.raw(encode(b"c"))
    with it.connect() as client:
        assert client.ask("?").startswith("T")
        client.raw(encode(b"k"))
    assert it.ended().reason == "quit"
    assert any("left without detaching" in line for line in it.said)


def test_one_debugger_at_a_time(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as first:
        assert first.ask("qC") == "QC1"
        with it.connect() as second, pytest.raises(OSError, match=r"closed|reset"):
            second.ask("qC")
        assert first.ask("qC") == "QC1"


def test_damaged_packets_are_asked_for_again(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as client:
        client.raw(b"$qC#00")
        assert client.socket.recv(1) == b"-"
        client.raw(encode(b"qC"))
        assert client.reply() == "QC1"
        client.raw(b"-")
        assert client.reply() == "QC1"


def test_a_detached_guest_can_be_halted_again(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as client:
        client.ask(f"M{it.machine.hart.pc:x},4:6f000000")
        assert client.ask("D") == "OK"
    time.sleep(0.2)
    with it.connect() as client:
        assert client.ask("?").startswith("T")
        steps = it.machine.hart.steps
        client.ask("s")
        assert it.machine.hart.steps == steps + 1 > 2


def test_faults_are_errors(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as client:
        assert client.ask("m0,8") == "E0e"
        assert client.ask("m10000000,1") == "E0e"  # the UART: reading it would change it
        end = it.machine.bus.ram.end
        assert client.ask(f"m{end - 4:x},8") == "00" * 4  # as far as there is memory
        assert client.ask(f"M{end - 4:x},8:{'00' * 8}") == "E0e"
        assert client.monitor("read 0x10000005 1") == "0x60\n"
        assert "nothing to read" in client.monitor("read 0x0 4")


def test_translation_is_the_harts_and_changes_nothing(debugged: Debugged) -> None:
    it = debugged()
    counter = it.symbols["counter"]
    with it.connect() as client:
        assert client.ask(f"m{counter:x},8") == (100).to_bytes(8, "little").hex()
        assert client.ask(f"m{counter - SHIFT:x},8") == "E0e"  # M-mode has no translation
        guest = it.symbols["guest"] - SHIFT
        assert client.ask(f"Z1,{guest:x},4") == "OK"
        assert client.ask("vCont;c").startswith("T05hwbreak")
        ram = bytes(it.machine.bus.ram.data)
        assert client.ask(f"m{counter - SHIFT:x},8") == (100).to_bytes(8, "little").hex()
        # Physical addresses are none of the guest's now.
        assert client.ask(f"m{counter:x},8") == "E0e"
        said = client.monitor(f"translate {counter:#x} store")
        assert "refused: Store/AMO page fault (15)" in said
        assert bytes(it.machine.bus.ram.data) == ram


def test_range_stepping(debugged: Debugged) -> None:
    it = debugged()
    pc = it.machine.hart.pc
    with it.connect() as client:
        assert client.ask(f"vCont;r{pc:x},{pc + 16:x}:1").startswith("T05")
        assert it.machine.hart.pc == pc + 16 or it.machine.hart.pc > pc + 16


def test_a_watchpoint_is_where_the_address_led(debugged: Debugged) -> None:
    """Set in the guest, it is set again after a stop in M-mode, where its address means another."""
    it = debugged()
    symbols = it.symbols
    address = symbols["counter"] - SHIFT
    with it.connect() as client:
        client.ask(f"Z0,{symbols['guest'] - SHIFT:x},4")
        client.ask("c")
        client.ask(f"z0,{symbols['guest'] - SHIFT:x},4")
        assert client.ask(f"Z2,{address:x},8") == "OK"
        assert client.ask("c") == f"T05watch:{address:x};thread:1;"
        # Another world's address is refused while it is not known.
        assert client.ask(f"Z2,{0x1000:x},8") == "E0e"
        assert client.ask(f"z2,{address:x},8") == "OK"
        client.ask(f"Z0,{symbols['handler']:x},4")
        assert client.ask("c").startswith("T05swbreak")
        assert it.machine.hart.V == 0


@pytest.mark.parametrize("revision", ["h@0.1", "h@0.6.1", "h@1.0"])
def test_the_description_is_the_drafts(debugged: Debugged, revision: str) -> None:
    it = debugged(revision, "_start: j _start")
    isa = isa_of(revision)
    with it.connect() as client:
        document, reply = "", "m"
        while reply[0] == "m":
            reply = client.ask(f"qXfer:features:read:target.xml:{len(document):x},1000")
            document += reply[1:]
        root = ET.fromstring(document)
        assert f"{revision} ({isa.status})" in document
        registers = {reg.attrib["name"]: reg.attrib for reg in root.iter("reg")}
        numbers = [reg["regnum"] for reg in registers.values()]
        assert len(set(numbers)) == len(numbers)
        for csr in isa.csrs.values():
            assert int(registers[csr.name]["bitsize"]) == csr.width
        types = {flags.attrib["id"]: flags for flags in root.iter("flags")}
        status = {
            field.attrib["name"]: (int(field.attrib["start"]), int(field.attrib["end"]))
            for field in types[registers["mstatus"]["type"]]
        }
        assert status == {
            field.name: (field.low, field.high) for field in isa.csrs["mstatus"].fields.values()
        }
        for register in registers.values():
            value = client.ask(f"p{int(register['regnum']):x}")
            assert len(value) == int(register["bitsize"]) // 4, register


def test_writing_a_csr_follows_its_rules(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as client:
        number = 65 + it.machine.isa.csrs["mstatus"].address
        assert client.ask(f"P{number:x}={'ff' * 8}") == "OK"
        # SXL and UXL are fixed at 2, and MPP keeps no reserved value (all ones is M-mode).
        value = int.from_bytes(bytes.fromhex(client.ask(f"p{number:x}")), "little")
        assert value >> 32 & 0xF == 0b1010
        assert value == it.machine.hart.csr_read(0x300)
        assert client.ask(f"P{number:x}=00") == "E16"
        v = 65 + 4096 + 1
        assert client.ask(f"P{v:x}=01") == "E16"
        priv = 65 + 4096
        assert client.ask(f"P{priv:x}=02") == "E16"
        assert client.ask(f"P{priv:x}=01") == "OK"
        assert it.machine.hart.mode == 1


def test_monitor(debugged: Debugged) -> None:
    it = debugged()
    with it.connect() as client:
        state = client.monitor("state")
        assert state.startswith("h@1.0 (ratified)\nM-mode\n")
        assert "V 0x0" in state
        client.ask("s")
        assert "instructions 1," in client.monitor("state")
        assert "booted again" in client.monitor("reset")
        assert it.machine.hart.pc == it.symbols["_start"]
        assert "no command 'nonsense'" in client.monitor("nonsense")
        assert "missing" in client.monitor("translate")
        assert "none of load, store, fetch" in client.monitor("translate 0 jump")


@pytest.mark.parametrize(
    ("text", "address"),
    [(":1234", ("127.0.0.1", 1234)), ("1234", ("127.0.0.1", 1234)), ("[::1]:5", ("::1", 5))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", ":", ":x", "host", ":65536", "a:b", ":-1"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(DrafthartError, match="write :PORT or HOST:PORT"):
        parse_address(text)


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DrafthartError, match="cannot listen there"):
            Listener("127.0.0.1", port)
