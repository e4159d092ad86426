"""Targets by name or by file: YAML, checked against specs/schema/target.schema.json."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drafthart.conformance.gdb_target import GdbTarget, SingleGdbTarget
from drafthart.conformance.known import Case, Known
from drafthart.conformance.made_elsewhere import ResultsTarget, TracesTarget
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import CommandTarget, DrafthartTarget, Target
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.texts import read_text
from drafthart.generator.spec.yaml_file import Node, parse_yaml
from drafthart.runtime.gdb.connection import parse_address

FOLDER = Path(__file__).with_name("targets")
"""Those that come with Drafthart."""

_OWN = "drafthart:"
_CHOICE = re.compile(r"(\w+)=(\d+|0x[0-9a-fA-F]+)")
_PLACES = {"command": {"program", "signature"}, "start": {"program", "port"}}


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
    return parse_target(read_text(path, str(path)), path)


def parse_target(text: str, path: Path) -> tuple[Target, Known]:
    """The same for the text of a file; other files that it names are beside `path`."""
    node = parse_yaml(text, str(path))
    if not node.entries:
        raise DrafthartError(f"{path}: is no map; write name: and command: (docs/targets.md)")
    check_schema(node, "target")
    _check_command(node)
    _check_gdb(node)
    data: dict[str, Any] = node.plain()
    known = data.get("known", {"revision": "", "cases": []})
    cases = tuple(_case(case, known["revision"]) for case in known["cases"])
    return _target(data, path.parent), Known(known["revision"], cases)


def _case(data: Mapping[str, Any], revision: str) -> Case:
    """A known case. A `count` alone is that beside `revision`."""
    rest = {name: value for name, value in data.items() if name != "count"}
    count = data.get("count", {})
    counts = {revision: count} if isinstance(count, int) else count
    return Case(**rest | {"differences": tuple(data["differences"]), "counts": counts})


def _target(data: Mapping[str, Any], folder: Path) -> Target:
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
    if "results" in data:
        return ResultsTarget(data["name"], folder / data["results"], **rest)
    if "traces" in data:
        return TracesTarget(data["name"], folder / data["traces"], **rest)
    if "gdb" in data:
        return _gdb(data["name"], data["gdb"], rest)
    version = data.get("version")
    return CommandTarget(
        data["name"],
        tuple(map(str, data["command"])),
        version=(tuple(map(str, version["command"])), str(version["contains"]))
        if version
        else None,
        **rest,
    )


def _gdb(name: str, data: Mapping[str, Any], rest: Mapping[str, Any]) -> Target:
    start = tuple(map(str, data.get("start", ())))
    reset = tuple(data.get("reset", ()))
    kind = GdbTarget if "{port}" in data["connect"] else SingleGdbTarget
    return kind(name, data["connect"], start, reset, **rest)


def _check_command(node: Node) -> None:
    """The words of a command that runs a program: {program} must be among them."""
    command = node.get("command")
    if command is not None and "program" not in _places(command.sequence, "command"):
        raise DrafthartError(
            f"{command.place}: no argument has {{program}}; put it where the ELF file belongs"
        )


def _check_gdb(node: Node) -> None:
    """Where to connect, and the words of a command that starts what is there."""
    gdb = node.get("gdb")
    if gdb is None:
        return
    connect, start = gdb.get("connect"), gdb.get("start")
    assert connect is not None  # by the schema
    try:
        parse_address(connect.text.replace("{port}", "1"))
    except DrafthartError:
        raise DrafthartError(
            f"{connect.place}: {connect.text!r} is no address; write HOST:PORT"
        ) from None
    found = _places(start.sequence, "start") if start is not None else set()
    if ("{port}" in connect.text) != ("port" in found):
        raise DrafthartError(
            f"{gdb.place}: {{port}} stands for a free port, so connect and start both need it"
        )


def _places(arguments: Sequence[Node], key: str) -> set[str]:
    """The names in braces, all of which must mean something."""
    known = _PLACES[key]
    found: set[str] = set()
    for part in arguments:
        try:
            found |= {
                name for _, name, _, _ in string.Formatter().parse(part.text) if name is not None
            }
        except ValueError:
            raise DrafthartError(
                f"{part.place}: a single brace; write {{{{ for a brace itself"
            ) from None
        if other := found - known:
            raise DrafthartError(
                f"{part.place}: {{{min(other)}}} means nothing here; there are "
                f"{' and '.join(f'{{{it}}}' for it in sorted(known))}, and {{{{ is a brace itself"
            )
    return found
