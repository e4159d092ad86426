"""Names for other languages: only what is an identifier in all of them reaches a generated file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def identifier(isa: ISA, item: str, name: str) -> str:
    """`name` as an identifier: dots become underscores, as all readers of such files know it.

    Raises `DrafthartError` for anything else that is none.
    """
    found = name.replace(".", "_")
    if not _IDENTIFIER.fullmatch(found):
        raise DrafthartError(
            f"{isa.id}: {item} cannot be named in other languages; rename it in the specs, "
            "with a letter first, then letters, digits and underscores"
        )
    return found


def distinct(isa: ISA, names: Iterable[tuple[str, str]]) -> None:
    """Raise `DrafthartError` if two items would share a name: the later would silently win."""
    owners: dict[str, str] = {}
    for name, item in names:
        other = owners.setdefault(name, item)
        if other != item:
            raise DrafthartError(
                f"{isa.id}: {other} and {item} would both be {name}; rename one in the specs"
            )


def module_name(isa: ISA) -> str:
    """The revision as an identifier: h_0_6_1."""
    return re.sub(r"\W+", "_", isa.id).strip("_").lower()


def line(text: str) -> str:
    """Text for a comment or a cell: on one line, and without control characters."""
    return "".join(it for it in " ".join(text.split()) if it.isprintable())
