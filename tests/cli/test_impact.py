"""`drafthart impact` on the command line: forms, statuses, and what it refuses."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from drafthart.generator.spec.texts import SPECS

Command = Callable[..., Any]
SOURCE = "_start: csrw hedeleg, t0\nret\n"


@pytest.fixture
def elf(drafthart: Command, here: Path) -> Path:
    (here / "a.S").write_text(SOURCE)
    assert drafthart("asm a.S --revision h@0.3 -o a.elf").status == 0
    return here / "a.elf"


def test_text(drafthart: Command, elf: Path) -> None:
    result = drafthart("impact h@0.3 h@0.4 a.elf")
    assert result.status == 0
    assert "a.elf: ELF file, 8 bytes of code\n" in result.out
    assert "  csr:hedeleg  csr-address-changed\n    0xa02 → 0x602\n" in result.out
    assert "    0x80000000 <_start>  csrw 0xa02, t0 (as h@0.3 has it)\n" in result.out


def test_json_is_as_its_schema_says(drafthart: Command, elf: Path) -> None:
    data = drafthart("impact h@0.3 h@0.4 a.elf --format json").json
    jsonschema.validate(data, json.loads((SPECS / "schema/impact.schema.json").read_text()))
    (place,) = [it for it in data["places"] if it["certainty"] == "certain"]
    difference = data["differences"][place["difference"]]
    assert (place["address"], difference["rule"]) == (0x80000000, "csr-address-changed")


def test_fail_on(drafthart: Command, elf: Path) -> None:
    assert drafthart("impact h@0.3 h@0.4 a.elf --fail-on breaking").status == 1
    assert drafthart("impact h@0.3 h@0.4 a.elf --fail-on breaking --for guest").status == 0
    assert drafthart("impact h@0.3 h@0.3 a.elf --fail-on editorial").status == 0


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_packed(drafthart: Command, elf: Path, pack: Callable[[bytes], bytes]) -> None:
    elf.with_name("packed").write_bytes(pack(elf.read_bytes()))
    assert "csr-address-changed" in drafthart("impact h@0.3 h@0.4 packed").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("h@9 h@1.0 a.elf", "unknown revision 'h@9'"),
        ("h@0.3 h@1.0 none.elf", "none.elf: no such file"),
        ("h@0.3 h@1.0 .", "is a directory"),
        ("h@0.3 h@1.0 flat", "flat: is no ELF file, Linux Image or source"),
        ("h@0.3 h@1.0 a.elf --base 0", "a.elf: an ELF file says where it lies; leave --base out"),
        ("h@0.3 h@1.0 a.S --base 0", "a.S: is a source; leave --base out"),
        ("h@0.3 h@1.0 a.elf --xlen 32", "a.elf: is for 64-bit harts; add --xlen 64"),
        ("h@0.3 h@1.0 a.elf --for nobody", "--for nobody: no such audience"),
        ("h@0.3 h@1.0 x86", "x86: is for the machine X86_64, not RISC-V"),
        ("h@0.3 h@1.0 short", "short: damaged or truncated ELF file"),
        ("h@0.3 h@1.0 cut", "cut: truncated ELF file (.text ends at"),
        ("h@0.3 h@1.0 cut.xz", "cut.xz: truncated xz file"),
        ("h@0.3 h@1.0 bad.xz", "bad.xz: damaged xz file"),
        ("h@0.3 h@1.0 huge", "huge: is larger than 1 GiB"),
    ],
)
def test_refused(
    drafthart: Command, fails: Command, elf: Path, here: Path, arguments: str, told: str
) -> None:
    content = elf.read_bytes()
    (here / "flat").write_bytes(b"\x13" * 64)
    (here / "x86").write_bytes(content[:18] + b"\x3e\x00" + content[20:])
    (here / "short").write_bytes(content[:40])
    # The size of .text, the first section behind the empty one, is beyond the file.
    table = int.from_bytes(content[40:48], "little")
    size = table + 64 + 32
    (here / "cut").write_bytes(
        content[:size] + (1 << 20).to_bytes(8, "little") + content[size + 8 :]
    )
    (here / "cut.xz").write_bytes(lzma.compress(content)[:-20])
    (here / "bad.xz").write_bytes(b"\xfd7zXZ\0" + b"\x55" * 50)
    with (here / "huge").open("wb") as file:
        file.truncate((1 << 30) + 1)
    assert told in fails(f"impact {arguments}")


def test_without_symbols(drafthart: Command, here: Path) -> None:
    (here / "flat").write_bytes(bytes.fromhex("73902260"))
    result = drafthart("impact h@0.3 h@0.4 flat --base 0x1000")
    assert "note: no symbols\n" in result.out
    assert "    0x1000  csrw hedeleg, t0\n" in result.out
