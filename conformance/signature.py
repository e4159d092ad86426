"""What programs left, as targets tell it: doublewords in hexadecimal, or lines of a signature."""

from __future__ import annotations

import re

_WORD = re.compile("(0x)?[0-9a-fA-F]{1,16}")
_WIDTHS = (8, 32)
"""Digits of a line where it is no doubleword, but a word of 4 or 16 bytes."""


def printed_words(text: str) -> list[int]:
    """The hexadecimal numbers up to the first thing that is none, or is cut off at the end."""
    words = []
    whole = text.split()
    if whole and not text[-1].isspace():
        del whole[-1]
    for word in whole:
        if not _WORD.fullmatch(word):
            break
        words.append(int(word, 16))
    return words


def signature_words(text: str) -> list[int]:
    """The doublewords of a signature file, whose lines may be words of 4, 8 or 16 bytes each."""
    lines = text.split()
    digits = len(lines[0]) if lines else 0
    if lines and not text[-1].isspace():
        if len(lines[-1]) != digits:
            del lines[-1]
        text = "\n".join([*lines, ""])
    if digits not in _WIDTHS or any(len(line) != digits for line in lines):
        return printed_words(text)
    content = bytearray()
    for line in lines:
        try:
            content += bytes.fromhex(line)[::-1]
        except ValueError:
            break
    whole = len(content) - len(content) % 8
    return [int.from_bytes(content[at : at + 8], "little") for at in range(0, whole, 8)]
