"""The generated engine module of an ISA, made at first use and kept in the user's cache folder.

An entry is named by a hash of the spec's content, the generator's own source and the Python
version: whatever could change the text makes a new entry, and a stale one is never read.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import platformdirs

import drafthart.generator
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.spec.model import ISA


def engine_module(isa: ISA) -> dict[str, Any]:
    """A fresh namespace of the generated module of `isa`: each engine gets its own."""
    namespace: dict[str, Any] = {"__name__": f"drafthart generated {isa.id}"}
    exec(_code(isa), namespace)
    return namespace


def cache_folder() -> Path:
    """Where generated modules are kept; DRAFTHART_CACHE overrides the platform's place."""
    override = os.environ.get("DRAFTHART_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("drafthart"))


def _code(isa: ISA) -> CodeType:
    key = hashlib.sha256(
        f"{isa.content} {isa.xlen} {generator_hash()} {sys.implementation.cache_tag}".encode()
    ).hexdigest()
    path = cache_folder() / "python" / f"{key}.bin"
    # A damaged or unreadable entry is as good as none.
    with suppress(OSError, ValueError, EOFError, TypeError):
        stored = path.read_bytes()
        digest, body = stored[:32], stored[32:]
        if hashlib.sha256(body).digest() == digest:
            code = marshal.loads(body)
            if isinstance(code, CodeType):
                return code
    code = compile(emit_python(isa), f"<generated {isa.id}>", "exec")
    # The cache only saves time: where it cannot be written, the next run generates again.
    with suppress(OSError):
        _store(path, marshal.dumps(code))
    return code


def _store(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


@cache
def generator_hash() -> str:
    """A hash of the generator's own source."""
    digest = hashlib.sha256()
    for folder in drafthart.generator.__path__:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".j2", ".yaml"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
