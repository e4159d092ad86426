"""`tests/float/arithmetic.c`, compiled, as functions of Python; and how many cases to try."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

CASES = int(os.environ.get("DRAFTHART_FLOAT_CASES", "1500"))
"""Cases for each operation, format and rounding direction where C meets C."""

OPERATIONS = ("add", "sub", "mul", "div", "sqrt", "fma")

_SOURCE = Path(__file__).parents[1] / "float" / "arithmetic.c"


@dataclass(frozen=True)
class Arithmetic:
    """The compiled `arithmetic.c`."""

    library: ctypes.CDLL

    def _many(
        self,
        function: Callable[..., None],
        name: str,
        size: int,
        rm: int,
        operands: Sequence[array[int]],
        flags: int,
    ) -> tuple[array[int], bytes]:
        count = len(operands[0])
        results = array("Q", bytes(8 * count))
        raised = bytearray([flags]) * count
        pointers = [(ctypes.c_uint64 * count).from_buffer(column) for column in operands]
        function(
            OPERATIONS.index(name),
            size,
            rm,
            ctypes.c_size_t(count),
            *pointers,
            (ctypes.c_uint64 * count).from_buffer(results),
            (ctypes.c_uint8 * count).from_buffer(raised),
        )
        return results, bytes(raised)

    def run(
        self, name: str, size: int, rm: int, operands: Sequence[array[int]], flags: int = 0
    ) -> tuple[array[int], bytes]:
        """Results and flags of `float.h`, from these flags on, for three columns of operands."""
        return self._many(self.library.run, name, size, rm, operands, flags)

    def host(
        self, name: str, size: int, rm: int, operands: Sequence[array[int]]
    ) -> tuple[array[int], bytes]:
        """Results and flags of the host's arithmetic."""
        return self._many(self.library.host, name, size, rm, operands, 0)

    def call(self, name: str, *arguments: int) -> tuple[int, int]:
        """Result and flags of one other function, such as `convert_4_8`."""
        function = getattr(self.library, f"c_{name}")
        function.restype = ctypes.c_uint64
        flags = ctypes.c_uint8(0)
        first, *others = arguments
        if name.startswith(("equal", "less")):
            others_c = [ctypes.c_uint64(other) for other in others]
        else:
            others_c = [ctypes.c_uint(other) for other in others]
        result = function(ctypes.byref(flags), ctypes.c_uint64(first), *others_c)
        return int(result), flags.value


def compile_arithmetic(folder: Path, name: str, *options: str) -> Arithmetic:
    """A shared library in `folder`; skips the test where there is no compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    target = folder / f"{name}.so"
    command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    # The host's own operations must stay where they are, between the changes of its environment.
    command += ["-ffp-contract=off", "-fno-fast-math", "-frounding-math", "-ftrapping-math"]
    command += [*options, "-o", str(target), str(_SOURCE), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Arithmetic(ctypes.CDLL(str(target)))
