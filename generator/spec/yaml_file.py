"""YAML files as plain data in which every node knows its place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Place
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.texts import read_text

# The C parser is ten times as fast; PyYAML has it in all its wheels but not in all its builds.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

# Longer ones are text: no fact is as long, and Python refuses to read the longest.
_INTEGER = re.compile(r"[-+]?(0|[1-9](_?[0-9]){0,38}|0x(_?[0-9a-fA-F]){1,32})")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}

# What these hold may look like a number and is none: 0110000, 20191031, 1234567 (a commit).
_TEXT_KEYS = frozenset(
    ["encoding", "commit", "date", "doc", "summary", "section", "title", "assembly", "revision"]
)
_MAX_DEPTH = 12
_MAX_KEY = 100
_MAX_NODES = 30_000

# What a terminal, a compiler or a reader might take for something else than text: control and
# formatting characters, and ends of lines that are not Python's own. Tabs and line feeds are fine.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


@dataclass(slots=True, eq=False)
class Node:
    """A value, where it stands, and where the key that leads to it stands.

    Nodes are never changed once loaded, so that files can be cached and nodes shared.
    """

    value: bool | int | str | list[Node] | dict[str, Node] | None
    place: Place
    key: Place

    @property
    def entries(self) -> dict[str, Node]:
        """The entries of a map; nothing for other values."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def sequence(self) -> list[Node]:
        """The items of a list; a lone value counts as a list of one, null as none."""
        if isinstance(self.value, list):
            return self.value
        return [] if self.value is None else [self]

    @property
    def text(self) -> str:
        """The value as text; nothing for null, maps and lists."""
        return str(self.value) if isinstance(self.value, (str, int)) else ""

    @property
    def number(self) -> int:
        """The value as a number; 0 for anything else."""
        return self.value if isinstance(self.value, int) else 0

    def get(self, name: str) -> Node | None:
        """The entry of a map."""
        return self.entries.get(name)

    def text_of(self, name: str) -> str:
        """The text of an entry, nothing where there is none."""
        node = self.entries.get(name)
        return node.text if node else ""

    def number_of(self, name: str, default: int = 0) -> int:
        """The number of an entry."""
        node = self.entries.get(name)
        return node.number if node else default

    def having(self, **changed: Node) -> Node:
        """This map with other entries put over its own."""
        return Node(self.entries | changed, self.place, self.key)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def load_yaml(path: Path, name: str) -> Node:
    """The file's content; errors and places call it by `name`."""
    return parse_yaml(read_text(path, name), name)


@lru_cache(maxsize=256)
def parse_yaml(text: str, name: str) -> Node:
    """The content of a YAML text that errors and places call `name`.

    Cached by the text: the revisions that a process resolves share most of their files.
    """
    try:
        return _Composer(text, name).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = " ".join(filter(None, [error.context, error.problem])).replace("\n", " ")
        raise DrafthartError(f"{place}: {problem}; correct the YAML here") from None
    except yaml.reader.ReaderError as error:
        raise DrafthartError(f"{name}: {error.reason} at character {error.position}; "
                             "remove it") from None  # fmt: skip


class _Composer:
    """Builds nodes from the parser's events; its own because PyYAML's drops the keys' places."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines = text.split("\n")
        self.events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self.nodes = 0

    def document(self) -> Node:
        next(self.events)  # the stream
        if not isinstance(next(self.events), yaml.DocumentStartEvent):
            raise SpecError(Place(self.name, 1, 1), "the file is empty", "write a map here")
        node = self.node(next(self.events), None, False, 0)
        next(self.events)  # the document's end
        extra = next(self.events)
        if isinstance(extra, yaml.DocumentStartEvent):
            raise SpecError(self.place(extra), "a second document", "use one file for each")
        return node

    def node(self, event: Any, key: Place | None, as_text: bool, depth: int) -> Node:
        place = self.place(event)
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise SpecError(place, "anchors and aliases are not allowed", "write the value out")
        # An explicit tag, but not the "!" that quoting implies.
        if event.tag and event.tag != "!":
            raise SpecError(place, f"the tag {event.tag} is not allowed", "remove it")
        if depth > _MAX_DEPTH:
            raise SpecError(place, "nested too deeply", f"use at most {_MAX_DEPTH} levels")
        self.nodes += 1
        if self.nodes > _MAX_NODES:
            most = f"use at most {_MAX_NODES} a file"
            raise SpecError(place, "too many values", most)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, place, key, as_text)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            for inner in iter(self.events.__next__, None):
                if isinstance(inner, yaml.SequenceEndEvent):
                    break
                items.append(self.node(inner, None, as_text, depth + 1))
            return Node(items, place, key or place)
        return Node(self.mapping(as_text, depth), place, key or place)

    def mapping(self, as_text: bool, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in iter(self.events.__next__, None):
            if isinstance(event, yaml.MappingEndEvent):
                break
            place = self.place(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise SpecError(place, "a key must be a name", "write a plain word")
            name = event.value
            if event.tag and event.tag != "!":
                raise SpecError(place, f"the tag {event.tag} is not allowed", "remove it")
            if event.anchor:
                raise SpecError(place, "anchors and aliases are not allowed", "write the key out")
            if len(name) > _MAX_KEY or "\n" in name:
                most = f"use one line of at most {_MAX_KEY} characters"
                raise SpecError(place, "the key is too long", most)
            self.check_text(name, place)
            if name in entries:
                first = entries[name].key.line
                raise SpecError(place, f"the key {name!r} stands twice", f"see line {first}")
            # In changes, the last word of the path is the attribute.
            is_text = as_text or name.rpartition(".")[2] in _TEXT_KEYS
            entries[name] = self.node(next(self.events), place, is_text, depth + 1)
        return entries

    def scalar(self, event: Any, place: Place, key: Place | None, as_text: bool) -> Node:
        text = event.value
        self.check_text(text, place)
        if event.style in ("|", ">"):
            place = self.block_place(event, text)
        elif event.style:
            place = Place(self.name, place.line, place.column + 1)  # behind the quote
        elif text in _WORDS and (text == "" or not as_text):
            return Node(_WORDS[text], place, key or place)
        elif not as_text and _INTEGER.fullmatch(text):
            return Node(int(text, 0), place, key or place)
        return Node(text, place, key or place)

    def check_text(self, text: str, place: Place) -> None:
        """Refuse what cannot be seen; escapes in quotes can write it."""
        if found := _UNSEEN.search(text):
            what = f"the character U+{ord(found.group()):04X} is not allowed"
            raise SpecError(place, what, "remove it")

    def block_place(self, event: Any, text: str) -> Place:
        """Where the first character of a block scalar's content stands."""
        line = event.start_mark.line + 1
        for offset, content in enumerate(text.split("\n")):
            if content.strip() and line + offset < len(self.lines):
                written = self.lines[line + offset]
                column = len(written) - len(written.lstrip(" "))
                column -= len(content) - len(content.lstrip(" "))
                return Place(self.name, line + 1, column + 1)
        return Place(self.name, line + 1, 1)

    def place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self.name, mark.line + 1, mark.column + 1)
