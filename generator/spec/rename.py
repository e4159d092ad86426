"""Renames: the new name wherever other items use the old one."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import lru_cache

from drafthart.generator.spec.item_path import ItemPath, item_id
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.yaml_file import Node

# Attributes that hold texts of the operation language.
CODE = frozenset(["operation", "read", "write", "access", "exists", "returns", "parameters"])

_IN_CODE = frozenset(["constants", "parameters", "state", "csrs", "functions"])
_IN_ASSEMBLY = frozenset(["instructions", "pseudoinstructions"])


def rewrite_uses(items: Items, path: ItemPath, new: str) -> None:
    """Rewrite every use of the item at `path`, whose last name becomes `new`."""
    old = path.field or path.name
    for section, named in items.sections.items():
        for name, node in named.items():
            if old in _all_text(node):
                named[name] = _rewrite(node, section, path, new)


@lru_cache(maxsize=8192)
def _all_text(node: Node) -> str:
    """All texts in a node, remembered, as most items do not mention what is renamed."""
    return "\n".join(_texts(node))


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node.value, dict):
        for entry in node.value.values():
            yield from _texts(entry)
    elif isinstance(node.value, list):
        for entry in node.value:
            yield from _texts(entry)
    else:
        yield node.text


def _rewrite(node: Node, section: str, path: ItemPath, new: str) -> Node:
    old = path.field or path.name
    if section == "rules":
        return _each(node, {"by"}, lambda text: _renamed_id(text, path, new))
    if path.section == "operands":
        if section != "instructions":
            return node
        word = re.compile(rf"(?<![\w.']){re.escape(old)}(?![\w'])")
        node = _each(
            node,
            {"encoding", "constraints", "assembly", "expands"},
            lambda text: word.sub(new, text),
        )
    elif path.section in _IN_ASSEMBLY and section in _IN_ASSEMBLY:
        first = re.compile(rf"^\s*{re.escape(old)}(?=\s|$)")
        return _each(node, {"expands"}, lambda text: first.sub(new, text))
    elif path.section not in _IN_CODE:
        return node
    if section == "csrs":
        node = _rewrite_links(node, path, new)
    if path.section in ("constants", "parameters"):
        word = re.compile(rf"\b{re.escape(old)}\b")
        node = _each(node, {"legal"}, lambda text: word.sub(new, text))
    csr = path.name if path.field else ""
    return _each(node, CODE, lambda text: rename_in_code(text, old, new, csr))


def _rewrite_links(csr: Node, path: ItemPath, new: str) -> Node:
    """`substitutes` and `view` of a CSR."""
    if path.section != "csrs":
        return csr
    if not path.field:
        return _each(csr, {"substitutes", "of"}, lambda text: new if text == path.name else text)
    view = csr.get("view")
    shown = view.get("fields") if view else None
    if not view or not shown or view.text_of("of") != path.name:
        return csr
    # The view's own name stays, so that a list turns into a map.
    mapped = dict(shown.entries) or {node.text: node for node in shown.sequence}
    fields = {
        own: Node(new, home.place, home.key) if home.text == path.field else home
        for own, home in mapped.items()
    }
    return csr.having(view=view.having(fields=Node(fields, shown.place, shown.key)))


def _renamed_id(text: str, path: ItemPath, new: str) -> str:
    if text == path.id:
        return item_id(path.section, path.name, new) if path.field else item_id(path.section, new)
    if path.section == "csrs" and not path.field and text.startswith(f"{path.id}."):
        return item_id("csrs", new) + text.removeprefix(path.id)
    return text


def rename_in_code(text: str, old: str, new: str, csr: str = "") -> str:
    """Rename the name `old`, or with `csr` the field `csr.old`, in an operation's text."""
    if not re.search(rf"\b{re.escape(old)}\b", text):
        return text  # most texts: tokenising them all would be slow
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return text  # the checker of operations reports it with its place
    lines = text.splitlines(keepends=True)
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.type == tokenize.NAME and token.string == old and _owner(tokens, index) == csr:
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:column] + new + line[column + len(old) :]
    return "".join(lines)


def _owner(tokens: list[tokenize.TokenInfo], index: int) -> str:
    """The name before the dot before a token, `a` for `a.x` and `a[i].x`; else nothing."""
    if index < 2 or tokens[index - 1].string != ".":
        return ""
    index -= 2
    depth = 0
    while index > 0 and (depth or tokens[index].string == "]"):
        depth += {"]": 1, "[": -1}.get(tokens[index].string, 0)
        index -= 1
    return tokens[index].string


def _each(node: Node, keys: frozenset[str] | set[str], edit: Callable[[str], str]) -> Node:
    """The node with the texts below some keys edited; itself if that changes nothing."""
    if isinstance(node.value, dict):
        entries = {
            name: _edited(entry, edit) if name in keys else _each(entry, keys, edit)
            for name, entry in node.value.items()
        }
        if all(entries[name] is entry for name, entry in node.value.items()):
            return node
        return Node(entries, node.place, node.key)
    return node


def _edited(node: Node, edit: Callable[[str], str]) -> Node:
    if isinstance(node.value, str):
        text = edit(node.value)
        return node if text == node.value else Node(text, node.place, node.key)
    if isinstance(node.value, dict):
        entries = {name: _edited(entry, edit) for name, entry in node.value.items()}
        changed = any(entries[name] is not entry for name, entry in node.value.items())
        return Node(entries, node.place, node.key) if changed else node
    if isinstance(node.value, list):
        texts = [_edited(entry, edit) for entry in node.value]
        changed = any(new is not old for new, old in zip(texts, node.value, strict=True))
        return Node(texts, node.place, node.key) if changed else node
    return node
