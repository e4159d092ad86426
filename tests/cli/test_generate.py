"""`drafthart generate`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spec_folder import Folder

from drafthart.generator.spec.resolve import revisions

Command = Callable[..., Any]

COMPILER = shutil.which("cc")


def header(folder: Folder, revision: str) -> list[str]:
    return ["generate", "--target", "c-header", revision, "--specs", str(folder.root)]


def test_c_header(drafthart: Command, folder: Folder) -> None:
    lines = drafthart(*header(folder, "base@1")).out.splitlines()
    assert lines[0] == "/* Generated from base@1 (ratified) by Drafthart, do not edit."
    for line in (
        "#define DRAFTHART_UNSTABLE 0",
        "#define CSR_STATUS 0x300",
        "#define STATUS_LEVEL_MASK 0xe",
        "#define STATUS_LEVEL_SHIFT 1",
        "#define STATUS_TOP_MASK 0x8000000000000000",
        "#define MATCH_FENCE_I 0x0000100f",
        "#define MASK_C_ADDI 0xe003 /* 000 imm[5] rd imm[4:0] 01 (rd != 0) */",
        "#define CAUSE_ILLEGAL 2 /* Illegal instruction */",
        "#define INTERRUPT_SOFTWARE 3 /* Software */",
    ):
        assert line in lines


def test_a_draft_taints_what_is_made_from_it(drafthart: Command, folder: Folder) -> None:
    text = drafthart(*header(folder, "h@1")).out
    assert "UNSTABLE: h@1 is not ratified" in text
    assert '#define DRAFTHART_STATUS "draft"\n#define DRAFTHART_UNSTABLE 1\n' in text
    arguments = ("generate", "--target", "json", "h@1", "--specs", str(folder.root))
    found = drafthart(*arguments).json
    assert (found["revision"], found["status"], found["unstable"]) == ("h@1", "draft", True)


def test_python_is_tainted_too(drafthart: Command) -> None:
    text = drafthart("generate --target python h@0.6.1 --allow-unstable h@0.6.1").out
    compile(text, "generated", "exec")
    assert "UNSTABLE: h@0.6.1" in text
    assert "\nUNSTABLE = True\n" in text


@pytest.mark.parametrize("target", ["c-header", "json", "python"])
def test_the_same_bytes_each_time(drafthart: Command, here: Path, target: str) -> None:
    for name in ("first", "second"):
        result = drafthart("generate", "--target", target, "priv@1.12", "-o", name)
        assert (result.status, result.out) == (0, "")
    assert (here / "first").read_bytes() == (here / "second").read_bytes()
    assert sorted(path.name for path in here.iterdir()) == ["first", "second"]


def test_json_has_every_item(drafthart: Command, folder: Folder) -> None:
    arguments = ("generate", "--target", "json", "base@1", "--specs", str(folder.root))
    found = drafthart(*arguments).json
    assert found["unstable"] is False
    assert found["items"]["fn:check"]["operation"].startswith("# check status first")
    assert "csr:status.ON" in [it["id"] for it in found["items"]["csr:status"]["fields"]]


@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
@pytest.mark.parametrize("name", [summary.id for summary in revisions()])
@pytest.mark.parametrize("xlen", ["32", "64"])
def test_the_header_is_valid_c_and_assembly(
    drafthart: Command, here: Path, name: str, xlen: str
) -> None:
    result = drafthart("generate", "--target", "c-header", name, "-o", "it.h", "--xlen", xlen)
    assert result.status == 0, result.err
    uses = [
        f"static const unsigned long long v{number} = {line.split()[1]};"
        for number, line in enumerate((here / "it.h").read_text().splitlines())
        if line.startswith("#define ") and line.endswith(("_MASK", "0", "1", "f"))
        if len(line.split()) == 3 and not line.split()[2].startswith('"')
    ]
    assert uses
    (here / "it.c").write_text('#include "it.h"\n#include "it.h"\n' + "\n".join(uses) + "\n")
    assert COMPILER is not None
    subprocess.run(
        [COMPILER, "-fsyntax-only", "-Wall", "-Werror", "-Wno-unused", "-std=c99", "it.c"],
        check=True,
    )
    (here / "it.S").write_text('#include "it.h"\n.quad CSR_MSTATUS, MSTATUS_SD_MASK\n')
    subprocess.run([COMPILER, "-c", "it.S", "-o", "it.o"], check=True)


def test_two_items_must_not_share_a_macro(fails: Callable[..., str], folder: Folder) -> None:
    folder.one_change(
        """
        add:
          instructions.fence_i:
            extension: X
            encoding: 000000000000 00000 011 00000 0001111
            operation: |
              pass
        """
    )
    error = fails(*header(folder, "h@1"))
    assert "insn:fence.i and insn:fence_i would both be MATCH_FENCE_I" in error


def test_nothing_is_left_half_written(fails: Callable[..., str], here: Path) -> None:
    assert "cannot be written" in fails("generate --target json h@1.0 -o missing/out.json")
    (here / "folder").mkdir()
    assert "folder: cannot be written" in fails("generate --target json h@1.0 -o folder")
    assert json.dumps([path.name for path in here.iterdir()]) == '["folder"]'
