"""The examples that each --help shows are run as they stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drafthart.commands import asm, check, diff, disasm, explain, generate, revisions, run, show

Command = Callable[..., Any]
MODULES = (revisions, show, explain, diff, check, generate, asm, disasm, run)
EXAMPLES = [example for module in MODULES for example in module.EXAMPLES]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(drafthart: Command, here: Path, hello: Path, example: str) -> None:
    # What earlier examples of the same help have made, and the specs of a checkout.
    drafthart("asm hello.S --revision h@1.0")
    drafthart("asm hello.S --revision h@0.6.1 --flat --base 0x80200000")
    (here / "specs").symlink_to(ROOT / "specs")
    result = drafthart(example.removeprefix("drafthart "))
    assert (result.status, result.err) == (0, "")
