"""What is generated, byte for byte, against files that were read before they were committed.

    DRAFTHART_WRITE_GOLDEN=1 pytest tests/golden

writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from drafthart.generator.emit.c_header import emit_c_header
from drafthart.generator.emit.python_decoder import decode_function, expand_function
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve

HERE = Path(__file__).parent


def decoder(isa: ISA) -> str:
    index = {mnemonic: number for number, mnemonic in enumerate(isa.instructions)}
    return "\n".join([*decode_function(isa, index), "", "", *expand_function(isa), ""])


@pytest.mark.parametrize(
    ("name", "revision", "emit"),
    [
        ("h-1.0.h", "h@1.0", emit_c_header),
        ("h-0.6.1.h", "h@0.6.1", emit_c_header),
        ("decoder-h-1.0.txt", "h@1.0", decoder),
    ],
)
def test_generated_text(name: str, revision: str, emit: Callable[[ISA], str]) -> None:
    isa = resolve(revision)
    # The hash of the spec changes with every word of a doc; that is no difference to read.
    text = emit(isa).replace(isa.content, "…")
    path = HERE / name
    if os.environ.get("DRAFTHART_WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()
