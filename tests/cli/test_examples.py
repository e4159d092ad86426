"""The examples that each --help shows are run as they stand."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drafthart.commands import (
    asm,
    check,
    compare,
    diff,
    disasm,
    explain,
    generate,
    impact,
    revisions,
    run,
    show,
)

Command = Callable[..., Any]
MODULES = (revisions, show, explain, diff, impact, check, generate, asm, disasm, run, compare)
EXAMPLES = [example for module in MODULES for example in module.EXAMPLES]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(drafthart: Command, here: Path, hello: Path, example: str) -> None:
    # What earlier examples of the same help have made, and the specs of a checkout.
    drafthart("asm hello.S --revision h@1.0")
    drafthart("asm hello.S --revision h@1.0 --flat --base 0x80200000")
    if "diff encoding.h" in example:
        drafthart("generate --target encoding-h h@1.0 -o encoding.h")
    (here / "specs").symlink_to(ROOT / "specs")
    if "--restore" in example:
        drafthart(next(it for it in run.EXAMPLES if "--save" in it).removeprefix("drafthart "))
    told = ""
    if "--gdb :1234" in example:
        threading.Thread(target=detach, args=(1234,), daemon=True).start()
        told = "drafthart: waiting for gdb: target remote 127.0.0.1:1234\n"
    if example.split()[1] in ("run", "compare") and "--allow-unstable" in example:
        name = example.partition("--allow-unstable ")[2].split()[0]
        told = f"drafthart: {name} is unstable (draft), opted in by --allow-unstable {name}\n"
    result = drafthart(example.removeprefix("drafthart "))
    assert (result.status, result.err) == (0, told)


def detach(port: int) -> None:
    """Do what gdb does at `detach`, as soon as someone listens there."""
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
                link.sendall(b"$D#44")
                while link.recv(4096):
                    pass
                return
        except ConnectionRefusedError:
            time.sleep(0.1)
