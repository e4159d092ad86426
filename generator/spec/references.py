"""Which items a piece of a spec names: what a change needs to find in place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drafthart.generator.spec.rename import CODE
from drafthart.generator.spec.yaml_file import Node

_NAME = re.compile(r"[A-Za-z_]\w*")
# From the start of a word, an index up to the next bracket: long texts take linear time.
_FIELD = re.compile(r"\b([A-Za-z_]\w*)(?:\[[^\[\]]*\])?\.([A-Za-z_]\w*)")
_ENCODING_NAME = re.compile(r"[A-Za-z_]\w*'?")


def names_in(node: Node, key: str) -> Iterator[str]:
    """Ids, and `name:X` for names in operations, that the value of attribute `key` mentions."""
    if key in CODE or key == "legal":
        for text in _texts(node):
            code = re.sub("#.*", "", text)
            yield from (f"name:{name}" for name in _NAME.findall(code))
            yield from (f"csr:{csr}.{field}" for csr, field in _FIELD.findall(code))
    elif key == "by":
        yield from _texts(node)
    elif key == "substitutes":
        yield f"csr:{node.text}"
    elif key == "view":
        yield f"csr:{node.text_of('of')}"
        fields = node.get("fields")
        for text in _texts(fields) if fields else ():
            yield f"csr:{node.text_of('of')}.{text}"
    elif key == "expands":
        for text in _texts(node):
            mnemonic = text.split(None, 1)[:1]
            yield from (f"{kind}:{word}" for word in mnemonic for kind in ("insn", "pseudo"))
    elif key == "encoding":
        yield from (f"operand:{name}" for name in _ENCODING_NAME.findall(node.text))
    else:
        for name, entry in node.entries.items():
            yield from names_in(entry, name)


def _texts(node: Node) -> Iterator[str]:
    for entry in node.entries.values() or node.sequence:
        yield from _texts(entry) if entry is not node else [node.text]
