"""The engines by name, as recipes that a machine carries out on its own bus and clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.clock import Clock
from drafthart.runtime.engine import Engine
from drafthart.runtime.generated import engine_module
from drafthart.runtime.memory import Bus
from drafthart.runtime.native.build import NoCompilerError, compiler, native_library
from drafthart.runtime.native.engine import NativeEngine
from drafthart.runtime.python_engine import PythonEngine

EngineFactory: TypeAlias = Callable[[Bus, Clock], Engine]

NAMES = ("python", "native")
"""The engines that can be asked for."""


def python_engine(isa: ISA) -> EngineFactory:
    """The reference: generated Python, which needs no compiler and can be hooked anywhere."""
    module = engine_module(isa)
    return lambda bus, clock: PythonEngine(module, bus, clock)


def native_engine(isa: ISA, on_build: Callable[[], None] | None = None) -> EngineFactory:
    """Generated C, compiled now if it is not in the cache; `on_build` is called before that.

    Raises `DrafthartError` if it cannot be compiled.
    """
    library = native_library(isa, on_build=on_build)
    return lambda bus, clock: NativeEngine(isa, library, bus, clock)


def has_compiler() -> bool:
    """Can the native engine be built here?"""
    try:
        compiler()
    except NoCompilerError:
        return False
    return True


def engine_named(
    name: str, isa: ISA, on_build: Callable[[], None] | None = None
) -> EngineFactory:
    """One of `NAMES`. Raises `DrafthartError` for another name."""
    if name == "python":
        return python_engine(isa)
    if name == "native":
        return native_engine(isa, on_build)
    raise DrafthartError(f"no engine {name!r}; there are {', '.join(NAMES)}")
