"""The engines by name, as recipes that a machine carries out on its own bus and clock.

A run imports the engine that it uses and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.clock import Clock
from drafthart.runtime.engine import Engine
from drafthart.runtime.memory import Bus
from drafthart.runtime.native.build import (
    NoCompilerError,
    compiler,
    library_in_cache,
    native_library,
)


class EngineFactory(Protocol):
    """Makes the engine of one hart."""

    def __call__(self, bus: Bus, clock: Clock, beside: Engine | None = None) -> Engine:
        """A hart on this bus; `beside` is another one's engine there, if there is one.

        Harts on one bus run in turns. The other one may be of another revision, but must be of the
        same kind of engine.
        """


NAMES = ("python", "native", "both")
"""The engines that can be asked for."""

LOCKSTEP_EVERY = 10_000
"""Instructions after which `both` compares, if it is not told otherwise and nothing trapped."""


def python_engine(isa: ISA) -> EngineFactory:
    """The reference: generated Python, which needs no compiler and can be hooked anywhere."""
    from drafthart.runtime.generated import engine_module
    from drafthart.runtime.python_engine import PythonEngine

    # Each engine puts functions of its own into its module.
    return lambda bus, clock, beside=None: PythonEngine(engine_module(isa), bus, clock)


def native_engine(isa: ISA, on_build: Callable[[], None] | None = None) -> EngineFactory:
    """Generated C, compiled now if it is not in the cache; `on_build` is called before that.

    Raises `DrafthartError` if it cannot be compiled.
    """
    return _native_engine(isa, native_library(isa, on_build=on_build))


def both_engines(
    isa: ISA, on_build: Callable[[], None] | None = None, every: int = LOCKSTEP_EVERY
) -> EngineFactory:
    """Both in lockstep, compared every so many instructions; see `BothEngine`."""
    from drafthart.runtime.both_engine import BothEngine

    library = native_library(isa, on_build=on_build)

    def make(bus: Bus, clock: Clock, beside: Engine | None = None) -> Engine:
        assert beside is None or isinstance(beside, BothEngine)
        return BothEngine(isa, library, bus, clock, every=every, beside=beside)

    return make


def quickest_engine(isa: ISA) -> EngineFactory:
    """The native engine if it is in the cache already, else the python engine: nothing is built."""
    library = library_in_cache(isa)
    if library is None:
        return python_engine(isa)
    return _native_engine(isa, library)


def _native_engine(isa: ISA, library: Path) -> EngineFactory:
    from drafthart.runtime.native.engine import NativeEngine

    def make(bus: Bus, clock: Clock, beside: Engine | None = None) -> Engine:
        assert beside is None or isinstance(beside, NativeEngine)
        return NativeEngine(isa, library, bus, clock, beside)

    return make


def has_compiler() -> bool:
    """Can the native engine be built here?"""
    try:
        compiler()
    except NoCompilerError:
        return False
    return True


def engine_named(name: str, isa: ISA, on_build: Callable[[], None] | None = None) -> EngineFactory:
    """One of `NAMES`. Raises `DrafthartError` for another name."""
    if name == "python":
        return python_engine(isa)
    if name == "native":
        return native_engine(isa, on_build)
    if name == "both":
        return both_engines(isa, on_build)
    raise DrafthartError(f"no engine {name!r}; there are {', '.join(NAMES)}")
