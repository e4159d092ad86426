"""The other end of gdb's remote protocol: a target that we debug, be it a simulator or a probe.

What it needs of a target is `?`, `g`, `s`, `c`, and for the rest `p`, `P` or `G`, `m`, `M`, `Z1` or
`Z0`, and a target description (`qXfer:features:read`) that names its registers.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.gdb.connection import Connection, Gone
from drafthart.runtime.gdb.packets import LARGEST

_CHUNK = 0x400
"""Bytes of a description that are asked for at once."""
_PACKET = 0x400
"""Characters of a packet that any target takes, if it does not tell its limit."""
_FRAME = 48
"""Of them at most for what is not data: the kind, an address, a length, the checksum."""
_PC = 32
"""The number of pc in gdb's own order."""
_LARGEST = 1 << 22
"""Bytes of a description at most."""
_INTERRUPT = b"\x03"
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_ELEMENT = re.compile(r"<(?:\w+:)?(reg|include)\b([^>]*)>")
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*[\"']([^\"']*)[\"']")
_NAME = re.compile(r"[\w.-]+")
_DECIMAL = re.compile("[0-9]{1,4}")
_SIZE = re.compile("PacketSize=([0-9a-fA-F]{1,8})")


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why the target stopped: its signal, or that its program ended, with what status."""

    signal: int
    ended: bool = False
    late: bool = False
    """Was it halted by us, as it did not stop in time?"""


class GdbRemote:
    """A connection to a target at `host`:`port`, which is halted.

    `timeout` are the seconds that any answer may take. Raises `DrafthartError` if there is none,
    and for answers that are errors.
    """

    def __init__(self, host: str, port: int, *, timeout: float = 10) -> None:
        self._name = f"{host}:{port}"
        self._timeout = timeout
        try:
            link = socket.create_connection((host, port), timeout=timeout)
        except OSError as error:
            raise DrafthartError(
                f"gdb:{self._name}: {error.strerror or error}; is the target listening there?"
            ) from None
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link = link
        self._connection = Connection(link)
        try:
            features = self._ask("qSupported:qXfer:features:read+;swbreak+;hwbreak+").split(";")
            self._most = _data_of_a_packet(features)
            if "QStartNoAckMode+" in features and self._ask("QStartNoAckMode") == "OK":
                self._connection.acknowledging = False
            described = "qXfer:features:read+" in features
            self._registers, self._sizes = self._describe() if described else ({}, {})
            self._halt()
        except BaseException:
            self._connection.close()
            raise

    @property
    def registers(self) -> list[str]:
        """The names of the target's registers, as its description has them."""
        return list(self._registers)

    def read_general(self) -> list[int]:
        """x0 to x31 and pc."""
        data = self._hex(self._checked("g"), "g")
        width = 8 if len(data) >= 33 * 8 else 4
        if len(data) < 33 * width:
            raise self._failed("g", f"{len(data)} bytes, which are not 33 registers")
        return [
            int.from_bytes(data[at : at + width], "little") for at in range(0, 33 * width, width)
        ]

    def read_register(self, name: str) -> int | None:
        """A register by name; None if the target has none of this name or does not tell."""
        number = self._registers.get(name)
        if number is None:
            return None
        answer = self._ask(f"p{number:x}")
        if not answer or answer.startswith("E") or "x" in answer:
            return None
        return int.from_bytes(self._hex(answer, "p"), "little")

    def write_register(self, name: str, value: int) -> None:
        """Give a register a value."""
        number = self._registers.get(name)
        if number is None:
            raise DrafthartError(f"gdb:{self._name}: has no register {name}")
        size = self._sizes[name]
        self._require_ok(f"P{number:x}={value.to_bytes(size, 'little').hex()}")

    def jump(self, address: int) -> None:
        """Give pc a value, also where the target does not describe its registers."""
        general = self._checked("g")
        width = 8 if len(general) >= 2 * 8 * (_PC + 1) else 4
        value = address.to_bytes(width, "little").hex()
        if self._ask(f"P{self._registers.get('pc', _PC):x}={value}") != "OK":
            at = 2 * width * _PC
            self._require_ok(f"G{general[:at]}{value}{general[at + 2 * width :]}")

    def read_memory(self, address: int, size: int) -> bytes:
        """Bytes at an address, virtual where the hart's would be."""
        found = b""
        while len(found) < size:
            part = min(self._most, size - len(found))
            data = self._hex(self._checked(f"m{address + len(found):x},{part:x}"), "m")
            if not data or len(data) > part:
                raise self._failed("m", f"{len(data)} bytes instead of {part}")
            found += data
        return found

    def write_memory(self, address: int, data: bytes) -> None:
        """Write bytes, be they a program."""
        for at in range(0, len(data), self._most):
            part = data[at : at + self._most]
            self._require_ok(f"M{address + at:x},{len(part):x}:{part.hex()}")

    def insert_breakpoint(self, address: int, *, size: int = 4) -> None:
        """Stop before the instruction there: a breakpoint of hardware, else one of software."""
        if not self.insert_hardware_breakpoint(address, size=size):
            self._require_ok(f"Z0,{address:x},{size}")

    def insert_hardware_breakpoint(self, address: int, *, size: int = 4) -> bool:
        """Stop before the instruction there, whatever is in memory; has the target such?"""
        return self._ask(f"Z1,{address:x},{size}") == "OK"

    def remove_hardware_breakpoint(self, address: int, *, size: int = 4) -> None:
        """Take it away."""
        self._require_ok(f"z1,{address:x},{size}")

    def remove_breakpoint(self, address: int, *, size: int = 4) -> None:
        """Take it away."""
        if self._ask(f"z1,{address:x},{size}") != "OK":
            self._require_ok(f"z0,{address:x},{size}")

    def step(self) -> Stopped:
        """One instruction, or the trap that it takes."""
        return self._until_stopped("s")

    def resume(self, timeout: float | None = None) -> Stopped:
        """Run until it stops; after `timeout` seconds it is halted."""
        return self._until_stopped("c", timeout)

    def monitor(self, command: str) -> str:
        """Have the target do a command of its own; what it prints."""
        said = ""
        packet = f"qRcmd,{command.encode().hex()}"
        answer = self._checked(packet)
        while answer != "OK":
            output = answer[:1] == "O"
            text = self._hex(answer[output:], f"monitor {command}")
            said += text.decode("utf-8", "replace")
            if not output:
                break
            following = self._receive(self._timeout)
            if following is None:
                raise self._failed(f"monitor {command}", "nothing more")
            answer = following
        return said

    def configure(self, packet: str) -> bool:
        """Send a packet that is the target's own; does it know it?"""
        return self._ask(packet) == "OK"

    def close(self) -> None:
        """End the connection and let the target go on, if it wants to."""
        try:
            self._connection.send(b"D")
            self._connection.receive(0.2)
        except Gone:
            pass
        self._connection.close()

    # Packets.

    def _halt(self) -> None:
        if self._ask("?")[:1] not in ("S", "T"):
            raise self._failed("?", "that it does not halt")

    def _until_stopped(self, packet: str, timeout: float | None = None) -> Stopped:
        self._send(packet)
        end = time.monotonic() + (timeout or self._timeout)
        halting = False
        while True:
            answer = self._receive(max(0.0, end - time.monotonic()))
            if answer is None:
                if halting or packet == "s":
                    raise self._failed(packet, "nothing; it hangs")
                halting = True
                self._link.send(_INTERRUPT)
                end = time.monotonic() + self._timeout
                continue
            kind = answer[:1]
            if kind in ("S", "T"):
                signal = int(answer[1:3], 16) if _is_hex(answer[1:3]) else 0
                return Stopped(signal, late=halting)
            if kind in ("W", "X"):
                return Stopped(int(answer[1:3], 16) if _is_hex(answer[1:3]) else 0, ended=True)
            if kind != "O":  # text of the guest's
                raise self._failed(packet, answer)

    def _ask(self, packet: str) -> str:
        self._send(packet)
        answer = self._receive(self._timeout)
        if answer is None:
            raise self._failed(packet, f"nothing in {self._timeout:g} seconds")
        return answer

    def _send(self, packet: str) -> None:
        try:
            self._connection.send(packet.encode("latin-1"))
        except Gone:
            raise DrafthartError(f"gdb:{self._name}: closed the connection") from None

    def _receive(self, timeout: float) -> str | None:
        end = time.monotonic() + timeout
        try:
            while True:
                # What arrives may be an acknowledgement, and no packet yet.
                packet = self._connection.receive(max(0.0, end - time.monotonic()))
                if packet is not None:
                    return packet.decode("latin-1")
                if time.monotonic() >= end:
                    return None
        except Gone:
            raise DrafthartError(f"gdb:{self._name}: closed the connection") from None

    def _checked(self, packet: str) -> str:
        answer = self._ask(packet)
        if answer.startswith("E") or not answer:
            raise self._failed(packet, answer or "that it does not know this")
        return answer

    def _require_ok(self, packet: str) -> None:
        if (answer := self._ask(packet)) != "OK":
            raise self._failed(packet[:40], answer or "that it does not know this")

    def _hex(self, text: str, packet: str) -> bytes:
        try:
            # What it does not know is x in place of digits.
            return bytes.fromhex(text.replace("x", "0"))
        except ValueError:
            raise self._failed(packet, text) from None

    def _failed(self, packet: str, answer: str) -> DrafthartError:
        return DrafthartError(f"gdb:{self._name}: answers {answer[:80]!r} to {packet}")

    # The description.

    def _describe(self) -> tuple[dict[str, int], dict[str, int]]:
        """The numbers of the registers, and their sizes in bytes."""
        found: dict[str, int] = {}
        sizes: dict[str, int] = {}
        waiting = ["target.xml"]
        seen = set(waiting)
        number = 0
        while waiting:
            text = _COMMENT.sub("", self._annex(waiting.pop(0)))
            # Read as text: some targets use the prefix xi without declaring it.
            for tag, inside in _ELEMENT.findall(text):
                values = dict(_ATTRIBUTE.findall(inside))
                if tag == "reg":
                    told = values.get("regnum", "")
                    number = int(told) if told.isascii() and told.isdigit() else number
                    name = values.get("name", "")
                    found.setdefault(name, number)
                    bits = values.get("bitsize", "")
                    sizes.setdefault(name, (int(bits) + 7) // 8 if _DECIMAL.fullmatch(bits) else 8)
                    number += 1
                elif _NAME.fullmatch(name := values.get("href", "")) and name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return found, sizes

    def _annex(self, name: str) -> str:
        text = ""
        while len(text) < _LARGEST:
            answer = self._checked(f"qXfer:features:read:{name}:{len(text):x},{_CHUNK:x}")
            text += answer[1:]
            if answer[0] == "l" or len(answer) == 1:
                return text
        raise self._failed("qXfer", "a description without end")


def _data_of_a_packet(features: Iterable[str]) -> int:
    """Bytes of memory that a packet may carry, as two digits each."""
    told = [int(parsed[1], 16) for it in features if (parsed := _SIZE.fullmatch(it))]
    return max(16, (min([*told, LARGEST]) if told else _PACKET) // 2 - _FRAME // 2)


def _is_hex(text: str) -> bool:
    return re.fullmatch("[0-9a-fA-F]{2}", text) is not None
