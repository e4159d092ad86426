"""`drafthart asm` and `drafthart disasm`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
REVISION = ("--revision", "priv@1.12")


def test_there_and_back(drafthart: Command, hello: Path) -> None:
    result = drafthart("asm", "hello.S", *REVISION)
    assert (result.status, result.out, result.err) == (0, "", "")
    assert hello.with_suffix(".elf").read_bytes().startswith(b"\x7fELF")
    lines = drafthart("disasm", "hello.elf", *REVISION).out.splitlines()
    assert lines[0] == ".text:"
    assert lines[1] == "0000000080000000 <_start>:"
    assert lines[2].split() == ["80000000:", "00001297", "auipc", "t0,", "0x1"]


def test_flat(drafthart: Command, hello: Path) -> None:
    result = drafthart("asm", "hello.S", *REVISION, "--flat", "--base", "0x80200000")
    assert result.status == 0
    assert hello.with_suffix(".bin").read_bytes()[:4] == bytes.fromhex("97120000")
    lines = drafthart("disasm", "hello.bin", "--base", "0x80200000", *REVISION).out.splitlines()
    assert lines[0].split()[:2] == ["80200000:", "00001297"]


def test_words(drafthart: Command) -> None:
    result = drafthart("disasm", "0x30200073", "4501", "ffffffff", *REVISION)
    assert [line.split(maxsplit=2)[2] for line in result.out.splitlines()] == [
        "mret",
        "c.li a0, 0",
        ".insn 4, 0xffffffff  # not in priv@1.12",
    ]


def test_json(drafthart: Command) -> None:
    arguments = ("disasm", "30200073", "ffffffff", "--base", "4096", "--format", "json")
    assert drafthart(*arguments, *REVISION).json == [
        {
            "address": 4096,
            "word": 0x30200073,
            "size": 4,
            "item": "insn:mret",
            "text": "mret",
        },
        {
            "address": 4100,
            "word": 0xFFFFFFFF,
            "size": 4,
            "item": None,
            "text": ".insn 4, 0xffffffff  # not in priv@1.12",
        },
    ]


def test_json_of_a_cut_off_program(drafthart: Command, here: Path) -> None:
    (here / "cut").write_bytes(bytes.fromhex("73002030 1305"))
    found = drafthart("disasm", "cut", "--format", "json", *REVISION).json
    assert [(it["size"], it["item"]) for it in found] == [(4, "insn:mret"), (2, None)]


def test_a_revision_decides_what_is_an_instruction(drafthart: Command) -> None:
    word = "60054573"
    assert "hlv.b a0, (a0)" in drafthart("disasm", word, "--revision", "h@1.0").out
    assert "not in priv@1.12" in drafthart("disasm", word, *REVISION).out


def test_an_included_file(drafthart: Command, here: Path) -> None:
    (here / "parts").mkdir()
    (here / "parts" / "main.S").write_text('.include "more.inc"\n')
    (here / "parts" / "more.inc").write_text("nop\n")
    assert drafthart("asm", "parts/main.S", *REVISION).status == 0
    assert (here / "parts" / "main.elf").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"nonsense a0\n", "bad.S:1:1: "),
        (b"\xff\xfe", "bad.S: is no UTF-8 text"),
        (b"", "bad.S: is empty"),
        (b'.include "gone.inc"\n', "gone.inc: no such file"),
    ],
)
def test_bad_sources(fails: Callable[..., str], here: Path, source: bytes, message: str) -> None:
    (here / "bad.S").write_bytes(source)
    assert message in fails("asm", "bad.S", *REVISION)


def test_the_source_survives(fails: Callable[..., str], hello: Path) -> None:
    text = hello.read_bytes()
    assert "is the source itself" in fails("asm", "hello.S", "-o", "./hello.S", *REVISION)
    assert hello.read_bytes() == text


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (["missing.elf"], "missing.elf: no such file"),
        (["13", "zz"], "'zz' is no instruction word"),
        (["00014501"], "more than the 16 bits"),
        (["1122334455667788"], "more than the 16 bits"),
        (["."], ": is a directory"),
    ],
)
def test_nothing_to_disassemble(fails: Callable[..., str], what: list[str], message: str) -> None:
    assert message in fails("disasm", *what, *REVISION)
