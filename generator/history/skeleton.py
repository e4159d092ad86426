"""A change in YAML to fill in, for a commit of the manual."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from drafthart.generator.history.manual import Touch
from drafthart.generator.spec.item_path import PREFIXES, ItemPath
from drafthart.generator.spec.series import open_series

_WORDS = 6
_SHORT = 8
_SECTIONS = {prefix: section for section, prefix in PREFIXES.items()}


def skeleton(touch: Touch, taken: Collection[str]) -> dict[str, Any]:
    """The change as data; `taken` are the ids of other changes."""
    commit = touch.commit
    return {
        "id": _unused(change_id(commit.subject), taken),
        "commit": [hash_[:_SHORT] for hash_ in (commit.hash, *commit.copies)],
        "date": commit.date,
        "section": touch.sections[0] if touch.sections else "Hypervisor Extension",
        "breaks": [],
        "summary": "To write.",
        "candidates": paths(touch.items),
    }


def as_yaml(touch: Touch, taken: Collection[str]) -> str:
    """The change as the list `changes` of a revision has it."""
    data = skeleton(touch, taken)
    names = ", ".join(_scalar(name) for name in data["commit"])
    section = _scalar(data["section"])
    others = touch.sections[1:]
    lines = [
        f"  # {_comment(touch.commit.subject)}",
        *(["  # It looks editorial: the words are the same."] if touch.editorial else []),
        f"  - id: {data['id']}",
        f"    commit: [{names}]" if touch.commit.copies else f"    commit: {names}",
        f"    date: {data['date']}",
        f"    section: {section}",
        *(f"    # also: {_comment(name)}" for name in others),
        "    breaks: []  # of software, hardware, tools",
        f"    summary: {data['summary']}",
    ]
    if data["candidates"]:
        lines.append("    # Named in the changed lines; those that change go below add, replace,")
        lines.append("    # remove or rename:")
        lines += [f"    #   {path}" for path in data["candidates"]]
    return "\n".join(lines) + "\n"


def change_id(subject: str) -> str:
    """An id for a change, from the first line of a commit's message."""
    text = re.sub(r"\(#\d+\)|'", "", subject).lower()
    words = [word.strip(".") for word in re.findall(r"[a-z0-9.]+", text)]
    return "-".join([word for word in words if word][:_WORDS]) or "change"


def change_ids(specs: Path | None = None) -> set[str]:
    """The ids of all changes of all revisions."""
    series = open_series(specs)
    return {change.id for name in series.files for change in series.revision(name).entries}


def paths(ids: Iterable[str]) -> list[str]:
    """Ids as the paths by which changes name items."""
    found = []
    for id_ in ids:
        prefix, _, name = id_.partition(":")
        section = _SECTIONS[prefix]
        csr, _, field = name.partition(".") if section == "csrs" else (name, "", "")
        found.append(str(ItemPath(section, csr, field)))
    return found


def _unused(name: str, taken: Collection[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found = f"{name}-{number}"
        number += 1
    return found


def _scalar(text: str) -> str:
    """A text for YAML, in quotes only where it needs them. Hashes may look like numbers."""
    if re.fullmatch(r"[A-Za-z][\w ().,/-]*[\w)]", text) and not re.fullmatch(r"\d+e\d+", text):
        return text
    if re.fullmatch(r"[0-9a-f]+", text) and re.search("[a-df]", text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    """A text from the clone for one line: nothing in it may end the comment."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
