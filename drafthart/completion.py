"""Completion in bash, which takes `h@0.6.1` and `csr:hstatus` for several words.

bash cuts the line at `@`, `:` and `=`, and replaces only the last piece. So the pieces are put
together for Typer, and of what it answers bash gets the part behind the last cut.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO

_VARIABLE = "_DRAFTHART_COMPLETE"
_CUTS = ("@", ":", "=")


def is_bash() -> bool:
    """Does bash ask for completions?"""
    return os.environ.get(_VARIABLE) == "complete_bash"


def complete_for_bash(complete: Callable[[], object]) -> None:
    """Print what `complete`, Typer's own completion, offers, cut as bash does."""
    pieces = re.split(r"[ \n]", os.environ.get("COMP_WORDS", ""))
    at = int(os.environ.get("COMP_CWORD", "0"))
    words = _joined(pieces[: at + 1])
    os.environ["COMP_WORDS"] = " ".join(words)
    os.environ["COMP_CWORD"] = str(len(words) - 1)
    # A cut itself is replaced by nothing: bash then completes behind it.
    last = "" if pieces[at : at + 1] and pieces[at] in _CUTS else "".join(pieces[at : at + 1])
    known = words[-1].removesuffix(last) if words else ""
    answer = StringIO()
    try:
        with redirect_stdout(answer):
            complete()
    finally:
        for line in filter(None, answer.getvalue().splitlines()):
            sys.stdout.write(f"{line.removeprefix(known)}\n")


def _joined(pieces: list[str]) -> list[str]:
    """The words before bash cut them."""
    words: list[str] = []
    glue = False
    for piece in pieces:
        cut = piece in _CUTS
        if (cut or glue) and words:
            words[-1] += piece
        else:
            words.append(piece)
        glue = cut
    return words
