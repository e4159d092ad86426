"""Targets by name or by file: YAML, checked against specs/schema/target.schema.json."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drafthart.conformance.known import Case, Known
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import CommandTarget, DrafthartTarget, Target
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.yaml_file import Node, load_yaml

FOLDER = Path(__file__).with_name("targets")
"""Those that come with Drafthart."""

_OWN = "drafthart:"
_CHOICE = re.compile(r"(\w+)=(\d+|0x[0-9a-fA-F]+)")
_PLACES = {"program", "signature"}


def names() -> list[str]:
    """The targets that come with Drafthart."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_target(text: str) -> tuple[Target, Known]:
    """A target by its name, by the path of a file, or `drafthart:REV[:PARAMETER=VALUE,…]`.

    Raises `DrafthartError` for a bad file, and for what is none of these.
    """
    if text.startswith(_OWN):
        return _own(text), Known()
    if text in names():
        return read_target(FOLDER / f"{text}.yaml")
    path = Path(text)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return read_target(path)
    raise DrafthartError(
        f"{text}: no target of this name; there are {', '.join(names())}, drafthart:REV, "
        "and files NAME.yaml of your own"
    )


def _own(text: str) -> DrafthartTarget:
    revision, _, choices = text.removeprefix(_OWN).partition(":")
    if not revision:
        raise DrafthartError(f"{text}: names no revision; write {_OWN}h@1.0")
    values = {}
    for choice in filter(None, choices.split(",")):
        parsed = _CHOICE.fullmatch(choice)
        if not parsed:
            raise DrafthartError(f"{text}: {choice!r} is no choice; write PARAMETER=NUMBER")
        values[parsed[1]] = int(parsed[2], 0)
    target = DrafthartTarget(
        revision, name=f"Drafthart as {text.removeprefix(_OWN)}", choices=values
    )
    _ = target.isa  # an unknown revision or parameter is told now
    return target


def read_target(path: Path) -> tuple[Target, Known]:
    """The target that a file describes. Raises `DrafthartError` with the place of what is wrong."""
    node = load_yaml(path, str(path))
    if not node.entries:
        raise DrafthartError(f"{path}: is no map; write name: and command: (docs/validate.md)")
    check_schema(node, "target")
    _check_command(node)
    data: dict[str, Any] = node.plain()
    known = data.get("known", {"revision": "", "cases": []})
    cases = tuple(
        Case(**case | {"differences": tuple(case["differences"])}) for case in known["cases"]
    )
    return _target(data), Known(known["revision"], cases)


def _target(data: Mapping[str, Any]) -> Target:
    platform = data.get("platform", {})
    if "quiet" in platform:
        platform["quiet"] = tuple((address, value) for address, value in platform["quiet"])
    rest: dict[str, Any] = {
        "parameters": data.get("parameters", {}),
        "platform": Platform(**platform),
        "timeout": data.get("timeout", 60),
    }
    if "drafthart" in data:
        own = DrafthartTarget(data["drafthart"], name=data["name"], **rest)
        _ = own.isa
        return own
    version = data.get("version")
    return CommandTarget(
        data["name"],
        tuple(map(str, data["command"])),
        version=(tuple(map(str, version["command"])), str(version["contains"]))
        if version
        else None,
        **rest,
    )


def _check_command(node: Node) -> None:
    """Words in braces must be places of ours, and {program} among them."""
    command = node.get("command")
    if command is None:
        return
    found = set()
    for part in command.sequence:
        try:
            found |= {
                name for _, name, _, _ in string.Formatter().parse(part.text) if name is not None
            }
        except ValueError:
            raise DrafthartError(
                f"{part.place}: a single brace; write {{{{ for a brace itself"
            ) from None
        if other := found - _PLACES:
            raise DrafthartError(
                f"{part.place}: {{{min(other)}}} means nothing here; there are {{program}} and "
                "{signature}, and {{ is a brace itself"
            )
    if "program" not in found:
        raise DrafthartError(
            f"{command.place}: no argument has {{program}}; put it where the ELF file belongs"
        )
