"""C declarations as cffi knows them, kept in the cache: parsing C would slow each start."""

from __future__ import annotations

import hashlib
import io
import sys
from typing import Any

import _cffi_backend

from drafthart.runtime.cache import read_entry, write_entry


def foreign(declarations: str) -> Any:
    """An `ffi` for these declarations."""
    made_by = f"{_cffi_backend.__version__} {sys.implementation.cache_tag}"
    key = hashlib.sha256(f"{made_by}\n{declarations}".encode()).hexdigest()
    code = read_entry("interface", key)
    if code is None:
        code = _translated(declarations)
        write_entry("interface", key, code)
    # This folder holds the engines' machine code too: who can write here has it run anyway.
    names: dict[str, Any] = {}
    exec(code, names)
    return names["ffi"]


def _translated(declarations: str) -> bytes:
    """The Python code that cffi makes of them."""
    import cffi

    maker = cffi.FFI()
    maker.cdef(declarations)
    maker.set_source("drafthart_hart", None, compiler_verbose=0)  # not a word on stdout
    code = io.StringIO()
    maker.emit_python_code(code)
    return code.getvalue().encode()
