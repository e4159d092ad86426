"""What each export says of itself, for people and for `drafthart taint`."""

from __future__ import annotations

import json

from drafthart.generator.emit.exports.names import line
from drafthart.generator.emit.render import stability_line
from drafthart.generator.spec.model import ISA, Status

MANIFEST = "drafthart.json"
"""The file of a folder that says what the folder was made with."""


def remarks(isa: ISA) -> list[str]:
    """Lines for a comment at the beginning of a file."""
    base = f", on {isa.base}," if isa.base else ""
    found = [
        f"Generated from {isa.id} ({isa.status}){base} by Drafthart, do not edit",
        f"Content of the spec: {isa.content}",
    ]
    if isa.status is not Status.RATIFIED:
        found += [
            f"UNSTABLE: {isa.id} is not ratified; every number here may change without notice.",
            f"unstable: {stability_line(isa)}",
        ]
    return [line(it) for it in found]


def commented(isa: ISA, mark: str) -> str:
    """The remarks behind a mark such as `#` on each line."""
    return "".join(f"{mark} {it}\n" for it in remarks(isa))


def manifest(isa: ISA) -> str:
    """The text of MANIFEST."""
    content = {
        "generated": f"from {isa.id} ({isa.status}) by Drafthart, do not edit",
        "revision": isa.id,
        "base": isa.base,
        "status": str(isa.status),
        "xlen": isa.xlen,
        "content": isa.content,
        "stability": {"revision": isa.id, "status": str(isa.status), "opt_in": None},
    }
    return json.dumps(content, indent=1) + "\n"
