"""A session of the real gdb-multiarch with a guest under two-stage translation."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench import isa_of

GDB = shutil.which("gdb-multiarch")
ROUNDS, SHIFT = 5, 0x4000_0000

pytestmark = pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")


def gdb(port: int, program: Path, *commands: str) -> str:
    """What gdb prints for these commands, each between lines that name it."""
    lines = ["set pagination off", "set confirm off", f"file {program}", f"target remote :{port}"]
    lines += [f"add-symbol-file {program} -o -{SHIFT}"]
    for command in commands:
        lines += [f"echo \\n[{command}]\\n", command]
    arguments = [argument for line in lines for argument in ("-ex", line)]
    done = subprocess.run(
        [str(GDB), "-nx", "-batch", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def said(output: str, command: str, number: int = 0) -> str:
    """The output of the command, of its given occurrence."""
    pieces = output.split(f"[{command}]\n")[1:]
    return pieces[number].split("\n[")[0]


@pytest.mark.parametrize("revision", ["h@1.0", "h@0.6.1"])
def test_a_guest_under_two_stages(
    debugged: Callable[..., Any], program: Callable[[str], Path], revision: str
) -> None:
    it = debugged(revision)
    guest = it.symbols["guest"] - SHIFT
    counter = it.symbols["counter"] - SHIFT
    output = gdb(
        it.listener.port,
        program(revision),
        "p $V",
        f"break *{guest:#x}",
        "continue",
        "p $V",
        "p $priv",
        "info symbol $pc",
        "p/x $hgatp >> 60",
        "p $hstatus",
        "x/2i $pc",
        f"monitor translate {counter:#x}",
        f"p *(long*){counter:#x}",
        f"watch *(long*){counter:#x}",
        "continue",
        "p $a0",
        "p $s1",
        "info symbol $pc",
        "stepi",
        "p $s1",
        "delete",
        f"rwatch *(long*){counter:#x}",
        "continue",
        "p $a0",
        "delete",
        f"set *(long*){counter:#x} = 1000",
        "set $a5 = 77",
        "p $a5",
        "set $vsscratch = 0x1234",
        "p/x $vsscratch",
        "continue",
    )
    assert said(output, "p $V") == "$1 = 0\n"
    assert said(output, "p $V", 1) == "$2 = 1\n"
    assert said(output, "p $priv") == "$3 = 1\n"
    assert said(output, "info symbol $pc").startswith("guest in section")
    assert said(output, "p/x $hgatp >> 60") == "$4 = 0x8\n"
    assert "VSXL=2" in said(output, "p $hstatus")
    assert f"{guest:#x}" in said(output, "x/2i $pc")
    translation = said(output, f"monitor translate {counter:#x}")
    assert "load at" in translation
    assert "VS-mode" in translation
    # The guest's own entry, which is itself found through the G-stage, and that of the G-stage.
    entries = re.findall(r"entry at (0x\w+) is (0x\w+)", translation)
    symbols = it.symbols
    assert (f"{symbols['vs_root'] + 8:#x}", "0x00000000200000cf") in entries
    assert (f"{symbols['g_root'] + 16:#x}", "0x00000000200000df") in entries
    assert f"physical {symbols['counter']:#x}" in translation
    assert said(output, f"p *(long*){counter:#x}").endswith("= 100\n")
    watched = said(output, "continue", 1)
    assert "Old value = 100" in watched
    assert "New value = 103" in watched
    assert said(output, "p $a0").endswith("= 103\n")
    # The store is done, and nothing after it.
    assert said(output, "p $s1").endswith(f"= {ROUNDS}\n")
    assert said(output, "info symbol $pc", 1).startswith("store + 4 in section")
    assert said(output, "p $s1", 1).endswith(f"= {ROUNDS - 1}\n")
    assert "Value = 103" in said(output, "continue", 2)
    assert said(output, "p $a0", 1).endswith("= 103\n")
    assert said(output, "p $a5").endswith("= 77\n")
    assert said(output, "p/x $vsscratch").endswith("= 0x1234\n")
    assert "exited normally" in said(output, "continue", 3)
    assert it.ended().reason == "exit"
    # gdb wrote 1000 after a round of its own had loaded 103 into a0, which the guest then stored.
    assert it.machine.bus.read(symbols["counter"], 8) == 103 + 3 * (ROUNDS - 1)


def test_it_goes_on_after_detaching_and_after_killing(
    debugged: Callable[..., Any], program: Callable[[str], Path]
) -> None:
    it = debugged()
    gdb(it.listener.port, program("h@1.0"), "stepi", "detach")
    assert it.ended().reason == "exit"
    other = debugged()
    gdb(other.listener.port, program("h@1.0"), "stepi", "kill")
    assert other.ended().reason == "quit"
    assert other.machine.hart.steps == 1


def test_ctrl_c(debugged: Callable[..., Any], tmp_path: Path) -> None:
    """In the endless loop of a guest; gdb's own interrupt, from a script."""
    it = debugged()
    with it.connect() as client:
        # An endless loop where the guest is: j .
        assert client.ask(f"M{it.machine.hart.pc:x},4:6f000000") == "OK"
        client.raw(b"$vCont;c#a8")
        client.raw(b"\x03")
        assert client.reply().startswith("T02")


@pytest.mark.parametrize("revision", ["h@0.4", "h@0.6.2", "h@1.0"])
def test_registers_are_those_of_the_draft(
    debugged: Callable[..., Any], tmp_path: Path, revision: str
) -> None:
    it = debugged(revision)
    output = gdb(it.listener.port, tmp_path / "guest.elf", "info registers csr", "p $henvcfg")
    shown = {line.split()[0] for line in said(output, "info registers csr").splitlines()}
    assert shown >= {csr.name for csr in isa_of(revision).csrs.values()} - {
        "fflags", "frm", "fcsr"
    }  # fmt: skip
    assert ("void" in said(output, "p $henvcfg")) == ("henvcfg" not in isa_of(revision).csrs)
