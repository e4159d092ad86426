"""The compiled engine for programs of others: its sources in a folder, to be linked into them."""

from __future__ import annotations

from drafthart.generator.emit.c_engine import emit_c
from drafthart.generator.emit.render import render, stability_line
from drafthart.generator.spec.model import ISA
from drafthart.runtime.native.build import FLAGS, HEADERS

_OF_A_LIBRARY = ("-fPIC", "-shared", "-fvisibility=hidden")


def embedding(isa: ISA) -> dict[str, str]:
    """The files by name: hart.c, what it includes, the public drafthart.h, and how to compile it.

    Raises `DrafthartError` for what has no C form.
    """
    flags = " ".join(flag for flag in FLAGS if flag not in _OF_A_LIBRARY)
    headers = {path.name: path.read_text(encoding="utf-8") for path in sorted(HEADERS.glob("*.h"))}
    readme = render("embedding.md.j2", isa=isa, flags=flags, stability=stability_line(isa))
    return {"README.md": readme, "hart.c": emit_c(isa), **headers}
