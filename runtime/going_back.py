"""A copy of the process that waits where all was well, to go over again what happened since.

It has all memory and state as they were, and shares with the process what neither writes to. So it
costs little to keep, and nothing has to be undone.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn


class Waiting:
    """The copy, made now; `answer` is what it does when it is asked, and told what happened.

    Raises `OSError` where the host has no room for it, or cannot copy processes.
    """

    def __init__(self, answer: Callable[[Any], str]) -> None:
        self._ask = self._told = -1
        if not hasattr(os, "fork"):
            raise OSError("this host cannot copy a process")
        asked, ask = os.pipe()
        told, tell = os.pipe()
        try:
            self._process = os.fork()
        except OSError:
            for end in (asked, ask, told, tell):
                os.close(end)
            raise
        if self._process == 0:
            os.close(ask)
            os.close(told)
            _wait(asked, tell, answer)
        os.close(asked)
        os.close(tell)
        self._ask, self._told = ask, told

    def ask(self, happened: Any) -> str:
        """What `answer` says to it, in the copy; empty if that fails. The copy ends with this."""
        ask, told, self._ask, self._told = self._ask, self._told, -1, -1
        with suppress(OSError), os.fdopen(ask, "wb") as file:
            pickle.dump(happened, file)
        with os.fdopen(told, "rb") as file:
            text = file.read().decode()
        os.waitpid(self._process, 0)
        return text

    def dismiss(self) -> None:
        """End the copy."""
        if self._ask >= 0:
            os.close(self._ask)
            os.close(self._told)
            self._ask = self._told = -1
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)

    def __del__(self) -> None:
        with suppress(OSError):
            self.dismiss()


def _wait(asked: int, tell: int, answer: Callable[[Any], str]) -> NoReturn:
    """Be the copy: nothing of what the process would do at its end must happen twice."""
    try:
        # Ctrl-C is for the process, and when that ends the copy does.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with os.fdopen(asked, "rb") as file:
            happened = file.read()
        if happened:
            with os.fdopen(tell, "wb") as file:
                file.write(answer(pickle.loads(happened)).encode())
    finally:
        os._exit(0)
