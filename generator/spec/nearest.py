"""Suggestions for words that do not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], limit: int = 12) -> str:
    """The remedy for an unknown word: the nearest known one, or what there is."""
    names = list(known)
    if near := get_close_matches(word, names, n=1):
        return f"did you mean {near[0]!r}?"
    if not names:
        return "there are none"
    shown = ", ".join(names[:limit])
    return f"there are {shown}" + (f" and {len(names) - limit} more" if len(names) > limit else "")
