"""`drafthart run --signature`: what architecture tests leave, in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
REVISION = ("--revision", "priv@1.12", "--engine", "python")
PROGRAM = """\
_start: la t0, begin_signature
    li t1, 0x1122334455667788
    sd t1, 8(t0)
    la t0, tohost
    li t1, 1
    sd t1, 0(t0)
1:  j 1b
    .data
    .align 6
    .globl tohost, begin_signature, end_signature
tohost: .dword 0
begin_signature: .dword 0xdeadbeef, 0
end_signature: .dword 7
"""


@pytest.fixture
def elf(drafthart: Command, here: Path) -> str:
    (here / "test.S").write_text(PROGRAM)
    assert drafthart("asm", "test.S", *REVISION[:2]).status == 0
    return "test.elf"


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ([], ["deadbeef", "00000000", "55667788", "11223344"]),
        (["--signature-granularity", "8"], ["00000000deadbeef", "1122334455667788"]),
        (["--signature-granularity", "16"], ["112233445566778800000000deadbeef"]),
    ],
)
def test_its_lines_are_words_of_memory(
    drafthart: Command, here: Path, elf: str, options: list[str], lines: list[str]
) -> None:
    result = drafthart("run", *REVISION, "--signature", "out.sig", *options, elf)
    assert (result.status, result.out, result.err) == (0, "", "")
    assert (here / "out.sig").read_text().splitlines() == lines


def test_none_is_written_where_the_guest_did_not_end(
    drafthart: Command, here: Path, elf: str
) -> None:
    limit = ("--max-instructions", "3")
    result = drafthart("run", *REVISION, "--signature", "out.sig", *limit, elf)
    assert result.status != 0
    assert "out.sig: not written" in result.err
    assert not (here / "out.sig").exists()


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ("", ["--signature-granularity", "8"], "goes with --signature"),
        ("", ["--signature", "x", "--signature-granularity", "3"], "choose one of 4, 8, 16"),
        ("begin_signature", ["--signature", "x"], "no symbol begin_signature"),
        (".dword 0xdeadbeef, 0", ["--signature", "x"], "is no range of RAM"),
        ("end_signature: .dword 7", ["--signature", "x", "--signature-granularity", "16"], "lines"),
    ],
)
def test_bad_input_is_one_line(
    drafthart: Command, here: Path, change: str, options: list[str], told: str
) -> None:
    other = {
        "begin_signature": "begin_other",
        "end_signature: .dword 7": ".dword 7\nend_signature: .dword 7",
    }
    text = PROGRAM.replace(change, other.get(change, "")) if change else PROGRAM
    (here / "test.S").write_text(text)
    assert drafthart("asm", "test.S", *REVISION[:2]).status == 0
    result = drafthart("run", *REVISION, *options, "test.elf")
    assert (result.status, result.out) == (2, "")
    assert told in result.err
    assert result.err.count("\n") == 1
    assert not (here / "x").exists()
