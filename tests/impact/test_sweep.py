"""The walk stops where a plain walk by lengths would, whatever the bytes and the chunks."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from drafthart.generator.impact import sweep


def plainly(code: bytes, wanted: set[int]) -> list[int]:
    """From instruction to instruction; the rest that is no whole one is none."""
    found, at = [], 0
    while at + 2 <= len(code):
        length = 4 if code[at] & 3 == 3 else 2
        if at + length > len(code):
            break
        if code[at] in wanted:
            found.append(at)
        at += length
    return found


@given(
    st.binary(max_size=200),
    st.sets(st.sampled_from([0x73, 0xF3, 0x13, 0x01, 0x00, 0xFF])),
    st.integers(4, 64),
)
def test_walk(code: bytes, wanted: set[int], chunk: int) -> None:
    with patch.object(sweep, "CHUNK", chunk):
        told = list(sweep.Walk(wanted).offsets(code, 0, len(code)))
    assert [at for at, walked in told if walked is None] == plainly(code, wanted)
    assert sum(walked for _, walked in told if walked is not None) == len(code)
