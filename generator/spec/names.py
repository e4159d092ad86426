"""Names that operations can use, and that engines can be made with."""

from __future__ import annotations

import keyword
import re

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*_?")
"""A letter first, then letters, digits and single underscores: generated code has the rest."""

LONGEST = 64


def is_name(text: str) -> bool:
    """Can an operation name this, and every language that code is made in?"""
    return bool(NAME.fullmatch(text)) and len(text) <= LONGEST and not keyword.iskeyword(text)
