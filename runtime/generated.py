"""The generated engine module of an ISA, made at first use and kept in the user's cache folder.

An entry is named by a hash of the spec's content, the generator's own source and the Python
version: whatever could change the text makes a new entry, and a stale one is never read.
"""

from __future__ import annotations

import hashlib
import marshal
import sys
from contextlib import suppress
from types import CodeType
from typing import Any

from drafthart.generator.spec.model import ISA
from drafthart.runtime.cache import generator_hash, read_entry, write_entry


def engine_module(isa: ISA) -> dict[str, Any]:
    """A fresh namespace of the generated module of `isa`: each engine gets its own."""
    namespace: dict[str, Any] = {"__name__": f"drafthart generated {isa.id}"}
    exec(_code(isa), namespace)
    return namespace


def _code(isa: ISA) -> CodeType:
    key = hashlib.sha256(
        f"{isa.content} {isa.xlen} {generator_hash()} {sys.implementation.cache_tag}".encode()
    ).hexdigest()
    if (body := read_entry("python", key)) is not None:
        with suppress(ValueError, EOFError, TypeError):
            code = marshal.loads(body)
            if isinstance(code, CodeType):
                return code
    from drafthart.generator.emit.python_engine import emit_python

    code = compile(emit_python(isa), f"<generated {isa.id}>", "exec")
    write_entry("python", key, marshal.dumps(code))
    return code
