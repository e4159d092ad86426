"""Watches the spec's own functions at work: who calls whom, with what, and what comes of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from drafthart.generator.spec.model import ISA


@dataclass(slots=True)
class Call:
    """A call of a function of the spec, by the function's name there.

    `line` is the line of the generated module at which it returned or was left, `values` its
    parameters and locals at that point. `result` is None if it returns nothing or was left by an
    exception.
    """

    function: str
    arguments: dict[str, int]
    result: int | None = None
    line: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    children: list[Call | Read] = field(default_factory=list)

    @property
    def calls(self) -> list[Call]:
        """The calls that it made, in order."""
        return [it for it in self.children if isinstance(it, Call)]


@dataclass(frozen=True, slots=True)
class Read:
    """Bytes that were read at a physical address."""

    physical: int
    value: int


class Observer:
    """Watches the functions of one generated module."""

    def __init__(self, isa: ISA, module: dict[str, Any]) -> None:
        self._functions = isa.functions
        self._module = module
        self._stack: list[Call] = []

    def read(self, physical: int, value: int) -> None:
        """Note a read, as one of the function that is at work."""
        if self._stack:
            self._stack[-1].children.append(Read(physical, value))

    @contextmanager
    def watching(self) -> Iterator[Call]:
        """Watch what is called within; the calls are children of the one that this gives."""
        root = Call("", {})
        self._stack = [root]
        before: Callable[..., Any] | None = sys.getprofile()
        sys.setprofile(self._event)
        try:
            yield root
        finally:
            # A profiler that is no function cannot be put back.
            sys.setprofile(before if callable(before) else None)
            self._stack = []

    def _event(self, frame: FrameType, event: str, result: Any) -> None:
        if frame.f_globals is not self._module or event not in ("call", "return"):
            return
        code = frame.f_code
        name = code.co_name.partition("__")[0]
        if name not in self._functions:
            return
        if event == "call":
            names = code.co_varnames[1 : code.co_argcount]
            call = Call(name, {it: frame.f_locals[it] for it in names})
            self._stack[-1].children.append(call)
            self._stack.append(call)
        else:
            call = self._stack.pop()
            call.result = None if result is None else int(result)
            call.line = frame.f_lineno
            call.values = dict(frame.f_locals)
