"""Finds words in code, walking from instruction to instruction by their lengths.

The walk is a regular expression, so that a kernel of 30 MB takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from drafthart.generator.impact.sought import Sought
from drafthart.generator.spec.model import Encoding

CHUNK = 1 << 20
"""Bytes after which `Walk.offsets` reports."""


def first_bytes(sought: Sought) -> frozenset[int]:
    """The first bytes that a word of interest can have: what is sought, and each CSR access."""
    encodings = [it.encoding for it in sought.instructions]
    for isa in (sought.comparison.a, sought.comparison.b):
        encodings += [
            it.encoding
            for it in isa.instructions.values()
            if it.encoding is not None and "csr" in it.encoding.operands
        ]
    return frozenset(byte for it in encodings for byte in _first_bytes(it))


def _first_bytes(encoding: Encoding) -> Iterator[int]:
    mask, match = encoding.mask & 0xFF, encoding.match & 0xFF
    yield from (byte for byte in range(256) if byte & mask == match)


class Walk:
    """Walks code, and stops at words that begin with one of some bytes."""

    def __init__(self, wanted: Collection[int]) -> None:
        short = _bytes(it for it in range(256) if it & 3 != 3 and it not in wanted)
        long = _bytes(it for it in range(256) if it & 3 == 3 and it not in wanted)
        passing = b"(?:" + short + b".|" + long + b"...)*+"
        short = _bytes(it for it in wanted if it & 3 != 3)
        long = _bytes(it for it in wanted if it & 3 == 3)
        self._stops = re.compile(passing + b"(" + short + b".|" + long + b"...)", re.DOTALL)
        self._passing = re.compile(passing, re.DOTALL)

    def offsets(self, code: bytes, start: int, end: int) -> Iterator[tuple[int, int | None]]:
        """Offsets of the words, each with None; and (offset, bytes walked) after each chunk."""
        while start < end:
            stop = min(end, start + CHUNK)
            last = start
            while found := self._stops.match(code, last, stop):
                yield found.start(1), None
                last = found.end()
            walked = self._passing.match(code, last, stop)
            reached = walked.end() if walked else last
            # Less than a whole instruction is left of the chunk, or of all.
            following = reached if reached > start and stop < end else end
            yield following, following - start
            start = following


def _bytes(values: Iterator[int] | Collection[int]) -> bytes:
    """A class of these bytes; one that matches nothing where there is none."""
    text = b"".join(re.escape(bytes([it])) for it in values)
    return b"[" + text + b"]" if text else b"(?!)"
