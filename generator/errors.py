"""The one exception that users meet."""

import re

_LONGEST = 1000
_LONGEST_WORD = 400
_KEPT = 200
"""Characters of a longer word that are kept: enough for the folder that a path begins with."""


class DrafthartError(Exception):
    """A user's mistake or bad input: one line that says what, where and what to do.

    What it quotes may come from a stranger's file: what is long is cut, and what a terminal would
    obey is written as an escape.
    """

    def __init__(self, message: str) -> None:
        if len(message) > _LONGEST_WORD:
            message = re.sub(rf"(\S{{{_KEPT}}})\S{{{_LONGEST_WORD - _KEPT},}}", r"\1 ...", message)
        if len(message) > 2 * _LONGEST:
            message = f"{message[:_LONGEST]} ... {message[-_LONGEST // 2 :]}"
        if not message.isprintable():
            seen = (it if it.isprintable() or it == "\n" else ascii(it)[1:-1] for it in message)
            message = "".join(seen)
        super().__init__(message)
